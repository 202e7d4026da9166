"""The first points: the user's defaults, then a Latin hypercube on the legal points."""

from __future__ import annotations

import numpy as np

from keras_bayes.domains import Array
from keras_bayes.space import Space
from keras_bayes.untried import any_untried, is_new

# Default number of points, by the number of coordinates and the budget.
MIN_POINTS, MAX_POINTS, MAX_SHARE = 4, 10, 0.25


def default_num_points(dim: int, max_trials: int | None) -> int:
    """One more than there are coordinates, within 4 and 10 and a quarter of the budget, but never below 3."""
    num_points = min(max(dim + 1, MIN_POINTS), MAX_POINTS)
    return num_points if max_trials is None else max(min(num_points, int(MAX_SHARE * max_trials)), 3)


def initial_design(
    space: Space, *, tried: Array, index: int, num_points: int, seed: int, rng: np.random.Generator
) -> Array | None:
    """The point with the number `index` of the design, shape (d,), or another new one where that has been tried.

    Point 0 is `space.start`. The next ones are the rows of a Latin hypercube, which visit every n-th of every range
    once; when more are asked for than were planned, another hypercube begins.

    Args:
        space: The search space.
        tried: Points that must not come again, shape (n, d).
        index: Number of the point, from 0.
        num_points: Planned size of the design, at least 2.
        seed: Seed of the search; the same seed gives the same design.
        rng: Source of a replacement.

    Returns:
        The point, or `None` when all legal points have been tried.

    References:
        McKay, Beckman & Conover (1979), Technometrics 21(2).
    """
    x = space.start if index == 0 else space.snap(_hypercube_row(index - 1, num_points - 1, space.dim, seed)[None])[0]
    return x if is_new(x[None], tried)[0] else any_untried(space, tried, rng=rng)


def _hypercube_row(row: int, num_points: int, dim: int, seed: int) -> Array:
    block, row = divmod(row, num_points)
    rng = np.random.default_rng([seed, block])
    strata = rng.permuted(np.tile(np.arange(num_points), (dim, 1)), axis=1)  # (d, num_points)
    return np.asarray((strata[:, row] + rng.random((dim, num_points))[:, row]) / num_points)
