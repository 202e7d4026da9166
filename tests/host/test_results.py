"""What trainings return, as the host takes it."""

import math
from pathlib import Path

import keras
import keras_tuner as kt
import numpy as np
import pytest

from keras_bayes.curves import read_curve
from keras_bayes.results import plain_results
from keras_bayes.trial_callback import numbers_in
from tests.host.test_tuner import DATA, build_model, make_tuner


def history_of(values, num_epochs):
    history = keras.callbacks.History()
    history.epoch = list(range(num_epochs))
    history.history = {"loss": [1.0] * num_epochs, "val_loss": list(values)}
    return history


def test_what_callbacks_are_told_is_one_number_each():
    logs = {
        "plain": 1,
        "scalar": np.float32(0.5),
        "tensor": keras.ops.array(0.25),
        "array": np.array([[2.0]]),
        "list": [3],
    }

    assert numbers_in({**logs, "classes": np.zeros(3), "none": np.zeros(0)}) == {
        "plain": 1.0, "scalar": 0.5, "tensor": 0.25, "array": 2.0, "list": 3.0
    }  # fmt: skip
    assert numbers_in(None) == {}


def test_a_metric_that_is_an_array_of_one_number_is_that_number():
    history = plain_results(history_of([np.array([0.25]), np.float32(0.5)], 2), kt.Objective("val_loss", "max"))

    assert history.history["val_loss"] == [0.25, 0.5]
    assert all(type(value) is float for value in history.history["val_loss"])


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_an_objective_that_was_no_number_in_any_epoch_stays_what_it_was(value):
    history = plain_results(history_of([np.array([value])] * 2, 2), kt.Objective("val_loss", "min"))

    np.testing.assert_array_equal(history.history["val_loss"], [value, value])
    assert all(type(value) is float for value in history.history["val_loss"])


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        ("val_acc", "'val_acc' is not among the metrics of the training, which are: loss, val_loss.$"),
        ("accuracy", "'accuracy' is not among the metrics of the training, which are: loss, val_loss.$"),
    ],
)
def test_an_objective_that_is_no_metric_is_an_error_with_the_metrics(objective, message):
    with pytest.raises(kt.errors.FatalValueError, match=message):
        plain_results(history_of([1.0], 1), kt.Objective(objective, "max"))


def test_where_nothing_was_validated_the_error_says_so():
    history = history_of([1.0], 1)
    del history.history["val_loss"]

    with pytest.raises(kt.errors.FatalValueError, match=r"which are: loss\. Pass `validation_data` to `search`\."):
        plain_results(history, kt.Objective("val_loss", "min"))


def test_an_objective_that_was_left_out_is_left_to_the_host():
    history = history_of([1.0], 1)

    assert plain_results(history, kt.Oracle(objective=None).objective).history == {"loss": [1.0], "val_loss": [1.0]}


def test_an_objective_of_several_numbers_is_an_error_that_says_so():
    history = history_of([np.zeros(3), np.ones(3)], 2)

    with pytest.raises(kt.errors.FatalValueError, match=r"'val_loss' has 3 values in an epoch; it must have one\."):
        plain_results(history, kt.Objective("val_loss", "min"))


@pytest.mark.parametrize(
    ("values", "num_epochs", "expected"),
    [
        ([3.0, 2.0, 1.0], 3, [3.0, 2.0, 1.0]),
        ([2.0, 1.0], 5, [math.inf, 2.0, math.inf, 1.0, math.inf]),  # validation_freq=2
        ([2.0], 3, [math.inf, math.inf, 2.0]),
        ([2.0, math.nan], 4, [math.inf, 2.0, math.inf, math.inf]),
        ([3.0, 2.0], 3, [3.0, 2.0, math.inf]),  # irregular: some epoch
        ([], 3, []),
    ],
)
def test_a_metric_of_every_few_epochs_is_at_its_epochs(values, num_epochs, expected):
    history = plain_results(history_of(values, num_epochs), kt.Objective("val_loss", "min"))

    assert history.history["val_loss"] == expected
    assert history.history["loss"] == [1.0] * num_epochs


@pytest.mark.parametrize(
    ("epochs", "validation_freq", "validated"),
    [(3, 2, [1]), (4, 2, [1, 3]), (11, 4, [3, 7]), (6, [1, 6], [0, 5])],
)
def test_with_validation_every_few_epochs_the_metrics_are_those_of_the_best_one(
    tmp_path, epochs, validation_freq, validated
):
    tuner = make_tuner(tmp_path, build_measured, objective="val_accuracy", max_trials=1)
    tuner.search(**DATA, epochs=epochs, validation_freq=validation_freq)

    for trial in tuner.oracle.trials.values():
        curve = read_curve(Path(tuner.get_trial_dir(trial.trial_id)))
        assert [epoch.number for epoch in curve if "val_accuracy" in epoch.metrics] == validated
        best = max(validated, key=lambda number: curve[number].metrics["val_accuracy"])
        assert trial.best_step == best
        assert {name: trial.metrics.get_best_value(name) for name in trial.metrics.metrics} == dict(curve[best].metrics)


def build_measured(hp):
    model = build_model(hp)
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
