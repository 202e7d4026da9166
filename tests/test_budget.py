import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_bayes.budget import fits, parse_duration


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [
        (90, 90), (0.5, 0.5), ("11h30m", 41400), ("11h 30min", 41400), ("1.5h", 5400), ("45s", 45), ("2 d", 172800),
        (" 1H ", 3600), ("1h1m1s", 3661),
    ],
)  # fmt: skip
def test_durations_are_read(duration, seconds):
    assert parse_duration(duration) == seconds


@pytest.mark.parametrize("duration", [0, -1, math.nan, math.inf, "", "h", "11", "11h30", "5 weeks", "1h,2m", "-1h"])
def test_what_is_no_duration_is_refused_with_what_came(duration):
    with pytest.raises(ValueError, match="`max_time` must be a number of seconds above 0, or a string"):
        parse_duration(duration)


@pytest.mark.parametrize("duration", [True, [1], object()])
def test_what_is_of_another_type_is_refused(duration):
    with pytest.raises(TypeError, match="received"):
        parse_duration(duration)


@given(st.floats(0, 1e6), st.lists(st.floats(0, 1e6)))
def test_less_time_never_holds_more(left, durations):
    assert fits(left, durations) >= fits(left / 2, durations)


def test_a_trial_fits_where_half_of_the_earlier_ones_would():
    assert fits(10.0, [1.0, 9.0, 100.0])
    assert not fits(10.0, [1.0, 11.0, 100.0])
    assert fits(10.0, [])
    assert not fits(0.0, [])
