"""What runs inside a training: hooks of the tuner, and the weights of the best epoch."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import keras


class TunerHooks(keras.callbacks.Callback):
    """Calls `on_epoch_begin`, `on_batch_begin`, `on_batch_end` and `on_epoch_end` of a tuner.

    Args:
        tuner: A `keras_tuner.Tuner`.
        trial: The trial that is running.
    """

    def __init__(self, tuner: Any, trial: Any) -> None:
        super().__init__()
        self.tuner = tuner
        self.trial = trial

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.tuner.on_epoch_begin(self.trial, self.model, epoch, logs=logs)

    def on_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self.tuner.on_batch_begin(self.trial, self.model, batch, logs)

    def on_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self.tuner.on_batch_end(self.trial, self.model, batch, logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.tuner.on_epoch_end(self.trial, self.model, epoch, logs=logs)


class BestWeights(keras.callbacks.Callback):
    """Saves the weights at the best epoch of all trainings it sees, and of each epoch where none can be told.

    Args:
        objective: A `keras_tuner.Objective`.
        path: File to write, ending in `.weights.h5`.
    """

    def __init__(self, objective: Any, path: str) -> None:
        super().__init__()
        self.objective = objective
        self.path = path
        self.best: float | None = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if not logs or not self.objective.has_value(logs):
            self._save()
            return
        value = float(self.objective.get_value(logs))
        if value == value and (self.best is None or self.objective.better_than(value, self.best)):
            self.best = value
            self._save()

    def _save(self) -> None:
        temporary = f"{self.path}.tmp.weights.h5"
        with without_optimizer(self.model):
            self.model.save_weights(temporary)
        os.replace(temporary, self.path)


@contextlib.contextmanager
def without_optimizer(model: keras.Model) -> Iterator[None]:
    """Lets `save_weights` and `load_weights` pass over the optimizer, whose state is twice the size of the weights."""
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None:  # not compiled: the user trains in a loop of their own
        yield
        return
    model.optimizer = None
    try:
        yield
    finally:
        model.optimizer = optimizer
