"""Gaussian processes with known parameters, and derivatives to compare theirs with."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sklearn.gaussian_process.kernels import Kernel, Matern, RationalQuadratic, StationaryKernelMixin

from keras_bayes.gaussian_process import Posterior, condition
from keras_bayes.kernels import MAIN_EFFECTS, AdditiveKernel

NUMERIC = np.array([False, False])
MIXED = np.array([False, True, False])  # the second coordinate has no order


def points(num_points: int, *, seed: int, is_categorical: np.ndarray = MIXED) -> np.ndarray:
    """Random points; a categorical coordinate has three positions, shape (num_points, d)."""
    rng = np.random.default_rng(seed)
    X = rng.random((num_points, len(is_categorical)))
    return np.where(is_categorical, (np.floor(3 * X) + 0.5) / 3, X)


def kernel(*, is_categorical: np.ndarray = MIXED) -> AdditiveKernel:
    return AdditiveKernel(np.linspace(0.3, 0.8, len(is_categorical)), 1.7, is_categorical, steepness=2.5)


class ReferenceKernel(StationaryKernelMixin, Kernel):
    """The kernel over numeric coordinates, put together from those of scikit-learn."""

    def __init__(
        self, lengthscales: tuple[float, ...] = (), signal_variance: float = 1.0, steepness: float = 1.0
    ) -> None:
        self.lengthscales = lengthscales
        self.signal_variance = signal_variance
        self.steepness = steepness

    def __call__(self, X: np.ndarray, Y: np.ndarray | None = None, eval_gradient: bool = False) -> np.ndarray:
        Y = X if Y is None else Y
        main = [
            RationalQuadratic(lengthscale / np.sqrt(2 * self.steepness), alpha=1.0)(X[:, [j]], Y[:, [j]])
            for j, lengthscale in enumerate(self.lengthscales)
        ]
        together = Matern(self.lengthscales, nu=2.5)(X, Y)
        return self.signal_variance * (MAIN_EFFECTS * np.mean(main, axis=0) + (1 - MAIN_EFFECTS) * together)

    def diag(self, X: np.ndarray) -> np.ndarray:
        return np.full(len(X), self.signal_variance)


def posterior(num_points: int = 12, *, noise_variance: float = 1e-2, seed: int = 0) -> Posterior:
    """A process over mixed points, conditioned on a smooth function with a different level for each category."""
    X = points(num_points, seed=seed)
    y = np.sin(5 * X[:, 0]) + X[:, 1] + (X[:, 2] - 0.4) ** 2
    return condition(kernel(), noise_variance, X, y)


def central_differences(function: Callable[[np.ndarray], float], x: np.ndarray, *, step: float = 1e-5) -> np.ndarray:
    """Gradient of a function at `x`; its error is of the order of step² plus 1e-16 / step, about 1e-10."""
    steps = step * np.eye(len(x))
    return np.array([(function(x + h) - function(x - h)) / (2 * step) for h in steps])
