"""Callbacks that know their trial: what is logged of a training elsewhere carries its hyperparameters and its score."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from keras_bayes.domains import Value
from keras_bayes.errors import KerasBayesError
from keras_bayes.objective import parts
from keras_bayes.usage import unnoted


@dataclass(frozen=True, slots=True)
class Execution:
    """One training of a trial.

    Args:
        search: Name of the project.
        trial_id: The trial.
        number: Which of its executions this is, from 0.
        num_executions: How many it has, `executions_per_trial`.
        objective: Name of the objective.
        values: Its hyperparameters; complete from the moment at which the training begins.
    """

    search: str
    trial_id: str
    number: int
    num_executions: int
    objective: str
    values: dict[str, Value]

    @property
    def name(self) -> str:
        """Such as `trial_07`, or `trial_07_execution_1` where a trial has more than one."""
        execution = f"_execution_{self.number}" if self.num_executions > 1 else ""
        return f"trial_{self.trial_id}{execution}"


class TrialCallback(keras.callbacks.Callback):
    """Base class of callbacks for `BayesTuner.search` that know which trial they see; override the last three methods.

    `search` copies its callbacks for each execution. Several trainings in one execution, such as folds, are one: it
    begins with the first of them, and its epochs are counted on.
    """

    def __init__(self) -> None:
        super().__init__()
        self._has_begun = False
        self._num_epochs = 0

    @property
    def execution(self) -> Execution:
        """What is being trained."""
        try:
            return self._execution
        except AttributeError:
            name = type(self).__name__
            raise KerasBayesError(
                f"{name} knows no trial. Pass it to `BayesTuner.search(..., callbacks=[{name}(...)])`, not to "
                "`model.fit`; a `run_trial` of your own passes it on to `BayesTuner.run_trial`."
            ) from None

    @execution.setter
    def execution(self, execution: Execution) -> None:
        self._execution = execution

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._begin()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._begin()  # a loop of the user may tell of no beginning
        metrics = numbers_in(logs)
        self._num_epochs = max(self._num_epochs, epoch)  # a training that goes on had the epochs before elsewhere
        self.on_execution_epoch(self._num_epochs, metrics)
        self._num_epochs += 1

    def _begin(self) -> None:
        if not self._has_begun:
            self.on_execution_begin(unnoted(self.execution.values))
            self._has_begun = True

    def end(self, score: float | None) -> None:
        """Calls `on_execution_end`, if the execution has begun."""
        if self._has_begun:
            self.on_execution_end(score)

    def on_execution_begin(self, values: dict[str, Value]) -> None:
        """Called before the first epoch, with all hyperparameters."""

    def on_execution_epoch(self, epoch: int, metrics: dict[str, float]) -> None:
        """Called after each epoch, with its number from 0."""

    def on_execution_end(self, score: float | None) -> None:
        """Called after the training, however it ended; `score` is the objective, `None` if the training failed."""


def numbers_in(logs: Mapping[str, Any] | None) -> dict[str, float]:
    """Losses and metrics of an epoch, as Keras tells them to callbacks, without those that are not one number."""
    single = {name: value for name, value in (logs or {}).items() if math.prod(np.shape(value)) == 1}
    return {name: float(keras.ops.convert_to_numpy(value).item()) for name, value in single.items()}


def execute(train: Callable[..., Any], callbacks: Sequence[Any], execution: Execution, objective: Any) -> Any:
    """Calls `train(callbacks=callbacks)`, and tells those that are a `TrialCallback` of what and with which score.

    Args:
        train: The training.
        callbacks: Callbacks of any kind.
        execution: What is trained.
        objective: A `keras_tuner.Objective`.

    Returns:
        What `train` returned.
    """
    score = None
    with contextlib.ExitStack() as stack:  # each of them learns of the end, even if another one fails
        for callback in callbacks:
            if isinstance(callback, TrialCallback):
                callback.execution = execution
                stack.callback(lambda callback=callback: callback.end(score))
        results = train(callbacks=callbacks)
        score = score_of(results, objective)
    return results


def score_of(results: Any, objective: Any) -> float | None:
    """The objective in what a training returned, as keras-tuner takes it; `None` if there is no finite one."""
    if isinstance(results, list):
        scores = [score_of(item, objective) for item in results]
        known = [score for score in scores if score is not None]
        return sum(known) / len(scores) if scores and len(known) == len(scores) else None
    if isinstance(results, keras.callbacks.History):
        names = [part.name for part in parts(objective)]
        rows = zip(*(results.history.get(name, []) for name in names), strict=False)
        values = [objective.get_value(dict(zip(names, row, strict=True))) for row in rows]
        best = max if objective.direction == "max" else min
        score = best(values, default=math.nan)
    elif isinstance(results, dict):
        score = objective.get_value(results) if objective.has_value(results) else math.nan
    else:
        score = results
    return float(score) if isinstance(score, int | float) and math.isfinite(score) else None
