"""Training loops of the user that tell callbacks of the ends of epochs alone, as keras-tuner's guide does."""

from __future__ import annotations

import keras
import keras_tuner as kt
import pytest
import tensorflow as tf

import keras_bayes
from keras_bayes.curves import End, read_ends
from tests.host.test_tuner import DATA, make_tuner

pytestmark = pytest.mark.slow

EPOCHS = 6
X, Y = DATA["x"], DATA["y"]


def loss_of(model, x, y):
    return tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(y, model(x)))


class Loop(kt.HyperModel):
    """Trains in a loop, or in several ones after each other.

    Args:
        num_folds: How many.
        params: What the callbacks are told before the first epoch.
    """

    def __init__(self, num_folds=1, params=None):
        super().__init__()
        self.num_folds, self.params = num_folds, params

    def build(self, hp):  # not compiled, as in the guide
        hidden = keras.layers.Dense(hp.Choice("units", [4, 8, 16]), activation="relu")
        return keras.Sequential([keras.layers.Input((4,)), hidden, keras.layers.Dense(2, activation="softmax")])

    def fit(self, hp, model, x, y, validation_data, callbacks, **kwargs):
        optimizer, losses = keras.optimizers.Adam(hp.Float("lr", 1e-3, 1e-1, sampling="log")), []
        for callback in callbacks:
            callback.set_model(model)
            if self.params is not None:
                callback.set_params(self.params)
        for _ in range(self.num_folds):
            for epoch in range(EPOCHS):
                with tf.GradientTape() as tape:
                    loss = loss_of(model, x, y)
                variables = model.trainable_variables
                optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
                losses.append(float(loss_of(model, *validation_data)))
                for callback in callbacks:
                    callback.on_epoch_end(epoch, logs={"val_loss": losses[-1]})
                if getattr(model, "stop_training", False):
                    break
        return min(losses)


class Named(keras_bayes.callbacks.TrialCallback):
    """Notes what it is told in a file."""

    def __init__(self, path):
        super().__init__()
        self.path = path

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        self.path.write_text("it began twice\n")

    def on_execution_begin(self, values):
        self.path.write_text(f"{sorted(values)}\n")

    def on_execution_end(self, score):
        self.path.write_text(f"{self.path.read_text()}{score}\n")


def searched(tmp_path, hypermodel, callbacks=(), **kwargs):
    tuner = make_tuner(tmp_path, hypermodel=hypermodel, **kwargs)
    tuner.search(**DATA, callbacks=list(callbacks))
    return tuner


def curves(tuner):
    """Numbers of the epochs of each trial, by training."""
    return [[(epoch.training, epoch.number) for epoch in trial.curve] for trial in tuner.search_log().trials]


def test_time_that_is_not_used_up_stops_nothing(tmp_path):
    tuner = searched(tmp_path, Loop(), max_trials=1, max_time="1h")

    (trial,) = tuner.search_log().trials
    assert len(trial.curve) == EPOCHS
    assert trial.record.message is None
    assert 0 < sum(epoch.seconds for epoch in trial.curve) < 60


def test_epochs_are_counted_and_end_the_search(tmp_path):
    tuner = searched(tmp_path, Loop(), max_trials=None, max_epochs=EPOCHS + 2)

    assert curves(tuner) == [[(0, i) for i in range(EPOCHS)], [(0, 0), (0, 1)]]
    assert [trial.record.status for trial in tuner.search_log().trials] == ["COMPLETED"] * 2
    assert "`max_epochs` was used up" in tuner.search_log().trials[1].stopped


def test_folds_are_trainings_of_their_own(tmp_path):
    tuner = searched(tmp_path, Loop(num_folds=2), max_trials=1)

    assert curves(tuner) == [[(fold, i) for fold in range(2) for i in range(EPOCHS)]]


def test_a_rule_stops_a_loop_that_says_how_long_it_is(tmp_path):
    def rule(training):
        return "Enough." if training.epoch == 4 and training.num_epochs == EPOCHS else ""

    tuner = searched(tmp_path, Loop(params={"epochs": EPOCHS}), max_trials=2, stopping=rule)

    assert [len(trial.curve) for trial in tuner.search_log().trials] == [4, 4]
    assert [trial.stopped for trial in tuner.search_log().trials] == ["Enough.", "Enough."]


def test_where_the_length_is_not_known_a_warning_says_so(tmp_path):
    with pytest.warns(keras_bayes.KerasBayesWarning, match="no effect on this training: how many epochs"):
        tuner = searched(tmp_path, Loop(), max_trials=1, stopping="auto")

    assert [len(trial.curve) for trial in tuner.search_log().trials] == [EPOCHS]


def test_the_best_model_has_the_score(tmp_path):
    tuner = searched(tmp_path, Loop(), max_trials=2)

    (best,) = tuner.oracle.get_best_trials()
    assert float(loss_of(tuner.get_best_models()[0], X, Y)) == pytest.approx(best.score, rel=1e-5)


def test_a_callback_that_knows_its_trial_begins_with_the_first_epoch(tmp_path):
    tuner = searched(tmp_path, Loop(), callbacks=[Named(tmp_path / "told")], max_trials=1)

    (trial,) = tuner.search_log().trials
    begin, end = (tmp_path / "told").read_text().splitlines()
    assert begin == str(sorted(trial.record.values))
    assert float(end) == trial.record.score


def test_what_has_ended_is_no_training_under_way(tmp_path):
    searched(tmp_path, Loop(params={"epochs": EPOCHS}), max_trials=1)

    (end,) = read_ends(tmp_path / "search" / "trial_0")
    assert end == End(0, EPOCHS, "")
