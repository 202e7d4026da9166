"""Losses made fit for a Gaussian process, and its predictions turned back into losses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keras_bayes.arrays import Array

# A failed trial counts as this much worse than the worst completed one, in standard deviations.
FAILURE_MARGIN = 0.5  # examples/benchmarks/ABLATIONS.md
# What is worse than the median is so many widths of the better half behind it, at the most.
FARTHEST_BEHIND = 3.0  # examples/benchmarks/ABLATIONS.md
# With fewer losses than this there is no bad half to speak of.
MIN_TO_TEMPER = 3
# How much better than the best target a prediction may be, in standard deviations: no number is too large then.
FARTHEST = 10.0


@dataclass(frozen=True, slots=True)
class Targets:
    """Tempered, standardised losses.

    Args:
        y: Targets of a model, finite, shape (n,).
        knots: Distinct losses, ascending, and their targets, shape (2, k): the monotone map between both.
    """

    y: Array
    knots: Array

    def to_loss(self, mu: float, sigma: float) -> tuple[float, float]:
        """Mean and standard deviation of a prediction `mu ± sigma`, in the unit of the losses."""
        low, middle, high = self.losses_at(np.array([mu - sigma, mu, mu + sigma]))
        return float(middle), float(high / 2 - low / 2)

    def targets_at(self, losses: Array) -> Array:
        """The targets that losses stand for, shape of `losses`.

        None is worse than that of the worst loss there was, nor better than that of the best by more than `FARTHEST`.
        """
        known, knots = self.knots
        apart = np.flatnonzero(knots > knots[0])[:1]
        better = np.full(losses.shape, np.inf)  # by how much
        if len(apart):
            with np.errstate(over="ignore", invalid="ignore"):  # of losses at the edge of floats
                steps = (known[0] - losses) / (known[apart] - known[0]) * (knots[apart] - knots[0])
            better = np.where(np.isnan(steps), np.inf, steps)
        extended = knots[0] - np.minimum(better, FARTHEST)
        return np.asarray(np.where(losses < known[0], extended, np.interp(losses, known, knots)))

    def losses_at(self, targets: Array) -> Array:
        """The losses that targets stand for, shape of `targets`; none is worse than the worst there was."""
        losses, knots = self.knots
        apart = np.flatnonzero(knots > knots[0])[:1]  # targets of different losses may round to one
        with np.errstate(over="ignore", invalid="ignore"):  # better than the smallest float is no prediction
            slope = ((losses[apart] - losses[0]) / (knots[apart] - knots[0])).sum() if len(apart) else 1.0
            better = losses[0] + slope * (targets - knots[0])  # the good half is mapped linearly
        between = 2 * np.interp(targets, knots, losses / 2)  # halves: the difference of two losses may overflow
        largest = np.finfo(float).max
        return np.asarray(np.clip(np.where(targets < knots[0], better, between), -largest, largest))


def temper(y: Array) -> Targets:
    """Standardises losses after drawing in the bad half, so that a diverged training does not hide the rest.

    The better half keeps its distances; its width is the root mean square of those from the median. A loss that is x
    widths behind the median counts as x / (1 + x / `FARTHEST_BEHIND`): slightly worse ones keep their distance, too,
    and none is an outlier.

    Args:
        y: Losses, NaN for a failed trial, at least one finite, shape (n,).
    """
    is_finite = np.isfinite(y)
    losses, inverse = np.unique(y[is_finite], return_inverse=True)
    median = float(np.quantile(y[is_finite], 0.5, method="lower"))  # a loss itself: midpoints may be far from all
    drawn_in = _draw_in_bad_half(losses, median)[inverse]
    scale = drawn_in.std() if len(losses) > 1 else 1.0
    targets = np.empty(len(y))
    targets[is_finite] = (drawn_in - drawn_in.mean()) / scale
    targets[~is_finite] = targets[is_finite].max() + FAILURE_MARGIN
    knots = np.empty(len(losses))
    knots[inverse] = targets[is_finite]
    return Targets(targets, np.vstack([losses, knots]))


def _draw_in_bad_half(losses: Array, median: float) -> Array:
    """Distinct, ascending losses with the bad half drawn in, in a unit in which squares do not overflow, shape (k,)."""
    if len(losses) < MIN_TO_TEMPER:
        return _scaled(losses, like=losses)
    num_better = int((losses <= median).sum())  # the median is the last of them
    with np.errstate(over="ignore"):  # of losses that are infinitely far behind in this unit
        scaled = _scaled(losses, like=losses[: max(num_better, 2)])
        better, behind = scaled[:num_better], scaled[num_better:] - scaled[num_better - 1]
        width = np.sqrt(np.mean((better - better[-1]) ** 2)) or behind[0]  # of one value, there is none
        drawn_in = FARTHEST_BEHIND - FARTHEST_BEHIND**2 / (FARTHEST_BEHIND + behind / width)  # of infinity, too
    return np.concatenate([better, better[-1] + width * drawn_in])


def _scaled(losses: Array, *, like: Array) -> Array:
    """Losses divided by the power of two that brings the largest of some to about 1: exact, unless one is tiny then."""
    return np.asarray(np.ldexp(losses, -np.frexp(np.abs(like).max())[1]))
