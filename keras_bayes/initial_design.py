"""The first points: the user's defaults, then a Latin hypercube on the legal points."""

from __future__ import annotations

import numpy as np

from keras_bayes.admissible import Admissible, any_untried
from keras_bayes.arrays import Array
from keras_bayes.space import Space

NUM_POINTS = 3  # by default; with more, the model begins later and ends no better (examples/benchmarks/ABLATIONS.md)


def initial_design(
    space: Space, *, admissible: Admissible, index: int, num_points: int, seed: int, rng: np.random.Generator
) -> Array | None:
    """The point with the number `index` of the design, shape (d,), or another one where that is not admissible.

    Point 0 is `space.start`. The next ones are the rows of a Latin hypercube, which visit every n-th of every range
    once; when more are asked for than were planned, another hypercube begins.

    Args:
        space: The search space.
        admissible: Which points may come.
        index: Number of the point, from 0.
        num_points: Planned size of the design, at least 2.
        seed: Seed of the search; the same seed gives the same design.
        rng: Source of a replacement.

    Returns:
        The point, or `None` when none was found, see `any_untried`.

    References:
        McKay, Beckman & Conover (1979), Technometrics 21(2).
    """
    x = space.start if index == 0 else space.snap(_hypercube_row(index - 1, num_points - 1, space.dim, seed)[None])[0]
    planned = next(admissible.among(x[None]), None)
    return any_untried(space, admissible, near=admissible.tried, rng=rng) if planned is None else planned


def _hypercube_row(row: int, num_points: int, dim: int, seed: int) -> Array:
    block, row = divmod(row, num_points)
    rng = np.random.default_rng([seed, block])
    strata = rng.permuted(np.tile(np.arange(num_points), (dim, 1)), axis=1)  # (d, num_points)
    return np.asarray((strata[:, row] + rng.random((dim, num_points))[:, row]) / num_points)
