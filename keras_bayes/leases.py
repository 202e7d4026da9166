"""Signs of life in a distributed search: who has been heard of, and since when not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

HEARTBEAT_SECONDS = 5.0
LEASE_SECONDS = 30.0  # six missed heartbeats: a worker that is only slow is heard of in between
STOP_SECONDS = 1.0  # that the last heartbeat may take, when a search has ended


class ListeningClock:
    """How long this process has listened: it may have been stopped for a while, or have waited for a disk.

    Args:
        clock: Source of the time, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = clock()
        self._listened = 0.0

    def __call__(self) -> float:
        """Seconds up to the last `tick`."""
        return self._listened

    def tick(self) -> None:
        """Notes that this process is listening; in a longer pause than that between two signs, it has missed some."""
        now = self._clock()
        self._listened += min(now - self._last, HEARTBEAT_SECONDS)
        self._last = now


class Leases:
    """When each trial and each worker was last heard of.

    Args:
        seconds: Silence after which one that was heard of is taken for lost.
        clock: Source of the time, in seconds.
    """

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._heard: dict[str, float] = {}

    def hear(self, name: str) -> None:
        """Notes a sign of life."""
        self._heard[name] = self._clock()

    def forget(self, name: str) -> None:
        """Expects no more signs of life."""
        self._heard.pop(name, None)

    def is_held(self, name: str) -> bool:
        """Whether `name` has been heard of within the last seconds."""
        return name in self._heard and not self.is_lost(name)

    def is_lost(self, name: str) -> bool:
        """Whether `name` was heard of once, but no more; who never gave a sign is not expected to."""
        return name in self._heard and self._clock() - self._heard[name] > self._seconds


class Periodic:
    """Calls a function at once, every so often and when it is told to, in a thread of its own, until it is stopped.

    Args:
        call: The function, which may wait for another process.
        seconds: Time between two calls.
    """

    def __init__(self, call: Callable[[], object], seconds: float = HEARTBEAT_SECONDS) -> None:
        self._call = call
        self._seconds = seconds
        self._is_stopped = False
        self._is_due = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def call_now(self) -> None:
        """Makes a call now, or as soon as one that is under way has ended; waits for none."""
        self._is_due.set()

    def stop(self) -> None:
        """Ends the calls; waits a moment for one that is under way."""
        self._is_stopped = True
        self._is_due.set()
        self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        while not self._is_stopped:
            self._call()
            self._is_due.wait(self._seconds)
            self._is_due.clear()
