"""What stopped trainings would have become: the smallest loss that each would have had at its end."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from keras_bayes.domains import Array
from keras_bayes.loss_curves import CurveArchive, LossCurves
from keras_bayes.ridge import Prediction, ridge
from keras_bayes.rungs import rungs

# Before any training tells how far the losses still fall: as far as this share of their spread at the first rung. It
# counts as much as so many trainings.
PRIOR_SPREAD = 0.5
PRIOR_TRAININGS = 2.0
MIN_FOR_SLOPE = 5  # trainings, for a second feature
REACH = 2.0  # standard deviations that features are taken for more than they are among the trainings learned from
LIMIT = 3.0  # losses are worse than the median by no more than so many times its distance from the best


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a stopped training would have become.

    Args:
        gain: How much smaller its smallest loss would be.
        remaining: The share of its epochs that it was not given, in (0, 1).
        is_behind: Whether at least half of the trainings that got to its last rung were better there.
    """

    gain: Prediction
    remaining: float
    is_behind: bool


def forecasts(archive: CurveArchive, *, without: Collection[str] = ()) -> dict[str, Forecast]:
    """By the folder of each training that was stopped, the last one there, what it would have become.

    Trainings that are under way, or were interrupted, teach nothing yet.

    Args:
        archive: The curves.
        without: Names of folders whose curves are those of others, too.
    """
    folders, curves = archive.read_all(without=without)
    is_over = curves.is_finished | (curves.num_epochs > 0)
    names, curves = list(compress(folders, is_over)), curves[is_over]
    if not names:
        return {}
    last = {name: row for row, name in enumerate(names)}
    found = _Rungs.of(curves)
    gains = _expected_gains(curves, found)
    remaining = 1 - curves.lengths / np.maximum(curves.num_epochs, 1)
    is_stopped = ~curves.is_finished & (curves.num_epochs > curves.lengths)
    is_behind = found.share_of_better >= 0.5
    return {
        name: Forecast(gains[row], float(remaining[row]), bool(is_behind[row]))
        for name, row in last.items()
        if is_stopped[row]
    }


@dataclass(frozen=True, slots=True)
class _Rungs:
    """Trainings at their rungs, counted from the end, so that those of different lengths are alike.

    Args:
        best: Smallest loss by each rung, NaN where a training has not got there, shape (n, r).
        slope: What the loss has changed since half of the rung, NaN where that is not known, shape (n, r).
        place: The last rung that each has reached, its first one at the least, shape (n,).
    """

    best: Array
    slope: Array
    place: NDArray[np.int64]

    @classmethod
    def of(cls, curves: LossCurves) -> _Rungs:
        """Of curves, at least one; one that has finished early, or is of unknown length, is at its end."""
        lengths = curves.lengths
        epochs = np.where(curves.num_epochs > 0, curves.num_epochs, lengths)
        ladders = [rungs(int(num_epochs)) for num_epochs in epochs]
        r = max(len(ladder) for ladder in ladders)
        best, slope = np.full((2, len(curves), r), np.nan)
        place = np.full(len(curves), r - 1)
        smallest, latest = np.fmin.accumulate(curves.losses, axis=1), _latest(curves.losses)
        for i, ladder in enumerate(ladders):
            length = int(lengths[i])
            is_over = bool(curves.is_finished[i]) or curves.num_epochs[i] == 0
            passed = [rung for rung in ladder if rung <= length or is_over]
            first = r - len(ladder)
            for j, rung in enumerate(passed, start=first):
                at = min(rung, length) - 1
                best[i, j] = smallest[i, at]
                slope[i, j] = latest[i, at] - latest[i, (at + 2) // 2 - 1]
            place[i] = first + max(len(passed), 1) - 1
        return cls(best, slope, place)

    @property
    def share_of_better(self) -> Array:
        """Which part of the trainings that got to the last rung of each were better there; 0 before the first, (n,)."""
        share = np.zeros(len(self.place))
        for j, column in enumerate(self.best.T):
            there = np.sort(column[~np.isnan(column)])
            own = np.flatnonzero((self.place == j) & ~np.isnan(column))
            share[own] = np.searchsorted(there, column[own]) / len(there)
        return share


def expected_gains(curves: LossCurves) -> list[Prediction]:
    """How much smaller the smallest loss of each training would have become with the epochs that it was not given.

    From each rung to the next, a ridge regression on the trainings that have got there predicts the gain from the
    smallest loss at the rung and the slope before it. Over the rungs that a training has not reached, these gains are
    added up, and so are the variances of their errors. What it has gained since its last rung is taken off.

    Args:
        curves: The trainings, each with a loss.

    Returns:
        The gain of each, at least 0; 0 ± 0 where the training has finished, or it is not known how long it was to be.
    """
    return _expected_gains(curves, _Rungs.of(curves)) if len(curves) else []


def _expected_gains(curves: LossCurves, found: _Rungs) -> list[Prediction]:
    losses = np.fmin.reduce(curves.losses, axis=1)  # so far, (n,)
    start = np.fmax(found.best[np.arange(len(curves)), found.place], losses)  # at its last rung, if known, (n,)
    num_steps = found.best.shape[1] - 1
    prior = PRIOR_SPREAD * float(_drawn_in(losses).std() or 1.0) / np.sqrt(max(num_steps, 1))
    gains, variances = np.zeros((2, len(curves)))
    for j in range(num_steps):
        waiting = np.flatnonzero(found.place <= j)
        gain, variance = _step(found, j, waiting, start[waiting] - gains[waiting], prior)
        gains[waiting] += gain
        variances[waiting] += variance
    gains = np.maximum(gains - (start - losses), 0.0)  # what it has gained since its last rung is not ahead of it
    return [Prediction(float(gain), float(np.sqrt(variance))) for gain, variance in zip(gains, variances, strict=True)]


def _step(found: _Rungs, j: int, waiting: NDArray[np.intp], levels: Array, prior: float) -> tuple[Array | float, float]:
    """Gains from rung `j` to the next, shape (m,), and the variance of their errors.

    Args:
        found: All trainings.
        j: The rung.
        waiting: Those asked about, shape (m,).
        levels: Their smallest losses at the rung, as far as can be told, shape (m,).
        prior: Standard deviation of a gain as long as there is none to learn from.
    """
    known = np.flatnonzero(~np.isnan(found.best[:, j]) & ~np.isnan(found.best[:, j + 1]))
    n = len(known)
    if n < 2:
        return 0.0, prior**2
    before = _drawn_in(found.best[known, j])
    X, X_new = before[:, None], levels[:, None]
    if n >= MIN_FOR_SLOPE:
        slopes = np.nan_to_num(found.slope[known, j])
        own = found.slope[waiting, j]
        X = np.column_stack([X, slopes])
        X_new = np.column_stack([X_new, np.where(np.isnan(own), slopes.mean(), own)])
    middle, reach = X.mean(axis=0), REACH * X.std(axis=0)
    gains = before - np.minimum(found.best[known, j + 1], before)
    expected, errors = ridge(X, gains, np.clip(X_new, middle - reach, middle + reach))
    variance = (np.sum(errors**2) + PRIOR_TRAININGS * prior**2) / (n + PRIOR_TRAININGS) * (1 + 1 / n)
    return np.maximum(expected, 0.0), float(variance)


def _latest(losses: Array) -> Array:
    """The last loss up to each epoch, NaN before the first, shape (n, T)."""
    epochs = np.where(np.isnan(losses), -1, np.arange(losses.shape[1]))
    last = np.maximum.accumulate(epochs, axis=1)
    return np.where(last < 0, np.nan, np.take_along_axis(losses, np.maximum(last, 0), axis=1))


def _drawn_in(losses: Array) -> Array:
    """Puts a limit to losses as bad as those of trainings that diverge, shape (n,)."""
    best, median = losses.min(), np.median(losses)
    return np.minimum(losses, median + LIMIT * (median - best)) if median > best else losses
