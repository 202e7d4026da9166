"""Ridge regression with an honest spread, for a handful of rows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from keras_bayes.arrays import Array

PENALTY = 1.0  # on standardised features: a weight costs as much as one row tells (examples/benchmarks/ABLATIONS.md)


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
    ridge = Ridge.fit(X, y)
    sigma = np.sqrt(np.mean(ridge.errors**2) * (1 + 1 / len(y)))
    return Prediction(float(ridge.predict(x[None])[0]), float(sigma))


@dataclass(frozen=True, slots=True)
class Ridge:
    """Ridge regression of a target on features.

    Args:
        mean: Means of the features, shape (p,).
        scale: Their standard deviations, 1 where a feature does not vary, shape (p,).
        covariance: Of the weights of standardised features, for errors of variance 1, shape (p, p).
        weights: Of the features as they are, shape (p,).
        intercept: The mean of the targets.
        errors: At the rows learned from, each of a fit without that row, shape (n,).

    References:
        Hastie, Tibshirani & Friedman (2009), The Elements of Statistical Learning, Eqs. 3.44 and 7.64.
    """

    mean: Array
    scale: Array
    covariance: Array
    weights: Array
    intercept: float
    errors: Array

    @classmethod
    def fit(cls, X: Array, y: Array) -> Ridge:
        """Fits features, shape (n, p), n at least 2, to targets, shape (n,)."""
        mean, sd = X.mean(axis=0), X.std(axis=0)
        scale = np.where(sd > 0, sd, 1.0)
        Z = (X - mean) / scale  # (n, p)
        covariance = np.linalg.inv(Z.T @ Z + PENALTY * np.eye(Z.shape[1]))
        weights = covariance @ Z.T @ (y - y.mean())
        errors = (y - y.mean() - Z @ weights) / (1 - _leverages(Z, covariance, len(y)))
        return cls(mean, scale, covariance, weights / scale, float(y.mean()), errors)

    def predict(self, X: Array) -> Array:
        """Predictions, shape (m,), for features, shape (m, p)."""
        return self.intercept + (X - self.mean) @ self.weights

    def leverages(self, X: Array) -> Array:
        """Variances of the predictions for features, shape (m, p), for errors of variance 1, shape (m,)."""
        return _leverages((X - self.mean) / self.scale, self.covariance, len(self.errors))


def _leverages(Z: Array, covariance: Array, n: int) -> Array:
    of_weights: Array = np.einsum("mp,pq,mq->m", Z, covariance, Z)
    return 1 / n + of_weights
