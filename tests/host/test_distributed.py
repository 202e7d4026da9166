"""Chief and workers over keras-tuner's own gRPC: real processes on the loopback interface."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).with_name("distributed_search.py")
TIMEOUT = 300  # seconds; three processes import TensorFlow, and keras-tuner's chief looks every 20 s whether to end


def start(folder, tuner_id, port):
    environment = os.environ | {
        "KERASTUNER_TUNER_ID": tuner_id,
        "KERASTUNER_ORACLE_IP": "127.0.0.1",
        "KERASTUNER_ORACLE_PORT": str(port),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    log = (folder / f"{tuner_id}.log").open("w")
    return subprocess.Popen([sys.executable, SCRIPT, folder], env=environment, stdout=log, stderr=log)


@pytest.fixture
def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_a_chief_and_two_workers_share_a_search(tmp_path, port):
    processes = [start(tmp_path, tuner_id, port) for tuner_id in ("chief", "worker0", "worker1")]

    codes = [process.wait(timeout=TIMEOUT) for process in processes]

    states = [json.loads(path.read_text()) for path in tmp_path.glob("untitled_project/trial_*/trial.json")]
    values = [state["hyperparameters"]["values"] for state in states]
    assert codes == [0, 0, 0], (tmp_path / "chief.log").read_text()
    assert len(states) == 14
    assert all(state["status"] in ("COMPLETED", "FAILED") for state in states)
    assert len({json.dumps(value, sort_keys=True) for value in values}) == 14
    assert all(("depth" in value) == (value["kind"] == "b") for value in values)
    assert "chosen by the model" in (tmp_path / "chief.log").read_text()
