"""Data frames of searches."""

import dataclasses
import shutil
import subprocess
import sys
from datetime import datetime, timezone

import keras_tuner as kt
import pandas as pd
import pytest

from keras_bayes.curves import Epoch
from keras_bayes.extras import load
from keras_bayes.search_log import SearchLog
from keras_bayes.show.frames import curves_frame, trials_frame
from keras_bayes.tables import hyperparameter_names
from keras_bayes.warm_start import known_results
from tests.host.searches import make_oracle, mixed_loss, mixed_space, run_search
from tests.host.test_stored_projects import PROJECTS

EPOCHS = (
    Epoch(0, 0, 1.6e9, 2.5, {"loss": 1.0, "epoch": 7.0}),
    Epoch(0, 1, 1.6e9 + 3, 3.0, {"loss": 0.5}),
)


def risky_loss(values):
    return 1 / 0 if values["layers"] == 1 else mixed_loss(values)


def log_of(folder, *, space=None, loss=risky_loss, num_trials=12, **changes):
    oracle = make_oracle(folder, hyperparameters=space or mixed_space())
    run_search(oracle, loss, num_trials)
    return dataclasses.replace(SearchLog.read(folder / "search"), **changes)


def with_trial(log, index, *, record=None, **changes):
    trial = log.trials[index]
    trial = dataclasses.replace(trial, record=dataclasses.replace(trial.record, **(record or {})), **changes)
    return dataclasses.replace(log, trials=(*log.trials[:index], trial, *log.trials[index + 1 :]))


def present(row, names):
    return {name: row[name] for name in names if not pd.isna(row[name])}


def test_each_trial_is_a_row_with_its_values(tmp_path):
    log = log_of(tmp_path)
    names = [item["config"]["name"] for item in log.hyperparameters["space"]]

    frame = trials_frame(log)

    assert list(frame["trial"]) == [trial.trial_id for trial in log.trials]
    assert [present(row, names) for row in frame.to_dict("records")] == [trial.record.values for trial in log.trials]
    assert [present(row, ["score"]).get("score") for row in frame.to_dict("records")] == [
        trial.record.score for trial in log.trials
    ]


def test_the_types_of_the_columns_are_those_of_their_values(tmp_path):
    frame = trials_frame(log_of(tmp_path))

    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == {
        "trial": "string",
        "lr": "float64",
        "layers": "Int64",
        "units": "Int64",
        "optimizer": "string",
        "augment": "boolean",
        "momentum": "float64",
        "score": "float64",
        "status": "string",
        "seconds": "float64",
        "started": "datetime64[us, UTC]",
        "epochs": "Int64",
        "source": "string",
        "predicted_mean": "float64",
        "predicted_sd": "float64",
        "message": "string",
    }


def test_what_a_trial_never_read_is_empty(tmp_path):
    log = with_trial(log_of(tmp_path), 0, record={"unused": frozenset({"units"})})

    frame = trials_frame(log)

    assert pd.isna(frame["units"][0])
    assert not frame["units"][1:].isna().any()


def test_where_and_when_a_trial_was_chosen_and_run(tmp_path):
    before = datetime.now(timezone.utc)
    log = log_of(tmp_path)

    frame = trials_frame(log)

    assert list(frame["source"][:3]) == ["design"] * 3
    model = frame[frame["source"] == "model"]
    assert len(model)
    assert (model["predicted_sd"] > 0).all()
    assert list(frame["predicted_mean"].notna()) == list(frame["source"] == "model")
    assert (frame["started"] >= before).all()
    assert (frame["seconds"] >= 0).all()


def test_the_message_of_a_failure_is_its_last_line(tmp_path):
    frame = trials_frame(log_of(tmp_path))

    failed = frame[frame["status"] == "FAILED"]
    assert len(failed)
    assert set(failed["message"]) == {"ZeroDivisionError: division by zero"}
    assert list(frame["message"].notna()) == list(frame["status"] == "FAILED")


def test_a_hyperparameter_called_like_another_column_keeps_its_values_under_another_name(tmp_path):
    hp = kt.HyperParameters()
    for name in ("score", "hp.score", "trial"):
        hp.Int(name, 1, 100)
    log = log_of(tmp_path, space=hp, loss=lambda values: values["score"] / 7, num_trials=4)

    frame = trials_frame(log)

    assert list(frame.columns[:4]) == ["trial", "hp.hp.score", "hp.score", "hp.trial"]
    values = [trial.record.values for trial in log.trials]
    assert list(frame["hp.hp.score"]) == [row["score"] for row in values]
    assert list(frame["hp.score"]) == [row["hp.score"] for row in values]
    assert list(frame["score"]) == [trial.record.score for trial in log.trials]


def test_each_epoch_is_a_row_with_its_metrics(tmp_path):
    log = with_trial(log_of(tmp_path), 2, curve=EPOCHS)

    frame = curves_frame(log)

    assert list(frame.columns) == ["trial", "training", "epoch", "seconds", "ended", "loss", "metric.epoch"]
    assert set(frame["trial"]) == {log.trials[2].trial_id}
    assert list(frame["epoch"]) == [0, 1]
    assert list(frame["loss"]) == [1.0, 0.5]
    assert frame["metric.epoch"][0] == 7.0
    assert pd.isna(frame["metric.epoch"][1])
    assert frame["ended"][0] == datetime.fromtimestamp(1.6e9, timezone.utc)
    assert list(trials_frame(log)["epochs"].dropna()) == [2]


@pytest.mark.parametrize("project", PROJECTS, ids=lambda path: path.name)
def test_a_stored_project_becomes_a_frame(project):
    log = SearchLog.read(project)

    frame = trials_frame(log)

    assert len(frame) == len(log.trials) == 8
    assert frame.loc[frame["score"].idxmin(), "trial"] == log.best.trial_id
    assert curves_frame(log).empty


def test_a_search_without_trials_has_all_columns(tmp_path):
    project = tmp_path / "search"
    project.mkdir()
    shutil.copy(PROJECTS[0] / "oracle.json", project)

    log = SearchLog.read(project)

    assert {"trial", "lr", "score"} <= set(trials_frame(log).columns)
    assert list(curves_frame(log).columns) == ["trial", "training", "epoch", "seconds", "ended"]


def test_a_missing_package_is_named_with_what_installs_it():
    with pytest.raises(ImportError, match=r'pip install "\.\[viz\]"'):
        load("a_package_that_nobody_has", "viz")


def test_pandas_is_not_loaded_before_it_is_needed():
    imports = "import sys, keras_bayes.show.frames, keras_bayes.show.optuna_study"
    code = f"{imports}; print({{'pandas', 'optuna'}} & set(sys.modules))"

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert result.stdout == "set()\n"


def test_another_search_can_start_from_a_frame(tmp_path):
    hp = mixed_space()
    hp.Int("epochs", 1, 100)  # called like a column with results
    hp.Int("score", 1, 100)
    log = log_of(tmp_path, space=hp)
    names = hyperparameter_names(log)

    states = known_results(trials_frame(log), objective=[["loss", "min"]])

    expected = known_results(tmp_path / "search", objective=[["loss", "min"]])
    assert [state["score"] for state in states] == [state["score"] for state in expected]
    assert [{name: state["values"][name] for name in names if name in state["values"]} for state in states] == [
        state["values"] for state in expected
    ]


def test_a_hyperparameter_may_have_the_name_of_a_column_of_another_frame(tmp_path):
    hp = kt.HyperParameters()
    hp.Choice("training", ["short", "long"])
    hp.Float("epoch", 0.0, 1.0)
    hp.Boolean("ended")
    log = log_of(tmp_path, space=hp, loss=lambda values: values["epoch"], num_trials=4)
    epochs = [Epoch(0, i, 0.0, 0.0, {"status": 0.5, "source": 2.0}) for i in range(2)]

    trials, curves = trials_frame(log), curves_frame(with_trial(log, 0, curve=tuple(epochs)))

    values = [trial.record.values for trial in log.trials]
    for name in ("training", "epoch", "ended"):
        assert list(trials[name]) == [row[name] for row in values]
    assert list(curves["status"]) == [0.5, 0.5]
    assert curves["source"].dtype == "float64"
