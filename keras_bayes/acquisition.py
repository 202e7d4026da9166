"""Acquisition functions: how promising a point is. Larger is better; each comes with its gradient.

An improvement is judged against the incumbent, one of the observed points. Its own value is uncertain too when
observations are noisy. Both values are jointly normal, so their difference has the mean δ = μ_b - μ(x) and the variance
S² = var(x) + var(b) - 2 cov(x, b).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import scipy
from numpy.typing import NDArray

from keras_bayes.arrays import Array
from keras_bayes.gaussian_process import Posterior

LOG_SQRT_2PI = 0.5 * np.log(2 * np.pi)
MIN_VARIANCE = 1e-10  # of a difference: rounding error of var + var - 2 cov for points that nearly coincide
MIN_PROBABILITY = 0.01  # no region is written off for good (examples/benchmarks/ABLATIONS.md)


class PullBack(Protocol):
    """Turns slopes of a score, each of shape (m,), into its gradient at the points, shape (m, d)."""

    def __call__(self, d_delta: Array, d_variance: Array) -> Array: ...


class Acquisition(Protocol):
    """A score of points, to be maximised."""

    def __call__(self, X: Array) -> Array:
        """Scores of the points (m, d), shape (m,)."""

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """Scores of the points (m, d), shape (m,), and their gradients, shape (m, d)."""


class Improvement:
    """f(b) - f(x): the difference between the incumbent and a point, as a normal random variable.

    Args:
        posterior: The model.
        incumbent: b, a row of its data; by default that with the best posterior mean.
    """

    def __init__(self, posterior: Posterior, incumbent: int | None = None) -> None:
        self.posterior = posterior
        self.incumbent = int(posterior.mean_at_data.argmin()) if incumbent is None else incumbent
        k = posterior.kernel(posterior.X[self.incumbent, None], posterior.X)
        self.best = posterior.mean_of(k)[0]
        white = posterior.whiten(k)
        self.v = posterior.unwhiten(white)[0]  # K⁻¹ k(X, b)
        self.best_variance = posterior.variance_of(white)[0]

    def difference(self, X: Array) -> tuple[Array, Array]:
        """Mean δ and standard deviation S at the points (m, d), both (m,)."""
        k = self.posterior.kernel(X, self.posterior.X)
        return self._difference(k, self.posterior.whiten(k))

    def difference_and_slope(self, X: Array) -> tuple[Array, Array, PullBack]:
        """The same, and the way back from ∂δ, ∂S² to X."""
        posterior = self.posterior
        k = posterior.kernel(X, posterior.X)
        white = posterior.whiten(k)

        def pull_back(d_delta: Array, d_variance: Array) -> Array:
            weights = 2 * d_variance[:, None] * (self.v - posterior.unwhiten(white))
            weights -= d_delta[:, None] * posterior.alpha
            weights[:, self.incumbent] -= 2 * d_variance
            return posterior.kernel.pull_back(X, posterior.X, weights)

        return *self._difference(k, white), pull_back

    def _difference(self, k: Array, white: Array) -> tuple[Array, Array]:
        covariance = k[:, self.incumbent] - k @ self.v
        variance = self.posterior.variance_of(white) + self.best_variance - 2 * covariance
        return self.best - self.posterior.mean_of(k), np.sqrt(np.maximum(variance, MIN_VARIANCE))


class LogExpectedImprovement(Improvement):
    """log E[max(f(b) - f(x), 0)], accurate where the improvement itself underflows.

    References:
        Ament et al. (2023), Unexpected Improvements to Expected Improvement, arXiv:2310.20708, Eq. 9.
    """

    def __call__(self, X: Array) -> Array:
        delta, S = self.difference(X)
        return np.asarray(np.log(S) + log_h(delta / S)[0])

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        delta, S, pull_back = self.difference_and_slope(X)
        z = delta / S
        value, slope = log_h(z)
        return np.log(S) + value, pull_back(slope / S, (1 - z * slope) / (2 * S * S))


class LogProbabilityOfImprovement(Improvement):
    """log P[f(x) < f(b)]."""

    def __call__(self, X: Array) -> Array:
        delta, S = self.difference(X)
        return np.asarray(scipy.special.log_ndtr(delta / S))

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        delta, S, pull_back = self.difference_and_slope(X)
        z = delta / S
        value = scipy.special.log_ndtr(z)
        slope = np.exp(-0.5 * z * z - LOG_SQRT_2PI - value)
        return value, pull_back(slope / S, -z * slope / (2 * S * S))


class LowerConfidenceBound:
    """How far below zero the loss may lie: β σ(x) - μ(x).

    Args:
        posterior: The model.
        beta: Weight β of the standard deviation; the larger, the more the search explores.
    """

    def __init__(self, posterior: Posterior, beta: float) -> None:
        self.posterior = posterior
        self.beta = beta

    def __call__(self, X: Array) -> Array:
        mu, sigma = self.posterior.predict(X)
        return self.beta * sigma - mu

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        posterior = self.posterior
        k = posterior.kernel(X, posterior.X)
        white = posterior.whiten(k)
        sigma = np.sqrt(posterior.variance_of(white))
        weights = -self.beta * posterior.unwhiten(white) / sigma[:, None] - posterior.alpha  # ∂σ = -k K⁻¹ ∂k / σ
        gradient = posterior.kernel.pull_back(X, posterior.X, weights)
        return self.beta * sigma - posterior.mean_of(k), gradient


class Feasible:
    """An acquisition times the probability that a trial does not fail, as a sum of logarithms.

    The probability is the regression of 0 and 1 on the points with the covariance of the losses; without failures it
    is the same everywhere.

    Args:
        acquisition: What to score a trial by that does not fail.
        posterior: A model of the trials that have ended.
        is_feasible: Which of its observations did not fail, shape (n,).
    """

    def __init__(self, acquisition: Acquisition, posterior: Posterior, is_feasible: NDArray[np.bool_]) -> None:
        self.acquisition = acquisition
        self.posterior = posterior
        self.frequency = (float(is_feasible.sum()) + 0.5) / (len(is_feasible) + 1)
        self.coefficients = posterior.solve(np.where(is_feasible, 1.0, 0.0)[None] - self.frequency)[0]  # (n,)

    def __call__(self, X: Array) -> Array:
        k = self.posterior.kernel(X, self.posterior.X)
        return np.asarray(self.acquisition(X) + np.log(self.probability(k)))

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        posterior = self.posterior
        value, gradient = self.acquisition.value_and_gradient(X)
        k = posterior.kernel(X, posterior.X)
        p = self.probability(k)
        is_free = (p > MIN_PROBABILITY) & (p < 1)  # a clipped probability is flat
        weights = np.outer(is_free / p, self.coefficients)
        return value + np.log(p), gradient + posterior.kernel.pull_back(X, posterior.X, weights)

    def probability(self, k: Array) -> Array:
        """Probabilities of success of points whose covariances with the data are `k`, shape (m,)."""
        return np.asarray(np.clip(self.frequency + k @ self.coefficients, MIN_PROBABILITY, 1.0))


def log_h(z: Array) -> tuple[Array, Array]:
    """log h(z) and its derivative, h(z) = φ(z) + z Φ(z), both of the shape of `z`.

    Args:
        z: Standardised improvements; any finite numbers.
    """
    z = np.asarray(z, dtype=float)
    upper, lower = np.maximum(z, -1.0), np.minimum(z, -1.0)
    probability = scipy.special.ndtr(upper)
    h = np.exp(-0.5 * upper * upper - LOG_SQRT_2PI) + upper * probability

    t = np.sqrt(np.pi / 2) * scipy.special.erfcx(-lower / np.sqrt(2))  # Φ / φ
    far = lower < -200  # where 1 + z t would cancel; next term of the asymptotic series: 15 / z⁶
    square = np.square(np.where(far, lower, -200.0))
    q = np.where(far, (1 - 3 / square) / square, 1 + lower * t)
    log_tail = -0.5 * lower * lower - LOG_SQRT_2PI + np.log(q)
    return np.where(z > -1, np.log(h), log_tail), np.where(z > -1, probability / h, t / q)


# What `Surrogate.acquisition` knows by name: posterior, β, the row that an improvement is judged against.
ACQUISITIONS: dict[str, Callable[..., Acquisition]] = {
    "ei": lambda posterior, beta, incumbent=None: LogExpectedImprovement(posterior, incumbent),
    "pi": lambda posterior, beta, incumbent=None: LogProbabilityOfImprovement(posterior, incumbent),
    "lcb": lambda posterior, beta, incumbent=None: LowerConfidenceBound(posterior, beta),
}
LOGARITHMS = ("ei", "pi")  # those that are one: of an expectation or a probability
