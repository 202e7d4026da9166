"""Rules in real Keras trainings: in `model.fit`, and in searches."""

from __future__ import annotations

import copy
import multiprocessing

import keras
import keras_tuner as kt
import numpy as np
import pytest

import keras_bayes
from keras_bayes.curves import DIVERGED, read_curve, read_ends
from keras_bayes.stopping_rules import MedianStopping, SuccessiveHalving
from tests.host.test_tuner import DATA, build_model, make_tuner

pytestmark = pytest.mark.slow

NUM_EPOCHS = 6
HALVING = SuccessiveHalving(min_epochs=2, factor=2, min_finished=2)


class Scripted(keras.callbacks.Callback):
    """Gives the epochs of the n-th training the losses `level[n] / (epoch + 1)`, as another model and data would."""

    num_trainings = 0
    levels: tuple[float, ...] = ()

    def on_train_begin(self, logs=None):
        self.level = Scripted.levels[Scripted.num_trainings]
        Scripted.num_trainings += 1

    def on_epoch_end(self, epoch, logs=None):
        logs["val_loss"] = self.level / (epoch + 1)


@pytest.fixture
def script(monkeypatch):
    """Sets the levels of the trainings to come."""

    def set_levels(*levels):
        monkeypatch.setattr(Scripted, "num_trainings", 0)
        monkeypatch.setattr(Scripted, "levels", levels)
        return Scripted()

    return set_levels


def fit(*callbacks, epochs=NUM_EPOCHS):
    """Trains a model; the number of its epochs."""
    model = build_model(kt.HyperParameters())
    return len(model.fit(**DATA, epochs=epochs, callbacks=list(callbacks)).history["loss"])


def num_epochs(tuner):
    return [len(trial.curve) for trial in tuner.search_log().trials]


# ---------------------------------------------------------------------------------------------- without a tuner
def test_plain_trainings_learn_from_each_other_through_a_folder(tmp_path, script):
    scripted = script(1.0, 2.0, 0.5, 9.0, 0.1)

    lengths = [fit(scripted, keras_bayes.StopTrial(HALVING, folder=tmp_path / "curves")) for _ in range(5)]

    assert lengths == [6, 6, 6, 2, 6]
    curves = [read_curve(tmp_path / "curves" / f"training_{i}") for i in range(5)]
    assert [len(curve) for curve in curves] == lengths
    assert curves[3][1].metrics["val_loss"] == 4.5
    ends = [end for i in range(5) for end in read_ends(tmp_path / "curves" / f"training_{i}")]
    assert [end.stopped for end in ends] == ["", "", "", "Stopped after 2 epochs: number 4 of 4, of which 2 go on.", ""]


def test_one_callback_and_its_copies_may_be_used_again_and_again(tmp_path, script):
    scripted = script(1.0, 2.0, 9.0)
    callback = keras_bayes.StopTrial(HALVING, folder=tmp_path)

    assert [fit(scripted, callback), fit(scripted, callback), fit(scripted, copy.deepcopy(callback))] == [6, 6, 2]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["training_0", "training_1", "training_2"]


def train_in_a_process(folder):
    keras.utils.set_random_seed(0)
    fit(keras_bayes.StopTrial("median", folder=folder), epochs=3)


def test_processes_that_share_a_folder_take_different_places_in_it(tmp_path):
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=train_in_a_process, args=(tmp_path,)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()

    assert [process.exitcode for process in processes] == [0, 0]
    assert [len(read_curve(tmp_path / f"training_{i}")) for i in range(2)] == [3, 3]


def test_any_tuner_can_have_it(tmp_path, script):
    scripted = script(1.0, 2.0, 9.0)
    tuner = kt.RandomSearch(build_model, "val_loss", max_trials=3, directory=tmp_path / "a", project_name="random")

    tuner.search(**DATA, epochs=NUM_EPOCHS, callbacks=[scripted, keras_bayes.StopTrial(HALVING, folder=tmp_path / "b")])

    assert [len(read_curve(tmp_path / "b" / f"training_{i}")) for i in range(3)] == [6, 6, 2]


def test_what_is_maximised_is_known(tmp_path):
    class Rising(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["val_accuracy"] = self.level * (epoch + 1)

    rising, lengths = Rising(), []
    for rising.level in (0.1, 0.09, 0.01, 0.11):
        stop = keras_bayes.StopTrial(HALVING, folder=tmp_path, objective="val_accuracy")
        lengths.append(fit(rising, stop))

    assert lengths == [6, 6, 2, 6]


def test_what_no_epoch_tells_of_is_said_once_per_training(tmp_path):
    with pytest.warns(keras_bayes.KerasBayesWarning, match=r"objective \['val_auc'\] is not among .*'val_loss'"):
        fit(keras_bayes.StopTrial(folder=tmp_path, objective="val_auc"), epochs=1)


@pytest.mark.parametrize(("rule", "objective", "words"), [("best", "val_loss", "'halving'"), ("auto", "mine", "infer")])
def test_bad_arguments_are_refused_at_construction(tmp_path, rule, objective, words):
    with pytest.raises(ValueError, match=words):
        keras_bayes.StopTrial(rule, folder=tmp_path / "curves", objective=objective)

    assert not (tmp_path / "curves").exists()


# ---------------------------------------------------------------------------------------------- in a search
def test_a_search_stops_hopeless_trials_and_their_scores_are_what_they_reached(tmp_path, script, capsys):
    tuner = make_tuner(tmp_path, stopping=HALVING)

    tuner.search(**(DATA | {"verbose": 1}), epochs=NUM_EPOCHS, callbacks=[script(1.0, 2.0, 9.0, 0.5, 8.0)])

    trials = tuner.search_log().trials
    reason = "Stopped after 2 epochs: number 3 of 3, of which 1 go on."
    assert num_epochs(tuner) == [6, 6, 2, 6, 2]
    assert [trial.record.score for trial in trials] == pytest.approx([1 / 6, 2 / 6, 9 / 2, 0.5 / 6, 8 / 2])
    assert [trial.record.status for trial in trials] == ["COMPLETED"] * 5
    assert trials[2].stopped == trials[2].record.message == reason
    assert trials[0].stopped == ""
    assert tuner.search_log().best.trial_id == "3"
    assert len(tuner.get_best_models(3)) == 3
    assert f"; {reason.rstrip('.')}; " in capsys.readouterr().out


@pytest.mark.parametrize("name", ["auto", "median", "halving"])
def test_rules_have_names(tmp_path, script, name):
    tuner = make_tuner(tmp_path, stopping=name, max_trials=8)

    tuner.search(**DATA, epochs=NUM_EPOCHS, callbacks=[script(1.3, 1.25, 1.2, 1.15, 1.1, 1.05, 1.0, 99.0)])

    assert num_epochs(tuner) == [6] * 7 + [3]


def test_a_training_that_early_stopping_ends_is_a_finished_one(tmp_path, script):
    tuner = make_tuner(tmp_path, stopping=HALVING, max_trials=3)
    patience = keras.callbacks.EarlyStopping("val_loss", patience=1, min_delta=10.0)

    tuner.search(**DATA, epochs=NUM_EPOCHS, callbacks=[script(1.0, 2.0, 9.0), patience])

    assert num_epochs(tuner) == [2, 2, 2]
    assert [trial.stopped for trial in tuner.search_log().trials] == [""] * 3


def test_a_metric_of_every_other_epoch_is_enough(tmp_path):
    seen = []

    def rule(training):
        seen.append(training.losses)
        return "enough" if len(training.earlier) else ""

    tuner = make_tuner(tmp_path, stopping=rule, max_trials=2)
    tuner.search(**DATA, epochs=5, validation_freq=2)

    assert [len(losses) for losses in seen] == [2, 4, 2]
    assert np.isnan(seen[1]).tolist() == [True, False, True, False]
    assert [trial.record.score for trial in tuner.search_log().trials] == [min(seen[1][[1, 3]]), seen[2][1]]


def test_the_executions_that_remain_of_a_stopped_trial_are_left_out(tmp_path, script):
    tuner = make_tuner(tmp_path, stopping=HALVING, max_trials=3, executions_per_trial=2)

    tuner.search(**DATA, epochs=NUM_EPOCHS, callbacks=[script(2.0, 2.1, 1.0, 1.1, 9.0)])

    assert num_epochs(tuner) == [12, 12, 2]
    assert tuner.search_log().trials[2].record.score == pytest.approx(9 / 2)


def test_epochs_that_a_hypermodel_chooses_are_known_and_folds_are_judged_one_by_one(tmp_path, script):
    seen = []

    class Folds(kt.HyperModel):
        def build(self, hp):
            return build_model(hp)

        def fit(self, hp, model, *args, **kwargs):
            histories = [model.fit(*args, **(kwargs | {"epochs": epochs})) for epochs in (4, 5)]
            return {"val_loss": np.mean([min(history.history["val_loss"]) for history in histories])}

    def rule(training):
        seen.append((training.num_epochs, training.epoch, len(training.earlier)))
        return "enough" if len(training.earlier) and training.num_epochs == 4 else ""

    tuner = make_tuner(tmp_path, Folds(), stopping=rule, max_trials=2)
    tuner.search(**DATA, callbacks=[script(1.0, 1.0, 1.0, 1.0)])

    first = [(4, i, 0) for i in range(1, 4)] + [(5, i, 0) for i in range(1, 5)]
    assert seen == [*first, (4, 1, 2), *[(5, i, 2) for i in range(1, 5)]]
    assert num_epochs(tuner) == [9, 6]
    assert tuner.search_log().trials[1].stopped == "enough"


def test_a_resumed_search_knows_the_curves_of_the_earlier_trials(tmp_path, script):
    make_tuner(tmp_path, stopping=HALVING, max_trials=2).search(**DATA, epochs=NUM_EPOCHS, callbacks=[script(1.0, 2.0)])

    tuner = make_tuner(tmp_path, stopping=HALVING, max_trials=3)
    tuner.search(**DATA, epochs=NUM_EPOCHS, callbacks=[script(9.0)])

    assert num_epochs(tuner) == [6, 6, 2]


def test_a_rule_is_told_what_the_model_of_the_search_expects(tmp_path, script):
    seen = []

    def rule(training):
        seen.append(training.expected)
        return ""

    def log(tuner):
        return tuner.search_log().trials[-1].proposal

    low = make_tuner(tmp_path / "low", stopping=rule, max_trials=4)
    low.search(**DATA, epochs=2, callbacks=[script(1.0, 2.0, 3.0, 4.0)])
    high = make_tuner(tmp_path / "high", stopping=rule, max_trials=4, objective=kt.Objective("val_loss", "max"))
    high.search(**DATA, epochs=2, callbacks=[script(1.0, 2.0, 3.0, 4.0)])

    expected = (log(low)["mean"], log(low)["sd"]), (-log(high)["mean"], log(high)["sd"])
    assert seen == [None] * 3 + [expected[0]] + [None] * 3 + [expected[1]]


@pytest.mark.parametrize(
    ("rule", "error", "words"),
    [
        (lambda training: training.loss, kt.errors.FatalRuntimeError, "rule <lambda> raised AttributeError: .*loss"),
        (lambda training: training.best > 0, kt.errors.FatalTypeError, "returned True"),
    ],
)
def test_a_bug_in_a_rule_ends_the_search_and_is_no_bad_trial(tmp_path, script, rule, error, words):
    tuner = make_tuner(tmp_path, stopping=rule)

    with pytest.raises(error, match=words):
        tuner.search(**DATA, epochs=2, callbacks=[script(*[1.0] * 9)])

    assert len(tuner.oracle.trials) == 1
    assert tuner.oracle.trials["0"].status not in ("FAILED", "COMPLETED")
    mended = make_tuner(tmp_path)
    mended.search(**DATA, epochs=1, callbacks=[script(*[1.0] * 9)])
    assert len(mended.oracle.get_best_trials(9)) == 5


def test_a_training_that_diverges_is_a_failed_trial_and_ends_early(tmp_path, script):
    tuner = make_tuner(tmp_path, stopping=MedianStopping(min_finished=1))

    tuner.search(**DATA, epochs=4, callbacks=[script(1.0, float("nan"), 9.0, 1.0, 1.0)])

    assert [trial.record.status for trial in tuner.search_log().trials] == ["COMPLETED", "FAILED", *["COMPLETED"] * 3]
    assert num_epochs(tuner) == [4, 3, 3, 4, 4]
    stopped = tuner.search_log().trials[1].stopped
    assert stopped == DIVERGED


@pytest.mark.parametrize("stopping", ["median", lambda training: ""])
def test_a_training_that_diverges_after_good_epochs_ends_early_too(tmp_path, stopping):
    class Diverging(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["val_loss"] = float("nan") if epoch in (1, *range(3, 20)) else 1.0

    tuner = make_tuner(tmp_path, stopping=stopping, max_trials=1)
    tuner.search(**DATA, epochs=20, callbacks=[Diverging()])

    (trial,) = tuner.search_log().trials
    assert (trial.record.status, trial.record.score, len(trial.curve)) == ("COMPLETED", 1.0, 6)
    assert trial.stopped == DIVERGED
    assert tuner.search_log().history.records[0].gain is None  # nothing was to come
    assert tuner.oracle._forecasts() == {}


@pytest.mark.parametrize(("stopping", "objective", "words"), [("hard", "val_loss", "'auto'"), ("auto", None, "metric")])
def test_an_unknown_rule_or_an_objective_without_epochs_is_refused(tmp_path, stopping, objective, words):
    with pytest.raises(ValueError, match=words):
        make_tuner(tmp_path, stopping=stopping, objective=objective)


def test_the_home_of_the_user_is_known(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))

    assert keras_bayes.StopTrial(folder="~/curves").folder == tmp_path / "curves"


def test_an_epoch_whose_objective_is_not_a_number_is_none_to_judge_by(tmp_path):
    class NotANumber(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 2:
                logs["val_loss"] = float("nan")

    def rule(training):
        seen.append(training.epoch)
        return ""

    seen = []
    tuner = make_tuner(tmp_path, stopping=rule, max_trials=1)
    tuner.search(**DATA, epochs=6, callbacks=[NotANumber()])

    assert seen == [1, 2, 4, 5]  # the sixth is the last
