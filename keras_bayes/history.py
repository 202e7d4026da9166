"""What has been tried: immutable records of trials, and the numbers a model learns from."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_bayes.arrays import Array, own_arrays
from keras_bayes.domains import Value
from keras_bayes.ridge import Prediction
from keras_bayes.space import Space

NO_GAIN = Prediction(0.0, 0.0)
# Why a trial that waited to run again was given up: not for what its values did.
OUTSIDE = "Its values lie outside the search space as it is declared now."
FORBIDDEN = "`constraint`, as it is now, does not allow its values."
REPEATED = "Another trial has the same values in the search space as it is declared now."
GIVEN_UP = (OUTSIDE, FORBIDDEN, REPEATED)  # why a waiting trial does not run


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """One trial.

    Args:
        number: Its number, from 0; below 0 for a result from elsewhere.
        values: Hyperparameter values.
        status: `"COMPLETED"`, `"FAILED"`, `"RUNNING"`, or `"INVALID"`: it waits to run again.
        score: Value of the objective; finite for a completed trial, `None` for any other.
        message: Why it failed, or ended early.
        unused: Active hyperparameters whose values it never read.
        gain: How much better its score would have become, where its training was stopped.
    """

    number: int
    values: Mapping[str, Value]
    status: str
    score: float | None = None
    message: str | None = None
    unused: frozenset[str] = frozenset()
    gain: Prediction | None = None

    def __post_init__(self) -> None:
        if (self.score is not None) != (self.status == "COMPLETED") or not math.isfinite(self.score or 0.0):
            raise ValueError(f"A trial has a finite score if, and only if, it is completed. Received {self}.")

    @property
    def used_values(self) -> dict[str, Value]:
        """The hyperparameters without those that it never read."""
        return {name: value for name, value in self.values.items() if name not in self.unused}

    @property
    def is_open(self) -> bool:
        """Whether its result is still to come."""
        return self.status in ("RUNNING", "INVALID")

    @property
    def tells(self) -> bool:
        """Whether its end says something of its values."""
        return self.message not in GIVEN_UP

    @classmethod
    def from_state(cls, place: int, state: Mapping[str, Any]) -> TrialRecord:
        """Builds a record from `keras_tuner.engine.trial.Trial.get_state()`, and `unread` and `gain` where there are.

        A completed trial whose score is not a finite number has failed. One that has no number has that of its *place*.
        """
        status, score = state["status"], state["score"]
        if status == "COMPLETED" and (score is None or not math.isfinite(score)):
            status = "FAILED"
        values = dict(state["hyperparameters"]["values"])
        score = float(score) if status == "COMPLETED" else None
        unused = frozenset(state.get("unread", ()))
        number = int(state["trial_id"]) if _has_number(state["trial_id"]) else place
        return cls(number, values, status, score, state["message"], unused, state.get("gain"))


@dataclass(frozen=True, slots=True)
class History:
    """Records of all trials, in the order in which they were started."""

    records: tuple[TrialRecord, ...]

    @classmethod
    def from_states(cls, states: Iterable[Mapping[str, Any]]) -> History:
        """Builds a history from the states of trials in any order."""
        ordered = sorted(states, key=lambda state: trial_order(state["trial_id"]))
        return cls(tuple(TrialRecord.from_state(i, state) for i, state in enumerate(ordered)))

    def telling(self) -> History:
        """Without the trials that say nothing of their values."""
        return History(tuple(record for record in self.records if record.tells))

    def after(self, known: Iterable[TrialRecord]) -> History:
        """The same trials after others, which were not run in this search."""
        return History((*known, *self.records))


def loss_sign(direction: str | None) -> float:
    """What a score is multiplied by to be a loss, the smaller the better; a loss, to be a score again.

    Args:
        direction: `"max"` where the score is the better the larger it is.
    """
    return -1.0 if direction == "max" else 1.0


def trial_order(trial_id: str) -> tuple[bool, int, str]:
    """Sorting key that puts numbered trials in the order of their numbers and any others behind them."""
    is_numbered = _has_number(trial_id)
    return (not is_numbered, int(trial_id) if is_numbered else 0, trial_id)


def _has_number(trial_id: str) -> bool:
    """Whether a trial is named by its number, as keras-tuner does."""
    return trial_id.isdecimal() and trial_id.isascii()


@dataclass(frozen=True, slots=True)
class Observations:
    """What a model learns from, in the order of the trials.

    Args:
        X: Points of the ended trials, shape (n, d).
        y: Their losses, shape (n,); NaN for a trial that failed.
        pending: Points of the trials whose result is still to come, shape (m, d).
        doubt: Standard deviations of the losses, where a stopped training enters with what is expected of its end;
            0 for all others, shape (n,).
    """

    X: Array
    y: Array
    pending: Array
    doubt: Array

    def __post_init__(self) -> None:
        if not self.X.shape[:1] == self.y.shape == self.doubt.shape or self.X.shape[1:] != self.pending.shape[1:]:
            shapes = f"X {self.X.shape}, y {self.y.shape}, pending {self.pending.shape}, doubt {self.doubt.shape}"
            raise ValueError(f"Shapes differ: {shapes}.")
        if np.isinf(self.y).any():
            raise ValueError("A loss is infinite; a failed trial has the loss NaN.")
        own_arrays(self)

    @property
    def num_completed(self) -> int:
        return int(np.isfinite(self.y).sum())

    @property
    def tried(self) -> Array:
        """Points that must not be proposed again, shape (n + m, d)."""
        return np.vstack([self.X, self.pending])

    def at(self, rows: NDArray[np.intp]) -> Observations:
        """These rows of the ended trials, and what is pending."""
        return Observations(self.X[rows], self.y[rows], self.pending, self.doubt[rows])

    def kept(self, limit: int) -> NDArray[np.intp]:
        """Rows of at most `limit` of the ended trials, ascending: the best half and the latest half."""
        if len(self.y) <= limit:
            return np.arange(len(self.y))
        latest = np.arange(len(self.y) - limit // 2, len(self.y))
        best = np.setdiff1d(np.argsort(self.y, kind="stable"), latest, assume_unique=True)[: limit - len(latest)]
        return np.sort(np.concatenate([best, latest]))


def observe(history: History, space: Space, *, direction: str) -> Observations:
    """The losses of all trials that lie in `space`; a score to maximise changes its sign.

    Args:
        history: The trials.
        space: The space as it is now; trials outside it are left out.
        direction: `"min"` or `"max"`.
    """
    sign = loss_sign(direction)
    is_inside, X = space.locate([record.values for record in history.records])
    records = [record for record, is_in in zip(history.records, is_inside, strict=True) if is_in]
    is_open = np.array([record.is_open for record in records], dtype=bool)
    ended = [record for record in records if not record.is_open]
    gains = [record.gain or NO_GAIN for record in ended]
    y = [
        math.nan if record.score is None else sign * record.score - gain.mu
        for record, gain in zip(ended, gains, strict=True)
    ]
    doubt = [gain.sigma for gain in gains]
    return Observations(X[~is_open], np.array(y, dtype=float), X[is_open], np.array(doubt, dtype=float))
