"""What stopped trainings would have become: the smallest loss that each would have had at its end."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from keras_bayes.arrays import Array
from keras_bayes.loss_curves import CurveArchive, LossCurves, draw_in
from keras_bayes.ridge import Prediction, Ridge
from keras_bayes.rungs import rungs

# Before any training tells how far the losses still fall: as far as this share of their spread at the first rung. It
# counts as much as so many trainings, and leaves this much of itself where these can be told exactly
# (examples/benchmarks/ABLATIONS.md).
PRIOR_SPREAD = 0.5
PRIOR_TRAININGS = 2.0
LEAST_ERROR = 0.01
MIN_FOR_CHANGE = 5  # trainings, for a second feature (examples/benchmarks/ABLATIONS.md)
# Standard deviations that features are taken for more than they are among the trainings learned from.
REACH = 2.0  # examples/benchmarks/ABLATIONS.md


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
    """What stopped trainings would have become, by the names of their folders; of several in one, the last.

    Trainings that are under way, or were interrupted, teach nothing yet.

    Args:
        archive: The curves.
        without: Names of folders whose curves another folder has, too, since its training went on with theirs.
    """
    folders, curves = archive.read_all(without=without)
    is_over = curves.is_finished | (curves.num_epochs > 0)
    names, curves = list(compress(folders, is_over)), curves[is_over]
    if not names:
        return {}
    last = {name: row for row, name in enumerate(names)}
    found = _Rungs.of(curves)
    gains = expected_gains(curves, found)
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
        change: The same less that at the rung before, at a first one less that half-way to it, shape (n, r).
        place: The last rung that each has reached, its first one at the least, shape (n,).
    """

    best: Array
    change: Array
    place: NDArray[np.int64]

    @classmethod
    def of(cls, curves: LossCurves) -> _Rungs:
        """Of curves, at least one; one that has finished early, or is of unknown length, is at its end."""
        lengths = curves.lengths
        epochs = np.where(curves.num_epochs > 0, curves.num_epochs, lengths)
        ladders = [rungs(int(num_epochs)) for num_epochs in epochs]
        r = max(len(ladder) for ladder in ladders)
        best, change = np.full((2, len(curves), r), np.nan)
        place = np.full(len(curves), r - 1)
        smallest = np.fmin.accumulate(curves.losses, axis=1)
        for i, ladder in enumerate(ladders):
            length = int(lengths[i])
            is_over = bool(curves.is_finished[i]) or curves.num_epochs[i] == 0
            passed = [rung for rung in ladder if rung <= length or is_over]
            first = r - len(ladder)
            for j, rung in enumerate(passed, start=first):
                at = min(rung, length) - 1
                best[i, j] = smallest[i, at]
                change[i, j] = best[i, j] - (smallest[i, at // 2] if j == first else best[i, j - 1])
            place[i] = first + max(len(passed), 1) - 1
        return cls(best, change, place)

    @property
    def share_of_better(self) -> Array:
        """Which part of the trainings that got to the last rung of each were better there; 0 before the first, (n,)."""
        share = np.zeros(len(self.place))
        for j, column in enumerate(self.best.T):
            there = np.sort(column[~np.isnan(column)])
            own = np.flatnonzero((self.place == j) & ~np.isnan(column))
            share[own] = np.searchsorted(there, column[own]) / len(there)
        return share


def expected_gains(curves: LossCurves, found: _Rungs | None = None) -> list[Prediction]:
    """How much smaller the smallest loss of each training would have become with the epochs that it was not given.

    From each rung to the next, a ridge regression on the trainings that have got there predicts the gain from the
    smallest loss at the rung and what that has changed since the rung before. Where a training has not reached a rung,
    these are predicted themselves, and their errors go into those of what follows. What it has gained since its last
    rung is taken off.

    Args:
        curves: The trainings, each with a loss.
        found: The same at their rungs, where these are known.

    Returns:
        The gain of each, at least 0; 0 ± 0 where the training has finished, or it is not known how long it was to be.
    """
    if not len(curves):
        return []
    found = found or _Rungs.of(curves)
    losses = np.fmin.reduce(curves.losses, axis=1)  # so far, (n,)
    num_steps = found.best.shape[1] - 1
    prior = PRIOR_SPREAD * float(draw_in(losses, like=losses).std() or 1.0) / np.sqrt(max(num_steps, 1))
    rows = np.arange(len(curves))
    start = np.fmax(found.best[rows, found.place], losses)  # at the last rung of each, if known, (n,)
    X = np.column_stack([start, found.change[rows, found.place]])  # smallest loss and its change, (n, 2)
    S = np.zeros((len(curves), 2, 2))  # covariances of their errors
    for j in range(num_steps):
        waiting = np.flatnonzero(found.place <= j)
        X[waiting], S[waiting] = _step(found, j, X[waiting], S[waiting], prior)
    gains = np.maximum(losses - X[:, 0], 0.0)  # what it has gained since its last rung is not ahead of it
    sigmas = np.sqrt(S[:, 0, 0])
    return [Prediction(float(gain), float(sigma)) for gain, sigma in zip(gains, sigmas, strict=True)]


def _step(found: _Rungs, j: int, X: Array, S: Array, prior: float) -> tuple[Array, Array]:
    """From rung `j` to the next: smallest losses there and what they have changed, with covariances of their errors.

    Args:
        found: All trainings.
        j: The rung.
        X: Smallest losses and their changes at the rung, as far as can be told, shape (m, 2).
        S: Covariances of the errors of these, shape (m, 2, 2).
        prior: Standard deviation of a gain as long as there is none to learn from.
    """
    known = np.flatnonzero(~np.isnan(found.best[:, j]) & ~np.isnan(found.best[:, j + 1]))
    gains, weights, variances = np.zeros(len(X)), np.zeros(2), np.full(len(X), prior**2)
    if len(known) == 1:  # it tells roughly how much the others gain
        gains += np.clip(found.best[known, j] - found.best[known, j + 1], 0.0, REACH * prior)
    elif len(known) >= 2:
        before = draw_in(found.best[known, j], like=found.best[known, j])
        p = 2 if len(known) >= MIN_FOR_CHANGE else 1
        X_known = np.column_stack([before, np.nan_to_num(found.change[known, j])])[:, :p]
        ridge = Ridge.fit(X_known, before - np.minimum(found.best[known, j + 1], before))
        reach = REACH * X_known.std(axis=0)
        X_new = np.where(np.isnan(X[:, :p]), ridge.mean, X[:, :p])
        X_new = np.clip(X_new, ridge.mean - reach, ridge.mean + reach)
        gains, weights[:p] = np.maximum(ridge.predict(X_new), 0.0), ridge.weights
        variances = _pooled(ridge.errors, prior) * (1 + ridge.leverages(X_new))
    J = np.array([[1.0, 0.0], [0.0, 0.0]]) - weights  # of what is next by what is here, (2, 2)
    return np.column_stack([X[:, 0] - gains, -gains]), J @ S @ J.T + variances[:, None, None]


def _pooled(errors: Array, prior: float) -> float:
    """A variance by errors, shape (n,), and by the standard deviation that was expected of them: a mean of logarithms.

    Of real trainings errors are a tenth of what the losses of all configurations let one expect, of others as large as
    that; a mean of squares would remember the larger one for long.
    """
    n = len(errors)
    found = max(float(np.sqrt(np.mean(errors**2))), LEAST_ERROR * prior)
    return float(np.exp(2 * (n * np.log(found) + PRIOR_TRAININGS * np.log(prior)) / (n + PRIOR_TRAININGS)))
