"""Learning curves of real Keras trainings."""

import math
from pathlib import Path

import keras
import keras_tuner as kt
import pytest

import keras_bayes
from keras_bayes.curves import End, read_ends
from keras_bayes.epoch_count import EpochCount
from tests.host.test_tuner import DATA, build_model, make_tuner

pytestmark = pytest.mark.slow


def test_every_epoch_of_every_execution_is_logged(tmp_path):
    tuner = make_tuner(tmp_path, max_trials=2, executions_per_trial=2)

    tuner.search(epochs=3, **DATA)

    for trial in tuner.search_log().trials:
        assert [(epoch.training, epoch.number) for epoch in trial.curve] == [(i, j) for i in range(2) for j in range(3)]
        assert {"loss", "val_loss"} == set(trial.curve[0].metrics)
        assert sum(epoch.seconds for epoch in trial.curve) <= trial.seconds
        best = [min(e.metrics["val_loss"] for e in trial.curve if e.training == i) for i in range(2)]
        assert math.isclose(sum(best) / 2, trial.record.score, rel_tol=1e-6)


def test_folds_of_a_hypermodel_are_trainings_of_their_own(tmp_path):
    class Folds(kt.HyperModel):
        def build(self, hp):
            return build_model(hp)

        def fit(self, hp, model, *args, **kwargs):
            return [model.fit(*args, **kwargs).history["val_loss"][-1] for _ in range(3)][-1]

    tuner = make_tuner(tmp_path, Folds(), max_trials=1, objective=None)

    tuner.search(epochs=2, **DATA)

    assert [e.training for e in tuner.search_log().trials[0].curve] == [0, 0, 1, 1, 2, 2]


def test_folds_of_a_run_trial_are_trainings_of_their_own(tmp_path):
    class Folds(keras_bayes.BayesTuner):
        def run_trial(self, trial, *args, **kwargs):
            return [history for _ in range(3) for history in super(Folds, self).run_trial(trial, *args, **kwargs)]

    tuner = Folds(build_model, objective="val_loss", max_trials=2, seed=0, directory=str(tmp_path))

    tuner.search(epochs=2, **DATA)

    for trial in tuner.search_log().trials:
        assert [e.training for e in trial.curve] == [0, 0, 1, 1, 2, 2]
        best = [min(e.metrics["val_loss"] for e in trial.curve if e.training == i) for i in range(3)]
        assert math.isclose(sum(best) / 3, trial.record.score, rel_tol=1e-6)
    assert tuner.search_log().epochs == EpochCount(trained=12)


def test_a_trial_that_runs_again_begins_its_curve_anew(tmp_path):
    class StopAt(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_tuner(tmp_path, max_trials=1).search(epochs=5, callbacks=[StopAt()], **DATA)

    tuner = make_tuner(tmp_path, max_trials=1)
    tuner.search(epochs=2, **DATA)

    (trial,) = tuner.search_log().trials
    assert [epoch.number for epoch in trial.curve] == [0, 1]
    assert len(trial.runs) == 2
    assert tuner.search_log().epochs == EpochCount(trained=4)


def test_a_training_that_ends_early_by_itself_is_not_stopped_and_one_that_crashes_has_no_end(tmp_path):
    class Crash(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if len(tuner.oracle.trials) == 2 and epoch == 1:
                raise ArithmeticError

    tuner = make_tuner(tmp_path, max_trials=2)
    patience = keras.callbacks.EarlyStopping("val_loss", patience=1, min_delta=10.0)

    tuner.search(epochs=9, callbacks=[patience, Crash()], **DATA)

    first, second = tuner.search_log().trials
    assert (len(first.curve), first.stopped) == (2, "")
    assert read_ends(Path(tuner.project_dir, "trial_0")) == (End(0, 9, ""),)
    assert (len(second.curve), second.record.status) == (1, "FAILED")
    assert read_ends(Path(tuner.project_dir, "trial_1")) == ()


def test_a_training_loop_of_ones_own_is_logged_as_well(tmp_path):
    class Loop(kt.HyperModel):
        def build(self, hp):
            return build_model(hp)

        def fit(self, hp, model, *args, callbacks, **kwargs):
            for callback in callbacks:
                callback.set_model(model)
                callback.on_train_begin()
            for epoch in range(2):
                for callback in callbacks:
                    callback.on_epoch_begin(epoch)
                    callback.on_epoch_end(epoch, {"val_loss": 1.0 - epoch})
            for callback in callbacks:
                callback.on_train_end()
            return 0.0

    tuner = make_tuner(tmp_path, Loop(), max_trials=1, objective=None)

    tuner.search(**DATA)

    assert [epoch.metrics for epoch in tuner.search_log().trials[0].curve] == [{"val_loss": 1.0}, {"val_loss": 0.0}]
    assert read_ends(Path(tuner.project_dir, "trial_0")) == (End(0, 0, ""),)
