import os

from keras_bayes.curve_files import CurveFiles
from keras_bayes.curves import CURVE_FILE


class Reader:
    """Gives the text of a curve, and remembers which it was asked for."""

    def __init__(self):
        self.names = []

    def __call__(self, folder):
        self.names.append(folder.name)
        return (folder / CURVE_FILE).read_text()


def write(folder, text):
    folder.mkdir(exist_ok=True)
    (folder / CURVE_FILE).write_text(text)


def test_every_folder_with_a_curve_is_read_but_for_those_that_are_left_out(tmp_path):
    for name in ("b", "a", "c"):
        write(tmp_path / name, name.upper())
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    reader = Reader()

    files = CurveFiles(tmp_path, reader)

    assert files.read(without=["a"]) == ["B", "C"]
    assert reader.names == ["b", "c"]  # what is left out is not even looked at
    assert files.read() == ["A", "B", "C"]
    assert files.read_one("b") == ["B"]
    assert files.read_one("empty") == files.read_one("missing") == []


def test_there_is_nothing_where_there_is_no_folder(tmp_path):
    assert CurveFiles(tmp_path / "missing", Reader()).read() == []


def test_only_what_has_changed_is_read_again(tmp_path):
    for name in ("a", "b", "c"):
        write(tmp_path / name, "1")
    reader = Reader()
    files = CurveFiles(tmp_path, reader)
    files.read()
    reader.names.clear()
    write(tmp_path / "a", "12")  # it has grown
    write(tmp_path / "b", "3")  # another one of the same length
    os.utime(tmp_path / "b" / CURVE_FILE, ns=(0, 0))
    (tmp_path / "c" / CURVE_FILE).unlink()

    assert files.read() == files.read() == ["12", "3"]
    assert reader.names == ["a", "b"]
