"""One writer to a project: other processes are refused, a stale oracle takes up what others have written."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading

import keras_tuner as kt
import pytest
from searches import make_oracle, mixed_loss, mixed_space, run_search, run_trial

import keras_bayes
from keras_bayes.errors import ProjectError, ProjectInUseError
from tests.stopwatch import least_seconds

HOLD = """
import sys
from pathlib import Path
from keras_bayes.lock import Claim
claim = Claim()
claim.take(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other_process(tmp_path):
    """A process that is writing to the project."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "search")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def make(folder, **arguments):
    return make_oracle(folder, hyperparameters=mixed_space(), **arguments)


class Formula(keras_bayes.BayesTuner):
    """A search without training."""

    def run_trial(self, trial, *args, **kwargs):
        return trial.hyperparameters.Float("x", -1, 1) ** 2


def make_tuner(folder, **arguments):
    defaults = {"max_trials": 3, "seed": 0, "directory": str(folder), "project_name": "search"}
    return Formula(**(defaults | arguments))


def test_a_second_process_cannot_run_trials(tmp_path, other_process):
    oracle = make(tmp_path)

    def create_trial():
        with pytest.raises(ProjectInUseError, match=f"process {other_process.pid}"):
            oracle.create_trial("tuner0")

    assert least_seconds(create_trial) < 1
    assert oracle.trials == {}


def test_while_a_tuner_searches_in_a_thread_no_other_one_of_the_process_does(tmp_path):
    has_begun, go_on, num_trials = threading.Event(), threading.Event(), []

    class Waiting(Formula):
        def run_trial(self, trial, *args, **kwargs):
            num_trials.append(trial.trial_id)
            has_begun.set()
            go_on.wait(60)
            return super().run_trial(trial)

    first = Waiting(max_trials=3, seed=0, directory=str(tmp_path), project_name="search")
    thread = threading.Thread(target=first.search, kwargs={"verbose": 0})
    thread.start()
    has_begun.wait(60)
    second = make_tuner(tmp_path)
    with pytest.raises(ProjectInUseError, match="another tuner of this process"):
        second.search(verbose=0)
    with pytest.raises(ProjectInUseError, match="another tuner of this process"):
        make_tuner(tmp_path, overwrite=True)
    with pytest.raises(ProjectInUseError, match="another thread"):
        first.search(verbose=0)
    go_on.set()
    thread.join()
    second.search(verbose=0)

    assert num_trials == ["0", "1", "2"]
    assert len(second.oracle.trials) == 3


def test_a_second_process_cannot_search_but_look(tmp_path):
    make_tuner(tmp_path).search(verbose=0)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "search")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        process.stdout.readline()
        tuner = make_tuner(tmp_path, max_trials=4)

        with pytest.raises(keras_bayes.KerasBayesError, match="is being written by process"):
            tuner.search(verbose=0)
        with pytest.raises(keras_bayes.KerasBayesError, match="is being written by process"):
            make_tuner(tmp_path, overwrite=True)
        process.kill()

    assert len(tuner.oracle.trials) == 3
    assert tuner.get_best_hyperparameters()[0].values
    tuner.search(verbose=0)  # the other process is gone
    assert len(tuner.oracle.trials) == 4


def test_a_search_that_has_ended_lets_others_in(tmp_path):
    run_search(make(tmp_path, max_trials=3), mixed_loss)
    tuner = make_tuner(tmp_path / "tuner")
    tuner.search(verbose=0)
    code = "import sys; from pathlib import Path; from keras_bayes.lock import Claim; Claim().take(Path(sys.argv[1]))"

    for folder in (tmp_path / "search", tmp_path / "tuner" / "search"):
        subprocess.run([sys.executable, "-c", code, str(folder)], check=True)


def test_the_next_tuner_of_a_notebook_goes_on_and_so_does_the_first(tmp_path):
    first = make_tuner(tmp_path, max_trials=2)
    first.search(verbose=0)
    second = make_tuner(tmp_path, max_trials=4, seed=99)  # other values, so that a lost trial shows
    second.search(verbose=0)
    scores = {i: trial.score for i, trial in second.oracle.trials.items()}
    first.oracle.max_trials = 6

    first.search(verbose=0)

    assert len(first.oracle.trials) == 6
    assert scores.items() <= {i: trial.score for i, trial in first.oracle.trials.items()}.items()


def test_a_search_whose_folder_was_removed_begins_anew(tmp_path):
    tuner = make_tuner(tmp_path)
    tuner.search(verbose=0)
    shutil.rmtree(tmp_path / "search")

    tuner.search(verbose=0)

    assert [trial.status for trial in tuner.oracle.trials.values()] == ["COMPLETED"] * 3
    assert len(make_tuner(tmp_path).oracle.trials) == 3


def test_a_search_that_another_tuner_has_written_over_goes_on_with_what_is_there(tmp_path):
    first = make_tuner(tmp_path, max_trials=5)
    first.search(verbose=0)
    make_tuner(tmp_path, overwrite=True, max_trials=2).search(verbose=0)

    first.search(verbose=0)

    assert len(first.oracle.trials) == 5
    assert len(make_tuner(tmp_path).oracle.trials) == 5


def test_an_oracle_that_was_never_reloaded_does_not_start_from_zero(tmp_path):
    old = run_search(make(tmp_path), mixed_loss, num_trials=3)
    oracle = make(tmp_path)

    trial = run_trial(oracle, mixed_loss)

    assert trial.trial_id == "03"
    assert [oracle.trials[t.trial_id].score for t in old] == [t.score for t in old]


class HostTuner(kt.Tuner):
    """keras-tuner's own tuner, without training."""

    def run_trial(self, trial, *args, **kwargs):
        return trial.hyperparameters.Float("x", -1, 1) ** 2


@pytest.mark.parametrize("kind", [Formula, HostTuner])
def test_a_missing_tuner_file_never_restarts_from_zero(tmp_path, kind):
    def search(max_trials):
        place = {"directory": str(tmp_path), "project_name": "search"}
        if kind is Formula:
            tuner = make_tuner(tmp_path, max_trials=max_trials)
        else:
            tuner = kind(keras_bayes.BayesOracle(max_trials=max_trials, seed=0), **place)
        tuner.search(verbose=0)
        return {i: trial.score for i, trial in tuner.oracle.trials.items()}

    first = search(3)
    (tmp_path / "search" / "tuner0.json").unlink()
    second = search(5)

    assert len(second) == 5
    assert first.items() <= second.items()


def test_a_search_of_another_kind_is_not_written_over(tmp_path):
    other = kt.oracles.GridSearchOracle(objective=kt.Objective("loss", "min"), hyperparameters=mixed_space())
    other._set_project_dir(str(tmp_path), "search")
    other.save()
    before = (tmp_path / "search" / "oracle.json").read_bytes()
    oracle = make(tmp_path)

    for _ in range(2):
        with pytest.raises(ProjectError, match="not written by a Bayesian search"):
            oracle.create_trial("tuner0")

    assert (tmp_path / "search" / "oracle.json").read_bytes() == before


def test_a_second_process_cannot_save_over_a_search(tmp_path, other_process):
    with pytest.raises(ProjectInUseError):
        make(tmp_path).save()

    assert not (tmp_path / "search" / "oracle.json").exists()


def test_a_worker_is_no_second_writer(tmp_path, other_process, monkeypatch):
    monkeypatch.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
    monkeypatch.setenv("KERASTUNER_ORACLE_PORT", "1")
    monkeypatch.setenv("KERASTUNER_TUNER_ID", "worker0")
    chiefs_file = tmp_path / "search" / "oracle.json"
    chiefs_file.write_text("{}")

    tuner = make_tuner(tmp_path, overwrite=True)
    tuner.save()

    assert chiefs_file.exists()
    assert (tmp_path / "search" / "worker0.json").exists()
