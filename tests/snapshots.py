"""Moments of searches that never were."""

from __future__ import annotations

from typing import Any

from keras_bayes.epoch_count import EpochCount
from keras_bayes.history import TrialRecord
from keras_bayes.position import Position
from keras_bayes.show.pace import Pace
from keras_bayes.show.progress import Progress, ShownTrial

REASON = "model expects 0.96 ± 0.04"
MESSAGE = 'Traceback (most recent call last):\n  File "search.py", line 3\nMemoryError: too many weights'


def completed(number: int, score: float, **values: Any) -> ShownTrial:
    """A trial that has completed; `number` counts from 1."""
    return ShownTrial(str(number), TrialRecord(number - 1, values, "COMPLETED", score), REASON, 10.0 * number)


def failed(number: int, message: str | None = MESSAGE, status: str = "FAILED", **values: Any) -> ShownTrial:
    """A trial that has failed."""
    return ShownTrial(str(number), TrialRecord(number - 1, values, status, None, message), REASON, 1.5)


def running(number: int, position: Position | None = None, **values: Any) -> ShownTrial:
    """A trial that runs."""
    return ShownTrial(str(number), TrialRecord(number - 1, values, "RUNNING"), REASON, 4.0, position)


def moment(**changes: Any) -> Progress:
    """A search of ten trials, of which four have ended and a fifth is running."""
    best = completed(2, 0.9, units=32, lr=0.01)
    arguments = {
        "moment": 0.0,
        "folder": "results/search",
        "objective": "val_accuracy",
        "max_trials": 10,
        "max_time": None,
        "max_epochs": None,
        "num_completed": 3,
        "num_failed": 1,
        "best": best,
        "recent": (best, failed(3, units=999, lr=0.1), completed(4, 0.8, units=16, lr=0.001)),
        "running": (running(5, Position(1, 2, 5, 30, 100, {"loss": 0.25, "val_accuracy": 0.75}), units=64, lr=0.02),),
        "ended_epochs": EpochCount(18),
        "elapsed": 75.0,
        "pace": Pace(duration=20.0, gap=0.0),
        "num_workers": 1,
    }
    return Progress(**(arguments | changes))
