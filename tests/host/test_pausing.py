"""Trainings that pause, and trials that go on with them: real Keras trainings, an oracle that is told which."""

from __future__ import annotations

import gc
import shutil
import signal
import subprocess
import sys
import weakref
from pathlib import Path

import keras
import keras_tuner as kt
import numpy as np
import pytest

import keras_bayes
from keras_bayes.cli import main
from keras_bayes.continuation import PAUSED_FILE
from keras_bayes.curves import End, read_ends
from keras_bayes.epoch_count import EpochCount
from keras_bayes.pause import Pause
from tests.host.paused_search import FIT, NEW, NUM_EPOCHS, X, Y, build_model, folder_of, make_tuner

pytestmark = pytest.mark.slow

COMMAND = [sys.executable, "-m", "tests.host.paused_search"]


class Notes(keras.callbacks.Callback):
    """Notes of each epoch its number, the learning rate and the loss, and the last weights and optimizer."""

    epochs: list[tuple[int, float, float]]
    variables: list[np.ndarray]

    def on_epoch_end(self, epoch, logs=None):
        optimizer = self.model.optimizer
        Notes.epochs.append((epoch, float(optimizer.learning_rate), logs["val_loss"]))
        Notes.variables = [np.array(variable) for variable in [*self.model.variables, *optimizer.variables]]


@pytest.fixture(autouse=True)
def notes():
    """Empty notes."""
    Notes.epochs, Notes.variables = [], []


def callbacks():
    """With a learning rate for each epoch."""
    return [keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9 + 1e-4 * epoch), Notes()]


def search(folder, continued, hypermodel=build_model, **arguments):
    tuner = make_tuner(folder, hypermodel, continued=continued, **arguments)
    tuner.search(**FIT, callbacks=callbacks())
    return tuner


def states(tuner):
    """The trials whose state is on the disk."""
    return sorted(path.parent.name.removeprefix("trial_") for path in Path(tuner.project_dir).rglob(PAUSED_FILE))


def numbers(tuner, trial_id):
    return [epoch.number for epoch in tuner.search_log().trials[int(trial_id)].curve]


def losses(tuner, trial_id):
    return [epoch.metrics["val_loss"] for epoch in tuner.search_log().trials[int(trial_id)].curve]


def test_a_training_that_pauses_twice_is_the_same_as_one_that_does_not(tmp_path):
    tuner = search(tmp_path / "a", [NEW, "0", "1"])
    paused, variables = Notes.epochs, Notes.variables
    Notes.epochs = []
    whole = search(tmp_path / "b", [NEW], stopping=None)

    assert [epoch for epoch, _, _ in paused] == list(range(NUM_EPOCHS))
    np.testing.assert_allclose(paused, Notes.epochs, rtol=1e-6)
    for ours, theirs in zip(variables, Notes.variables, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-7)
    assert tuner.oracle.trials["2"].score == pytest.approx(whole.oracle.trials["0"].score, rel=1e-6)


class Builds(kt.HyperModel):
    """Notes whenever it builds a model how many of the earlier ones there still are."""

    def __init__(self):
        super().__init__()
        self.models = weakref.WeakSet()
        self.num_alive = []

    def build(self, hp):
        self.num_alive.append(len(self.models))
        model = build_model(hp)
        self.models.add(model)
        return model


@pytest.mark.parametrize(("continued", "num_builds"), [([NEW, "0", "1"], 1), ([NEW, NEW, "0", "2"], 3)])
def test_a_training_that_goes_on_at_once_needs_no_new_model_and_no_other_stays_in_memory(
    tmp_path, continued, num_builds
):
    hypermodel = Builds()
    tuner = search(tmp_path, continued, hypermodel)

    assert len(tuner.oracle.trials) == len(continued)
    assert hypermodel.num_alive == [0] * (1 + num_builds)  # the first one declares the hyperparameters
    gc.collect()
    assert not hypermodel.models  # though the tuner is still there


def test_what_fails_to_go_on_is_tried_again_with_a_new_model(tmp_path):
    class Fail(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 5 and len(hypermodel.num_alive) == 2:
                raise ValueError("hiccup")

    hypermodel = Builds()
    tuner = make_tuner(tmp_path, hypermodel, continued=[NEW, "0", "0"])
    tuner.search(**FIT, callbacks=[Fail()])

    assert [trial.status for trial in tuner.oracle.trials.values()] == ["COMPLETED", "FAILED", "COMPLETED"]
    assert len(hypermodel.num_alive) == 3  # for the hyperparameters, for the first trial, and after the failure


def test_what_goes_on_at_once_has_read_what_its_model_was_built_with(tmp_path):
    hyperparameters = kt.HyperParameters()
    hyperparameters.Int("of_no_use", 1, 9)

    tuner = search(tmp_path, [NEW, "0", NEW], hyperparameters=hyperparameters)

    assert tuner.oracle.unread == {trial_id: ["of_no_use"] for trial_id in "012"}


def test_without_the_state_a_model_in_memory_is_none_to_begin_anew_with(tmp_path):
    class Lose(keras.callbacks.Callback):
        def on_train_end(self, logs=None):
            for path in tmp_path.rglob(PAUSED_FILE):
                path.unlink()

    tuner = make_tuner(tmp_path, continued=[NEW, "0"])
    with pytest.warns(keras_bayes.KerasBayesWarning, match="trial_1 cannot go on with trial_0, and begins anew"):
        tuner.search(**FIT, callbacks=[Lose()])

    assert losses(tuner, "1")[:4] == pytest.approx(losses(tuner, "0"), rel=1e-6)


def test_each_trial_of_a_chain_has_the_whole_curve_and_its_own_end(tmp_path):
    tuner = search(tmp_path, [NEW, "0", "1"])

    log = tuner.search_log()
    assert [numbers(tuner, i) for i in "012"] == [list(range(n)) for n in (4, 9, NUM_EPOCHS)]
    assert [trial.stopped for trial in log.trials] == [
        "Paused after 4 of 20 epochs.",
        "Paused after 9 of 20 epochs.",
        "",
    ]
    assert [read_ends(folder_of(tuner, i))[0].num_epochs for i in "012"] == [NUM_EPOCHS] * 3
    assert log.trials[2].curve[:9] == log.trials[1].curve  # with the times at which they were
    assert log.trials[1].curve[3].ended <= log.trials[1].runs[0][0] <= log.trials[1].curve[4].ended
    assert log.trials[1].seconds < sum(trial.seconds for trial in log.trials)


def test_a_state_is_on_the_disk_until_another_trial_has_gone_on_with_it(tmp_path):
    assert states(search(tmp_path / "a", [NEW, NEW])) == ["0", "1"]
    assert states(search(tmp_path / "b", [NEW, "0"])) == ["1"]
    assert states(search(tmp_path / "c", [NEW, NEW, "0", "2"])) == ["1"]


def test_a_trial_that_got_no_better_has_the_score_and_the_weights_of_the_one_it_goes_on_with(tmp_path):
    class Worse(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch >= 4:
                self.model.optimizer.learning_rate = 100.0

    tuner = make_tuner(tmp_path, continued=[NEW, "0"])
    tuner.search(**FIT, callbacks=[Worse()])

    first, second = tuner.oracle.trials.values()
    assert second.score == first.score
    assert [trial.trial_id for trial in tuner.oracle.get_best_trials(9)] == ["1"]
    assert tuner.get_best_models()[0].evaluate(X, Y, verbose=0) == pytest.approx(first.score, rel=1e-5)


def test_a_trial_that_got_better_has_the_weights_of_its_own_best_epoch(tmp_path):
    tuner = search(tmp_path, [NEW, "0", "1"], keep_best=1)

    best = tuner.oracle.get_best_trials(1)[0]
    assert best.trial_id == "2"
    assert best.score == min(epoch.metrics["val_loss"] for epoch in tuner.search_log().trials[2].curve)
    assert tuner.get_best_models()[0].evaluate(X, Y, verbose=0) == pytest.approx(best.score, rel=1e-5)
    assert len(list(Path(tuner.project_dir).rglob("*.h5"))) == 1


def missing(folder):
    (folder / PAUSED_FILE).unlink()


def truncated(folder):
    (folder / PAUSED_FILE).write_bytes((folder / PAUSED_FILE).read_bytes()[:5000])


@pytest.mark.parametrize("damage", [missing, truncated])
def test_without_the_state_a_training_begins_anew(tmp_path, damage):
    tuner = search(tmp_path, [NEW])
    damage(folder_of(tuner, "0"))
    Notes.epochs = []

    tuner = make_tuner(tmp_path, continued=[NEW, "0"])
    with pytest.warns(keras_bayes.KerasBayesWarning, match="trial_1 cannot go on with trial_0, and begins anew"):
        tuner.search(**FIT, callbacks=callbacks())

    assert [epoch for epoch, _, _ in Notes.epochs] == list(range(9))
    assert numbers(tuner, "1") == list(range(9))
    assert tuner.oracle.trials["1"].status == "COMPLETED"
    assert states(tuner) == ["1"]


def test_without_the_curve_a_training_begins_with_the_first_rung(tmp_path):
    tuner = search(tmp_path, [NEW])
    (folder_of(tuner, "0") / "curve.jsonl").unlink()

    tuner = make_tuner(tmp_path, continued=[NEW, "0"])
    with pytest.warns(keras_bayes.KerasBayesWarning, match=r"curve\.jsonl is missing"):
        tuner.search(**FIT)

    assert numbers(tuner, "1") == [0, 1, 2, 3]


def test_a_state_of_another_optimizer_is_none(tmp_path):
    def build_other(hp):
        model = build_model(hp)
        model.compile("sgd", "sparse_categorical_crossentropy")
        return model

    search(tmp_path, [NEW])
    with pytest.warns(keras_bayes.KerasBayesWarning, match="begins anew.*optimizer"):
        tuner = search(tmp_path, [NEW, "0"], build_other)

    assert numbers(tuner, "1") == list(range(9))


def test_a_model_that_is_built_by_its_data_goes_on(tmp_path):
    class Unbuilt(kt.HyperModel):
        def build(self, hp):
            keras.utils.set_random_seed(0)
            return keras.Sequential([keras.layers.Dense(hp.Int("units", 2, 3)), keras.layers.Dense(2)])

        def fit(self, hp, model, *args, **kwargs):
            model.compile("adam", "mse")  # not before
            return model.fit(*args, **kwargs)

    search(tmp_path / "a", [NEW, "0", "1"], Unbuilt())
    paused, Notes.epochs = Notes.epochs, []
    search(tmp_path / "b", [NEW], Unbuilt(), stopping=None)

    np.testing.assert_allclose(paused, Notes.epochs, rtol=1e-6)


def fit_without_keywords(self, hp, model, x, y, validation_data, shuffle, verbose, epochs, callbacks):
    return model.fit(x, y, validation_data=validation_data, verbose=0, epochs=epochs, callbacks=callbacks)


def fit_without_passing_on(self, hp, model, x, y, *, validation_data, epochs, callbacks, **kwargs):
    return model.fit(x, y, validation_data=validation_data, verbose=0, epochs=epochs, callbacks=callbacks)


@pytest.mark.parametrize("fit", [fit_without_keywords, fit_without_passing_on])
def test_a_fit_that_cannot_begin_later_ends_the_search_and_says_so(tmp_path, fit):
    hypermodel = type("Own", (kt.HyperModel,), {"build": lambda self, hp: build_model(hp), "fit": fit})()

    with pytest.raises(kt.errors.FatalError, match=r"initial_epoch.*\*\*kwargs.*model\.fit"):
        search(tmp_path, [NEW, "0"], hypermodel)


class Loop(kt.HyperModel):
    """A training loop of its own.

    Args:
        begins: Whether it calls `on_train_begin`.
        skips: Whether it begins where it is told to.
    """

    def __init__(self, *, begins, skips):
        super().__init__()
        self.begins, self.skips = begins, skips

    def build(self, hp):
        return build_model(hp)

    def fit(self, hp, model, x, y, validation_data, epochs, callbacks, initial_epoch=0, **kwargs):
        for callback in callbacks:
            callback.set_model(model)
            callback.set_params({"epochs": epochs})
            if self.begins:
                callback.on_train_begin()
        losses = []
        for epoch in range(initial_epoch if self.skips else 0, epochs):
            model.train_on_batch(x, y)
            losses.append(float(np.ravel(model.test_on_batch(*validation_data))[0]))
            for callback in callbacks:
                callback.on_epoch_end(epoch, logs={"val_loss": losses[-1]})
            if getattr(model, "stop_training", False):
                break
        return min(losses)


@pytest.mark.parametrize(("begins", "skips", "words"), [(False, True, "on_train_begin"), (True, False, "started at 0")])
def test_a_loop_that_restores_nothing_or_begins_elsewhere_ends_the_search_and_says_so(tmp_path, begins, skips, words):
    with pytest.raises(kt.errors.FatalValueError, match=words):
        make_tuner(tmp_path, Loop(begins=begins, skips=skips), continued=[NEW, "0"]).search(**FIT)


def test_a_loop_that_begins_as_it_is_told_goes_on(tmp_path):
    tuner = make_tuner(tmp_path, Loop(begins=True, skips=True), continued=[NEW, "0"])

    tuner.search(**FIT)

    assert numbers(tuner, "1") == list(range(len(numbers(tuner, "1"))))
    assert len(numbers(tuner, "1")) > len(numbers(tuner, "0"))


class Foreign:
    """An optimizer that is not Keras's."""


def unused(model):
    return model.optimizer  # which a loop with another one leaves as it is


@pytest.mark.parametrize("optimizer", [lambda model: None, lambda model: Foreign(), lambda model: [Foreign()], unused])
def test_an_optimizer_that_is_not_the_model_s_is_told_to_be_lost(tmp_path, optimizer):
    class Other(Loop):
        def fit(self, hp, model, *args, **kwargs):
            model.optimizer = optimizer(model)
            model.train_on_batch = lambda x, y: None
            model.test_on_batch = lambda x, y: [1.0]
            return super().fit(hp, model, *args, **kwargs)

    tuner = make_tuner(tmp_path, Other(begins=True, skips=True), continued=[NEW, "0"])

    with pytest.warns(keras_bayes.KerasBayesWarning, match="another one trains the model"):
        tuner.search(**FIT)

    assert [trial.status for trial in tuner.oracle.trials.values()] == ["COMPLETED"] * 2
    assert len(numbers(tuner, "1")) > len(numbers(tuner, "0"))


def test_an_optimizer_that_scales_losses_is_the_one_that_trains(tmp_path, recwarn):
    def build_scaled(hp):
        model = build_model(hp)
        optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(hp.get("lr")), initial_scale=4.0)
        model.compile(optimizer, "sparse_categorical_crossentropy")
        return model

    search(tmp_path, [NEW, "0"], build_scaled)

    assert [w for w in recwarn if w.category is keras_bayes.KerasBayesWarning] == []


def test_adapters_that_keras_does_not_save_as_they_are_end_the_search(tmp_path):
    def build_adapted(hp):
        model = build_model(hp)
        model.layers[0].enable_lora(2)
        model.compile("sgd", "sparse_categorical_crossentropy")
        return model

    with pytest.raises(kt.errors.FatalValueError, match=r"LoRA.*Use another rule"):
        search(tmp_path, [NEW], build_adapted)


def test_a_second_training_in_a_trial_after_one_that_paused_ends_the_search(tmp_path):
    class Folds(kt.HyperModel):
        def build(self, hp):
            return build_model(hp)

        def fit(self, hp, model, *args, **kwargs):
            model.fit(*args, **kwargs)
            return model.fit(*args, **kwargs)

    with pytest.raises(kt.errors.FatalValueError, match=r"has one training.*Paused after 4 of 20 epochs\. .*auto"):
        search(tmp_path, [NEW], Folds())


def test_a_second_run_of_a_trial_that_paused_ends_the_search(tmp_path):
    class TwoFolds(keras_bayes.BayesTuner):
        def run_trial(self, trial, *args, **kwargs):
            return [super(TwoFolds, self).run_trial(trial, *args, **kwargs)[0] for _ in range(2)]

    tuner = TwoFolds(build_model, "val_loss", directory=tmp_path, stopping="pause")

    with pytest.raises(kt.errors.FatalValueError, match=r"has one training.*Paused after 2 of 20 epochs\. .*auto"):
        tuner.search(**FIT)


def test_of_several_trainings_only_the_first_one_may_pause(tmp_path):
    class Warmed(kt.HyperModel):
        def build(self, hp):
            return build_model(hp)

        def fit(self, hp, model, *args, epochs, **kwargs):
            model.fit(*args, epochs=2, **kwargs)
            return model.fit(*args, epochs=epochs, **kwargs)

    tuner = search(tmp_path, [NEW], Warmed())

    assert read_ends(folder_of(tuner, "0")) == (End(0, 2, ""), End(1, NUM_EPOCHS, ""))
    assert states(tuner) == []


def test_more_than_one_execution_cannot_pause(tmp_path):
    with pytest.raises(ValueError, match=r"one training, received `executions_per_trial=2`. Leave it at 1"):
        make_tuner(tmp_path, continued=[NEW], executions_per_trial=2)


def test_an_instance_of_the_rule_has_its_own_rungs(tmp_path):
    tuner = search(tmp_path, [NEW, "0"], stopping=Pause(min_epochs=8))

    assert [len(numbers(tuner, i)) for i in "01"] == [9, NUM_EPOCHS]
    assert tuner.oracle.can_continue


def test_callbacks_that_know_their_trial_count_on(tmp_path):
    class Journal(keras_bayes.callbacks.TrialCallback):
        def on_execution_begin(self, values):
            seen.append(self.execution.name)

        def on_execution_epoch(self, epoch, metrics):
            seen.append(epoch)

    seen = []
    tuner = make_tuner(tmp_path, continued=[NEW, "0"])

    tuner.search(**FIT, callbacks=[Journal()])

    assert seen == ["trial_0", 0, 1, 2, 3, "trial_1", 4, 5, 6, 7, 8]


def test_a_full_disk_costs_the_state_and_no_trial(tmp_path, monkeypatch):
    full = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr("keras_bayes.weights.shutil.disk_usage", lambda path: full)
    with pytest.warns(keras_bayes.KerasBayesWarning, match="No space left"):
        tuner = search(tmp_path, [NEW])

    assert tuner.oracle.trials["0"].status == "COMPLETED"
    assert states(tuner) == []


def test_a_training_that_diverges_is_not_brought_to_its_end(tmp_path):
    class Diverge(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["val_loss"] = float("nan")

    tuner = make_tuner(tmp_path, continued=[NEW, NEW])
    tuner.search(**FIT, callbacks=[Diverge()])

    assert [len(trial.curve) for trial in tuner.search_log().trials] == [3, 3]
    assert [trial.record.status for trial in tuner.search_log().trials] == ["FAILED", "FAILED"]
    assert states(tuner) == []


def test_of_a_training_that_went_on_the_best_trials_hold_the_last(tmp_path, capsys):
    tuner = search(tmp_path, [NEW, "0", NEW])

    best = [trial.trial_id for trial in tuner.search_log().best_first]
    assert sorted(best) == ["1", "2"]
    assert main(["best", tuner.project_dir]) == 0
    assert "trial_0" not in capsys.readouterr().out


def test_other_rules_do_not_pause():
    with pytest.raises(ValueError, match='`"pause"` is only for `BayesTuner`'):
        keras_bayes.StopTrial("pause", folder="curves")


def test_fewer_epochs_than_there_were_are_none(tmp_path):
    search(tmp_path, [NEW])
    tuner = make_tuner(tmp_path, continued=[NEW, "0"])

    tuner.search(**{**FIT, "epochs": 3})

    assert tuner.oracle.trials["1"].score == tuner.oracle.trials["0"].score
    assert numbers(tuner, "1") == [0, 1, 2, 3]


def test_of_a_trial_that_goes_on_without_another_epoch_no_warning_says_that_nobody_counts(tmp_path, recwarn):
    make_tuner(tmp_path, continued=[NEW], max_epochs=50).search(**FIT)

    make_tuner(tmp_path, continued=[NEW, "0", NEW], max_epochs=50).search(**{**FIT, "epochs": 3})

    assert not [warning for warning in recwarn if issubclass(warning.category, keras_bayes.KerasBayesWarning)]


def test_a_training_that_goes_on_for_longer_than_planned_is_counted_by_both_plans(tmp_path):
    make_tuner(tmp_path, continued=[NEW]).search(**FIT)

    tuner = make_tuner(tmp_path, continued=[NEW, "0"])
    tuner.search(**{**FIT, "epochs": 40})  # the rungs are 3, 7 and 17

    assert tuner.search_log().epochs == EpochCount(trained=7, saved=33)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_trial_that_was_killed_goes_on_once_more_from_the_same_state(tmp_path):
    whole = make_tuner(tmp_path / "a", continued=[NEW, "0"])
    whole.search(**FIT)
    killed = subprocess.run([*COMMAND, tmp_path / "b", "kill"], capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr

    tuner = make_tuner(tmp_path / "b", continued=[NEW, "0"])
    assert numbers(tuner, "1") == [0, 1, 2, 3, 4, 5]
    tuner.search(**FIT)

    assert numbers(tuner, "1") == list(range(9))
    assert [trial.status for trial in tuner.oracle.trials.values()] == ["COMPLETED"] * 2
    assert len(tuner.search_log().trials[1].runs) == 2
    assert states(tuner) == ["1"]
    np.testing.assert_allclose(losses(tuner, "1"), losses(whole, "1"), rtol=1e-6)


def test_with_backups_a_trial_that_was_interrupted_goes_on_from_the_same_state(tmp_path):
    class Interrupted(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 5 and is_armed:
                raise KeyboardInterrupt

    def run(folder):
        tuner = make_tuner(tmp_path / folder, continued=[NEW, "0"])
        backup = keras.callbacks.BackupAndRestore(str(tmp_path / folder / "backup"))
        tuner.search(**FIT, callbacks=[backup, Interrupted()])
        return tuner

    is_armed = False
    whole = run("a")
    is_armed = True
    with pytest.raises(KeyboardInterrupt):
        run("b")
    is_armed = False
    tuner = run("b")

    assert numbers(tuner, "1") == list(range(9))
    assert [trial.status for trial in tuner.oracle.trials.values()] == ["COMPLETED"] * 2
    np.testing.assert_allclose(losses(tuner, "1"), losses(whole, "1"), rtol=1e-6)


def test_among_equal_trials_the_weights_of_the_best_are_on_disk(tmp_path):
    class Equal(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["val_loss"] = 0.5
            self.model.stop_training |= len(tuner.oracle.trials) == 2  # the second trial ends by itself

    tuner = make_tuner(tmp_path, continued=[NEW, NEW, "0"], keep_best=1)
    tuner.search(**FIT, callbacks=[Equal()])

    assert {trial.score for trial in tuner.oracle.trials.values()} == {0.5}
    assert [trial.trial_id for trial in tuner.oracle.get_best_trials(3)] == ["2", "1"]
    assert len(tuner.get_best_models()) == 1
