"""Ctrl-C and SIGTERM, sent to real searches."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from searches import make_oracle

import keras_bayes
from keras_bayes.retrying_oracle import MAX_DEATHS
from tests.stopwatch import least_seconds

SCRIPT = Path(__file__).with_name("interrupted_search.py")


def statuses(folder):
    return [json.loads(path.read_text())["status"] for path in sorted(folder.rglob("trial.json"))]


def interrupted(folder, number, *more):
    """Sends a signal to a search in its second trial; returns its exit code, and the seconds until the files say so."""
    command = [sys.executable, SCRIPT, str(folder), *more]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        while (line := process.stdout.readline()) != "running 1\n":
            assert line
        start = time.monotonic()
        process.send_signal(number)
        while "RUNNING" in statuses(folder) and process.poll() is None:
            time.sleep(0.01)
        seconds = time.monotonic() - start
        return process.wait(timeout=60), seconds


@pytest.mark.slow
def test_an_interrupted_trial_is_marked_within_a_second_and_taken_up_again(tmp_path):
    seconds = {signal.SIGTERM: [], signal.SIGINT: []}
    for number in MAX_DEATHS * [*seconds]:  # a trial during which the process died so often would have failed
        code, passed = interrupted(tmp_path, number)

        seconds[number].append(passed)
        assert code == -number
        assert statuses(tmp_path) == ["COMPLETED", "INVALID"]

    assert all(min(passed) < 1 for passed in seconds.values())  # the faster one: a machine may be busy
    oracle = make_oracle(tmp_path, objective=None, max_trials=3)
    oracle.reload()
    assert oracle.create_trial("tuner0").trial_id == "1"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_interruption_that_a_library_makes_an_error_of_its_own_ends_the_search_too(tmp_path, number):
    code, _ = interrupted(tmp_path, number, "translating")

    assert code == -number
    assert statuses(tmp_path) == ["COMPLETED", "INVALID"]


@pytest.mark.slow
def test_a_second_process_is_refused_while_a_search_runs(tmp_path):
    command = [sys.executable, SCRIPT, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        while not process.stdout.readline().startswith("running"):
            assert process.poll() is None
        oracle = make_oracle(tmp_path, objective=None, max_trials=3)
        oracle.reload()

        def create_trial():
            with pytest.raises(keras_bayes.KerasBayesError, match=f"is being written by process {process.pid} on"):
                oracle.create_trial("tuner0")

        seconds = least_seconds(create_trial)
        process.kill()
        process.wait()
        trial = oracle.create_trial("tuner0")

    assert seconds < 1
    assert len(oracle.get_best_trials(9)) == 1
    assert trial.status == "RUNNING"
