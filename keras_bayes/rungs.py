"""Rungs: the epochs after which trainings of one length are compared."""

from __future__ import annotations

import math

EARLIEST = 2  # one epoch does not rank configurations
FACTOR = 2.35  # trainings of 52 epochs are compared after 4, 9 and 22
MAX_COMPARISONS = 3  # before the end (examples/benchmarks/ABLATIONS.md)


def rungs(num_epochs: int) -> list[int]:
    """The rungs of a training, ascending; each is about `FACTOR` times as far as the one before, the last is its end.

    Args:
        num_epochs: How many epochs it has.
    """
    first = max(EARLIEST, num_epochs / FACTOR**MAX_COMPARISONS)
    count = max(0, round(math.log(num_epochs / first, FACTOR)))
    return [round(first * (num_epochs / first) ** (i / count)) for i in range(count)] + [num_epochs]
