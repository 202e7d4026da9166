"""A budget of epochs in real Keras trainings, and the epochs that a rule saves."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import keras_tuner as kt
import pytest

import keras_bayes
from keras_bayes.budgeted_oracle import MAX_IN_VAIN
from keras_bayes.errors import KerasBayesWarning
from keras_bayes.search_log import SearchLog
from tests.host.test_tuner import DATA, build_model, make_tuner

pytestmark = pytest.mark.slow

MESSAGE = "`max_epochs` was used up before the end of the training."


def lengths(tuner):
    """Epochs of each trial."""
    return [len(trial.curve) for trial in tuner.search_log().trials]


def messages(tuner):
    return [trial.record.message for trial in tuner.search_log().trials]


class Interrupted(keras.callbacks.Callback):
    """Interrupts the search at an epoch of its n-th training."""

    num_trainings = 0

    def __init__(self, training, epoch):
        super().__init__()
        self.training, self.epoch = training, epoch
        Interrupted.num_trainings = 0

    def on_train_begin(self, logs=None):
        Interrupted.num_trainings += 1

    def on_epoch_end(self, epoch, logs=None):
        if (Interrupted.num_trainings, epoch) == (self.training, self.epoch):
            raise KeyboardInterrupt


class Folds(kt.HyperModel):
    """Trains three times for one score."""

    def build(self, hp):
        return build_model(hp)

    def fit(self, hp, model, *args, **kwargs):
        losses = [min(model.fit(*args, **kwargs).history["val_loss"]) for _ in range(3)]
        return sum(losses) / 3


def test_the_training_that_uses_the_epochs_up_ends_with_that_epoch_and_its_best_one_counts(tmp_path, capsys):
    tuner = make_tuner(tmp_path, max_trials=None, max_epochs=8, progress="plain")

    tuner.search(epochs=3, **(DATA | {"verbose": 1}))

    trials = tuner.search_log().trials
    assert lengths(tuner) == [3, 3, 2]
    assert [trial.stopped for trial in trials] == ["", "", MESSAGE]
    assert messages(tuner) == [None, None, MESSAGE]
    assert trials[-1].record.score == pytest.approx(min(epoch.metrics["val_loss"] for epoch in trials[-1].curve))
    assert "The `max_epochs` of 8 are used up. 3 trials completed; epochs 8/8." in capsys.readouterr().out


def test_a_training_whose_last_epoch_is_the_last_of_all_was_not_stopped(tmp_path):
    tuner = make_tuner(tmp_path, max_trials=None, max_epochs=4)

    tuner.search(epochs=2, **DATA)

    assert lengths(tuner) == [2, 2]
    assert [trial.stopped for trial in tuner.search_log().trials] == ["", ""]
    assert messages(tuner) == [None, None]


def test_a_training_that_ends_by_itself_with_the_last_epoch_was_not_stopped(tmp_path):
    patience = keras.callbacks.EarlyStopping("val_loss", patience=1, min_delta=10.0)
    tuner = make_tuner(tmp_path, max_trials=None, max_epochs=2)

    tuner.search(epochs=9, callbacks=[patience], **DATA)

    (trial,) = tuner.search_log().trials
    assert (len(trial.curve), trial.stopped, trial.record.message) == (2, "", None)


@pytest.mark.parametrize(("max_epochs", "expected"), [(3, [0, 0, 1]), (4, [0, 0, 1, 1])])
def test_no_further_execution_begins_when_they_are_used_up(tmp_path, max_epochs, expected):
    tuner = make_tuner(tmp_path, max_trials=None, max_epochs=max_epochs, executions_per_trial=3)

    tuner.search(epochs=2, **DATA)

    (trial,) = tuner.search_log().trials
    assert [epoch.training for epoch in trial.curve] == expected
    assert trial.record.message == MESSAGE


def test_every_fold_has_an_epoch_and_none_a_second_when_they_are_used_up(tmp_path):
    tuner = make_tuner(tmp_path, Folds(), max_trials=None, max_epochs=8, objective=None)

    tuner.search(epochs=2, **DATA)

    first, second = tuner.search_log().trials
    assert [epoch.training for epoch in first.curve] == [0, 0, 1, 1, 2, 2]
    assert [epoch.training for epoch in second.curve] == [0, 0, 1, 2]
    assert second.stopped == second.record.message == MESSAGE


def test_a_search_resumed_without_epochs_ends_at_once_and_goes_on_with_more(tmp_path):
    make_tuner(tmp_path, max_epochs=3).search(epochs=2, **DATA)

    again = make_tuner(tmp_path, max_epochs=3)
    again.search(epochs=2, **DATA)
    assert lengths(again) == [2, 1]

    more = make_tuner(tmp_path, max_epochs=6)
    more.search(epochs=2, **DATA)
    assert lengths(more) == [2, 1, 2, 1]


def test_the_epochs_of_an_interrupted_training_count_though_it_begins_anew(tmp_path):
    tuner = make_tuner(tmp_path, max_trials=None, max_epochs=10)
    with pytest.raises(KeyboardInterrupt):  # in the fifth epoch of all, which is not logged
        tuner.search(epochs=3, callbacks=[Interrupted(2, 2)], **DATA)
    assert lengths(tuner) == [3, 2]
    again = make_tuner(tmp_path, max_trials=None, max_epochs=10)
    with pytest.raises(KeyboardInterrupt):
        again.search(epochs=3, callbacks=[Interrupted(1, 1)], **DATA)
    assert again.search_log().epochs.trained == 6

    last = make_tuner(tmp_path, max_trials=None, max_epochs=10)
    last.search(epochs=3, **DATA)

    assert lengths(last) == [3, 3, 1]  # 3, 2 + 1 + 3, 1
    assert last.search_log().epochs.trained == 10


def test_a_trial_that_waits_to_run_again_stays_waiting_when_they_are_used_up(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        make_tuner(tmp_path).search(epochs=2, callbacks=[Interrupted(2, 1)], **DATA)

    again = make_tuner(tmp_path, max_epochs=3)
    again.search(epochs=2, **DATA)

    assert [trial.record.status for trial in again.search_log().trials] == ["COMPLETED", "INVALID"]


def test_a_search_that_cannot_count_its_epochs_says_so_once(tmp_path):
    class Untold(keras_bayes.BayesTuner):
        def run_trial(self, trial, *args, **kwargs):
            return trial.hyperparameters.Float("x", 0.0, 1.0)

    tuner = Untold(objective=None, max_trials=4, max_epochs=5, seed=0, directory=tmp_path, project_name="search")

    with pytest.warns(KerasBayesWarning, match="`max_epochs` does not limit this search: trial_0 has") as caught:
        tuner.search()

    assert len(caught) == 1
    assert len(tuner.oracle.trials) == 4


def test_a_search_that_takes_over_trials_without_curves_counts_its_own(tmp_path):
    make_tuner(tmp_path, max_trials=1).search(epochs=2, **DATA)
    (tmp_path / "search" / "trial_0" / "curve.jsonl").unlink()

    tuner = make_tuner(tmp_path, max_epochs=2)
    tuner.search(epochs=2, **DATA)

    assert lengths(tuner) == [0, 2]


@pytest.mark.parametrize(("wrong", "error"), [(0, ValueError), (True, ValueError), (1.5, TypeError), ("9", TypeError)])
def test_a_budget_that_is_none_is_refused(tmp_path, wrong, error):
    with pytest.raises(error, match=f"`max_epochs` must be an integer.*received {wrong!r}"):
        make_tuner(tmp_path, max_epochs=wrong)


def test_what_a_rule_spares_is_told_and_what_a_budget_cuts_off_is_not(tmp_path, capsys):
    def impatient(training):
        return "Hopeless." if training.epoch == 1 and len(training.earlier) in (1, 2) else ""

    tuner = make_tuner(tmp_path, max_trials=9, max_epochs=11, stopping=impatient, progress="plain")
    tuner.search(epochs=4, **(DATA | {"verbose": 1}))

    lines = [line for line in capsys.readouterr().out.splitlines() if "; epochs" in line]
    log = SearchLog.read(Path(tuner.project_dir))
    assert lengths(tuner) == [4, 1, 1, 4, 1]
    assert (log.epochs.trained, log.epochs.saved) == (11, 6)
    assert [line.split("; epochs ")[1].split(";")[0] for line in lines[:-1]] == [
        "4/11", "5/11 (3 saved)", "6/11 (6 saved)", "10/11 (6 saved)", "11/11 (6 saved)",
    ]  # fmt: skip
    assert lines[-1].endswith("5 trials completed; epochs 11/11 (6 saved).")
    assert json.loads((tmp_path / "search" / "oracle.json").read_text())["max_epochs"] == 11


def test_trials_that_never_begin_an_epoch_end_a_search_that_nothing_else_ends(tmp_path, capsys):
    def broken(hp):
        if hp.Float("x", 0, 1) > 0 and len(tuner.oracle.trials) > 1:
            raise kt.errors.FailedTrialError("no device")
        return build_model(hp)

    tuner = make_tuner(tmp_path, broken, max_trials=None, max_epochs=100, progress="plain")
    tuner.search(epochs=1, **(DATA | {"verbose": 1}))

    assert len(tuner.oracle.trials) == 1 + MAX_IN_VAIN
    assert f"The last {MAX_IN_VAIN} trials have failed before the end of their first epoch." in capsys.readouterr().out

    tuner.hypermodel.build = build_model  # whoever mends the program goes on
    tuner.oracle.max_epochs = 3
    tuner.search(epochs=1, **DATA)
    assert [trial.status for trial in tuner.oracle.trials.values()][-2:] == ["COMPLETED"] * 2
