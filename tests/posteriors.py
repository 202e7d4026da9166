"""Gaussian processes with known parameters, and derivatives to compare theirs with."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from keras_bayes.gaussian_process import Posterior, condition
from keras_bayes.kernels import Matern52

NUMERIC = np.array([False, False])
MIXED = np.array([False, True, False])  # the second coordinate has no order


def points(num_points: int, *, seed: int, is_categorical: np.ndarray = MIXED) -> np.ndarray:
    """Random points; a categorical coordinate has three positions, shape (num_points, d)."""
    rng = np.random.default_rng(seed)
    X = rng.random((num_points, len(is_categorical)))
    return np.where(is_categorical, (np.floor(3 * X) + 0.5) / 3, X)


def kernel(*, is_categorical: np.ndarray = MIXED) -> Matern52:
    return Matern52(np.linspace(0.3, 0.8, len(is_categorical)), 1.7, is_categorical)


def posterior(num_points: int = 12, *, noise_variance: float = 1e-2, seed: int = 0) -> Posterior:
    """A process over mixed points, conditioned on a smooth function with a different level for each category."""
    X = points(num_points, seed=seed)
    y = np.sin(5 * X[:, 0]) + X[:, 1] + (X[:, 2] - 0.4) ** 2
    return condition(kernel(), noise_variance, X, y)


def central_differences(function: Callable[[np.ndarray], float], x: np.ndarray, *, step: float = 1e-5) -> np.ndarray:
    """Gradient of a function at `x`; its error is of the order of step² plus 1e-16 / step, about 1e-10."""
    steps = step * np.eye(len(x))
    return np.array([(function(x + h) - function(x - h)) / (2 * step) for h in steps])
