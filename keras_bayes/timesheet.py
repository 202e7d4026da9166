"""When a search and its trials ran, over all the processes that have worked on it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any


class Timesheet:
    """Hours of a search, in seconds since 1970.

    A session lasts from the first trial that a process creates to the end of its last one, a run from the start of a
    trial to its end. What was killed has lasted until the last moment at which it was seen.

    Args:
        clock: Source of the time.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self.sessions: list[list[float]] = []  # [start, last seen], in order
        self.runs: dict[str, list[list[float]]] = {}  # [start, last seen] of each run of a trial, by its id
        self._is_open = False  # whether the last session is that of this process
        self._running: set[str] = set()

    def begin(self, trial_id: str) -> None:
        """A trial starts."""
        now = self.see()
        self.runs.setdefault(trial_id, []).append([now, now])
        self._running.add(trial_id)

    def go_on(self, trial_id: str) -> None:
        """A trial that ran when the process ended is still running."""
        if self.runs.get(trial_id):
            self._running.add(trial_id)

    def end(self, trial_id: str) -> None:
        """A run of a trial ends."""
        self.see()
        self._running.discard(trial_id)

    def see(self) -> float:
        """Notes that the search, and what runs in it, goes on; returns the time."""
        now = self._clock()
        if not self._is_open:
            self._is_open = True
            self.sessions.append([now, now])
        open_runs = (self.runs[trial_id][-1] for trial_id in self._running)
        for interval in (self.sessions[-1], *open_runs):
            interval[1] = max(now, interval[1])  # a clock may be put back
        return now

    def saw(self, trial_id: str, moment: float) -> None:
        """Notes that a trial that was killed had still been seen at a moment."""
        for interval in (self.sessions[-1:], self.runs.get(trial_id, [])[-1:]):
            if interval:
                interval[0][1] = max(moment, interval[0][1])

    def close(self) -> None:
        """The search ends in this process; it has lasted as long as it was seen, and written down."""
        self._is_open = False
        self._running.clear()

    @property
    def elapsed(self) -> float:
        """Seconds that the search has taken so far, in all its sessions."""
        now = self._clock() if self._is_open else 0.0
        ends = [end for _, end in self.sessions[:-1]] + [max(now, end) for _, end in self.sessions[-1:]]
        return sum(end - start for (start, _), end in zip(self.sessions, ends, strict=True))

    def deadline(self, seconds: float) -> float:
        """When the search will have taken so many seconds, in seconds since 1970."""
        if not self.sessions:  # or none that is known of
            return self._clock() + seconds
        *earlier, (start, _) = self.sessions
        return start + seconds - sum(end - start for start, end in earlier)

    def seconds(self, trial_id: str) -> float | None:
        """How long the last run of a trial took, or has taken so far; `None` if it is not known."""
        if trial_id not in self.runs:
            return None
        start, end = self.runs[trial_id][-1]
        return (max(self._clock(), end) if trial_id in self._running else end) - start

    def to_state(self) -> dict[str, Any]:
        """As JSON."""
        return {"sessions": self.sessions, "runs": self.runs}

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Replaces everything by what `to_state` gave, but for the session and the runs that are under way here."""
        own = self.sessions[-1:] if self._is_open else []
        own_runs = {trial_id: self.runs[trial_id][-1:] for trial_id in self._running}
        self.sessions = _updated(state["sessions"], own)
        known = {trial_id: _updated(runs, own_runs.get(trial_id, [])) for trial_id, runs in state["runs"].items()}
        self.runs = {**own_runs, **known}


def _updated(intervals: Sequence[Sequence[float]], own: list[list[float]]) -> list[list[float]]:
    """Copies of intervals, with `own`, which goes on, at the end and not twice."""
    starts = [start for start, _ in own]
    return [list(interval) for interval in intervals if interval[0] not in starts] + own
