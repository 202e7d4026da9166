"""One writer: at most one process writes to a project folder, and within it one oracle at a time.

The lock is the kernel's: it is free at once when its process ends, in whatever way. Reading needs none.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import threading
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import filelock
from filelock import FileLock, Timeout

from keras_bayes import project
from keras_bayes.errors import ProjectInUseError

LOCK_FILE = ".lock"  # it stays, since removing it would let two processes lock two files
HOLDER_FILE = ".lock.json"  # who has locked it last; Windows lets nobody read what is locked
WAIT_SECONDS = 0.3  # for a process that is just ending


class Claim:
    """The right of one oracle to write to its project folder.

    Within a process the latest to take it has it: a cell of a notebook that is run again makes a new oracle. But none
    takes it while another one keeps it.
    """

    def __init__(self) -> None:
        self._is_kept = False

    def take(self, folder: Path) -> bool:
        """Takes the right; whether it was not held before.

        Raises:
            ProjectInUseError: Another process has it, or another oracle keeps it.
            OSError: There can be no lock in this folder, for example since it is read-only.
        """
        key = os.path.realpath(folder)
        with _mutex:
            hold = _hold_here(key)
            if hold is not None:
                owner = hold.owner()
                if owner is self:
                    return False
                if owner is not None and owner._is_kept:
                    raise _in_use(folder, "another tuner of this process")
                lock = hold.lock
            else:  # nobody has it, or the process that this one was forked from
                lock = _lock(Path(key))
            _holds[key] = _Hold(os.getpid(), lock, weakref.ref(self, lambda owner: _free(key, owner)))
        return True

    @contextlib.contextmanager
    def kept(self, folder: Path) -> Iterator[None]:
        """Lets no other oracle of this process take the right in the meantime.

        Raises:
            ProjectInUseError: That is so already: a second thread does the same.
        """
        with _mutex:
            if self._is_kept:
                raise _in_use(folder, "another thread")
            self._is_kept = True
        try:
            yield
        finally:
            self._is_kept = False

    def is_held(self, folder: Path) -> bool:
        """Whether this has the right."""
        hold = _hold_here(os.path.realpath(folder))
        return hold is not None and hold.owner() is self

    def release(self, folder: Path) -> None:
        """Gives the right back, if this has it."""
        with _mutex:
            if self.is_held(folder):
                _holds.pop(os.path.realpath(folder)).lock.release()


def is_held_here(folder: Path) -> bool:
    """Whether some oracle of this process has the right to write to a folder."""
    return _hold_here(os.path.realpath(folder)) is not None


def holder(folder: Path) -> str | None:
    """Who writes to a folder now, in words; `None` if nobody does. It changes nothing there.

    Raises:
        OSError: This file system does not tell, or a release of filelock before 3.30.
    """
    path = folder / LOCK_FILE
    if not hasattr(filelock, "lock_descriptor"):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), str(path))
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        is_free = filelock.lock_descriptor(descriptor, blocking=False)
    finally:
        os.close(descriptor)  # and free again, before anybody has waited for long
    return None if is_free else _holder(folder)


@dataclass(frozen=True, slots=True)
class _Hold:
    pid: int
    lock: FileLock
    owner: weakref.ref[Claim]


_holds: dict[str, _Hold] = {}  # of this process, by real path
_mutex = threading.RLock()  # an owner may be collected, and its lock freed, while another is taken


def _hold_here(key: str) -> _Hold | None:
    """The hold of this process, if it has one: one of the process that it was forked from is none."""
    hold = _holds.get(key)
    return hold if hold is not None and hold.pid == os.getpid() else None


def _lock(folder: Path) -> FileLock:
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK_FILE, thread_local=False)
    try:
        lock.acquire(timeout=WAIT_SECONDS)
    except Timeout:
        raise _in_use(folder, _holder(folder)) from None
    with contextlib.suppress(OSError):  # who holds it is only for the message
        (folder / HOLDER_FILE).unlink(missing_ok=True)  # which names who had it before
        project.write_text(folder / HOLDER_FILE, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}))
    return lock


def _in_use(folder: Path, who: str) -> ProjectInUseError:
    return ProjectInUseError(
        f"{folder} is being written by {who}. Wait for its search to end or stop it, or use another `project_name`. "
        "Results can be read at any time."
    )


def _holder(folder: Path) -> str:
    holder = project.peek(folder / HOLDER_FILE)
    try:
        return f"process {int(holder['pid'])} on {str(holder['host'])[:100]}"
    except (ValueError, TypeError, KeyError):
        return "another process"


def _free(key: str, owner: weakref.ref[Claim]) -> None:
    with _mutex:
        hold = _hold_here(key)
        if hold is not None and hold.owner is owner:
            _holds.pop(key).lock.release()
