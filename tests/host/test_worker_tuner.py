"""A tuner that is a worker, where its chief does not answer or has another search."""

from __future__ import annotations

import errno
import json
import os
import threading

import keras_tuner as kt
import pytest
from keras_tuner.engine.trial import Trial
from searches import small_space

import keras_bayes
from keras_bayes import worker
from keras_bayes.worker import AnotherSearchError, SearchEndedError
from tests.faults import FaultyDisk, warned


class Tuner(keras_bayes.BayesTuner):
    def run_trial(self, trial, *args, **kwargs):
        return 1.0


@pytest.fixture
def tuner(tmp_path, monkeypatch):
    """A worker at an address where nobody is any more."""
    monkeypatch.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
    monkeypatch.setenv("KERASTUNER_ORACLE_PORT", "1")
    monkeypatch.setenv("KERASTUNER_TUNER_ID", "worker")
    monkeypatch.setattr(worker, "HEARTBEAT_SECONDS", 0.1)
    tuner = Tuner(directory=tmp_path, project_name="search")
    (tmp_path / "search" / "trial_0").mkdir()
    return tuner


def test_a_worker_whose_search_ended_while_it_began_its_trial_does_not_wait_for_its_chief(tuner, tmp_path):
    (tmp_path / "search" / "trial_0" / "trial.json").write_text(json.dumps({"status": "COMPLETED"}))
    (tmp_path / "search" / "oracle.json").write_text(json.dumps({"workers_dismissed": True}))
    tuner.oracle.stub.look()  # as if it had been made after an earlier search
    raised = []

    def run():
        try:
            tuner._try_run_and_update_trial(Trial(small_space(), "0", status="RUNNING"))
        except SearchEndedError as error:
            raised.append(error)

    running = threading.Thread(target=run, daemon=True)
    running.start()
    running.join(30)

    assert raised


@pytest.mark.parametrize("is_known", [True, False])
def test_what_a_worker_has_of_a_trial_that_it_has_lost_is_written_neither_then_nor_later(
    tuner, tmp_path, monkeypatch, is_known
):
    def refuse(*args, **kwargs):
        raise AnotherSearchError("another search")

    monkeypatch.setattr(tuner.oracle, "end_trial", refuse)
    disk = FaultyDisk(monkeypatch, errno.ENOSPC)
    disk.fail(1)
    tuner._hold = worker.Hold(tuner.oracle, "0")
    tuner._hold.is_lost = is_known
    with warned() as messages:
        tuner._writer.write_lines(tmp_path / "search" / "trial_0" / "curve.jsonl", ["1\n"])
        tuner.on_trial_end(Trial(small_space(), "0", status="COMPLETED"))
    disk.mend()
    tuner._writer.finish()

    assert "worker has lost trial_0" in str(messages[-1])
    assert list((tmp_path / "search" / "trial_0").iterdir()) == []
    assert tuner._hold is None


def test_a_worker_that_must_not_write_asks_for_no_trial(tuner, monkeypatch):
    tuner.pre_create_trial()
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)  # as root may write to any folder

    with pytest.raises(kt.errors.FatalRuntimeError, match=r"no right to write to .*search"):
        tuner.pre_create_trial()
