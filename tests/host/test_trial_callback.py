"""Callbacks that know their trial, in real trainings; the trackers with stand-ins for W&B and MLflow."""

from __future__ import annotations

import copy
import sys
import types

import keras
import keras_tuner as kt
import pytest

import keras_bayes
from keras_bayes.trial_callback import score_of
from tests.host.test_tuner import DATA, build_model, make_tuner

pytestmark = pytest.mark.slow


class Journal(keras_bayes.callbacks.TrialCallback):
    """Notes what it is told, in a list that all copies share."""

    def __init__(self, notes):
        super().__init__()
        self.notes = notes

    def __deepcopy__(self, memo):
        return Journal(self.notes)

    def on_execution_begin(self, values):
        self.notes.append(("begin", self.execution.name, values))

    def on_execution_epoch(self, epoch, metrics):
        self.notes.append(("epoch", epoch, metrics["val_loss"]))

    def on_execution_end(self, score):
        self.notes.append(("end", self.execution.name, score))


class Diverging(kt.HyperModel):
    """The first trial fails after two epochs."""

    def build(self, hp):
        return build_model(hp)

    def fit(self, hp, model, *args, **kwargs):
        history = model.fit(*args, **kwargs)
        if not self.has_failed:
            self.has_failed = True
            raise ArithmeticError("diverged")
        return history

    has_failed = False


def scores(tuner):
    return [trial.record.score for trial in tuner.search_log().trials]


def test_a_callback_is_told_of_each_execution_with_its_values_and_score(tmp_path):
    notes = []
    tuner = make_tuner(tmp_path, max_trials=2, executions_per_trial=2)

    tuner.search(epochs=2, callbacks=[Journal(notes)], **DATA)

    assert [note[0] for note in notes] == ["begin", "epoch", "epoch", "end"] * 4
    assert [note[1] for note in notes[::4]] == [f"trial_{i}_execution_{j}" for i in range(2) for j in range(2)]
    values = [trial.record.values for trial in tuner.search_log().trials]
    assert [note[2] for note in notes[::4]] == [values[0], values[0], values[1], values[1]]
    ends = [note[2] for note in notes[3::4]]
    assert [(ends[0] + ends[1]) / 2, (ends[2] + ends[3]) / 2] == pytest.approx(scores(tuner))


def test_a_callback_of_a_failing_training_is_told_of_its_end(tmp_path):
    notes = []
    tuner = make_tuner(tmp_path, Diverging(), max_trials=2)

    tuner.search(epochs=2, callbacks=[Journal(notes)], **DATA)

    assert [note[0] for note in notes] == ["begin", "epoch", "epoch", "end"] * 2
    assert [notes[3][2], notes[7][2]] == scores(tuner)
    assert notes[3][2] is None
    assert "diverged" in tuner.search_log().trials[0].record.message


def test_folds_are_one_execution_and_know_what_is_declared_late(tmp_path):
    class Folds(kt.HyperModel):
        def build(self, hp):
            return build_model(hp)

        def fit(self, hp, model, *args, **kwargs):
            size = hp.Choice("batch_size", [16, 32])
            return [model.fit(*args, batch_size=size, **kwargs).history["val_loss"][-1] for _ in range(3)][-1]

    notes = []
    tuner = make_tuner(tmp_path, Folds(), max_trials=1, objective=None)

    tuner.search(epochs=2, callbacks=[Journal(notes)], **DATA)

    assert [note[:2] for note in notes[1:-1]] == [("epoch", i) for i in range(6)]
    assert notes[0][2]["batch_size"] in (16, 32)
    assert notes[-1] == ("end", "trial_0", scores(tuner)[0])


def test_a_callback_does_not_count_as_a_use_of_the_values(tmp_path):
    def build_with_idle(hp):
        model = build_model(hp)
        hp.values.setdefault("idle", 1)
        return model

    tuner = make_tuner(tmp_path, build_with_idle, max_trials=1)

    tuner.search(callbacks=[Journal([]), keras.callbacks.TensorBoard(str(tmp_path / "logs"))], **DATA)

    assert tuner.search_log().trials[0].record.unused == {"idle"}


def test_outside_a_search_a_callback_says_what_to_do():
    model = build_model(kt.HyperParameters())

    with pytest.raises(keras_bayes.KerasBayesError, match=r"BayesTuner\.search\(\.\.\., callbacks=\[Journal"):
        model.fit(callbacks=[Journal([])], **DATA)


def test_the_end_of_one_callback_is_not_lost_with_that_of_another(tmp_path):
    class Broken(keras_bayes.callbacks.TrialCallback):
        def on_execution_end(self, score):
            raise ArithmeticError("no connection")

    notes = []
    tuner = make_tuner(tmp_path, max_trials=1)

    tuner.search(callbacks=[Journal(notes), Broken()], **DATA)

    assert notes[-1][0] == "end"
    assert "no connection" in tuner.search_log().trials[0].record.message


@pytest.mark.parametrize(
    ("results", "score"),
    [
        (0.5, 0.5),
        ({"val_loss": 0.25, "other": 1.0}, 0.25),
        ({"other": 1.0}, None),
        (float("nan"), None),
        ([0.5, {"val_loss": 0.25}], 0.375),
        ([0.5, float("inf")], None),
        ([], None),
        (None, None),
    ],
)
def test_the_score_is_the_objective_in_whatever_was_returned(results, score):
    assert score_of(results, kt.Objective("val_loss", "min")) == score


@pytest.mark.parametrize(("direction", "score"), [("min", 0.1), ("max", 0.3)])
def test_the_score_of_a_history_is_that_of_its_best_epoch(direction, score):
    history = keras.callbacks.History()
    history.history = {"loss": [9.0, 9.0, 9.0], "val_loss": [0.2, 0.1, 0.3]}

    assert score_of(history, kt.Objective("val_loss", direction)) == score


def test_the_score_is_that_of_all_epochs_though_another_metric_has_fewer():
    history = keras.callbacks.History()
    history.history = {"loss": [3.0, 2.0, 1.0], "val_loss": [5.0]}

    assert score_of(history, kt.Objective("loss", "min")) == 1.0


def test_the_score_of_several_objectives_is_what_keras_tuner_minimises():
    objective = keras_bayes.BayesOracle([kt.Objective("loss", "min"), kt.Objective("accuracy", "max")]).objective
    history = keras.callbacks.History()
    history.history = {"loss": [1.0, 0.5, 0.5], "accuracy": [0.75, 0.5, 0.75]}

    assert score_of(history, objective) == 0.5 - 0.75
    assert score_of({"loss": 1.0}, objective) is None


class FakeRun:
    def __init__(self, arguments):
        self.arguments = arguments
        self.summary = {}
        self.rows = []
        self.exit_codes = []

    def log(self, metrics, step):
        self.rows.append((step, metrics))

    def finish(self, exit_code):
        self.exit_codes.append(exit_code)


@pytest.fixture
def wandb(monkeypatch):
    """Runs that were opened."""
    runs = []
    module = types.ModuleType("wandb")
    module.init = lambda **arguments: runs.append(FakeRun(arguments)) or runs[-1]
    module.Error = ConnectionError
    monkeypatch.setitem(sys.modules, "wandb", module)
    return runs


class FakeClient:
    def __init__(self, uri):
        self.experiments.setdefault("uri", uri)

    def get_experiment_by_name(self, name):
        return types.SimpleNamespace(experiment_id=self.experiments[name]) if name in self.experiments else None

    def create_experiment(self, name):
        if name in self.experiments:
            raise ConnectionError(f"{name} exists")
        self.experiments[name] = len(self.experiments)
        return self.experiments[name]

    def create_run(self, experiment_id, run_name, tags):
        run = {"experiment": experiment_id, "name": run_name, "tags": tags, "params": {}, "metrics": [], "ends": []}
        self.runs.append(run)
        return types.SimpleNamespace(info=types.SimpleNamespace(run_id=len(self.runs) - 1))

    def log_param(self, run_id, key, value):
        self.runs[run_id]["params"][key] = value

    def log_metric(self, run_id, key, value, step=None):
        self.runs[run_id]["metrics"].append((key, value, step))

    def set_terminated(self, run_id, status):
        self.runs[run_id]["ends"].append(status)


@pytest.fixture
def mlflow(monkeypatch):
    """The class of a client, with all that was logged."""
    module = types.ModuleType("mlflow")
    module.exceptions = types.SimpleNamespace(MlflowException=ConnectionError)
    module.MlflowClient = type("MlflowClient", (FakeClient,), {"experiments": {}, "runs": []})
    monkeypatch.setitem(sys.modules, "mlflow", module)
    return module.MlflowClient


def test_an_experiment_that_cannot_be_made_costs_no_training(tmp_path, mlflow, monkeypatch):
    def create_experiment(self, name):
        raise ConnectionError("no right to do so")

    monkeypatch.setattr(mlflow, "create_experiment", create_experiment)
    tuner = make_tuner(tmp_path, max_trials=1)

    with pytest.warns(keras_bayes.KerasBayesWarning, match="MlflowRun cannot log trial_0: no right to do so"):
        tuner.search(epochs=1, callbacks=[keras_bayes.callbacks.MlflowRun()], **DATA)

    assert tuner.oracle.best_trial().score is not None


def test_an_experiment_that_another_worker_makes_at_this_moment_is_used(tmp_path, mlflow, monkeypatch):
    def create_experiment(self, name):
        self.experiments[name] = 7
        raise ConnectionError(f"{name} exists")

    monkeypatch.setattr(mlflow, "create_experiment", create_experiment)

    make_tuner(tmp_path, max_trials=1).search(epochs=1, callbacks=[keras_bayes.callbacks.MlflowRun()], **DATA)

    assert [run["experiment"] for run in mlflow.runs] == ["7"]


def test_wandb_has_a_run_for_each_trial(tmp_path, wandb):
    tuner = make_tuner(tmp_path, Diverging(), max_trials=3)

    tuner.search(epochs=2, callbacks=[keras_bayes.callbacks.WandbRun("mnist", tags=["first"])], **DATA)

    trials = tuner.search_log().trials
    assert [run.arguments for run in wandb] == [
        {
            "project": "mnist",
            "group": "search",
            "name": f"trial_{trial.trial_id}",
            "config": trial.record.values,
            "reinit": "create_new",
            "tags": ["first"],
        }
        for trial in trials
    ]
    assert [run.exit_codes for run in wandb] == [[1], [0], [0]]
    assert [run.summary for run in wandb] == [
        {},
        *({"score": pytest.approx(trial.record.score)} for trial in trials[1:]),
    ]
    assert [run.rows for run in wandb] == [[(e.number, dict(e.metrics)) for e in trial.curve] for trial in trials]


def test_mlflow_has_a_run_for_each_trial(tmp_path, mlflow):
    tuner = make_tuner(tmp_path, Diverging(), max_trials=3)

    tuner.search(epochs=2, callbacks=[keras_bayes.callbacks.MlflowRun(tracking_uri="sqlite:///runs")], **DATA)

    trials = tuner.search_log().trials
    assert set(mlflow.experiments) == {"uri", "search"}
    assert mlflow.experiments["uri"] == "sqlite:///runs"
    assert [run["name"] for run in mlflow.runs] == [f"trial_{trial.trial_id}" for trial in trials]
    assert [run["tags"] for run in mlflow.runs] == [{"search": "search", "trial": t.trial_id} for t in trials]
    assert [run["params"] for run in mlflow.runs] == [trial.record.values for trial in trials]
    assert [run["ends"] for run in mlflow.runs] == [["FAILED"], ["FINISHED"], ["FINISHED"]]
    for run, trial in zip(mlflow.runs, trials, strict=True):
        rows = [(name, value, e.number) for e in trial.curve for name, value in e.metrics.items()]
        score = [("score", pytest.approx(trial.record.score), None)] if trial.record.score is not None else []
        assert run["metrics"] == [*rows, *score]


def test_a_tracker_that_is_not_reached_at_the_start_costs_no_training(tmp_path, wandb, monkeypatch):
    def init(**arguments):
        if arguments["name"] == "trial_0":
            raise ConnectionError("no network")
        return original(**arguments)

    original = sys.modules["wandb"].init
    monkeypatch.setattr(sys.modules["wandb"], "init", init)
    tuner = make_tuner(tmp_path, max_trials=2)

    with pytest.warns(keras_bayes.KerasBayesWarning, match="WandbRun cannot log trial_0: no network"):
        tuner.search(epochs=2, callbacks=[keras_bayes.callbacks.WandbRun()], **DATA)

    assert None not in scores(tuner)
    assert [run.arguments["name"] for run in wandb] == ["trial_1"]


def test_a_tracker_that_gets_lost_is_tried_again_at_the_end_only(tmp_path, mlflow, monkeypatch):
    def log_metric(self, run_id, key, value, step=None):
        attempts.append(step)
        raise ConnectionError("no network")

    attempts = []
    monkeypatch.setattr(mlflow, "log_metric", log_metric)
    tuner = make_tuner(tmp_path, max_trials=1)

    with pytest.warns(keras_bayes.KerasBayesWarning, match="MlflowRun cannot log trial_0: no network"):
        tuner.search(epochs=3, callbacks=[keras_bayes.callbacks.MlflowRun()], **DATA)

    assert None not in scores(tuner)
    assert attempts == [0, None]


@pytest.mark.parametrize("name", ["WandbRun", "MlflowRun"])
def test_trackers_can_be_copied_before_they_run(name, wandb, mlflow):
    tracker = getattr(keras_bayes.callbacks, name)("somewhere")

    assert vars(copy.deepcopy(tracker)).keys() == vars(tracker).keys()


@pytest.mark.parametrize(("name", "package"), [("WandbRun", "wandb"), ("MlflowRun", "mlflow")])
def test_a_tracker_whose_package_is_missing_says_what_to_install(monkeypatch, name, package):
    monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(ImportError, match=rf'pip install "\.\[{package}\]"'):
        getattr(keras_bayes.callbacks, name)()


def test_workers_that_begin_together_share_an_experiment_of_mlflow(tmp_path, mlflow, monkeypatch):
    def create_experiment(self, name):  # as when another worker has just made it
        self.experiments[name] = 7
        raise ConnectionError("exists")

    monkeypatch.setattr(mlflow, "create_experiment", create_experiment)

    make_tuner(tmp_path, max_trials=1).search(epochs=1, callbacks=[keras_bayes.callbacks.MlflowRun()], **DATA)

    assert [(run["experiment"], run["ends"]) for run in mlflow.runs] == [("7", ["FINISHED"])]


def test_a_run_of_mlflow_that_cannot_be_described_is_ended(tmp_path, mlflow, monkeypatch):
    def log_param(self, run_id, key, value):
        raise ConnectionError("refused")

    monkeypatch.setattr(mlflow, "log_param", log_param)

    with pytest.warns(keras_bayes.KerasBayesWarning, match="MlflowRun cannot log trial_0: refused"):
        make_tuner(tmp_path, max_trials=1).search(epochs=1, callbacks=[keras_bayes.callbacks.MlflowRun()], **DATA)

    assert [run["ends"] for run in mlflow.runs] == [["FAILED"]]
