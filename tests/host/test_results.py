"""What trainings return, as the host takes it."""

import math

import keras
import keras_tuner as kt
import pytest

from keras_bayes.results import plain_results


def history_of(values, num_epochs):
    history = keras.callbacks.History()
    history.epoch = list(range(num_epochs))
    history.history = {"loss": [1.0] * num_epochs, "val_loss": list(values)}
    return history


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
