import math

import numpy as np
import pytest

from keras_bayes.curves import Epoch
from keras_bayes.errors import MissingDataError
from keras_bayes.show.insights import (
    MAX_EPOCHS,
    check_completed,
    configurations,
    learning_curves,
    score_history,
    scores_of,
    timeline,
)
from keras_bayes.states import SUM_OF_OBJECTIVES
from tests.logs import log_of, trial
from tests.spaces import choice, real, when

LR = real("lr", 1e-4, 1e-2, sampling="log")
MODEL = choice("model", ["mlp", "cnn"])
FILTERS = choice("filters", [8, 16, 32], conditions=[when("model", "cnn")])


def log_with(*scores, direction="min", **options):
    return log_of(
        [LR], [trial(i, {"lr": 1e-3}, score) for i, score in enumerate(scores)], direction=direction, **options
    )


def epochs(values, *, training=0, metric="val_loss"):
    return [Epoch(training, i, 100.0 + i, 1.0, {"loss": 9.0, metric: value}) for i, value in enumerate(values)]


@pytest.mark.parametrize(("direction", "best"), [("min", [3, 3, 3, 1, 1]), ("max", [3, 3, 5, 5, 5])])
def test_the_running_best_skips_failures_and_follows_the_direction(direction, best):
    course = score_history(log_with(3.0, None, 5.0, 1.0, 2.0, direction=direction))

    np.testing.assert_array_equal(course.best, best)
    np.testing.assert_array_equal(course.scores, [3, np.nan, 5, 1, 2])


def test_there_is_no_best_before_the_first_completed_trial():
    course = score_history(log_with(None, 2.0))

    assert math.isnan(course.best[0])


def test_without_a_completed_trial_an_error_says_so():
    with pytest.raises(MissingDataError, match="No trial in project has completed yet"):
        check_completed(log_with(None, None))


def test_a_hyperparameter_that_is_not_active_has_no_position():
    trials = [trial(0, {"lr": 1e-3, "model": "cnn", "filters": 16}, 1.0), trial(1, {"lr": 1e-4, "model": "mlp"}, 2.0)]

    tried = configurations(log_of([LR, MODEL, FILTERS], trials))

    np.testing.assert_allclose(tried.X, [[0.5, 0.75, 0.5], [0.0, 0.25, np.nan]])
    assert [axis.name for axis in tried.axes] == ["lr", "model", "filters"]


def test_trials_outside_the_search_space_are_left_out_of_the_configurations():
    tried = configurations(log_of([LR], [trial(0, {"lr": 1e-3}, 1.0), trial(1, {"lr": 1.0}, 2.0)]))

    assert [trial.record.number for trial in tried.trials] == [0]
    np.testing.assert_array_equal(tried.scores, [1.0])


def test_if_all_completed_trials_lie_outside_an_error_says_so():
    with pytest.raises(MissingDataError, match="No completed trial lies in the search space"):
        configurations(log_of([LR], [trial(0, {"lr": 1.0}, 2.0), trial(1, {"lr": 1e-3}, None)]))


def test_a_learning_curve_is_that_of_the_objective_split_by_trainings():
    curve = [*epochs([3.0, 2.0]), *epochs([4.0, 1.0], training=1)]

    curves = learning_curves(log_of([LR], [trial(0, {}, 1.0, curve=curve)], objective="val_loss"))

    assert curves.metric == "val_loss"
    (only,) = curves.curves
    np.testing.assert_array_equal(only.trainings[0], [[1, 2], [3.0, 2.0]])
    np.testing.assert_array_equal(only.trainings[1], [[1, 2], [4.0, 1.0]])


def test_where_the_objective_is_no_metric_a_validation_metric_is_shown():
    curves = learning_curves(log_of([LR], [trial(0, {}, 1.0, curve=epochs([3.0], metric="val_mae"))]))

    assert curves.metric == "loss"  # which is the objective's name
    curves = learning_curves(log_of([LR], [trial(0, {}, 1.0, curve=epochs([3.0], metric="val_mae"))], objective="cost"))
    assert curves.metric == "val_mae"


def test_a_long_learning_curve_is_thinned_and_keeps_its_ends():
    curve = epochs(np.linspace(5, 1, 10 * MAX_EPOCHS).tolist())

    curves = learning_curves(log_of([LR], [trial(0, {}, 1.0, curve=curve)], objective="val_loss"))

    points = curves.curves[0].trainings[0]
    assert points.shape == (2, MAX_EPOCHS)
    np.testing.assert_array_equal(points[:, [0, -1]], [[1, 10 * MAX_EPOCHS], [5, 1]])


def test_without_epochs_an_error_says_so():
    with pytest.raises(MissingDataError, match="No learning curves were recorded"):
        learning_curves(log_with(1.0))


def test_trials_at_the_same_time_have_lanes_of_their_own():
    trials = [
        trial(0, {}, 1.0, runs=[(100, 120)]),
        trial(1, {}, 1.0, runs=[(105, 130)]),
        trial(2, {}, 1.0, runs=[(120, 125)]),
    ]

    times = timeline(log_of([LR], trials, sessions=[(100, 130)]))

    assert [(run.lane, run.start, run.end) for run in times.runs] == [(0, 0, 20), (1, 5, 30), (0, 20, 25)]
    assert times.duration == 30


def test_pauses_between_sessions_are_left_out():
    trials = [trial(0, {}, 1.0, runs=[(100, 110), (1000, 1020)])]

    times = timeline(log_of([LR], trials, sessions=[(100, 115), (1000, 1020)]))

    assert [(run.start, run.end, run.is_last) for run in times.runs] == [(0, 10, False), (15, 35, True)]
    assert times.sessions == ((0, 100), (15, 1000))
    assert times.duration == 35


def test_without_times_an_error_says_so():
    with pytest.raises(MissingDataError, match="No times were recorded"):
        timeline(log_with(1.0))


def test_a_trial_without_a_score_has_the_score_nan():
    log = log_with(1.0, None)

    np.testing.assert_array_equal(scores_of(trial.record for trial in log.trials), [1.0, np.nan])


@pytest.mark.parametrize(
    ("metrics", "expected"), [({"val_loss": 0.5, "val_auc": 0.9}, -0.4), ({"val_loss": 0.5}, None)]
)
def test_the_score_of_an_epoch_is_that_of_all_objectives(metrics, expected):
    curve = [Epoch(0, 0, 0.0, 0.0, metrics)]
    state = {"objective": [["val_loss", "min"], ["val_auc", "max"]]}
    log = log_of([LR], [trial(0, {}, -0.4, curve=curve)], objective=SUM_OF_OBJECTIVES, state=state)

    curves = learning_curves(log)

    assert log.score_after(curve[0]) == (None if expected is None else pytest.approx(expected))
    assert curves.metric == ("val_loss" if expected is None else SUM_OF_OBJECTIVES)
    assert curves.curves[0].trainings[0][1] == pytest.approx([0.5 if expected is None else expected])
