"""Learning curves: what each epoch of a trial gave and took, and how its trainings ended, in lines of JSON."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

CURVE_FILE = "curve.jsonl"  # in the folder of a trial
DIVERGED = "Stopped since the objective was no finite number any more."
MAX_COUNT = 2**31  # of epochs and trainings
MAX_TIME = 1e11  # seconds since 1970, in the year 5138


@dataclass(frozen=True, slots=True)
class _Item:
    """What one line of a curve file tells."""

    def to_line(self) -> str:
        """As a line of a curve file."""
        return json.dumps(asdict(self)) + "\n"


@dataclass(frozen=True, slots=True)
class Epoch(_Item):
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

    @classmethod
    def from_state(cls, state: Any) -> Epoch:
        """From the JSON of a line; raises a `LookupError`, `TypeError` or `ValueError` if that is something else."""
        metrics = {str(name): float(value) for name, value in dict(state["metrics"]).items()}
        ended, seconds = float(state["ended"]), float(state["seconds"])
        if not (0 <= ended < MAX_TIME and 0 <= seconds < MAX_TIME):
            raise ValueError(f"{ended} and {seconds} are no times")
        return cls(_count(state["training"]), _count(state["number"]), ended, seconds, metrics)


@dataclass(frozen=True, slots=True)
class End(_Item):
    """How a training ended; there is none of one that is under way or was interrupted.

    Args:
        training: Which training of the trial, from 0.
        num_epochs: How many epochs it was to have; 0 where that is not known.
        stopped: Why it was stopped, by a rule or since a budget was used up; empty where it ended by itself, be it
            earlier than planned.
    """

    training: int
    num_epochs: int
    stopped: str

    @classmethod
    def from_state(cls, state: Any) -> End:
        """From the JSON of a line; raises a `LookupError`, `TypeError` or `ValueError` if that is something else."""
        return cls(_count(state["training"]), _count(state["num_epochs"]), str(state["stopped"]))


@dataclass(frozen=True, slots=True)
class Earlier(_Item):
    """What a trial that was begun anew had had before.

    Args:
        earlier_epochs: Epochs of all its earlier runs.
    """

    earlier_epochs: int

    @classmethod
    def from_state(cls, state: Any) -> Earlier:
        """From the JSON of a line; raises a `LookupError`, `TypeError` or `ValueError` if that is something else."""
        return cls(_count(state["earlier_epochs"]))


@dataclass(frozen=True, slots=True)
class Inherited(_Item):
    """Which epochs of a trial are copies of those of another one, whose training it goes on with: its first ones.

    Args:
        inherited_epochs: How many.
        num_epochs: How many the other training was to have; 0 where that is not known.
    """

    inherited_epochs: int
    num_epochs: int

    @classmethod
    def from_state(cls, state: Any) -> Inherited:
        """From the JSON of a line; raises a `LookupError`, `TypeError` or `ValueError` if that is something else."""
        return cls(_count(state["inherited_epochs"]), _count(state["num_epochs"]))


Line = Epoch | End | Earlier | Inherited


def read_log(trial_folder: Path) -> tuple[Line, ...]:
    """All that is told of a trial, in order; what a crash has left unfinished is skipped, and no file tells nothing."""
    try:
        lines = (trial_folder / CURVE_FILE).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # there is none, or it cannot be read
        return ()
    return tuple(item for line in lines for item in _parsed(line))


def read_curve(trial_folder: Path) -> tuple[Epoch, ...]:
    """The epochs of a trial so far, in order."""
    return tuple(item for item in read_log(trial_folder) if isinstance(item, Epoch))


def read_ends(trial_folder: Path) -> tuple[End, ...]:
    """How the trainings of a trial have ended, in order; those that have not, or were interrupted, are left out."""
    return tuple(item for item in read_log(trial_folder) if isinstance(item, End))


def _count(value: Any) -> int:
    """A number of epochs or trainings, from JSON.

    Raises:
        TypeError, ValueError, OverflowError: It is something else.
    """
    number = int(value)
    if not 0 <= number < MAX_COUNT:
        raise ValueError(f"{number} is no number of epochs or trainings")
    return number


def _parsed(line: str) -> Iterator[Line]:
    """What a line tells, if anything."""
    kinds: tuple[type[Line], ...] = (Epoch, End, Earlier, Inherited)  # the most frequent first
    with contextlib.suppress(ValueError, RecursionError):
        state = json.loads(line)
        for kind in kinds:
            with contextlib.suppress(LookupError, TypeError, ValueError, OverflowError):
                yield kind.from_state(state)
                return
