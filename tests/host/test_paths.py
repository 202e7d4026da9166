"""Where a search may put its files, and what `overwrite=True` may remove."""

from __future__ import annotations

import keras_tuner as kt
import pytest

import keras_bayes


class Formula(keras_bayes.BayesTuner):
    """A search without training."""

    def run_trial(self, trial, *args, **kwargs):
        return trial.hyperparameters.Float("x", -1, 1) ** 2


class HostTuner(kt.Tuner):
    """keras-tuner's own tuner, without training."""

    def run_trial(self, trial, *args, **kwargs):
        return trial.hyperparameters.Float("x", -1, 1) ** 2


def make(folder, **arguments):
    return Formula(**({"max_trials": 2, "seed": 0, "directory": str(folder)} | arguments))


def content(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("name", ["", ".", "..", "../other", "a\0b", "ABSOLUTE"])
def test_a_project_name_that_leads_elsewhere_touches_nothing(tmp_path, name, overwrite):
    mine, directory = tmp_path / "mine", tmp_path / "runs"
    for folder in (mine, directory):
        folder.mkdir()
        (folder / "oracle.json").write_text("{}")
    before = content(tmp_path)

    with pytest.raises(keras_bayes.KerasBayesError, match="`project_name` must be the name of one folder"):
        make(directory, project_name=str(mine) if name == "ABSOLUTE" else name, overwrite=overwrite)

    assert content(tmp_path) == before


@pytest.mark.parametrize("name", [".", "..", "../mine"])
def test_the_oracle_refuses_such_names_under_any_tuner_before_it_removes_anything(tmp_path, name):
    (tmp_path / "mine").mkdir()
    (tmp_path / "runs").mkdir()
    oracle = keras_bayes.BayesOracle(max_trials=2)

    with pytest.raises(keras_bayes.KerasBayesError, match="`project_name`"):
        HostTuner(oracle, directory=str(tmp_path / "runs"), project_name=name, overwrite=True)

    assert content(tmp_path) == ["mine", "runs"]


def test_a_directory_may_be_any_path(tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path / "a")

    for directory in ("../b/./c", tmp_path / "d", "größe 1"):
        tuner = make(directory)
        tuner.search(verbose=0)

        assert len(make(directory).oracle.trials) == 2


def test_a_search_stays_where_it_began_when_the_working_directory_changes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tuner = make("runs", project_name="search")
    (tmp_path / "b").mkdir()
    monkeypatch.chdir(tmp_path / "b")
    tuner.search(verbose=0)

    assert content(tmp_path / "b") == []
    assert len(make(tmp_path / "runs", project_name="search").oracle.trials) == 2


def test_a_directory_may_be_in_the_home_of_the_user(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))

    assert make("~/runs", project_name="search").project_dir == str(tmp_path / "runs" / "search")


def test_overwriting_starts_anew(tmp_path):
    make(tmp_path, seed=1).search(verbose=0)
    before = content(tmp_path)

    tuner = make(tmp_path, overwrite=True)
    trials_at_start = dict(tuner.oracle.trials)
    tuner.search(verbose=0)

    assert trials_at_start == {}
    assert len(tuner.oracle.trials) == 2
    assert content(tmp_path) == before


def test_overwriting_removes_no_folder_without_a_search(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "train.py").write_text("mine")

    with pytest.raises(keras_bayes.KerasBayesError, match=r"does not remove .*src: it holds 'train\.py'"):
        make(tmp_path, project_name="src", overwrite=True)

    assert (tmp_path / "src" / "train.py").read_text() == "mine"


def test_a_search_may_begin_beside_other_files(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "train.py").write_text("mine")

    make(tmp_path, project_name="src").search(verbose=0)

    assert len(make(tmp_path, project_name="src").oracle.trials) == 2
    assert (tmp_path / "src" / "train.py").read_text() == "mine"
