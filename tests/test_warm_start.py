import math

import keras_tuner as kt
import pandas as pd
import pytest

import keras_bayes
from keras_bayes.errors import ProjectError
from keras_bayes.search_log import known_records
from keras_bayes.warm_start import known_results

LOSS = {"objective": [["loss", "min"]]}
PROJECTS = ("keras_bayes-0.1.0", "keras_tuner-1.4.8")


@pytest.fixture
def projects(request):
    return request.path.parent / "projects"


@pytest.mark.parametrize("name", PROJECTS)
def test_the_ended_trials_of_a_project_are_known(projects, name):
    records = known_records(known_results(projects / name, **LOSS))

    assert len(records) >= 5
    assert all(record.number < 0 and record.status in ("COMPLETED", "FAILED") for record in records)
    assert all({"lr", "layers", "units"} <= record.values.keys() for record in records)


def test_a_project_for_another_objective_is_refused(projects):
    with pytest.raises(ProjectError, match="is for min 'loss'; the objective is now max 'val_accuracy'"):
        known_results(projects / PROJECTS[0], objective=[["val_accuracy", "max"]])


def test_a_folder_without_a_search_is_refused(tmp_path):
    with pytest.raises(ProjectError, match="There is no search in"):
        known_results(str(tmp_path), **LOSS)


def test_a_read_only_project_is_left_as_it_is(projects):
    before = {path: path.stat().st_mtime_ns for path in projects.rglob("*")}

    known_results(projects / PROJECTS[0], **LOSS)

    assert {path: path.stat().st_mtime_ns for path in projects.rglob("*")} == before


@pytest.mark.parametrize("column", ["score", "loss"])
def test_rows_of_a_frame_are_results(column):
    frame = pd.DataFrame(
        {
            "units": [128, 256, 384],
            "momentum": [0.5, math.nan, 0.1],
            "optimizer": ["sgd", "adam", "sgd"],
            "started": pd.Timestamp("2026-11-21"),
            column: [0.5, 0.25, math.nan],
        }
    )

    states = known_results(frame, **LOSS)

    assert [state["score"] for state in states] == [0.5, 0.25, None]
    assert states[1]["values"] == {"units": 256, "optimizer": "adam"}
    assert type(states[0]["values"]["units"]) is int


def test_an_infinite_result_is_a_failure():
    (state,) = known_results(pd.DataFrame({"units": [1], "score": [math.inf]}), **LOSS)

    assert state["score"] is None


def test_a_frame_without_results_is_refused():
    with pytest.raises(ValueError, match=r"needs a column 'score' or 'loss' .* received \['units'\]"):
        known_results(pd.DataFrame({"units": [1]}), **LOSS)


def test_anything_else_is_refused():
    with pytest.raises(TypeError, match="must be a project folder or a DataFrame, received 7"):
        known_results(7, **LOSS)


def test_a_sum_of_other_objectives_is_refused(tmp_path):
    losses, scores = [["loss", "min"], ["mae", "min"]], [["accuracy", "max"], ["latency", "min"]]
    oracle = keras_bayes.BayesOracle(objective=[kt.Objective(*part) for part in losses], max_trials=2)
    oracle._set_project_dir(str(tmp_path), "search")
    oracle.verbose = 0
    trial = oracle.create_trial("tuner0")
    oracle.update_trial(trial.trial_id, {"loss": 1.0, "mae": 2.0})
    trial.status = "COMPLETED"
    oracle.end_trial(trial)
    folder = tmp_path / "search"

    assert [state["score"] for state in known_results(folder, objective=losses[::-1])] == [3.0]
    with pytest.raises(ProjectError, match="min 'loss' and min 'mae'; the objective is now max 'accuracy' and min 'la"):
        known_results(folder, objective=scores)
    with pytest.raises(ProjectError, match=r"the objective is now min 'loss'\."):
        known_results(folder, objective=losses[:1])


def test_the_home_of_the_user_is_known(projects, monkeypatch):
    monkeypatch.setenv("HOME", str(projects))

    assert known_results(f"~/{PROJECTS[0]}", **LOSS) == known_results(projects / PROJECTS[0], **LOSS)
