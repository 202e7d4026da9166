"""What happened in a search: the numbers behind the figures that need no model."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from keras_bayes.arrays import Array
from keras_bayes.axes import Axis
from keras_bayes.curves import Epoch
from keras_bayes.domains import Coordinate
from keras_bayes.errors import MissingDataError
from keras_bayes.history import TrialRecord
from keras_bayes.search_log import LoggedTrial, SearchLog

MAX_EPOCHS = 100  # of a learning curve; a longer one is thinned to evenly spaced epochs


@dataclass(frozen=True, slots=True)
class ScoreHistory:
    """Scores in the order of the trials.

    Args:
        trials: All trials.
        scores: Their scores, NaN without one, shape (n,).
        best: The best score up to each of them, NaN before the first, shape (n,).
    """

    trials: tuple[LoggedTrial, ...]
    scores: Array
    best: Array


def score_history(log: SearchLog) -> ScoreHistory:
    """How the scores of a search have developed."""
    scores = scores_of(trial.record for trial in log.trials)
    running_best = np.fmax.accumulate(scores) if log.direction == "max" else np.fmin.accumulate(scores)
    return ScoreHistory(log.trials, scores, running_best)


@dataclass(frozen=True, slots=True)
class Configurations:
    """The values of all trials that lie in the search space.

    Args:
        axes: The hyperparameters that leave a choice.
        domains: What each of them may be.
        trials: The trials.
        X: Their positions on the scales that are searched, in [0, 1]; NaN where a hyperparameter is not active,
            shape (n, d).
        scores: Their scores, NaN without one, shape (n,).
    """

    axes: tuple[Axis, ...]
    domains: tuple[Coordinate, ...]
    trials: tuple[LoggedTrial, ...]
    X: Array
    scores: Array


def configurations(log: SearchLog) -> Configurations:
    """What was tried."""
    space = log.space
    is_inside, X = space.locate([trial.record.values for trial in log.trials])
    trials = tuple(trial for trial, is_in in zip(log.trials, is_inside, strict=True) if is_in)
    axes = tuple(Axis.of(parameter) for parameter in space.parameters)
    scores = scores_of(trial.record for trial in trials)
    if not np.isfinite(scores).any():
        raise MissingDataError("No completed trial lies in the search space as it is declared now.")
    return Configurations(axes, space.domains, trials, np.where(space.activity(X), X, np.nan), scores)


@dataclass(frozen=True, slots=True)
class Curve:
    """The learning curve of a trial.

    Args:
        trial: The trial.
        trainings: Numbers of the epochs and values of the metric, for each training of the trial, shapes (2, e).
    """

    trial: LoggedTrial
    trainings: tuple[Array, ...]


@dataclass(frozen=True, slots=True)
class Curves:
    """Learning curves of all trials that have one; `metric` is what they show."""

    metric: str
    curves: tuple[Curve, ...]


def learning_curves(log: SearchLog) -> Curves:
    """The objective after each epoch; another metric where the objective is not one of them."""
    epochs = [epoch for trial in log.trials for epoch in trial.curve]
    names = [name for epoch in epochs for name, value in epoch.metrics.items() if math.isfinite(value)]
    scores = [log.score_after(epoch) for epoch in epochs]
    if any(score is not None and math.isfinite(score) for score in scores):
        names.append(log.objective)
    if not names:
        raise MissingDataError("No learning curves were recorded: they are of trainings with `BayesTuner`.")
    metric = min(dict.fromkeys(names), key=lambda name: (name != log.objective, not name.startswith("val_")))
    value_after = log.score_after if metric == log.objective else lambda epoch: epoch.metrics.get(metric)
    curves = [Curve(trial, _trainings(trial.curve, value_after)) for trial in log.trials]
    return Curves(metric, tuple(curve for curve in curves if curve.trainings))


def _trainings(epochs: Sequence[Epoch], value_after: Callable[[Epoch], float | None]) -> tuple[Array, ...]:
    points: dict[int, list[tuple[int, float]]] = {}
    for epoch in epochs:
        value = value_after(epoch)
        if value is not None:
            points.setdefault(epoch.training, []).append((epoch.number + 1, value))
    return tuple(_thinned(np.array(training, dtype=float).T) for training in points.values())


def _thinned(training: Array) -> Array:
    num_epochs = training.shape[1]
    return training[:, np.unique(np.linspace(0, num_epochs - 1, MAX_EPOCHS).astype(int))]


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a trial.

    Args:
        trial: The trial.
        lane: Which of the runs at the same time it is, from 0.
        start: When it started, in seconds of the search.
        end: When it ended.
        is_last: Whether the result of the trial is that of this run; an earlier one was interrupted, or failed.
    """

    trial: LoggedTrial
    lane: int
    start: float
    end: float
    is_last: bool


@dataclass(frozen=True, slots=True)
class Timeline:
    """When the trials ran, without the pauses in which nothing did.

    Args:
        runs: The runs by their start.
        sessions: When each stretch without a pause began, in seconds of the search, and in seconds since 1970.
        duration: Seconds of the search.
    """

    runs: tuple[Run, ...]
    sessions: tuple[tuple[float, float], ...]
    duration: float


def timeline(log: SearchLog) -> Timeline:
    """When the trials ran."""
    timed = sorted(
        ((start, end, trial, (start, end) == trial.runs[-1]) for trial in log.trials for start, end in trial.runs),
        key=lambda run: run[:2],
    )
    if not timed:
        raise MissingDataError("No times were recorded: they are of trials that were run with `keras_bayes`.")
    stretches = _merged([*log.sessions, *((start, end) for start, end, *_ in timed)])
    begins = np.concatenate([[0.0], np.cumsum([end - start for start, end in stretches])])
    moments = np.array(stretches).ravel()
    seconds = np.column_stack([begins[:-1], begins[1:]]).ravel()  # of the search, at these moments
    lanes: list[float] = []  # when each becomes free
    runs = []
    for start, end, trial, is_last in timed:
        lane = next((i for i, free in enumerate(lanes) if free <= start), len(lanes))
        lanes[lane : lane + 1] = [end]
        first, last = np.interp([start, end], moments, seconds).tolist()
        runs.append(Run(trial, lane, first, last, is_last))
    sessions = zip(begins[:-1].tolist(), (start for start, _ in stretches), strict=True)
    return Timeline(tuple(runs), tuple(sessions), float(begins[-1]))


def _merged(intervals: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """The union of intervals, ascending."""
    merged: list[tuple[float, float]] = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def check_completed(log: SearchLog) -> None:
    """Raises an error unless some trial has completed."""
    if log.best is None:
        raise MissingDataError(f"No trial in {log.folder} has completed yet: there are no scores to show.")


def scores_of(records: Iterable[TrialRecord]) -> Array:
    """Scores of trials, NaN without one, shape (n,)."""
    return np.array([np.nan if record.score is None else record.score for record in records], dtype=float)
