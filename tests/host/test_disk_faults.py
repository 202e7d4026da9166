"""Searches on a disk that fails: they go on in memory, and everything is written when it can be."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import warnings

import keras_tuner as kt
import pytest
from searches import make_oracle, run_search, small_space

import keras_bayes
from keras_bayes import KerasBayesWarning
from tests.faults import FaultyDisk, warned

NUM_TRIALS = 3


def loss(values):
    return values["units"] / 256 + values["augment"]


def make(folder):
    return make_oracle(folder, hyperparameters=small_space(), max_trials=NUM_TRIALS)


def results(oracle):
    return {i: (trial.status, trial.score, trial.hyperparameters.values) for i, trial in oracle.trials.items()}


def on_disk(folder):
    """What another process finds; a file that is not what it should be is an error."""
    oracle = make(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        oracle.reload()
    return results(oracle)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    oracle = make(tmp_path_factory.mktemp("undisturbed"))
    run_search(oracle, loss)
    return results(oracle)


@pytest.fixture(scope="module")
def num_calls(tmp_path_factory):
    """How often a search asks something of the disk."""
    folder = tmp_path_factory.mktemp("counted")
    with pytest.MonkeyPatch.context() as patch:
        disk = FaultyDisk(patch)
        run_search(make(folder), loss)
        return disk.num_calls


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_search_survives_a_disk_that_fails_from_any_call_on(tmp_path, undisturbed, num_calls, code):
    numbers = range(1, num_calls + 1) if code == errno.EIO else range(1, num_calls + 1, 7)
    for n in numbers:
        folder = tmp_path / str(n)
        folder.mkdir()
        oracle = make(folder)
        with pytest.MonkeyPatch.context() as patch:
            disk = FaultyDisk(patch, code)
            disk.fail(n)
            with warned() as messages:
                run_search(oracle, loss)
        then = on_disk(folder)

        oracle.save()

        assert results(oracle) == undisturbed
        first, *last = messages
        assert str(folder) in first
        assert f"could not be written: {os.strerror(code)}" in first
        assert ["Not saved" in message for message in last] == [True] * (n > 1)  # the first is the lock's
        completed = {i: found for i, found in then.items() if found[0] == "COMPLETED"}
        assert completed.items() <= undisturbed.items()
        assert on_disk(folder) == undisturbed
        assert not list(folder.rglob("*.tmp*"))


def test_a_search_survives_a_fault_at_any_call(tmp_path, undisturbed, num_calls):
    for n in range(1, num_calls + 1):
        folder = tmp_path / str(n)
        folder.mkdir()
        oracle = make(folder)
        with pytest.MonkeyPatch.context() as patch:
            disk = FaultyDisk(patch)
            disk.fail(n, n)
            with warned() as messages:
                run_search(oracle, loss)

        assert results(oracle) == on_disk(folder) == undisturbed
        assert len(messages) <= 1  # none where only the lock had to be taken a second time


class Formula(keras_bayes.BayesTuner):
    """A search without training."""

    def run_trial(self, trial, *args, **kwargs):
        return trial.hyperparameters.Float("x", -1, 1) ** 2


def test_a_tuner_whose_folder_cannot_be_made_searches_in_memory(tmp_path):
    (tmp_path / "file").touch()

    with warned() as messages:
        tuner = Formula(max_trials=4, seed=0, directory=str(tmp_path / "file" / "inside"))
        tuner.search(verbose=0)

    assert len(tuner.oracle.get_best_trials(9)) == 4
    first, last = map(str, messages)
    assert "The search goes on in memory" in first
    assert "Not saved" in last


@pytest.fixture
def small_disk(tmp_path):
    """Mounts a real disk of few bytes, where this is allowed."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(options):
        command = ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("mounting is not allowed here")
        return folder

    yield mount
    subprocess.run(["umount", "-l", str(folder)], capture_output=True, check=False)


def test_a_full_disk(tmp_path, small_disk):
    folder = small_disk("size=128k")
    oracle = make_oracle(folder, hyperparameters=small_space(), max_trials=12)
    run_search(oracle, loss, num_trials=3)
    (folder / "other").write_bytes(bytes(os.statvfs(folder).f_bavail * 4096))

    with warned() as messages:
        run_search(oracle, loss, num_trials=4)
    then = {i for i, found in on_disk(folder).items() if found[0] == "COMPLETED"}
    (folder / "other").unlink()
    run_search(oracle, loss)

    assert len(messages) == 1
    assert "No space left on device" in messages[0]
    assert {"00", "01", "02"} <= then
    assert on_disk(folder) == results(oracle)
    assert len(results(oracle)) == 12


def test_a_disk_that_becomes_read_only(tmp_path, small_disk):
    folder = small_disk("size=1m")
    oracle = make_oracle(folder, hyperparameters=small_space(), max_trials=12)
    run_search(oracle, loss, num_trials=3)
    oracle.release()  # a disk with open files refuses
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)

    with warned() as messages:
        run_search(oracle, loss, num_trials=4)
    looked_at = on_disk(folder)
    subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)
    run_search(oracle, loss)

    assert len(messages) == 1
    assert "Read-only file system" in messages[0]
    assert list(looked_at) == ["00", "01", "02"]
    assert on_disk(folder) == results(oracle)


@pytest.mark.slow
def test_weights_that_the_disk_cannot_take_do_not_end_a_search(tmp_path, small_disk):
    from test_tuner import DATA, make_tuner

    folder = small_disk("size=80k")  # room for the search, not for the weights of all its trials

    with warned() as messages:
        tuner = make_tuner(folder, max_trials=8, keep_best=None)
        tuner.search(epochs=2, **DATA)

    *first, last = messages
    assert all("could not be written" in message for message in first)
    assert any("without these weights" in message for message in first)
    assert any("goes on in memory" in message for message in first)
    assert "Not saved" in last
    assert len(tuner.oracle.get_best_trials(9)) == 8
    assert {trial.status for trial in tuner.oracle.trials.values()} == {"COMPLETED"}
    for path in folder.rglob("trial.json"):
        json.loads(path.read_text())


def test_a_host_tuner_survives_too(tmp_path, monkeypatch):
    class HostTuner(kt.Tuner):
        def run_trial(self, trial, *args, **kwargs):
            return trial.hyperparameters.Float("x", -1, 1) ** 2

    tuner = HostTuner(keras_bayes.BayesOracle(max_trials=4, seed=0), directory=str(tmp_path), project_name="search")
    disk = FaultyDisk(monkeypatch)
    disk.fail(20, 60)

    with pytest.warns(KerasBayesWarning):
        tuner.search(verbose=0)

    assert len(tuner.oracle.get_best_trials(9)) == 4
