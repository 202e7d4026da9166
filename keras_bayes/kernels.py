"""The Matérn-5/2 covariance over points with numeric and categorical coordinates, with its derivatives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keras_bayes.domains import Array


@dataclass(frozen=True, slots=True)
class Matern52:
    """k(r) = s² (1 + a + a²/3) exp(-a), a = √5 r, r² = Σ_j D_j / l_j².

    D_j is the squared difference of a numeric coordinate, and 0 or 1 (Hamming) of a categorical one.

    Args:
        lengthscales: Widths l, shape (d,).
        signal_variance: Height s².
        is_categorical: Which coordinates have no order, shape (d,).

    References:
        Rasmussen & Williams (2006), Gaussian Processes for Machine Learning, Eq. 4.17.
    """

    lengthscales: Array
    signal_variance: float
    is_categorical: NDArray[np.bool_]

    def __call__(self, A: Array, B: Array) -> Array:
        """Covariances of the points (m, d) and (n, d), shape (m, n)."""
        a = self._distances(A, B)
        return self._covariances(a, np.exp(-a))

    def with_slope(self, A: Array, B: Array) -> tuple[Array, Array]:
        """Covariances k, and q such that ∂k_ij / ∂A_ij = q_ij (A_i - B_j) / l², both of shape (m, n)."""
        a = self._distances(A, B)
        decay = np.exp(-a)
        return self._covariances(a, decay), (-5 / 3) * self.signal_variance * (1 + a) * decay

    def pull_back(self, A: Array, B: Array, weights: Array) -> Array:
        """Gradient with respect to A of Σ_j c_ij k(A_i, B_j); zero along categorical coordinates.

        Args:
            A: Points, shape (m, d).
            B: Points, shape (n, d).
            weights: c_ij times the slope q_ij of `with_slope`, shape (m, n).

        Returns:
            Gradient, shape (m, d).
        """
        gradient = (weights.sum(axis=1)[:, None] * A - weights @ B) / self.lengthscales**2
        return np.asarray(np.where(self.is_categorical, 0.0, gradient))

    def _covariances(self, a: Array, decay: Array) -> Array:
        """The covariances at distances `a`, shape (m, n), from `decay`, which is exp(-a)."""
        return np.asarray((1 + a * (1 + a / 3)) * decay * self.signal_variance)

    def _distances(self, A: Array, B: Array) -> Array:
        """a = √5 r of the points (m, d) and (n, d), shape (m, n)."""
        weights = np.where(self.is_categorical, 0.0, np.sqrt(5.0) / self.lengthscales)
        A_scaled, B_scaled = A * weights, B * weights
        squared = A_scaled @ (-2 * B_scaled.T)  # |A|² + |B|² - 2 A·B
        squared += np.einsum("ij,ij->i", A_scaled, A_scaled)[:, None]
        squared += np.einsum("ij,ij->i", B_scaled, B_scaled)
        for j in np.flatnonzero(self.is_categorical):
            squared += (A[:, j, None] != B[:, j]) * (5.0 / self.lengthscales[j] ** 2)
        np.maximum(squared, 0.0, out=squared)  # the difference of equal points may round below zero
        return np.sqrt(squared, out=squared)


def pairwise_distances(X: Array, is_categorical: NDArray[np.bool_]) -> Array:
    """D_j of all pairs i > i' of rows of X, one row for each coordinate, shape (d, n (n - 1) / 2)."""
    rows, columns = np.tril_indices(len(X), -1)
    distances = X.T[:, rows]
    distances -= X.T[:, columns]
    distances *= distances
    distances[is_categorical] = distances[is_categorical] > 0
    return distances
