import json
import os
import threading
import time
from concurrent import futures
from pathlib import Path

import grpc
import keras_tuner as kt
import pytest

from keras_bayes.errors import KerasBayesWarning
from keras_bayes.worker import MAX_FAILURES, check_health, check_writable, is_away, wait_for_trial
from tests.logs import log_of, trial
from tests.spaces import real

LR = real("lr", 1e-4, 1e-1, sampling="log")
ERROR = 'Traceback (most recent call last):\n  File "a.py", line 1, in run\nRuntimeError: the device is unhealthy'
OTHER_ERROR = ERROR.replace("RuntimeError", "ValueError")
OWN = [trial(i, {"lr": 1e-3}, None, message=ERROR) for i in range(2, 2 + MAX_FAILURES)]
IDS = [own.trial_id for own in OWN]
COMPLETED = trial(9, {"lr": 1e-2}, 1.0)
RUNNING = trial(0, {"lr": 1e-2}, None, status="RUNNING")
FAILED = trial(10, {"lr": 1e-2}, None, message=OTHER_ERROR)
FAILED_BEFORE = trial(1, {"lr": 1e-2}, None, message=OTHER_ERROR)


@pytest.mark.parametrize("others", [[COMPLETED], [RUNNING], [RUNNING, FAILED_BEFORE, COMPLETED]])
def test_a_worker_whose_trials_alone_fail_is_told_with_which_error(others):
    with pytest.raises(RuntimeError, match=r"(?s)last 5 trials of this worker, and no others.*device is unhealthy"):
        check_health(IDS, log_of([LR], [*OWN, *others]))


@pytest.mark.parametrize("others", [[], [FAILED], [COMPLETED, FAILED], [FAILED_BEFORE]])
def test_where_others_fail_too_or_there_are_none_the_worker_is_not_blamed(others):
    check_health(IDS, log_of([LR], [*OWN, *others]))


@pytest.mark.parametrize(
    "own", [OWN[1:], [*OWN[1:], trial(2, {"lr": 1e-3}, None, message=OTHER_ERROR)], [*OWN[1:], trial(2, {}, 1.0)]]
)
def test_fewer_failures_or_other_ones_blame_no_worker(own):
    check_health([each.trial_id for each in own], log_of([LR], [*own, RUNNING]))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
@pytest.mark.parametrize(("mode", "code"), [(0o555, 7), (0o777, 0)])
def test_a_worker_takes_no_trials_whose_folder_it_must_not_write_to(tmp_path, mode, code):
    tmp_path.chmod(mode)
    child = os.fork()
    if child == 0:
        os.chdir(tmp_path)
        if os.geteuid() == 0:  # who may do anything
            os.setuid(65534)
        try:
            check_writable(Path())
            check_writable(Path("missing"))
        except kt.errors.FatalRuntimeError:
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == code
    tmp_path.chmod(0o755)


def test_a_folder_without_a_search_is_not_that_of_the_chief(tmp_path, monkeypatch):
    monkeypatch.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
    monkeypatch.setenv("KERASTUNER_ORACLE_PORT", "1")
    monkeypatch.setattr("keras_bayes.worker.SHARING_SECONDS", 0.05)

    with pytest.raises(kt.errors.FatalRuntimeError, match="with the same `directory`"):
        wait_for_trial(tmp_path, "0")


@pytest.mark.parametrize("status", [None, "INVALID"])
def test_what_is_not_yet_written_of_a_trial_is_waited_for_but_not_for_ever(tmp_path, monkeypatch, status):
    monkeypatch.setattr("keras_bayes.worker.SHARING_SECONDS", 0.5)
    (tmp_path / "trial_0").mkdir()
    (tmp_path / "oracle.json").touch()
    trial = tmp_path / "trial_0" / "trial.json"
    if status is not None:  # of an earlier run
        trial.write_text(json.dumps({"status": status}))

    with pytest.warns(KerasBayesWarning, match="has not written trial_0"):
        wait_for_trial(tmp_path, "0")
    threading.Timer(0.2, trial.write_text, [json.dumps({"status": "RUNNING"})]).start()
    wait_for_trial(tmp_path, "0")
    assert "RUNNING" in trial.read_text()


@pytest.fixture
def server():
    """A server that answers a call by what is in its bytes: after a while, or with an error of its program."""

    class Service(grpc.GenericRpcHandler):
        def service(self, details):
            return grpc.unary_unary_rpc_method_handler(self.answer)

        def answer(self, request, context):
            if request == b"slow":
                time.sleep(1)
            raise KeyError("a mistake in the chief")

    server = grpc.server(futures.ThreadPoolExecutor(1), handlers=[Service()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield port
    server.stop(None).wait()


@pytest.mark.parametrize(
    ("request_", "is_there", "expected"), [(b"", True, False), (b"slow", True, True), (b"", False, True)]
)
def test_a_chief_is_away_that_does_not_answer_in_time_or_is_not_there(server, request_, is_there, expected):
    address = f"127.0.0.1:{server if is_there else 1}"

    with grpc.insecure_channel(address) as channel, pytest.raises(grpc.RpcError) as raised:
        channel.unary_unary("/chief/call")(request_, timeout=0.5)

    assert is_away(raised.value) is expected
