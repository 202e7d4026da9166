"""One writer, with real processes."""

import contextlib
import copy
import gc
import os
import signal
import socket
import subprocess
import sys
import threading

import pytest

from keras_bayes.errors import ProjectInUseError
from keras_bayes.lock import HOLDER_FILE, LOCK_FILE, Claim, holder, is_held_here
from tests.stopwatch import least_seconds

HOLD = """
import os, sys
from pathlib import Path
from keras_bayes.lock import Claim
claim = Claim()
claim.take(Path(sys.argv[1]))
is_child = sys.argv[2] == "fork" and not os.fork()  # as a worker process of a data pipeline is, which lives on
if is_child or sys.argv[2] == "alone":
    print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def hold(tmp_path):
    """Starts a process that holds the folder; all are ended with the test."""
    processes = []

    def start(how="alone"):
        command = [sys.executable, "-c", HOLD, str(tmp_path), how]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        processes.append(process)
        assert process.stdout.readline() == "held\n"
        return process

    yield start
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_a_second_process_is_refused_within_a_second_and_told_by_whom(tmp_path, hold):
    holder = hold()
    messages = []

    def take():
        with pytest.raises(ProjectInUseError) as caught:
            Claim().take(tmp_path)
        messages.append(str(caught.value))

    assert least_seconds(take) < 1
    assert f"process {holder.pid} on {socket.gethostname()}" in messages[0]
    assert "another `project_name`" in messages[0]


@pytest.mark.parametrize("how", ["alone", "fork"])
def test_the_folder_is_free_at_once_after_a_kill(tmp_path, hold, how, monkeypatch):
    monkeypatch.setattr("keras_bayes.lock.WAIT_SECONDS", 0)
    holder = hold(how)
    holder.kill()
    holder.wait()

    assert Claim().take(tmp_path)


def test_a_holder_that_wrote_nothing_readable_is_another_process(tmp_path, hold):
    hold()
    (tmp_path / HOLDER_FILE).write_text("{")

    with pytest.raises(ProjectInUseError, match="by another process"):
        Claim().take(tmp_path)


def test_a_holder_that_cannot_write_is_not_taken_for_the_one_before(tmp_path, hold, monkeypatch):
    earlier = hold()
    earlier.kill()
    earlier.wait()
    claim = Claim()
    with monkeypatch.context() as patch:
        patch.setattr("keras_bayes.project.write_text", lambda path, text: (_ for _ in ()).throw(OSError("disk full")))
        claim.take(tmp_path)

    assert holder(tmp_path) == "another process"


def test_nothing_is_written_into_what_is_locked(tmp_path):
    Claim().take(tmp_path)

    assert (tmp_path / LOCK_FILE).read_bytes() == b""  # Windows would refuse it, and a lock without a kernel's is lost


def test_where_the_kernel_has_no_locks_a_killed_holder_lets_go(tmp_path):
    code = """
import errno, fcntl, os, sys
from pathlib import Path
from keras_bayes.lock import Claim
def flock(*_):
    raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
fcntl.flock = flock
Claim().take(Path(sys.argv[1]))
os._exit(0)
"""
    for _ in range(2):
        ended = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code, str(tmp_path)], capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stderr


def test_the_right_is_taken_once(tmp_path):
    claim = Claim()

    assert [claim.take(tmp_path), claim.take(tmp_path)] == [True, False]
    assert claim.is_held(tmp_path)


def test_one_folder_has_many_names(tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").symlink_to(tmp_path / "a")
    monkeypatch.chdir(tmp_path)
    claim = Claim()
    claim.take(tmp_path / "a")

    assert all(claim.is_held(folder) for folder in (tmp_path / "b", tmp_path / "b" / ".." / "a"))


def test_within_a_process_the_latest_has_the_right(tmp_path):
    first, second = Claim(), Claim()
    first.take(tmp_path)

    assert second.take(tmp_path)
    assert (first.is_held(tmp_path), second.is_held(tmp_path)) == (False, True)


def test_none_takes_the_right_from_who_keeps_it(tmp_path):
    first, second = Claim(), Claim()
    first.take(tmp_path)

    with first.kept(tmp_path):
        with pytest.raises(ProjectInUseError, match="is being written by another tuner of this process"):
            second.take(tmp_path)
        with pytest.raises(ProjectInUseError, match="by another thread"), first.kept(tmp_path):
            pass

    assert second.take(tmp_path)


def is_free_for_others(folder):
    code = "import sys; from pathlib import Path; from keras_bayes.lock import Claim; Claim().take(Path(sys.argv[1]))"
    return subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, check=False).returncode == 0


def test_who_lost_the_right_gives_nothing_back(tmp_path):
    first, second = Claim(), Claim()
    first.take(tmp_path)
    second.take(tmp_path)

    first.release(tmp_path)

    assert not is_free_for_others(tmp_path)
    second.release(tmp_path)
    assert is_free_for_others(tmp_path)


def test_the_right_ends_with_its_owner(tmp_path):
    claim = Claim()
    claim.take(tmp_path)
    before = is_held_here(tmp_path)

    del claim
    gc.collect()

    assert (before, is_held_here(tmp_path)) == (True, False)
    assert is_free_for_others(tmp_path)


def test_a_copy_does_not_have_the_right(tmp_path):
    claim = Claim()
    claim.take(tmp_path)

    assert not copy.deepcopy(claim).is_held(tmp_path)


def test_whoever_looks_is_told_which_process_holds_the_folder(tmp_path, hold):
    before = holder(tmp_path)
    process = hold()
    during = holder(tmp_path)
    process.kill()
    process.wait()

    assert (before, during, holder(tmp_path)) == (None, f"process {process.pid} on {socket.gethostname()}", None)


def test_looking_makes_no_file(tmp_path):
    holder(tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_looking_does_not_keep_a_search_from_starting(tmp_path, hold):
    looks = []
    has_looked, stop = threading.Event(), threading.Event()

    def look():
        while not stop.is_set():
            looks.append(holder(tmp_path))
            has_looked.set()

    thread = threading.Thread(target=look)
    thread.start()
    has_looked.wait()
    process = hold()
    stop.set()
    thread.join()
    looks.append(holder(tmp_path))  # the last one of the thread may have begun before the lock was taken

    assert process.poll() is None
    assert looks[0] is None
    assert looks[-1] is not None


def test_where_the_file_system_does_not_tell_an_error_does(tmp_path, monkeypatch):
    def lock_descriptor(*_, **__):
        raise OSError("no locks here")

    (tmp_path / LOCK_FILE).touch()
    monkeypatch.setattr("filelock.lock_descriptor", lock_descriptor)

    with pytest.raises(OSError, match="no locks here"):
        holder(tmp_path)
