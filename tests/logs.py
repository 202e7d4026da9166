"""Logs of searches, made of values and scores, without a project."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_bayes.curves import Epoch
from keras_bayes.history import TrialRecord
from keras_bayes.search_log import LoggedTrial, SearchLog
from keras_bayes.space import Space
from tests.spaces import Entry, config_of

Loss = Callable[[dict[str, Any]], float]


def trial(
    number: int,
    values: dict[str, Any],
    score: float | None,
    *,
    status: str = "",
    message: str | None = None,
    proposal: dict[str, Any] | None = None,
    runs: Sequence[tuple[float, float]] = (),
    curve: Sequence[Epoch] = (),
) -> LoggedTrial:
    """A trial; without a score, it has failed unless a status says otherwise."""
    status = status or ("FAILED" if score is None else "COMPLETED")
    record = TrialRecord(number, values, status, score, message)
    return LoggedTrial(f"{number:02d}", record, proposal or {}, tuple(runs), tuple(curve))


def log_of(
    entries: Sequence[Entry],
    trials: Sequence[LoggedTrial],
    *,
    direction: str = "min",
    known: Sequence[TrialRecord] = (),
    sessions: Sequence[tuple[float, float]] = (),
    state: dict[str, Any] | None = None,
    objective: str = "loss",
) -> SearchLog:
    """The log of a search over these hyperparameters."""
    return SearchLog(
        Path("project"), objective, direction, config_of(*entries), tuple(trials), tuple(known), tuple(sessions),
        state or {},
    )  # fmt: skip


def random_search(
    entries: Sequence[Entry], loss: Loss, *, num_trials: int = 30, seed: int = 0, direction: str = "min"
) -> SearchLog:
    """A search at random points; a trial whose loss is NaN has failed."""
    space = Space.from_config(config_of(*entries))
    X = space.snap(np.random.default_rng(seed).random((num_trials, space.dim)))
    sign = -1.0 if direction == "max" else 1.0
    trials = []
    for number, x in enumerate(X):
        values = space.decode(x)
        value = loss(values)
        trials.append(trial(number, values, None if math.isnan(value) else sign * value, message="it broke"))
    return log_of(entries, trials, direction=direction)
