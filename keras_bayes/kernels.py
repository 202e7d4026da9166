"""The covariance over points with numeric and categorical coordinates, with its derivatives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keras_bayes.arrays import Array

MAIN_EFFECTS = 0.5  # share of the variance (examples/benchmarks/ABLATIONS.md)


@dataclass(frozen=True, slots=True)
class AdditiveKernel:
    """k = s² [ω mean_j κ(r b_j) + (1 - ω) M(Σ_j b_j)], b_j = D_j / l_j², ω = `MAIN_EFFECTS`.

    D_j is the squared difference of a numeric coordinate, and 0 or 1 (Hamming) of a categorical one. The first part
    holds what each coordinate does by itself, which a handful of trials shows; the Matérn part what is left.

    Args:
        lengthscales: Widths l, shape (d,).
        signal_variance: Height s².
        is_categorical: Which coordinates have no order, shape (d,).
        steepness: r; what a coordinate does by itself has the width l / √r.

    References:
        Duvenaud, Nickisch & Rasmussen (2011), Additive Gaussian Processes, arXiv:1112.4394.
    """

    lengthscales: Array
    signal_variance: float
    is_categorical: NDArray[np.bool_]
    steepness: float = 1.0

    def __call__(self, A: Array, B: Array) -> Array:
        """Covariances of the points (m, d) and (n, d), shape (m, n)."""
        total, main, scaled = np.zeros((3, len(B), len(A)))  # the candidates, of which there are more, last
        for a, b, lengthscale, is_categorical in zip(A.T, B.T, self.lengthscales, self.is_categorical, strict=True):
            if is_categorical:
                np.multiply(b[:, None] != a, lengthscale**-2, out=scaled)
            else:
                np.square(np.subtract.outer(b / lengthscale, a / lengthscale, out=scaled), out=scaled)
            total += scaled
            scaled *= self.steepness
            main += cauchy(scaled, out=scaled)
        share, weight = shares(len(self.lengthscales))
        return np.asarray(self.signal_variance * (share * main + weight * matern52(total)[0])).T

    def pull_back(self, A: Array, B: Array, weights: Array) -> Array:
        """Gradient with respect to A of Σ_j c_ij k(A_i, B_j); zero along categorical coordinates.

        Args:
            A: Points, a few, shape (m, d).
            B: Points, shape (n, d).
            weights: c_ij, shape (m, n).

        Returns:
            Gradient, shape (m, d).
        """
        difference = (A[:, None] - B) / self.lengthscales  # (m, n, d)
        scaled = np.where(self.is_categorical, (difference != 0) / self.lengthscales**2, difference**2)
        share, weight = shares(len(self.lengthscales))
        main, together_slope = cauchy(self.steepness * scaled), matern52(scaled.sum(axis=2))[1]
        slope = weight * together_slope[:, :, None] - share * self.steepness * main**2  # ∂(k / s²) / ∂b_j
        gradient = np.einsum("ij,ijd->id", weights, 2 * self.signal_variance * slope * difference) / self.lengthscales
        return np.asarray(np.where(self.is_categorical, 0.0, gradient))


def shares(dim: int) -> tuple[float, float]:
    """Weights of each main effect and of what the coordinates do together."""
    return (MAIN_EFFECTS / dim, 1 - MAIN_EFFECTS) if dim else (0.0, 1.0)


def cauchy(b: Array, out: Array | None = None) -> Array:
    """κ(b) = 1 / (1 + b), a rational quadratic kernel with α = 1; its derivative is -κ²."""
    value = np.add(b, 1, out=out)
    return np.asarray(np.reciprocal(value, out=value))


def matern52(b: Array) -> tuple[Array, Array]:
    """M(b) = (1 + a + a²/3) exp(-a), a = √(5 b), and its derivative (Rasmussen & Williams 2006, Eq. 4.17)."""
    a = np.sqrt(5 * b)
    decay = np.exp(-a)
    return (1 + a * (1 + a / 3)) * decay, (-5 / 6) * (1 + a) * decay


def pairwise_distances(X: Array, is_categorical: NDArray[np.bool_]) -> Array:
    """D_j of all pairs i > i' of rows of X, one row for each coordinate, shape (d, n (n - 1) / 2)."""
    rows, columns = np.tril_indices(len(X), -1)
    distances = X.T[:, rows]
    distances -= X.T[:, columns]
    distances *= distances
    distances[is_categorical] = distances[is_categorical] > 0
    return distances
