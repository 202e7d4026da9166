"""Variations of good points."""

from __future__ import annotations

import numpy as np

from keras_bayes.arrays import Array
from keras_bayes.space import Space

PERTURBED_COORDINATES = 3  # expected number of changes
PERTURBATION = 0.3  # standard deviation of the change of a numeric coordinate (examples/benchmarks/ABLATIONS.md)


def perturb(
    space: Space, centres: Array, num_points: int, *, rng: np.random.Generator, scale: float | Array = 1.0
) -> Array:
    """Variations of the centres: some numeric coordinates a little, some categorical ones at will; not yet legal.

    Args:
        space: The search space.
        centres: Points, shape (c, d).
        num_points: How many are wanted, `m`.
        rng: Source of the changes.
        scale: What the changes of numeric coordinates are multiplied by: one for all, or for each point, shape (m, 1).

    Returns:
        Points of the unit cube, shape (m, d).
    """
    X = centres[rng.integers(len(centres), size=num_points)]
    near = np.clip(X + PERTURBATION * scale * rng.standard_normal(X.shape), 0, 1)
    anywhere = rng.random(X.shape)
    is_changed = rng.random(X.shape) < PERTURBED_COORDINATES / space.dim
    return np.where(is_changed, np.where(space.is_categorical, anywhere, near), X)
