"""Chief and workers over keras-tuner's own gRPC: real processes on the loopback interface."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from keras_bayes.continuation import PAUSED_FILE
from keras_bayes.curves import read_curve
from keras_bayes.distributed_oracle import DESERTED_SECONDS
from keras_bayes.leases import HEARTBEAT_SECONDS, LEASE_SECONDS
from keras_bayes.search_log import SearchLog
from keras_bayes.worker import MAX_FAILURES

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).with_name("distributed_search.py")
ROOT = SCRIPT.parents[2]
TIMEOUT = 300  # seconds; three processes import TensorFlow


@pytest.fixture
def start(tmp_path):
    """Starts a process of the search; all are ended with the test."""
    processes = []
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def start_process(tuner_id, *more, seconds=0.2, command=None):
        environment = os.environ | {
            "KERASTUNER_TUNER_ID": tuner_id,
            "KERASTUNER_ORACLE_IP": "127.0.0.1",
            "KERASTUNER_ORACLE_PORT": str(port),
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }
        with (tmp_path / f"{tuner_id}.log").open("a") as log:
            command = command or [sys.executable, SCRIPT, tmp_path, f"--seconds={seconds}", *more]
            processes.append(subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log))
        return processes[-1]

    yield start_process
    for process in processes:
        process.kill()
        process.wait()


def states(folder):
    return [json.loads(path.read_text()) for path in folder.glob("untitled_project/trial_*/trial.json")]


def wait_for(condition):
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def has_heard(folder, of):
    """Whether the chief has been asked for a trial by the worker that runs it."""
    return f"heard of {of}\n" in (folder / "chief.log").read_text()


def test_a_chief_and_two_workers_share_a_search(tmp_path, start):
    processes = [start(tuner_id) for tuner_id in ("chief", "worker0", "worker1")]

    codes = [process.wait(timeout=TIMEOUT) for process in processes]

    values = [state["hyperparameters"]["values"] for state in states(tmp_path)]
    assert codes == [0, 0, 0], (tmp_path / "chief.log").read_text()
    assert len(values) == 14
    assert {state["status"] for state in states(tmp_path)} <= {"COMPLETED", "FAILED"}
    assert len({json.dumps(value, sort_keys=True) for value in values}) == 14
    assert sum(value == {"x": 0.5, "kind": "a"} for value in values) == 1  # enqueued by each of the three processes
    assert {"x": 0.25, "kind": "c"} not in values  # known from elsewhere
    assert all(("depth" in value) == (value["kind"] == "b") for value in values)
    (project,) = tmp_path.rglob("oracle.json")
    assert {p["source"] for p in json.loads(project.read_text())["proposals"].values()} == {"user", "design", "model"}
    assert "worker1 asks the chief at 127.0.0.1:" in (tmp_path / "worker1.log").read_text()
    lines = (tmp_path / "chief.log").read_text().splitlines()
    assert sum(line.startswith("Trial ") for line in lines) == 14


def test_the_trial_of_a_killed_worker_is_run_by_another(tmp_path, start):
    chief, victim = start("chief"), start("victim", seconds=1000)
    wait_for(lambda: states(tmp_path))
    lost = states(tmp_path)[0]["trial_id"]
    survivor = start("survivor")
    wait_for(lambda: len(states(tmp_path)) > 1 and has_heard(tmp_path, of=lost))

    victim.send_signal(signal.SIGKILL)
    codes = [process.wait(timeout=TIMEOUT) for process in (survivor, chief)]

    by_id = {state["trial_id"]: state["status"] for state in states(tmp_path)}
    assert codes == [0, 0]
    assert len(by_id) == 14
    assert by_id[lost] in ("COMPLETED", "FAILED")
    assert "RUNNING" not in by_id.values()


def test_a_chief_ends_when_its_last_worker_is_gone(tmp_path, start):
    chief, worker = start("chief"), start("worker", seconds=1000)
    wait_for(lambda: states(tmp_path))
    lost = states(tmp_path)[0]["trial_id"]
    wait_for(lambda: has_heard(tmp_path, of=lost))

    worker.kill()
    code = chief.wait(timeout=TIMEOUT)

    assert code == 0
    assert "All workers are gone" in (tmp_path / "chief.log").read_text()
    assert DESERTED_SECONDS + 2 * HEARTBEAT_SECONDS < 60  # of silence, and between two looks of the chief


def test_a_chief_that_is_killed_and_started_again_goes_on(tmp_path, start):
    chief, worker = start("chief"), start("worker", seconds=3)
    wait_for(lambda: len(states(tmp_path)) >= 3)

    chief.send_signal(signal.SIGKILL)
    chief.wait()
    before = {state["trial_id"]: state["hyperparameters"]["values"] for state in states(tmp_path)}
    codes = [process.wait(timeout=TIMEOUT) for process in (worker, start("chief"))]

    after = {state["trial_id"]: state["hyperparameters"]["values"] for state in states(tmp_path)}
    assert codes == [0, 0], (tmp_path / "worker.log").read_text()
    assert before.items() <= after.items()
    assert len(after) == 14
    assert {state["status"] for state in states(tmp_path)} <= {"COMPLETED", "FAILED"}


def test_a_chief_that_is_interrupted_ends_and_the_next_one_gets_its_workers(tmp_path, start):
    chief, worker = start("chief", "--uploads=5"), start("worker", seconds=1)
    wait_for(lambda: len(states(tmp_path)) >= 3)

    chief.send_signal(signal.SIGINT)
    began = time.monotonic()
    interrupted = chief.wait(timeout=TIMEOUT)
    seconds = time.monotonic() - began
    codes = [process.wait(timeout=TIMEOUT) for process in (worker, start("chief"))]

    assert (interrupted, codes) == (-signal.SIGINT, [0, 0]), (tmp_path / "chief.log").read_text()
    assert seconds < 5 + 15
    assert "cannot schedule new futures" not in (tmp_path / "chief.log").read_text()
    assert {state["status"] for state in states(tmp_path)} <= {"COMPLETED", "FAILED"}
    assert len(states(tmp_path)) == 14


def test_two_chiefs_do_not_share_a_port(tmp_path, start):
    start("chief", seconds=1000)
    wait_for(lambda: (tmp_path / "untitled_project" / "oracle.json").exists())
    (tmp_path / "b").mkdir()
    command = [sys.executable, SCRIPT, tmp_path / "b"]

    assert start("another_chief", command=command).wait(timeout=TIMEOUT) == 1

    assert "Failed to bind to address" in (tmp_path / "another_chief.log").read_text()


def test_a_worker_can_be_interrupted_while_its_chief_is_away(tmp_path, start):
    chief, worker = start("chief"), start("worker", seconds=1000)
    wait_for(lambda: states(tmp_path) and has_heard(tmp_path, of=states(tmp_path)[0]["trial_id"]))
    chief.kill()
    time.sleep(2 * HEARTBEAT_SECONDS)  # a sign of life is on its way

    worker.send_signal(signal.SIGINT)
    began = time.monotonic()

    assert worker.wait(timeout=TIMEOUT) == -signal.SIGINT
    assert time.monotonic() - began < 20


def test_a_chief_that_was_stopped_for_a_while_misses_no_worker(tmp_path, start):
    chief, worker = start("chief"), start("worker", seconds=10)
    wait_for(lambda: states(tmp_path) and has_heard(tmp_path, of=states(tmp_path)[0]["trial_id"]))
    (running,) = states(tmp_path)

    chief.send_signal(signal.SIGSTOP)
    time.sleep(DESERTED_SECONDS + 3)
    chief.send_signal(signal.SIGCONT)
    wait_for(lambda: len(states(tmp_path)) > 1)
    worker.kill()

    search = json.loads((tmp_path / "untitled_project" / "oracle.json").read_text())
    assert "All workers are gone" not in (tmp_path / "chief.log").read_text()
    assert len(search["times"]["runs"][running["trial_id"]]) == 1  # no other run of it


def test_what_a_worker_tells_a_chief_that_has_just_ended_is_told_to_the_next_one(tmp_path, start):
    chief, worker = start("chief"), start("worker", seconds=5)
    wait_for(lambda: states(tmp_path) and has_heard(tmp_path, of=states(tmp_path)[0]["trial_id"]))
    (running,) = states(tmp_path)

    chief.send_signal(signal.SIGSTOP)
    time.sleep(8)  # so that the worker waits for an answer
    chief.send_signal(signal.SIGKILL)
    chief.wait()
    codes = [process.wait(timeout=TIMEOUT) for process in (start("chief"), worker, start("other"))]

    after = {state["trial_id"]: state["status"] for state in states(tmp_path)}
    search = json.loads((tmp_path / "untitled_project" / "oracle.json").read_text())
    assert codes == [0, 0, 0], (tmp_path / "worker.log").read_text()
    assert after[running["trial_id"]] == "COMPLETED"
    assert len(search["times"]["runs"][running["trial_id"]]) == 1
    assert len(after) == 14


def test_an_exception_in_the_oracle_reaches_the_worker_and_frees_the_lock(tmp_path, start):
    chief, unlucky = start("chief", "--broken=3"), start("unlucky")

    failed = unlucky.wait(timeout=TIMEOUT)
    codes = [process.wait(timeout=TIMEOUT) for process in (start("lucky"), chief)]

    assert failed != 0
    assert "a mistake in the oracle" in (tmp_path / "unlucky.log").read_text()
    assert codes == [0, 0]
    assert len(states(tmp_path)) == 14


def test_the_time_budget_of_the_chief_ends_the_search(tmp_path, start):
    processes = [start(tuner_id, "--max-time=6s", seconds=2) for tuner_id in ("chief", "worker")]

    codes = [process.wait(timeout=TIMEOUT) for process in processes]

    assert codes == [0, 0], (tmp_path / "chief.log").read_text()
    assert 1 <= len(states(tmp_path)) <= 3
    assert "No other trial fits into the `max_time` of 6.0 s." in (tmp_path / "chief.log").read_text()


def test_a_worker_goes_on_with_a_trial_that_has_paused(tmp_path, start):
    command = [sys.executable, "-m", "tests.host.paused_search", tmp_path]
    processes = [start(tuner_id, command=command) for tuner_id in ("chief", "worker0")]

    codes = [process.wait(timeout=TIMEOUT) for process in processes]

    log = SearchLog.read(tmp_path / "search")
    assert codes == [0, 0], (tmp_path / "worker0.log").read_text()
    assert [len(trial.curve) for trial in log.trials] == [4, 9]
    assert log.trials[1].curve[:4] == log.trials[0].curve
    assert [path.parent.name for path in tmp_path.rglob(PAUSED_FILE)] == ["trial_1"]


def test_a_rule_on_a_worker_sees_the_curves_of_the_others_and_what_the_chief_expects(tmp_path, start):
    command = [sys.executable, "-m", "tests.host.distributed_training", tmp_path]
    processes = [start(tuner_id, command=command) for tuner_id in ("chief", "worker0", "worker1")]

    codes = [process.wait(timeout=TIMEOUT) for process in processes]

    log = SearchLog.read(tmp_path / "search")
    last = log.trials[-1]
    mean, sd = (last.proposal[name] for name in ("mean", "sd"))
    assert codes == [0, 0, 0], (tmp_path / "worker0.log").read_text()
    assert 3 in {len(trial.curve) for trial in log.trials}  # the first to end has seen at most one other
    assert last.stopped.endswith(f"expected: {(mean, sd)}")
    assert int(last.stopped.split(":")[1].split(",")[0]) >= 4  # all others, but for one that has no epoch yet
    assert len(last.curve) == 1


def search_of_reports(folder, start, kind, workers=("worker0",), code=0):
    """The log of a search of `distributed_reports.py` that has ended, the chief with an exit code."""
    command = [sys.executable, "-m", "tests.host.distributed_reports", folder, kind]
    chief, *_ = (start(tuner_id, command=command) for tuner_id in ("chief", *workers))
    assert chief.wait(timeout=TIMEOUT) == code, (folder / "chief.log").read_text()
    return SearchLog.read(folder / "search")


def test_what_a_worker_has_not_read_is_known_to_the_chief(tmp_path, start):
    log = search_of_reports(tmp_path, start, "network")

    networks = [tuple(trial.record.used_values.items()) for trial in log.trials]
    assert all(len(network) == 1 + dict(network)["layers"] for network in networks)
    assert len(log.trials) == 10
    assert len(set(networks)) >= 9  # the first trial does not know yet of the second layer


def test_why_trials_fail_on_a_worker_is_known_to_the_chief(tmp_path, start):
    log = search_of_reports(tmp_path, start, "failing", code=1)

    assert [trial.record.message.splitlines()[-1] for trial in log.trials] == ["KeyError: 'no such column'"] * 3
    told = (tmp_path / "chief.log").read_text()
    assert "failed: KeyError: 'no such column'" in told
    assert "RuntimeError: The first 3 trials" in told


def test_a_worker_whose_trials_alone_fail_takes_no_more(tmp_path, start):
    log = search_of_reports(tmp_path, start, "sick", workers=("worker0", "worker1"))

    assert [trial.record.status for trial in log.trials].count("FAILED") == MAX_FAILURES
    assert len(log.trials) == 20
    assert "failed with the same error. It stops." in (tmp_path / "worker1.log").read_text()


def test_weights_that_a_killed_worker_has_left_are_removed_by_another(tmp_path, start):
    command = [sys.executable, "-m", "tests.host.distributed_reports", tmp_path, "keeping"]
    chief, victim = (start(tuner_id, command=command) for tuner_id in ("chief", "victim"))
    wait_for(lambda: len(list(tmp_path.glob("search/trial_*/*.weights.h5"))) > 1)  # the best one, and a running one

    victim.kill()
    worker = start("worker", command=command)
    codes = [process.wait(timeout=TIMEOUT) for process in (worker, chief)]

    log = SearchLog.read(tmp_path / "search")
    assert codes == [0, 0], (tmp_path / "worker.log").read_text()
    assert len(log.trials) == 8
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.weights.h5")] == [
        f"search/trial_{log.best.trial_id}/checkpoint.weights.h5"
    ]


def stopped_in_its_trial(folder, start, kind):
    """A chief, its only worker, which has been stopped after the first epoch of its trial, and the command of both."""
    command = [sys.executable, "-m", "tests.host.distributed_reports", folder, kind]
    chief, late = (start(tuner_id, command=command) for tuner_id in ("chief", "late"))
    wait_for(lambda: read_curve(folder / "search" / "trial_0"))
    late.send_signal(signal.SIGSTOP)
    return chief, late, command


@pytest.mark.parametrize("chief_has_ended", [False, True])
def test_a_worker_that_was_stopped_leaves_its_trial_to_the_one_that_has_it_now(tmp_path, start, chief_has_ended):
    folder = tmp_path / "search" / "trial_0"
    chief, late, command = stopped_in_its_trial(tmp_path, start, "slow")
    other = start("other", command=command)
    wait_for(lambda: SearchLog.read(tmp_path / "search").trials[0].record.status == "COMPLETED")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    if chief_has_ended:
        chief.wait(timeout=TIMEOUT)

    late.send_signal(signal.SIGCONT)
    codes = [process.wait(timeout=TIMEOUT) for process in (late, other, chief)]

    assert codes == [0, 0, 0], (tmp_path / "late.log").read_text()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert len(read_curve(folder)) == 5
    assert "late has lost trial_0: another worker has it" in (tmp_path / "late.log").read_text()


def test_a_worker_that_was_stopped_keeps_its_trial_where_nobody_has_it(tmp_path, start):
    folder = tmp_path / "search" / "trial_0"
    chief, late, command = stopped_in_its_trial(tmp_path, start, "slower")
    time.sleep(LEASE_SECONDS + HEARTBEAT_SECONDS)
    late.send_signal(signal.SIGCONT)
    num_epochs = len(read_curve(folder))
    wait_for(lambda: len(read_curve(folder)) > num_epochs + 2)
    other = start("other", command=command)
    codes = [process.wait(timeout=TIMEOUT) for process in (late, other, chief)]

    assert codes == [0, 0, 0], (tmp_path / "late.log").read_text()
    assert "has given" not in (tmp_path / "late.log").read_text()
    assert "earlier_epochs" not in (folder / "curve.jsonl").read_text()  # of a run before
    assert [len(trial.curve) for trial in SearchLog.read(tmp_path / "search").trials] == [40, 40]


def test_a_worker_is_not_missed_while_it_begins_and_ends_its_trials(tmp_path, start):
    log = search_of_reports(tmp_path, start, "hooked")

    assert [trial.record.status for trial in log.trials] == ["COMPLETED"] * 3
    assert [len(trial.runs) for trial in log.trials] == [1, 1, 1]
    assert "All workers are gone" not in (tmp_path / "chief.log").read_text()


def test_a_worker_that_is_killed_before_its_first_trial_runs_is_missed(tmp_path, start):
    command = [sys.executable, "-m", "tests.host.distributed_reports", tmp_path, "hooked"]
    chief, victim = (start(tuner_id, command=command) for tuner_id in ("chief", "victim"))
    wait_for((tmp_path / "victim_begins").exists)
    victim.kill()

    codes = [process.wait(timeout=TIMEOUT) for process in (start("other", command=command), chief)]

    log = SearchLog.read(tmp_path / "search")
    assert codes == [0, 0], (tmp_path / "chief.log").read_text()
    assert [trial.record.status for trial in log.trials] == ["COMPLETED"] * 3
    assert [len(trial.runs) for trial in log.trials] == [2, 1, 1]


def test_a_worker_with_another_folder_says_so_and_its_trial_goes_to_another(tmp_path, start):
    log = search_of_reports(tmp_path, start, "unshared", workers=("worker0", "worker1"))

    assert {trial.record.status for trial in log.trials} == {"COMPLETED"}
    assert len(log.trials) == 20
    assert "Start chief and workers with the same `directory`" in (tmp_path / "worker1.log").read_text()


def test_a_worker_has_the_results_when_its_chief_has_ended(tmp_path, start):
    command = [sys.executable, "-m", "tests.host.distributed_reports", tmp_path, "late"]
    chief, worker = (start(tuner_id, command=command) for tuner_id in ("chief", "worker0"))
    assert chief.wait(timeout=TIMEOUT) == 0
    (tmp_path / "chief_is_gone").touch()

    assert worker.wait(timeout=TIMEOUT) == 0
    told, known = ((tmp_path / f"{name}.log").read_text().split("best: ")[1] for name in ("worker0", "chief"))
    assert told == known
    assert "Showing 10 best trials" in (tmp_path / "worker0.log").read_text()


def test_a_chief_goes_on_with_trials_that_have_paused_on_a_worker(tmp_path, start):
    log = search_of_reports(tmp_path, start, "pausing")

    paused = [trial for trial in log.trials if (trial.record.message or "").startswith("Paused after")]
    continued = [trial for trial in log.trials if trial.proposal["source"] == "continuation"]
    assert paused
    assert continued
    assert max(len(trial.curve) for trial in continued) == 12


def test_the_epochs_of_all_workers_are_one_budget(tmp_path, start):
    command = [sys.executable, "-m", "tests.host.distributed_training", tmp_path, "7"]
    processes = [start(tuner_id, command=command) for tuner_id in ("chief", "worker0", "worker1")]

    codes = [process.wait(timeout=TIMEOUT) for process in processes]

    log = SearchLog.read(tmp_path / "search")
    assert codes == [0, 0, 0], (tmp_path / "worker0.log").read_text()
    assert 7 <= log.epochs.trained <= 8  # one worker may be within an epoch when the other has the last one
    assert len(log.trials) < 6  # which is `max_trials`
