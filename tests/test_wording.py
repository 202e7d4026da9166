import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_bayes.show.wording import choice_reason, failure_reason, format_seconds, format_value, format_values


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (8.25, "8.2 s"),
        (59.4, "59 s"),
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


def test_the_reason_for_a_failure_is_the_last_line_of_a_traceback():
    assert failure_reason("Traceback\n  File\nValueError: no \x1b[31mred\n") == "ValueError: no  [31mred"
