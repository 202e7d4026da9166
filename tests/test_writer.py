import copy
import errno
import json
import os
import re
from pathlib import Path

import pytest

from keras_bayes.errors import KerasBayesWarning
from keras_bayes.project import replace_by
from keras_bayes.writer import Writer
from tests.faults import FaultyDisk, warned


def contents(folder):
    return {path.name: json.loads(path.read_text()) for path in folder.iterdir()}


def test_what_is_written_is_on_the_disk(tmp_path):
    writer = Writer()

    writer.write_json(tmp_path / "a.json", {"a": 1})

    assert contents(tmp_path) == {"a.json": {"a": 1}}
    assert not writer.is_behind


def test_what_is_forgotten_is_not_written_when_the_disk_allows_it(tmp_path, monkeypatch):
    disk = FaultyDisk(monkeypatch, errno.ENOSPC)
    writer = Writer()
    (tmp_path / "lost").mkdir()
    disk.fail(1)
    with warned():
        writer.write_lines(tmp_path / "lost" / "curve.jsonl", ["1\n"])
        writer.write_json(tmp_path / "kept.json", 1)
    disk.mend()

    writer.forget(tmp_path / "lost")
    writer.finish()

    assert list((tmp_path / "lost").iterdir()) == []
    assert json.loads((tmp_path / "kept.json").read_text()) == 1


@pytest.mark.parametrize("call", range(1, 6))
def test_a_fault_leaves_the_old_file_and_costs_one_warning(tmp_path, monkeypatch, call):
    disk = FaultyDisk(monkeypatch, errno.ENOSPC)
    writer = Writer()
    writer.write_json(tmp_path / "a.json", "old")
    disk.fail(min(call, 5))

    with warned() as messages:
        for i in range(5):
            writer.write_json(tmp_path / "a.json", f"new {i}")
            writer.write_json(tmp_path / f"{i}.json", i)

    assert len(messages) == 1
    assert re.search(r"a\.json could not be written: No space left .* goes on in memory", messages[0])
    assert contents(tmp_path) == {"a.json": "old"}
    assert writer.is_behind


@pytest.mark.parametrize("kinds", [("weights", "files"), ("files", "weights")])
def test_files_that_are_missing_are_told_of_though_weights_are_missing_too(tmp_path, monkeypatch, kinds):
    disk = FaultyDisk(monkeypatch)
    writer = Writer()
    disk.fail(1)
    write = {
        "weights": lambda: writer.save_weights(tmp_path / "w.h5", lambda path: path.write_text("w")),
        "files": lambda: writer.write_json(tmp_path / "a.json", 1),
    }

    with warned() as messages:
        for kind in kinds * 2:
            write[kind]()

    assert ["goes on in memory" in message for message in messages] == [
        kind == "files" for kind in kinds[: len(messages)]
    ]
    assert "a.json" in messages[-1]


def test_what_is_missing_at_the_end_is_told_once_more(tmp_path, monkeypatch):
    disk = FaultyDisk(monkeypatch)
    writer = Writer()
    with warned() as messages:
        writer.finish()
        disk.fail(1)
        for i in range(5):
            writer.write_json(tmp_path / f"{i}.json", i)
        writer.finish()
        disk.mend()
        writer.finish()

    assert len(messages) == 2
    assert re.search(r"^Not saved: .*0\.json, .*1\.json, .*2\.json, …\. Make", messages[1])
    assert not writer.is_behind


def test_everything_that_is_missing_is_written_when_the_disk_is_back(tmp_path, monkeypatch):
    disk = FaultyDisk(monkeypatch)
    writer = Writer()
    disk.fail(1)
    with warned():
        for i in range(3):
            writer.write_json(tmp_path / f"{i}.json", "old")
            writer.write_json(tmp_path / f"{i}.json", i)
    disk.mend()

    writer.write_json(tmp_path / "last.json", "last")

    assert contents(tmp_path) == {"0.json": 0, "1.json": 1, "2.json": 2, "last.json": "last"}
    assert not writer.is_behind


def test_one_file_that_cannot_be_written_keeps_back_no_other(tmp_path):
    (tmp_path / "file").touch()
    writer = Writer()

    with pytest.warns(KerasBayesWarning, match=r"inside\.json"):
        writer.write_json(tmp_path / "file" / "inside.json", 1)
    writer.write_json(tmp_path / "a.json", 2)

    assert json.loads((tmp_path / "a.json").read_text()) == 2


def test_a_second_outage_warns_again(tmp_path, monkeypatch):
    disk = FaultyDisk(monkeypatch)
    writer = Writer()
    for _ in range(2):
        disk.fail(1)
        with warned() as messages:
            writer.write_json(tmp_path / "a.json", 1)
            writer.flush()
        disk.mend()
        writer.flush()

        assert len(messages) == 1


def test_weights_that_cannot_be_written_are_reported_once_and_leave_the_old(tmp_path, monkeypatch):
    path = tmp_path / "checkpoint.weights.h5"
    disk = FaultyDisk(monkeypatch)
    writer = Writer()
    writer.save_weights(path, lambda temporary: temporary.write_text("old"))
    disk.fail(1)

    with pytest.warns(KerasBayesWarning, match="without these weights") as caught:
        results = [writer.save_weights(path, lambda temporary: temporary.write_text("new")) for _ in range(3)]
    disk.mend()

    assert (results, len(caught)) == ([False] * 3, 1)
    assert path.read_text() == "old"
    assert writer.save_weights(path, lambda temporary: temporary.write_text("new"))
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.weights.h5"]


def test_a_failing_disk_is_reported_once_for_files_and_weights(tmp_path, monkeypatch):
    disk = FaultyDisk(monkeypatch)
    writer = Writer()
    disk.fail(1)

    with warned() as messages:
        writer.write_json(tmp_path / "a.json", 1)
        writer.save_weights(tmp_path / "a.weights.h5", Path.touch)
        writer.write_json(tmp_path / "b.json", 1)

    assert len(messages) == 1


def test_weights_are_first_written_under_a_name_that_keras_takes(tmp_path):
    names = []

    replace_by(tmp_path / "a.weights.h5", lambda path: (names.append(path.name), path.touch()))

    assert names[0].endswith(".weights.h5")
    assert names[0] != "a.weights.h5"


def test_an_interruption_forgets_nothing(tmp_path, monkeypatch):
    writer = Writer()
    with monkeypatch.context() as patch:
        patch.setattr("os.replace", lambda *paths: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            writer.write_json(tmp_path / "a.json", 1)

    writer.flush()

    assert contents(tmp_path) == {"a.json": 1}


def test_why_weights_were_not_saved_is_told_where_what_is_there_of_them_cannot_be_removed(tmp_path, monkeypatch):
    def save(path):
        path.touch()
        raise KeyboardInterrupt

    def refuse(*_, **__):  # Windows, as long as the file is open
        raise PermissionError

    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.unlink", refuse)
        with pytest.raises(KeyboardInterrupt):
            Writer().save_weights(tmp_path / "a.weights.h5", save)


def test_a_file_that_is_busy_for_a_moment_is_replaced_without_a_word(tmp_path, monkeypatch):
    monkeypatch.setattr("keras_bayes.busy_files.PASSING", {errno.EIO})
    replace, calls = os.replace, []

    def busy_at_first(*paths):
        calls.append(paths)
        if len(calls) < 3:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        replace(*paths)

    monkeypatch.setattr(os, "replace", busy_at_first)
    with warned() as messages:
        is_saved = Writer().save_weights(tmp_path / "a.weights.h5", Path.touch)

    assert is_saved
    assert messages == []
    assert [path.name for path in tmp_path.iterdir()] == ["a.weights.h5"]


def test_a_copy_has_nothing_to_write(tmp_path, monkeypatch):
    disk = FaultyDisk(monkeypatch)
    writer = Writer()
    disk.fail(1)
    with warned():
        writer.write_json(tmp_path / "a.json", 1)

    assert not copy.deepcopy(writer).is_behind
