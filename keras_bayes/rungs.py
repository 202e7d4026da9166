"""Rungs: the epochs after which trainings of one length are compared."""

from __future__ import annotations

import math

MIN_EPOCHS = 3  # two epochs hardly rank configurations
FACTOR = 2.35  # trainings of 52 epochs are compared after 4, 9 and 22


def rungs(num_epochs: int, min_epochs: int = MIN_EPOCHS) -> list[int]:
    """The rungs of a training, ascending; each next one is `FACTOR` times as far, and the last is its end.

    Args:
        num_epochs: How many epochs it has.
        min_epochs: No rung is earlier, but the end of a training that is shorter.
    """
    count = max(0, math.floor(math.log(max(num_epochs, 1) / min_epochs, FACTOR)))
    return [round(num_epochs / FACTOR**i) for i in range(count, -1, -1)]
