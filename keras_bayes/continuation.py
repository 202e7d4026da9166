"""Which paused training a search goes on with, if with any."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping
from typing import Any

import numpy as np

from keras_bayes.acquisition import Acquisition
from keras_bayes.arrays import Array
from keras_bayes.curves import DIVERGED
from keras_bayes.forecast import Forecast, forecasts
from keras_bayes.loss_curves import CurveArchive
from keras_bayes.ridge import Prediction

# The trainings that go on are the promising ones. The more often one has, the closer together lies what is left to
# compare, and the less do forecasts tell it apart.
MANY_CONTINUATIONS = 5  # examples/benchmarks/ABLATIONS.md
LITTLE_DOUBT = 0.01  # tells a stopped training from a finished one, and no more
MAX_ATTEMPTS = 2  # to go on with a training: one may fail by chance
PAUSED_FILE = "paused.weights.h5"  # in the folder of a trial, what it takes to go on with its training


def most_promising(acquisition: Acquisition, x: Array | None, paused: Array, remaining: Array) -> int | None:
    """The paused training whose last epochs promise more, each, than those of a new one.

    Args:
        acquisition: The logarithm of what a configuration promises, all its epochs together.
        x: The best new point, shape (d,), if there is one.
        paused: Points of the paused trainings, shape (p, d).
        remaining: Which share of its epochs each has still to go, in (0, 1], shape (p,).

    Returns:
        A row of `paused`, or `None` where the new point promises more.

    References:
        Swersky, Snoek & Adams (2014), Freeze-Thaw Bayesian Optimization, arXiv:1406.3896.
    """
    if not len(paused):
        return None
    per_epoch = acquisition(paused) - np.log(remaining)
    row = int(np.argmax(per_epoch))
    return row if x is None or per_epoch[row] > acquisition(x[None])[0] else None


def continuations(proposals: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Each trial that another one has gone on with, and that other one."""
    return [(proposal["continues"], i) for i, proposal in proposals.items() if proposal.get("source") == "continuation"]


def superseded(proposals: Mapping[str, Mapping[str, Any]], by: Container[str]) -> set[str]:
    """The trials that one of some others goes on with; once that has completed, it teaches what they have taught."""
    return {earlier for earlier, later in continuations(proposals) if later in by}


def best_first(losses: Mapping[str, float], proposals: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Ids of completed trials, the best first, without those that another one goes on with and are not better than it.

    Args:
        losses: Of the completed trials, the smaller the better, by id.
        proposals: Why each trial was chosen, by id.
    """
    pairs = [pair for pair in continuations(proposals) if losses.keys() >= set(pair)]
    surpassed = {earlier for earlier, later in pairs if losses[later] <= losses[earlier]}
    places = {i: place for place, i in enumerate(losses)}
    for earlier, later in pairs:  # among equals, which other trial is better must not change when one goes on
        places[later] = places[earlier]
    return [i for i in sorted(losses, key=lambda i: (losses[i], places[i])) if i not in surpassed]


def given_up(proposals: Mapping[str, Mapping[str, Any]], failed: Container[str]) -> set[str]:
    """The trials that too many others have failed to go on with."""
    attempts = Counter(earlier for earlier, later in continuations(proposals) if later in failed)
    return {earlier for earlier, count in attempts.items() if count >= MAX_ATTEMPTS}


def trial_forecasts(
    archive: CurveArchive, proposals: Mapping[str, Mapping[str, Any]], completed: Mapping[str, str | None]
) -> dict[str, Forecast]:
    """By trial, what each completed one that was stopped would have become, but those that others have gone on with.

    One that has diverged would have become nothing more; what it was before teaches what others may become.

    Args:
        archive: The curves of a search.
        proposals: Why each trial was chosen.
        completed: The trials that have completed, with why they were stopped, if they were.
    """
    stopped = {i for i, message in completed.items() if message and message != DIVERGED}
    if not stopped:
        return {}
    left_out = [f"trial_{i}" for i in superseded(proposals, completed)]
    found = {name.removeprefix("trial_"): forecast for name, forecast in forecasts(archive, without=left_out).items()}
    return {i: forecast for i, forecast in found.items() if i in stopped}


def in_doubt(
    found: Mapping[str, Forecast],
    proposals: Mapping[str, Mapping[str, Any]],
    completed: Container[str],
    *,
    can_continue: bool,
) -> dict[str, Prediction]:
    """What stopped trials would have gained, less certain the more often paused trainings have gone on.

    Where they can go on, those that are behind have little doubt at first: errors of forecasts are learned mostly from
    slow starters, and would make a training that learns nothing look as if it could become anything.

    Args:
        found: What is expected, by trial; a continuation that waits here again does not count yet.
        proposals: Why each trial was chosen.
        completed: The trials that have completed.
        can_continue: Whether the search can go on with a stopped training.
    """
    num_continuations = sum(later in completed and later not in found for _, later in continuations(proposals))
    factor = max(1.0, num_continuations / MANY_CONTINUATIONS)
    factors = {False: factor, True: max(factor - 1, LITTLE_DOUBT) if can_continue else factor}
    return {i: Prediction(it.gain.mu, factors[it.is_behind] * it.gain.sigma) for i, it in found.items()}
