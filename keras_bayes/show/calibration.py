"""How far the model of a search can be trusted: what it predicts of trials that it has not seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keras_bayes.arrays import Array
from keras_bayes.gaussian_process import Posterior
from keras_bayes.history import TrialRecord
from keras_bayes.search_log import LoggedTrial, SearchLog
from keras_bayes.show.landscape import Band, Landscape


def leave_one_out(posterior: Posterior) -> tuple[Array, Array]:
    """What the process predicts of each observation from all others, with the same kernel and noise.

    The mean of the process is learned anew for each: under its prior N(0, 1) the targets have the covariance K + 11ᵀ,
    whose inverse Q gives y_i - [Q y]_i / Q_ii and 1 / Q_ii, and Q y is `alpha`.

    Returns:
        Means and standard deviations of the observations, noise included, both of shape (n,).

    References:
        Rasmussen & Williams (2006), Eqs. 5.10 to 5.12.
    """
    L_inverse = posterior.L_inverse
    K_inverse_1 = L_inverse.sum(axis=1) @ L_inverse  # (n,)
    diagonal = np.einsum("ij,ij->j", L_inverse, L_inverse) - K_inverse_1**2 / (1 + K_inverse_1.sum())
    return posterior.y - posterior.alpha / diagonal, diagonal**-0.5


@dataclass(frozen=True, slots=True)
class Predictions:
    """What was predicted of completed trials, against what came.

    Args:
        records: Completed trials the model has learned from, m of them.
        left_out: What it says of each when that one is left out; the band holds the noise of a training.
        explained: Share of the variance of the scores that it explains in this way; below 0 where the mean of the
            others is the better prediction. In the model's own unit, in which bad scores are drawn in.
        proposed: Trials that the model had proposed.
        expected: What it had said of them before they ran.
    """

    records: tuple[TrialRecord, ...]
    left_out: Band
    explained: float
    proposed: tuple[LoggedTrial, ...]
    expected: Band


def predictions(log: SearchLog, landscape: Landscape) -> Predictions:
    """Compares what the model predicts with what came."""
    surrogate = landscape.surrogate
    rows = np.flatnonzero(surrogate.is_feasible)
    mu, sigma = (values[rows] for values in leave_one_out(surrogate.posterior))
    proposed = tuple(
        trial for trial in log.trials if trial.record.score is not None and trial.proposal.get("source") == "model"
    )
    mean = np.array([trial.proposal["mean"] for trial in proposed], dtype=float)
    sd = np.array([trial.proposal["sd"] for trial in proposed], dtype=float)
    return Predictions(
        tuple(landscape.records[row] for row in rows),
        landscape.scores(mu, sigma),
        _explained(surrogate.targets.y[rows], mu),
        proposed,
        Band(mean, mean - sd, mean + sd),
    )


def _explained(y: Array, mu: Array) -> float:
    """1 - Σ (y - mu)² / Σ (y - mean of the others)²; 0 where all are the same."""
    variance = np.sum((y - y.mean()) ** 2) * (len(y) / (len(y) - 1)) ** 2
    return float(1 - np.sum((y - mu) ** 2) / variance) if variance > 0 else 0.0
