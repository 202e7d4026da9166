"""Which hyperparameters decide the score, as the model sees it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from keras_bayes.arrays import Array
from keras_bayes.show.landscape import Landscape

NUM_EVALUATIONS = 2**14  # of the model: half a second with 200 trials and a dozen hyperparameters
MIN_SAMPLES, MAX_SAMPLES = 2**7, 2**10  # with 1024, an index is known to about two hundredths
FLAT = 1e-6  # standard deviation, in that of the scores, below which the model is a constant
MIN_EXPLAINED = 0.1  # share of the scores' variance that the model must explain before its shares mean something


@dataclass(frozen=True, slots=True)
class Importance:
    """Sobol indices of the model's mean over the whole space, every legal configuration being as likely.

    Points of the unit cube are moved to the nearest legal ones, so a hyperparameter that is not active changes nothing
    there: one with a condition counts by the part of the space in which it is met. The unit is that of the model, in
    which bad scores are drawn in, so that one diverged training does not decide.

    Args:
        names: The hyperparameters, in the order of the coordinates.
        total: Share of the variance that is left when all others are known, so with interactions, shape (d,).
        first_order: Share that each explains by itself, shape (d,).
        doubt: Why the shares say little, if they do.
    """

    names: tuple[str, ...]
    total: Array
    first_order: Array
    doubt: str | None

    @property
    def order(self) -> list[int]:
        """Coordinates, the most important first."""
        return [int(j) for j in np.argsort(-self.total, kind="stable")]


def importance(landscape: Landscape, *, explained: float) -> Importance:
    """How much each hyperparameter matters.

    Args:
        landscape: The model, which knows of no failures.
        explained: Share of the variance of the scores that it explains; see `calibration.Predictions`.
    """
    space = landscape.space
    names = tuple(parameter.name for parameter in space.parameters)
    probe = landscape.mean(space.snap(stats.qmc.Halton(space.dim, scramble=False).random(MIN_SAMPLES)))
    if probe.std() < FLAT:
        return Importance(
            names, np.zeros(space.dim), np.zeros(space.dim), "To the model, all configurations are alike."
        )
    total, first = _sobol_indices(landscape)
    return Importance(names, total, first, _doubt(explained))


def _sobol_indices(landscape: Landscape) -> tuple[Array, Array]:
    space = landscape.space
    if space.dim == 1:  # which SciPy does not take
        return np.ones(1), np.ones(1)
    num_samples = 2 ** int(np.log2(NUM_EVALUATIONS / (space.dim + 2)))
    indices = stats.sobol_indices(
        func=lambda X: landscape.mean(space.snap(X.T)),
        n=int(np.clip(num_samples, MIN_SAMPLES, MAX_SAMPLES)),
        dists=[stats.uniform()] * space.dim,
        random_state=np.random.default_rng(0),
    )
    return np.clip(indices.total_order, 0, 1), np.clip(indices.first_order, 0, 1)  # estimates scatter


def _doubt(explained: float) -> str | None:
    if explained >= MIN_EXPLAINED:
        return None
    return (
        f"The model explains {max(explained, 0):.0%} of the differences between trials that it has not seen: "
        "too little to say what matters."
    )
