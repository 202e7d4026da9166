"""Projects of every release so far, and of keras-tuner, that must open for ever; made by `tests/projects/make.py`."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path

import pytest
from searches import make_oracle, run_search

import keras_bayes

PROJECTS = sorted(path.parent for path in Path(__file__).parent.parent.glob("projects/*/expected.json"))
every_project = pytest.mark.parametrize("project", PROJECTS, ids=lambda path: path.name)


@pytest.fixture
def opened(project, tmp_path):
    """The search, opened by a program that says nothing of its space."""
    shutil.copytree(project, tmp_path / "search")
    oracle = make_oracle(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        oracle.reload()
    return oracle


def test_this_release_has_left_one():
    names = {project.name for project in PROJECTS}

    assert f"keras_bayes-{keras_bayes.__version__}" in names
    assert any(name.startswith("keras_tuner-") for name in names)


@every_project
def test_a_stored_project_opens_with_all_its_trials(project, opened):
    expected = json.loads((project / "expected.json").read_text(encoding="utf-8"))

    assert list(opened.trials) == list(expected)
    for trial_id, trial in opened.trials.items():
        found = {"status": trial.status, "score": trial.score, "values": trial.hyperparameters.values}
        assert found == expected[trial_id]
    assert opened.get_best_trials(1)[0].score == min(entry["score"] for entry in expected.values() if entry["score"])


@every_project
def test_a_stored_project_goes_on_with_the_trial_that_was_interrupted(project, opened):
    expected = json.loads((project / "expected.json").read_text(encoding="utf-8"))
    interrupted = next(i for i, entry in expected.items() if entry["status"] == "RUNNING")

    trials = run_search(opened, lambda values: values["lr"], num_trials=4)

    assert trials[0].trial_id == interrupted
    assert trials[0].hyperparameters.values == expected[interrupted]["values"]
    assert [trial.status for trial in trials] == ["COMPLETED"] * 4


@every_project
def test_a_stored_project_is_json_only(project):
    assert {path.suffix for path in project.rglob("*") if path.is_file()} == {".json"}


@every_project
def test_ours_say_their_format_and_those_of_keras_tuner_do_not(project):
    state = json.loads((project / "oracle.json").read_text(encoding="utf-8"))

    assert state.get("format") == (1 if project.name.startswith("keras_bayes-") else None)


def test_a_later_format_is_refused_in_words_and_left_alone(tmp_path):
    project = tmp_path / "search"
    shutil.copytree(PROJECTS[0], project)
    state = json.loads((project / "oracle.json").read_text(encoding="utf-8"))
    text = json.dumps({**state, "format": 99, "keras_bayes": "7.0.0"})
    (project / "oracle.json").write_text(text, encoding="utf-8")
    oracle = make_oracle(tmp_path)

    for call in (oracle.reload, lambda: oracle.create_trial("tuner0")):
        with pytest.raises(
            keras_bayes.KerasBayesError, match=r"format 99, written by keras_bayes 7\.0\.0.*Update keras_bayes"
        ):
            call()

    assert (project / "oracle.json").read_text(encoding="utf-8") == text


def test_nothing_is_unpickled():
    package = Path(keras_bayes.__file__).parent

    for path in package.glob("*.py"):
        assert not {"pickle", "joblib", "cloudpickle", "dill", "marshal", "shelve"} & set(path.read_text().split())
