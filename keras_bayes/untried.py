"""Which points are new: no configuration is proposed a second time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from keras_bayes.domains import Array
from keras_bayes.space import Space

KEY_DECIMALS = 9  # points that agree to so many places are one: decoding and encoding again is no more exact
NUM_DRAWS = 64  # random points to look at before the space is gone through in order


def is_new(points: Array, tried: Array) -> NDArray[np.bool_]:
    """Which of the points (m, d) are not among those tried (n, d), shape (m,)."""
    seen = set(_keys(tried))
    return np.array([key not in seen for key in _keys(points)], dtype=bool)


def any_untried(space: Space, tried: Array, *, rng: np.random.Generator) -> Array | None:
    """Some legal point that is new, shape (d,), or `None` when the space is exhausted."""
    for points in (space.snap(rng.random((NUM_DRAWS, space.dim))), space.points(len(tried) + 1)):
        new = points[is_new(points, tried)]
        if len(new):
            return np.asarray(new[0])
    return None


def _keys(points: Array) -> list[bytes]:
    rounded = np.round(points, KEY_DECIMALS) + 0.0  # the sum turns -0.0 into 0.0
    return [x.tobytes() for x in rounded]
