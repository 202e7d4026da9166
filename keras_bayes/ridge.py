"""Ridge regression with an honest spread, for a handful of rows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from keras_bayes.domains import Array

PENALTY = 1.0  # on standardised features: a weight costs as much as one row tells


@dataclass(frozen=True, slots=True)
class Prediction:
    """Mean and standard deviation of a number that is not yet known."""

    mu: float
    sigma: float

    def combined(self, other: Prediction) -> Prediction:
        """What both say together, each weighted by its precision."""
        total = math.hypot(self.sigma, other.sigma)
        if total == 0.0:
            return self
        weight = (other.sigma / total) ** 2
        mu = weight * self.mu + (1 - weight) * other.mu
        return Prediction(mu, self.sigma * (other.sigma / total))


def predict_by_ridge(X: Array, y: Array, x: Array) -> Prediction:
    """Predicts a target from features; the spread is that of the errors at rows that are left out.

    Args:
        X: Features, shape (n, p), n at least 2.
        y: Targets, shape (n,).
        x: Features of what is to be predicted, shape (p,).
    """
    mu, errors = ridge(X, y, x[None])
    return Prediction(float(mu[0]), float(np.sqrt(np.mean(errors**2) * (1 + 1 / len(y)))))


def ridge(X: Array, y: Array, X_new: Array) -> tuple[Array, Array]:
    """Ridge regression of a target on features.

    Args:
        X: Features, shape (n, p), n at least 2.
        y: Targets, shape (n,).
        X_new: Features of what is to be predicted, shape (m, p).

    Returns:
        Predictions, shape (m,), and the errors at the rows of `X`, each of a fit without that row, shape (n,).

    References:
        Hastie, Tibshirani & Friedman (2009), The Elements of Statistical Learning, Eqs. 3.44 and 7.64.
    """
    mean, sd = X.mean(axis=0), X.std(axis=0)
    scale = np.where(sd > 0, sd, 1.0)
    Z, Z_new = (X - mean) / scale, (X_new - mean) / scale  # (n, p), (m, p)
    G = np.linalg.solve(Z.T @ Z + PENALTY * np.eye(Z.shape[1]), Z.T)  # (p, n)
    weights = G @ (y - y.mean())
    leverages = 1 / len(y) + np.einsum("np,pn->n", Z, G)
    errors = (y - y.mean() - Z @ weights) / (1 - leverages)
    return y.mean() + Z_new @ weights, errors
