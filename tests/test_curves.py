import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_bayes.curves import CURVE_FILE, Earlier, End, Epoch, Inherited, read_curve, read_ends, read_log

epochs = st.builds(
    Epoch,
    training=st.integers(0, 9),
    number=st.integers(0, 999),
    ended=st.floats(0, 1e10),
    seconds=st.floats(0, 1e6),
    metrics=st.dictionaries(st.text(), st.floats(allow_nan=False)),
)
ends = st.builds(End, training=st.integers(0, 9), num_epochs=st.integers(1, 999), stopped=st.text())
inherited = st.builds(Inherited, st.integers(0, 999), st.integers(0, 999))
IMPOSSIBLE = [
    Epoch(training, number, ended, seconds, {}).to_line()
    for training, number, ended, seconds in [
        (0, 10**30, 1.0, 1.0), (-1, 0, 1.0, 1.0), (0, 0, 1e300, 1.0), (0, 0, math.nan, 1.0), (0, 0, 1.0, -1.0),
    ]
]  # fmt: skip
LINE = Epoch(0, 3, 1000.0, 2.5, {"loss": 0.25}).to_line()


@given(epochs)
def test_an_epoch_is_one_line_and_back(epoch):
    line = epoch.to_line()

    assert Epoch.from_state(json.loads(line)) == epoch
    assert line.count("\n") == 1


def test_a_metric_that_is_no_number_comes_back_as_none():
    epoch = Epoch.from_state(json.loads(Epoch(0, 0, 0.0, 0.0, {"loss": math.nan}).to_line()))

    assert math.isnan(epoch.metrics["loss"])


def test_there_is_no_curve_where_there_is_no_file(tmp_path):
    assert read_curve(tmp_path) == ()
    assert read_curve(tmp_path / "missing") == ()


@pytest.mark.parametrize("cut", range(1, len(LINE) - 1, 7))
def test_a_torn_last_line_is_skipped(tmp_path, cut):
    (tmp_path / CURVE_FILE).write_text(LINE + LINE[:-cut] if cut > 1 else LINE)

    assert read_curve(tmp_path)[0] == Epoch.from_state(json.loads(LINE))
    assert len(read_curve(tmp_path)) == 1


@pytest.mark.parametrize(
    "line", ["", "[]", "7", '{"metrics": 1}', "[" * 100_000, json.dumps({"number": "x"}), "\x00", *IMPOSSIBLE]
)
def test_what_is_no_epoch_is_skipped(tmp_path, line):
    (tmp_path / CURVE_FILE).write_text(f"{line}\n{LINE}")

    assert read_curve(tmp_path) == (Epoch.from_state(json.loads(LINE)),)


@pytest.mark.parametrize("end", [End(0, 10**30, ""), End(0, -5, ""), End(2**40, 5, ""), End(-1, 5, "")])
def test_an_impossible_end_is_skipped(tmp_path, end):
    (tmp_path / CURVE_FILE).write_text(end.to_line())

    assert read_ends(tmp_path) == ()


@given(ends)
def test_an_end_is_one_line_and_back_and_no_epoch(end):
    line = end.to_line()

    assert End.from_state(json.loads(line)) == end
    assert line.count("\n") == 1
    with pytest.raises(LookupError):
        Epoch.from_state(json.loads(line))


def test_epochs_and_ends_are_told_apart(tmp_path):
    first, second = End(0, 5, ""), End(1, 5, "hopeless")
    (tmp_path / CURVE_FILE).write_text(LINE + first.to_line() + LINE + second.to_line() + LINE)

    assert read_curve(tmp_path) == (Epoch.from_state(json.loads(LINE)),) * 3
    assert read_ends(tmp_path) == (first, second)


@given(st.lists(epochs | ends | st.builds(Earlier, st.integers(0, 999)) | inherited))
def test_what_is_told_of_a_trial_is_read_in_order(tmp_path_factory, items):
    folder = tmp_path_factory.mktemp("trial")
    (folder / CURVE_FILE).write_text("".join(item.to_line() for item in items))

    assert read_log(folder) == tuple(items)
