"""What trainings return, as the host takes it, and what is no result."""

from __future__ import annotations

import math
import traceback
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import keras_tuner as kt
import numpy as np

from keras_bayes.curves import Epoch
from keras_bayes.objective import parts
from keras_bayes.search_log import LEFT_OUT


def plain_results(results: Any, objective: Any) -> Any:
    """What a training returned, in the types that the host takes.

    A NumPy number or 0-d array becomes a float; a dictionary gains the sum of a list of objectives; an epoch in which
    the objective was no number, or not computed, is never the best of a `keras.callbacks.History`.

    Raises:
        FatalValueError: A `keras.callbacks.History` has no objective, or one that is more than a number in each epoch.
    """
    if isinstance(results, list):
        return [plain_results(item, objective) for item in results]
    if isinstance(results, np.generic | np.ndarray) and np.ndim(results) == 0:
        return float(results)
    is_sum = hasattr(objective, "objectives")
    if isinstance(results, dict) and is_sum and all(part.name in results for part in parts(objective)):
        return {**results, objective.name: float(objective.get_value(results))}
    if isinstance(results, keras.callbacks.History) and objective.name != LEFT_OUT:
        for part in parts(objective):
            worst = -math.inf if part.direction == "max" else math.inf
            values = _by_epoch(_values(results.history, part.name), len(results.epoch))
            if any(map(math.isfinite, values)):  # else the trial fails, and its message says what they were
                values = [value if math.isfinite(value) else worst for value in values]
            results.history[part.name] = values
    return results


def _values(history: Mapping[str, Sequence[Any]], objective: str) -> list[float]:
    """The objective in the epochs that have it; empty where there has been no epoch."""
    if not history:
        return []
    if objective not in history:
        told = ", ".join(sorted(history))
        is_validated = any(name.startswith("val_") for name in history)
        advice = " Pass `validation_data` to `search`." if objective.startswith("val_") and not is_validated else ""
        raise kt.errors.FatalValueError(
            f"The objective {objective!r} is not among the metrics of the training, which are: {told}.{advice}"
        )
    size = max(map(np.size, history[objective]), default=1)
    if size != 1:
        raise kt.errors.FatalValueError(
            f"The objective {objective!r} has {size} values in an epoch; it must have one. A metric of several classes "
            'has an argument for that, such as `average="macro"`.'
        )
    return [np.asarray(value, dtype=float).item() for value in history[objective]]


def with_curve(results: Any, earlier: Sequence[Epoch], own: Sequence[Epoch], objective: Any) -> Any:
    """What a training returned; a `keras.callbacks.History` has each metric at its epoch, and the epochs before.

    What a program returns instead, such as a number, stays what it is.

    Args:
        results: What it returned.
        earlier: The epochs that it goes on from.
        own: What it told of its epochs, which may be those of another training where a program has several.
        objective: The objective of the search.
    """
    if isinstance(results, keras.callbacks.History):
        names = dict.fromkeys([*(name for epoch in earlier for name in epoch.metrics), *results.history])
        before = {name: [epoch.metrics.get(name, math.nan) for epoch in earlier] for name in names}
        told = own if [epoch.number for epoch in own] == list(results.epoch) else ()
        results.history = {name: before[name] + _placed(name, results.history.get(name, []), told) for name in names}
        results.epoch = [*(epoch.number for epoch in earlier), *results.epoch]
    return plain_results(results, objective)


def _placed(name: str, values: list[Any], told: Sequence[Epoch]) -> list[Any]:
    """The values of a metric, each at the epoch that told of it; not a number at the others."""
    has_it = [name in epoch.metrics for epoch in told]
    if sum(has_it) != len(values):
        return values
    following = iter(values)
    return [next(following) if has else math.nan for has in has_it]


def _by_epoch(values: list[float], num_epochs: int) -> list[float]:
    """The values of a metric that is computed every few epochs, each at its epoch; not a number at the others."""
    if not 0 < len(values) < num_epochs:
        return values
    every = num_epochs // len(values)
    by_epoch = [math.nan] * num_epochs
    by_epoch[every - 1 : every * len(values) : every] = values
    return by_epoch


def is_no_result(error: kt.errors.FatalError) -> bool:
    """Whether an error is about what a program returned, such as `None`, a string, no model, or no objective.

    An error of the same type that the program raises itself, to end its search, is none of that.
    """
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return str(frame.f_globals.get("__name__")).startswith(("keras_tuner.", __name__))
