import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_bayes.wording import (
    choice_reason,
    failure_reason,
    format_path,
    format_seconds,
    format_value,
    format_values,
    one_line,
)


def test_a_path_is_short_below_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert format_path(tmp_path / "runs" / "search") == str(Path("runs", "search"))
    assert format_path("runs") == "runs"
    assert format_path(tmp_path) == "."
    assert format_path(tmp_path.parent / "runs") == str(tmp_path.parent / "runs")


@pytest.mark.skipif(sys.platform == "win32", reason="keeps a working directory")
def test_a_path_is_shown_where_the_working_directory_is_gone(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()

    assert format_path(tmp_path / "runs") == str(tmp_path / "runs")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (8.25, "8.2 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (200, "3 min 20 s"),
        (7500, "2 h 05 min"),
        (1e6, "277 h 46 min"),
    ],
)
def test_a_duration_has_two_units_at_most(seconds, text):
    assert format_seconds(seconds) == text


@given(st.text() | st.integers() | st.floats() | st.booleans())
def test_a_value_is_short_and_on_one_line(value):
    text = format_value(value)

    assert len(text) <= 40
    assert text.isprintable()


def test_long_names_that_differ_in_their_ends_are_told_apart():
    names = [f"convolution_block_kernel_regularizer_strength_{i}" for i in range(3)]

    assert [format_value(name) for name in names] == [f"convolution_block_ke…ularizer_strength_{i}" for i in range(3)]


def test_values_stand_on_one_line():
    assert format_values({"units": 32, "lr": 0.00123456, "kind": "a"}) == "units=32, lr=0.001235, kind=a"


@pytest.mark.parametrize(
    ("proposal", "reason"),
    [
        ({"source": "model", "mean": 0.123456, "sd": 0.0456}, "model expects 0.1235 ± 0.046"),
        ({"source": "design"}, "initial design"),
        ({"source": "user"}, "enqueued by the user"),
        ({"source": "continuation", "continues": "02", "mean": 0.1, "sd": 0.1}, "continues trial 3"),
        ({}, ""),
    ],
)
def test_the_reason_for_a_choice_is_told(proposal, reason):
    assert choice_reason(proposal) == reason


@given(st.none() | st.text())
def test_the_reason_for_a_failure_is_one_printable_line(message):
    reason = failure_reason(message)

    assert reason.isprintable()
    assert 0 < len(reason) <= 120


KERAS_ERROR = """Traceback (most recent call last):
  File "tuner.py", line 1, in run
    self.build(hp)
    ^^^^^^^^^^^^^^
ValueError: Exception encountered when calling Conv2D.call().

\x1b[1mNegative dimension size.\x1b[0m

Arguments received by Conv2D.call():
  • args=('<KerasTensor>',)
  • kwargs=<class 'inspect._empty'>
"""
TENSORFLOW_ERROR = """Traceback (most recent call last):
  File "tuner.py", line 1, in run
    model.fit(x)
errors.InvalidArgumentError: Graph execution error:

Detected at node loss/Softmax defined at (most recent call last):
  File "train.py", line 9, in <module>

Received a label value of 7.
\t [[{{node loss/Softmax}}]] [Op:__inference_1]
"""


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("ValueError: first\nsecond", "second"),
        (
            KERAS_ERROR,
            "ValueError: Exception encountered when calling Conv2D.call(). Negative dimension size. "
            "Arguments received by Conv2D.call():",
        ),
        (TENSORFLOW_ERROR, "errors.InvalidArgumentError: Graph execution error: Received a label value of 7."),
        (
            KERAS_ERROR + "\nDuring handling, another one:\n\n" + TENSORFLOW_ERROR.replace("7", "8"),
            "errors.InvalidArgumentError: Graph execution error: Received a label value of 8.",
        ),
        ("Traceback (most recent call last):\n", "Traceback (most recent call last):"),
        ("", None),
        (None, None),
    ],
)
def test_an_error_of_several_lines_is_told_in_one(message, line):
    assert one_line(message) == line


def test_the_reason_for_a_failure_is_the_one_line_of_a_traceback():
    assert failure_reason("Traceback\n  File\nValueError: no \x1b[31mred\x1b[0m\a\n") == "ValueError: no red "
