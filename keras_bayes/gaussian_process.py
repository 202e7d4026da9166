"""A Gaussian process with learned lengthscales, height, noise and mean.

The kernel's parameters maximise the posterior density (MAP) under log-normal priors. Everything is computed on
standardised targets, so the priors need no knowledge of the objective.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

import numpy as np
import scipy
from numpy.typing import NDArray

from keras_bayes.arrays import Array
from keras_bayes.kernels import AdditiveKernel, cauchy, matern52, pairwise_distances, shares

logger = logging.getLogger(__name__)

# Priors of the logarithms: mean, standard deviation, bounds. A Matérn kernel alone would want lengthscales that grow
# with √d (Hvarfner et al. 2024, arXiv:2402.02229); what each coordinate does by itself does not.
LENGTHSCALE_PRIOR = (np.log(1.2), 1.2, np.log(0.02), np.log(50.0))
STEEPNESS_PRIOR = (np.log(2.0), 1.0, np.log(0.1), np.log(50.0))  # examples/benchmarks/ABLATIONS.md
SIGNAL_PRIOR = (0.0, 0.5, np.log(0.05), np.log(20.0))  # examples/benchmarks/ABLATIONS.md
NOISE_PRIOR = (np.log(0.007), 1.2, np.log(1e-6), 0.0)  # examples/benchmarks/ABLATIONS.md
JITTER = 1e-6  # added to the diagonal for the sake of the Cholesky factor; the lower bound of the noise
MAX_FIT_POINTS = 120  # evenly spaced; a step of the fit costs n³ (examples/benchmarks/ABLATIONS.md)
# What the signal variance is multiplied by after the fit. A proposal goes where the most probable parameters promise
# too much: without the factor, losses lie twice as far from their predictions there as these say. It takes a third off
# the regret after 50 trials, on average over eight suites (examples/benchmarks/ABLATIONS.md).
CAUTION = 4.0
MIN_VARIANCE = 1e-12  # at a noise-free observation the difference of equal variances may round to zero or below
HOPELESS = 1e25  # objective where the covariance is not positive definite


@dataclass(frozen=True, slots=True)
class Posterior:
    """A Gaussian process conditioned on data; made by `fit`.

    Args:
        X: Observed points, shape (n, d).
        y: Observed targets, shape (n,).
        kernel: The covariance.
        noise_variance: Variance of the noise of `y`.
        mean: Prior mean of the function.
        L_inverse: Inverse of the lower Cholesky factor of K = k(X, X) ∘ (1 + s sᵀ) + noise + `JITTER`, shape (n, n).
            Products with it are faster than triangular solves, and as exact: its condition is only the root of that
            of K.
        alpha: K⁻¹ (y - mean), shape (n,).
        doubt: s, how far each target may be off, in the standard deviation of the function, shape (n,). These errors
            are alike where the points are, as the function is: many doubtful targets are no certain one.
    """

    X: Array
    y: Array
    kernel: AdditiveKernel
    noise_variance: float
    mean: float
    L_inverse: Array
    alpha: Array
    doubt: Array

    def predict(self, X: Array) -> tuple[Array, Array]:
        """Mean and standard deviation of the noise-free function at the points (m, d), both of shape (m,)."""
        k = self.kernel(X, self.X)
        return self.mean_of(k), np.sqrt(self.variance_of(self.whiten(k)))

    def joint(self, X: Array) -> tuple[Array, Array]:
        """Mean, shape (m,), and covariance, shape (m, m), of the noise-free function at the points (m, d)."""
        k = self.kernel(X, self.X)
        white = self.whiten(k)
        return self.mean_of(k), self.kernel(X, X) - white @ white.T

    @property
    def mean_at_data(self) -> Array:
        """Posterior means at the observed points: k(X, X) alpha = y - mean - (K - k(X, X)) alpha, shape (n,)."""
        means = self.y - (self.noise_variance + JITTER) * self.alpha
        if self.doubt.any():
            means -= self.doubt * (self.kernel(self.X, self.X) @ (self.doubt * self.alpha))
        return np.asarray(means)

    def mean_of(self, k: Array) -> Array:
        """Posterior means of points whose covariances with the data are `k`, shape (m,)."""
        return np.asarray(self.mean + k @ self.alpha)

    def variance_of(self, white: Array) -> Array:
        """Posterior variances of points from their whitened covariances with the data, shape (m,)."""
        variance = self.kernel.signal_variance - np.einsum("ij,ij->i", white, white)
        return np.asarray(np.maximum(variance, MIN_VARIANCE))

    def whiten(self, k: Array) -> Array:
        """L⁻¹ applied to rows `k`, shape (m, n)."""
        return np.asarray(k @ self.L_inverse.T)

    def unwhiten(self, white: Array) -> Array:
        """K⁻¹ applied to rows `k`, from `white = whiten(k)`, shape (m, n)."""
        return np.asarray(white @ self.L_inverse)

    def solve(self, k: Array) -> Array:
        """K⁻¹ applied to rows `k`, shape (m, n)."""
        return self.unwhiten(self.whiten(k))

    def condition_on(self, pending: Array) -> Posterior:
        """The posterior once the points (m, d) have turned out as expected: same mean, less variance around them."""
        if not len(pending):
            return self
        y = np.concatenate([self.y, self.mean_of(self.kernel(pending, self.X))])
        doubt = np.concatenate([self.doubt, np.zeros(len(pending))])
        return condition(self.kernel, self.noise_variance, np.vstack([self.X, pending]), y, self.mean, doubt=doubt)


def condition(
    kernel: AdditiveKernel,
    noise_variance: float,
    X: Array,
    y: Array,
    mean: float | None = None,
    *,
    doubt: Array | None = None,
) -> Posterior:
    """Conditions a process with known parameters on data (GPML Alg. 2.1, lines 2 and 3).

    Args:
        kernel: The covariance.
        noise_variance: Variance of the noise of `y`.
        X: Points, shape (n, d).
        y: Targets, shape (n,).
        mean: Prior mean; by default the most probable one.
        doubt: See `Posterior`; by default none.
    """
    doubt = np.zeros(len(X)) if doubt is None else doubt
    K = kernel(X, X) * (1 + np.outer(doubt, doubt))
    K[np.diag_indices_from(K)] = kernel.signal_variance * (1 + doubt**2) + noise_variance + JITTER
    L, info = scipy.linalg.lapack.dpotrf(K, lower=1, clean=1)
    if info:
        raise np.linalg.LinAlgError(f"The covariance of {len(X)} points is not positive definite.")
    mean, alpha = _solve_mean(L, y, mean)
    return Posterior(X, y, kernel, noise_variance, mean, scipy.linalg.lapack.dtrtri(L, lower=1)[0], alpha, doubt)


def _solve_mean(L: Array, y: Array, mean: float | None = None) -> tuple[float, Array]:
    """The constant mean m and K⁻¹ (y - m), shape (n,).

    Args:
        L: Lower Cholesky factor of K, shape (n, n).
        y: Targets, shape (n,).
        mean: m; by default the most probable one under the prior N(0, 1), 1ᵀK⁻¹y / (1ᵀK⁻¹1 + 1).
    """
    K_inverse_y, K_inverse_1 = scipy.linalg.lapack.dpotrs(L, np.column_stack([y, np.ones(len(y))]), lower=1)[0].T
    m = float(K_inverse_y.sum() / (K_inverse_1.sum() + 1)) if mean is None else mean
    return m, K_inverse_y - m * K_inverse_1


def fit(
    X: Array,
    y: Array,
    *,
    is_categorical: NDArray[np.bool_],
    noise_variance: float | None = None,
    doubt: Array | None = None,
) -> Posterior:
    """Fits kernel, noise and mean to standardised targets; away from the data, `CAUTION` then widens the result.

    Args:
        X: Points of the unit cube, shape (n, d), n ≥ 1.
        y: Targets, finite, shape (n,).
        is_categorical: Which coordinates have no order, shape (d,).
        noise_variance: Variance of the noise where it is known; learned by default.
        doubt: See `Posterior`; by default none.
    """
    doubt = np.zeros(len(X)) if doubt is None else doubt
    rows = np.unique(np.linspace(0, len(y) - 1, MAX_FIT_POINTS).astype(int))
    objective = MapObjective(X[rows], y[rows], is_categorical, noise_variance, doubt=doubt[rows])
    result = scipy.optimize.minimize(
        objective, objective.prior_mean, jac=True, method="L-BFGS-B", bounds=objective.bounds,
        options={"maxiter": 50, "gtol": 5e-2, "ftol": 1e-4},  # the objective is then known to a part in 1e4
    )  # fmt: skip
    logger.debug("MAP fit: n=%d, objective=%.3f, theta=%s", len(y), result.fun, result.x)
    kernel, noise = objective.unpack(result.x)
    return condition(replace(kernel, signal_variance=CAUTION * kernel.signal_variance), noise, X, y, doubt=doubt)


class MapObjective:
    """Negative log posterior density of θ = (log l_1 … log l_d, log r, log s², log noise), up to a constant.

    The constant mean m ~ N(0, 1) is at its optimum for each θ, so its derivative is zero (envelope theorem).

    Args:
        X: Points, shape (n, d).
        y: Targets, shape (n,).
        is_categorical: Which coordinates have no order, shape (d,).
        noise_variance: Known noise, or `None` to learn it.
        doubt: See `Posterior`; by default none.

    References:
        Rasmussen & Williams (2006), Eqs. 5.8 and 5.9.
    """

    def __init__(
        self,
        X: Array,
        y: Array,
        is_categorical: NDArray[np.bool_],
        noise_variance: float | None = None,
        *,
        doubt: Array | None = None,
    ) -> None:
        n, d = X.shape
        self.y = y
        self.is_categorical = is_categorical
        self.distances = pairwise_distances(X, is_categorical)  # (d, n (n - 1) / 2)
        self.rows, self.columns = np.tril_indices(n, -1)
        self.lower = self.columns * n + self.rows  # places of the same pairs in a matrix stored by columns
        doubt = np.zeros(n) if doubt is None else doubt
        self.factors = 1 + doubt[self.rows] * doubt[self.columns]  # of the covariances, (n (n - 1) / 2,)
        self.diagonal_factors = 1 + doubt**2  # (n,)
        priors = [LENGTHSCALE_PRIOR] * d + [STEEPNESS_PRIOR, SIGNAL_PRIOR, NOISE_PRIOR]
        self.prior_mean, self.prior_sd = np.array(priors)[:, 0], np.array(priors)[:, 1]
        self.bounds = np.array(priors)[:, 2:]  # (d + 3, 2)
        if noise_variance is not None:
            self.prior_mean[-1] = np.log(noise_variance)
            self.bounds[-1] = np.log(noise_variance)

    def __call__(self, theta: Array) -> tuple[float, Array]:
        """Value and gradient, shape (d + 3,)."""
        inverse_squares, (steepness, signal, noise) = np.exp(-2 * theta[:-3]), np.exp(theta[-3:])
        scaled = (steepness * inverse_squares)[:, None] * self.distances  # (d, n (n - 1) / 2)
        main = cauchy(scaled, out=scaled)
        together, together_slope = matern52(inverse_squares @ self.distances)  # (n (n - 1) / 2,)
        share, weight = shares(len(main))
        k = signal * self.factors * (share * main.sum(axis=0) + weight * together)
        diagonal = signal * self.diagonal_factors + noise + JITTER
        L, info = scipy.linalg.lapack.dpotrf(self._symmetric(k, diagonal), lower=1, overwrite_a=1)
        if info:
            return HOPELESS, np.zeros_like(theta)
        mean, alpha = _solve_mean(L, self.y)
        z = (theta - self.prior_mean) / self.prior_sd
        value = 0.5 * ((self.y - mean) @ alpha + mean**2 + z @ z) + np.log(np.diagonal(L)).sum()

        K_inverse = scipy.linalg.lapack.dpotri(L, lower=1, overwrite_c=1)[0]
        diagonal_W = alpha**2 - np.diagonal(K_inverse)  # W = αᵀα - K⁻¹
        W = alpha[self.rows] * alpha[self.columns] - K_inverse.ravel(order="F")[self.lower]
        gradient = z / self.prior_sd
        gradient[-2] -= W @ k + 0.5 * signal * (diagonal_W @ self.diagonal_factors)
        gradient[-1] -= 0.5 * noise * diagonal_W.sum()
        W *= self.factors
        main_slopes = signal * share * (main @ W - (main * main) @ W)  # κ(r b) - κ²(r b) is -∂κ / ∂log b; (d,)
        gradient[-3] += main_slopes.sum()
        gradient[:-3] -= 2 * main_slopes
        gradient[:-3] += 2 * signal * weight * inverse_squares * (self.distances @ (W * together_slope))
        return float(value), gradient

    def unpack(self, theta: Array) -> tuple[AdditiveKernel, float]:
        """Kernel and noise variance that θ stands for."""
        steepness, signal, noise = np.exp(theta[-3:]).tolist()
        return AdditiveKernel(np.exp(theta[:-3]), signal, self.is_categorical, steepness), noise

    def _symmetric(self, lower: Array, diagonal: Array) -> Array:
        """A matrix in column order whose lower triangle is given, shape (n, n)."""
        n = len(self.y)
        flat = np.zeros(n * n)
        flat[self.lower] = lower
        flat[:: n + 1] = diagonal
        return flat.reshape((n, n), order="F")
