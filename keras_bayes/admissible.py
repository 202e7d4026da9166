"""Which points may still be proposed: no configuration comes a second time, and none that the program rules out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keras_bayes.arrays import Array
from keras_bayes.domains import DECIMALS, Value
from keras_bayes.perturbation import perturb
from keras_bayes.space import Space

NUM_DRAWS = 64  # random points to look at before the space is gone through in order
# Where a constraint leaves none of them: random points, then variations of good ones, to look at. A region of a
# thousandth of the space is missed once in e¹⁰ times, and .05 ms each, for seven hyperparameters, are half a second.
MAX_DRAWS = 10_000
MAX_LISTED = 100_000  # points of a finite space that are gone through, in a few seconds, before it counts as exhausted


def anywhere(x: Array) -> bool:
    """Allows each point."""
    return True


@dataclass(frozen=True, slots=True)
class Admissible:
    """The points that may be proposed: those that are new and allowed.

    Args:
        tried: Points that must not come again, shape (n, d).
        is_allowed: Whether the program allows the point `x` of shape (d,). It may be slow: it is asked as late and as
            rarely as possible.
    """

    tried: Array
    is_allowed: Callable[[Array], bool] = anywhere

    def is_new(self, points: Array) -> NDArray[np.bool_]:
        """Which of the points (m, d) have not been tried, shape (m,)."""
        return is_new(points, self.tried)

    def among(self, points: Array) -> Iterator[Array]:
        """Those of the points (m, d) that are admissible, in their order, each of shape (d,)."""
        return (x for x in points[self.is_new(points)] if self.is_allowed(x))


def is_new(points: Array, tried: Array) -> NDArray[np.bool_]:
    """Which of the points (m, d) are not among those tried (n, d), shape (m,)."""
    seen = set(_keys(tried))
    return np.array([key not in seen for key in _keys(points)], dtype=bool)


def is_among(space: Space, values: Mapping[str, Value], others: Iterable[Mapping[str, Value]]) -> bool:
    """Whether a configuration is one of some others; those that lie outside the space are not looked at."""
    points = space.encode_all([values, *(other for other in others if other in space)])
    return not is_new(points[:1], points[1:])[0]


def any_untried(space: Space, admissible: Admissible, *, near: Array, rng: np.random.Generator) -> Array | None:
    """Some admissible point, shape (d,), or `None` when none is found.

    Without a constraint that is when the space is exhausted, and so it is with one in a finite space of up to
    `MAX_LISTED` points.

    Args:
        space: The search space.
        admissible: Which points may come.
        near: Points around which to look where few points are allowed, shape (c, d).
        rng: Source of the point.
    """
    batches = _batches(space, admissible, near, rng)
    return next((x for points in batches for x in admissible.among(points)), None)


def _batches(space: Space, admissible: Admissible, near: Array, rng: np.random.Generator) -> Iterator[Array]:
    """Points to look at, more and more of them, each batch of shape (m, d)."""
    points = space.snap(rng.random((NUM_DRAWS, space.dim)))
    yield points
    if admissible.is_new(points).any():  # it is the constraint that leaves none of them
        yield space.snap(rng.random((MAX_DRAWS, space.dim)))
        if len(near):
            scale = 100 ** -rng.random((MAX_DRAWS, 1))  # far and near
            yield space.snap(perturb(space, near, MAX_DRAWS, rng=rng, scale=scale))
    yield space.points(len(admissible.tried) + 1)
    if not space.is_continuous.any():
        yield space.points(MAX_LISTED)


def _keys(points: Array) -> list[bytes]:
    rounded = np.round(points, DECIMALS) + 0.0  # the sum turns -0.0 into 0.0
    return [x.tobytes() for x in rounded]
