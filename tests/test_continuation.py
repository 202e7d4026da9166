import shutil

import numpy as np
import pytest

from keras_bayes.continuation import (
    MANY_CONTINUATIONS,
    best_first,
    continuations,
    given_up,
    in_doubt,
    most_promising,
    superseded,
    trial_forecasts,
)
from keras_bayes.curves import DIVERGED
from keras_bayes.forecast import Forecast
from keras_bayes.loss_curves import CurveArchive
from keras_bayes.ridge import Prediction
from tests.curves import falling, write_curves


def log_promise(X):
    """The logarithm of a promise that is the first coordinate."""
    return np.log(X[:, 0])


def test_where_nothing_is_paused_there_is_nothing_to_go_on_with():
    assert most_promising(log_promise, np.array([0.5]), np.empty((0, 1)), np.empty(0)) is None


def test_what_promises_most_for_each_epoch_is_gone_on_with():
    paused, remaining = np.array([[0.2], [0.3], [0.1]]), np.array([0.2, 0.9, 0.9])

    assert most_promising(log_promise, np.array([0.9]), paused, remaining) == 0
    assert most_promising(log_promise, np.array([1.1]), paused, remaining) is None
    assert most_promising(log_promise, None, paused, remaining) == 0


def test_the_earlier_of_two_alike_trainings_is_not_begun_again():
    x = np.array([0.5])

    assert most_promising(log_promise, x, x[None], np.array([0.92])) == 0


def test_a_trial_is_superseded_once_the_one_that_goes_on_with_it_has_completed():
    proposals = {
        "0": {"source": "design"},
        "1": {"source": "model"},
        "2": {"source": "continuation", "continues": "0"},
        "3": {"source": "continuation", "continues": "2"},
    }

    assert continuations(proposals) == [("0", "2"), ("2", "3")]
    assert superseded(proposals, {"0", "1", "2"}) == {"0"}
    assert superseded(proposals, {"0", "1", "2", "3"}) == {"0", "2"}


def test_what_failed_twice_to_go_on_is_given_up():
    proposals = {i: {"source": "continuation", "continues": "0"} for i in "123"}

    assert given_up(proposals, {"1"}) == set()
    assert given_up(proposals, {"1", "3"}) == {"0"}
    assert superseded(proposals, {"2"}) == {"0"}  # whatever came later


def waiting(*, is_behind=False):
    return Forecast(Prediction(0.5, 0.1), remaining=0.8, is_behind=is_behind)


def gain_after(num_continuations, *, is_behind=False, can_continue=True, **sources):
    """What is expected of a stopped trial after others have gone on so often."""
    proposals = {str(i + 1): {"source": "continuation", "continues": "x"} for i in range(num_continuations)}
    found = {"0": waiting(is_behind=is_behind)}
    return in_doubt(found, proposals | sources, proposals.keys() | sources.keys(), can_continue=can_continue)["0"]


def test_forecasts_are_in_the_more_doubt_the_more_often_trainings_have_gone_on():
    assert gain_after(0) == gain_after(MANY_CONTINUATIONS) == Prediction(0.5, 0.1)
    assert gain_after(2 * MANY_CONTINUATIONS) == Prediction(0.5, 0.2)
    assert gain_after(MANY_CONTINUATIONS, other={"source": "model"}) == Prediction(0.5, 0.1)


def test_what_is_behind_is_in_doubt_only_by_how_much_more_the_others_are():
    for number in (0, 1, MANY_CONTINUATIONS):
        gain = gain_after(number, is_behind=True)
        assert gain.mu == 0.5
        assert 0 < gain.sigma < 0.01
    assert gain_after(3 * MANY_CONTINUATIONS, is_behind=True).sigma == pytest.approx(0.2)


def test_of_trainings_that_cannot_go_on_all_are_in_doubt():
    assert gain_after(0, is_behind=True, can_continue=False) == Prediction(0.5, 0.1)


def test_continuations_that_wait_again_do_not_count():
    found = {str(i): waiting() for i in range(10)}
    proposals = {i: {"source": "continuation", "continues": "x"} for i in [*found, "running"]}

    assert in_doubt(found, proposals, found, can_continue=True) == {i: forecast.gain for i, forecast in found.items()}


def test_the_curve_of_a_training_that_went_on_counts_once(tmp_path):
    archive = CurveArchive(tmp_path, {"val_loss": 1.0})
    proposals = {"3": {"source": "continuation", "continues": "2"}}
    write_curves(tmp_path / "trial_0", (falling(10, height=1.0), ""))
    write_curves(tmp_path / "trial_1", (falling(10, height=2.0), ""))
    write_curves(tmp_path / "trial_2", (falling(4, height=4.0), "paused"))
    write_curves(tmp_path / "trial_3", (falling(10, height=4.0), ""))
    write_curves(tmp_path / "trial_4", ([3.0, 2.0, 1.0, 0.7], "paused"))

    completed = {"0": None, "1": None, "2": "paused", "4": "paused"}
    before = trial_forecasts(archive, proposals, completed)
    after = trial_forecasts(archive, proposals, {**completed, "3": None})
    shutil.rmtree(tmp_path / "trial_2")

    assert list(before) == ["2", "4"]
    assert list(after) == ["4"]
    assert after == trial_forecasts(archive, {}, {"0": None, "1": None, "3": None, "4": "paused"})
    assert after != before


def test_of_a_training_that_has_diverged_nothing_is_to_come_but_it_teaches_what_others_gain(tmp_path):
    archive = CurveArchive(tmp_path, {"val_loss": 1.0})
    for i, height in enumerate([1.0, 2.0, 3.0]):
        write_curves(tmp_path / f"trial_{i}", (falling(10, height=height), ""))
    write_curves(tmp_path / "trial_3", (falling(4, height=2.5), "paused"))
    completed = {"0": None, "1": None, "2": None, "3": "paused"}
    before = trial_forecasts(archive, {}, completed)

    write_curves(tmp_path / "trial_4", ([*falling(6, height=4.0), np.nan, np.nan, np.nan], DIVERGED))
    after = trial_forecasts(archive, {}, {**completed, "4": DIVERGED})

    assert list(before) == list(after) == ["3"]
    assert before != after


def test_among_equal_trials_one_that_goes_on_changes_no_place_of_the_others():
    proposals = {"2": {"source": "continuation", "continues": "0"}, "3": {"source": "continuation", "continues": "2"}}
    equal = dict.fromkeys("0123", 1.0)

    orders = [best_first({i: equal[i] for i in ids}, proposals) for ids in ("01", "012", "0123")]

    assert orders == [["0", "1"], ["2", "1"], ["3", "1"]]
    assert best_first({"0": 1.0, "1": 1.0, "2": 0.5}, proposals) == ["2", "1"]
    assert best_first({"0": 1.0, "1": 1.0, "2": 1.5}, proposals) == ["0", "1", "2"]
