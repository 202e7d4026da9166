"""The model of a search: everything that its trials have taught, in one immutable value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keras_bayes.acquisition import ACQUISITIONS, Acquisition, Feasible
from keras_bayes.admissible import anywhere
from keras_bayes.arrays import Array
from keras_bayes.gaussian_process import Posterior, fit
from keras_bayes.history import Observations
from keras_bayes.outcome import Targets, temper
from keras_bayes.space import Space

# Forecasts of stopped trainings err so many times more than left-out trainings say: those that went on were selected.
DOUBT_FACTOR = 2.0  # examples/benchmarks/ABLATIONS.md
MAX_OBSERVATIONS = 500  # beyond, the best and the latest count (examples/benchmarks/ABLATIONS.md)


@dataclass(frozen=True, slots=True)
class Surrogate:
    """A Gaussian process over the losses of the ended trials; made by `learn`.

    Args:
        posterior: The process, in standardised units.
        targets: The losses in these units, and the way back.
        is_feasible: Which of the trials did not fail, shape (n,).
        rows: Which of the ended trials it has learned from, shape (n,).
    """

    posterior: Posterior
    targets: Targets
    is_feasible: NDArray[np.bool_]
    rows: NDArray[np.intp]

    @property
    def best_first(self) -> Array:
        """Points of the trials, the best first, shape (n, d)."""
        return self.posterior.X[np.argsort(self.targets.y, kind="stable")]

    def leaders(self, posterior: Posterior) -> NDArray[np.intp]:
        """Rows of the data by their posterior means, the best first; what is not certain comes behind.

        A stopped training is behind all that have ended by themselves, and so is a running one while none has; a failed
        one is behind all others.

        Args:
            posterior: This one, or what it is once running trials, its last rows, have turned out as expected.
        """
        num_ended = len(self.is_feasible)
        is_doubtful = posterior.doubt > 0
        is_doubtful[num_ended:] = not (self.is_feasible & ~is_doubtful[:num_ended]).any()
        is_failed = np.append(~self.is_feasible, np.zeros(len(is_doubtful) - num_ended, dtype=bool))
        return np.lexsort((posterior.mean_at_data, is_doubtful, is_failed))

    def expect(self, x: Array) -> tuple[float, float]:
        """Mean and standard deviation of the loss at the point `x` of shape (d,), in its own unit."""
        mu, sigma = self.posterior.predict(x[None])
        return self.targets.to_loss(mu[0], sigma[0])

    def acquisition(
        self, name: str, *, beta: float, pending: Array, is_allowed: Callable[[Array], bool] = anywhere
    ) -> Acquisition:
        """The score of the next trial.

        Args:
            name: One of `ACQUISITIONS`.
            beta: Weight of the standard deviation in `"lcb"`.
            pending: Points of the running trials, shape (m, d).
            is_allowed: Whether a point of shape (d,) is one that an improvement can be judged against.
        """
        posterior = self.posterior.condition_on(pending)
        leaders = self.leaders(posterior)
        incumbent = next((i for i in leaders if is_allowed(posterior.X[i])), leaders[0])
        acquisition = ACQUISITIONS[name](posterior, beta, incumbent)
        if self.is_feasible.all():
            return acquisition
        return Feasible(acquisition, self.posterior, self.is_feasible)


def learn(data: Observations, space: Space, *, noise_variance: float | None) -> Surrogate:
    """Fits the model to the ended trials, at least one of which has completed."""
    rows = data.kept(MAX_OBSERVATIONS)
    known = data.at(rows)
    targets = temper(known.y)
    posterior = fit(
        known.X,
        targets.y,
        is_categorical=space.is_categorical,
        noise_variance=noise_variance,
        doubt=_doubt(known, targets),
    )
    return Surrogate(posterior, targets, np.isfinite(known.y), rows)


def _doubt(data: Observations, targets: Targets) -> Array:
    """How far each target may be off, in targets, shape (n,)."""
    doubt = np.zeros(len(data.y))
    is_doubtful = data.doubt > 0
    y, sigma = data.y[is_doubtful], data.doubt[is_doubtful]
    doubt[is_doubtful] = DOUBT_FACTOR * (targets.targets_at(y + sigma) - targets.targets_at(y - sigma)) / 2
    return doubt
