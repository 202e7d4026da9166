"""Learning curves: what each epoch of a trial gave and took, one line of JSON an epoch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

CURVE_FILE = "curve.jsonl"  # in the folder of a trial


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch of one training.

    Args:
        training: Which training of the trial, from 0: there are several where a trial is executed more than once.
        number: Which epoch of it, from 0.
        ended: When it ended, in seconds since 1970.
        seconds: How long it took, validation included.
        metrics: Its losses and metrics.
    """

    training: int
    number: int
    ended: float
    seconds: float
    metrics: Mapping[str, float]

    def to_line(self) -> str:
        """As a line of a curve file."""
        return json.dumps(asdict(self)) + "\n"

    @classmethod
    def from_line(cls, line: str) -> Epoch:
        """From `to_line`.

        Raises:
            LookupError, TypeError, ValueError: The line is something else.
        """
        state = json.loads(line)
        metrics = {str(name): float(value) for name, value in dict(state["metrics"]).items()}
        number, training = int(state["number"]), int(state["training"])
        return cls(training, number, float(state["ended"]), float(state["seconds"]), metrics)


def read_curve(trial_folder: Path) -> tuple[Epoch, ...]:
    """The epochs of a trial so far, in order; what a crash has left unfinished is skipped, and no file is no epoch."""
    try:
        lines = (trial_folder / CURVE_FILE).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # there is none, or it cannot be read
        return ()
    epochs = (_parsed(line) for line in lines)
    return tuple(epoch for epoch in epochs if epoch is not None)


def _parsed(line: str) -> Epoch | None:
    try:
        return Epoch.from_line(line)
    except (LookupError, TypeError, ValueError, OverflowError, RecursionError):
        return None
