"""How long something takes, on a machine that does other work, too."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

NUM_RUNS = 3


def children_seconds() -> float:
    """Seconds of the processor that processes started by this one, and ended, have taken."""
    times = os.times()
    return times.children_user + times.children_system


def least_seconds(call: Callable[[], object], clock: Callable[[], float] = time.monotonic) -> float:
    """The seconds of the fastest of several calls; a busy machine makes some of them slower, but none faster.

    Args:
        call: What takes the time.
        clock: Source of the time.
    """
    seconds = []
    for _ in range(NUM_RUNS):
        start = clock()
        call()
        seconds.append(clock() - start)
    return min(seconds)
