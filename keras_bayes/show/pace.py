"""How fast the trials of a search come to an end, and when it will be over."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from keras_bayes.timesheet import Timesheet


@dataclass(frozen=True, slots=True)
class Pace:
    """What a trial takes of the time of a search.

    Args:
        duration: Seconds that it runs.
        gap: Seconds between it and the next one of the same worker.
    """

    duration: float
    gap: float

    @classmethod
    def of(cls, timesheet: Timesheet, ended: Collection[str]) -> Pace | None:
        """The mean over trials of all sessions; `None` where none has been timed.

        The first trial of a session imports and compiles what the later ones find ready, so it counts only where
        there is no other.

        Args:
            timesheet: When the trials ran.
            ended: Ids of the trials to go by.
        """
        starts = {start for start, _ in timesheet.sessions}
        runs = [timesheet.runs[trial_id][-1] for trial_id in ended if trial_id in timesheet.runs]
        usual = [run for run in runs if run[0] not in starts] or runs
        if not usual:
            return None
        return cls(sum(end - start for start, end in usual) / len(usual), _mean_gap(timesheet))

    def seconds_left(self, running: Sequence[float], num_waiting: int, num_workers: int) -> float:
        """Seconds until the last trial ends.

        Args:
            running: How long each running trial has taken so far.
            num_waiting: How many trials are still to start.
            num_workers: How many run at once, at least as many as are running.
        """
        free = [max(self.duration - seconds, 0.0) for seconds in running]  # when each worker is free
        free += [0.0] * (num_workers - len(running))
        heapq.heapify(free)
        for _ in range(num_waiting):
            heapq.heapreplace(free, free[0] + self.gap + self.duration)
        return max(free, default=0.0)


def _mean_gap(timesheet: Timesheet) -> float:
    """Seconds between two trials in which none was running, in the mean over all trials but the first of a session."""
    runs = sorted(tuple(run) for runs in timesheet.runs.values() for run in runs)
    idle, num_gaps = 0.0, 0
    for session_start, session_end in timesheet.sessions:
        until = None
        for start, end in runs:
            if session_start <= start <= session_end:
                idle += 0.0 if until is None else max(start - until, 0.0)
                num_gaps += until is not None
                until = end if until is None else max(until, end)
    return idle / num_gaps if num_gaps else 0.0
