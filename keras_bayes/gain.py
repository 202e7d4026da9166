"""What more trials would bring, as far as the model knows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from keras_bayes.admissible import Admissible
from keras_bayes.arrays import Array
from keras_bayes.maximizer import maximize
from keras_bayes.space import Space
from keras_bayes.surrogate import Surrogate

NUM_SAMPLES = 4096  # the standard error is then 1 to 5 % of a gain that is worth a trial


def expected_gain(
    surrogate: Surrogate,
    space: Space,
    *,
    num_trials: int,
    pending: Array,
    admissible: Admissible,
    rng: np.random.Generator,
) -> float | None:
    """How much lower the smallest loss is expected to be after `num_trials` other trials, in the unit of the losses.

    The trials are chosen one after another as those of a search are, each while the ones before it are running. What
    the model believes of all of them together then says how far the best of them is below the best trial so far:
    E[max(0, min_old f - min_new f)], by Monte Carlo. That some may fail, and that a search learns from each before it
    chooses the next, is left out.

    Args:
        surrogate: What the trials so far have taught.
        space: The search space.
        num_trials: How many trials are asked about, at least 1.
        pending: Points of the running trials, which count as old ones, shape (m, d).
        admissible: Which points may come.
        rng: Source of the trials and of the samples.

    Returns:
        The gain, at least 0, or `None` when there is no other trial, or all losses are the same.
    """
    if surrogate.targets.knots.shape[1] == 1:  # without a difference between losses they have no unit
        return None
    new = _next_trials(surrogate, space, num_trials, pending, admissible, rng)
    if not len(new):
        return None
    posterior = surrogate.posterior
    best = posterior.X[surrogate.leaders(posterior)[:1]]
    old = np.vstack([best, pending])
    mu, covariance = posterior.joint(np.vstack([old, new]))
    eigenvalues, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(eigenvalues, 0))  # some round to below zero
    losses = surrogate.targets.losses_at(mu + rng.standard_normal((NUM_SAMPLES, len(mu))) @ root.T)
    lowest_old, lowest_new = losses[:, : len(old)].min(axis=1), losses[:, len(old) :].min(axis=1)
    halves = np.maximum(lowest_old / 2 - lowest_new / 2, 0)  # the difference of two losses may overflow
    return 2 * float((halves / NUM_SAMPLES).sum())


def _next_trials(
    surrogate: Surrogate,
    space: Space,
    num_trials: int,
    pending: Array,
    admissible: Admissible,
    rng: np.random.Generator,
) -> Array:
    """Points of the next trials as far as there are any, shape (at most num_trials, d)."""
    new = np.empty((0, space.dim))
    for _ in range(num_trials):
        acquisition = surrogate.acquisition(
            "ei", beta=0.0, pending=np.vstack([pending, new]), is_allowed=admissible.is_allowed
        )
        others = replace(admissible, tried=np.vstack([admissible.tried, new]))
        x = maximize(acquisition, space, admissible=others, centres=surrogate.best_first, rng=rng)
        if x is None:
            break
        new = np.vstack([new, x])
    return new
