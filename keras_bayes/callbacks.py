"""What runs inside a training: hooks of the tuner, the weights of the best epoch, the learning curve, the budgets.

For `callbacks` of `BayesTuner.search` there are `WandbRun`, `MlflowRun` and their base class, `TrialCallback`.
"""

from __future__ import annotations

import functools
import math
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras

from keras_bayes.budget import EPOCHS_ARE_UP, TIME_IS_UP
from keras_bayes.curves import Earlier, End, Epoch, Inherited, Line
from keras_bayes.epoch_count import EpochLedger, count_epochs
from keras_bayes.position import Position
from keras_bayes.trackers import MlflowRun, WandbRun
from keras_bayes.trial_callback import TrialCallback, numbers_in
from keras_bayes.weights import save_weights
from keras_bayes.writer import Writer

__all__ = ["MlflowRun", "TrialCallback", "WandbRun"]  # the others are for tuners


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
        writer: What writes it; weights that it cannot write are not counted among the best.
    """

    def __init__(self, objective: Any, path: str, writer: Writer) -> None:
        super().__init__()
        self.objective = objective
        self.path = Path(path)
        self.writer = writer
        self.best: float | None = None

    def take_over(self, path: Path, epochs: Iterable[Mapping[str, Any]]) -> None:
        """Begins with a copy of another file, if there is one: the weights at the best of some other epochs."""
        values = [self.objective.get_value(metrics) for metrics in epochs if self.objective.has_value(metrics)]
        known = [value for value in values if math.isfinite(value)]
        if known and path.exists() and self.writer.save_weights(self.path, functools.partial(shutil.copyfile, path)):
            self.best = max(known) if self.objective.direction == "max" else min(known)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        metrics = numbers_in(logs)
        if not self.objective.has_value(metrics):
            if self.best is None:  # otherwise it is an epoch without validation
                self._save()
            return
        value = self.objective.get_value(metrics)
        is_better = self.best is None or self.objective.better_than(value, self.best)
        if math.isfinite(value) and is_better and self._save():
            self.best = value

    def _save(self) -> bool:
        return self.writer.save_weights(self.path, lambda path: save_weights(self.model, path))


class CurveLog(keras.callbacks.Callback):
    """Appends each epoch of all trainings it sees to a file, which the first of them begins anew.

    Of the epochs that an earlier run of the trial has left there it keeps the number. A loop of the user may tell of
    nothing but the ends of epochs: a training then begins with the first of them, and ends with `close` or when epochs
    count anew.

    Args:
        path: The file; see `keras_bayes.curves`.
        writer: What writes it.
        earlier: Epochs that the first training has had in other trials.
        earlier_plan: How many it was to have there.
    """

    def __init__(self, path: Path, writer: Writer, *, earlier: Sequence[Epoch] = (), earlier_plan: int = 0) -> None:
        super().__init__()
        self.path = path
        self.writer = writer
        self.earlier = earlier
        self.earlier_plan = earlier_plan
        self.training = -1
        self.stopped = ""
        self.num_epochs = 0  # of all trainings it has seen, and of the earlier runs
        self.epochs: list[Epoch] = []  # of the latest training
        self.seconds = 0.0  # of the last epoch
        self._lines: list[str] = []
        self._began = time.monotonic()
        self._latest: int | None = None  # epoch of the training that is under way, -1 before its first

    def begin_anew(self, path: Path) -> None:
        """Goes on in another file, as if it had seen no training."""
        self.path, self.training, self._lines = path, -1, []

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.training += 1
        self.stopped = ""
        self.epochs = []
        self._latest = -1
        if self.training == 0 and self.earlier:
            self._begin()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._began = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self._latest is not None and epoch <= self._latest:
            self.close()
        if self._latest is None:
            self.on_train_begin()
        self._latest = epoch
        now = time.monotonic()
        self.seconds, self._began = now - self._began, now
        self.epochs.append(Epoch(self.training, epoch, time.time(), self.seconds, numbers_in(logs)))
        self._append(self.epochs[-1])
        self.num_epochs += 1

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self._append(End(self.training, planned_epochs(self), self.stopped))
        self._latest = None

    def stop(self, reason: str) -> None:
        """Ends the training with this epoch; of several reasons the first one is noted."""
        self.model.stop_training = True
        self.stopped = self.stopped or reason

    def close(self) -> None:
        """Ends a training that has not told of its end."""
        if self._latest is not None:
            self.on_train_end()

    def _append(self, item: Epoch | End) -> None:
        if not self._lines:
            self._begin()
        self._write(item)

    def _begin(self) -> None:
        """Keeps the number of epochs of an earlier run of the trial, and copies those of another trial."""
        self.num_epochs = count_epochs(self.path.parent).trained
        if self.num_epochs:
            self._write(Earlier(self.num_epochs))
        if self.earlier:
            self._write(Inherited(len(self.earlier), self.earlier_plan), *self.earlier)

    def _write(self, *items: Line) -> None:
        self._lines.append("".join(item.to_line() for item in items))
        self.writer.write_lines(self.path, self._lines)


class PositionReport(keras.callbacks.Callback):
    """Tells how far the trainings that it sees have got.

    Args:
        report: Takes a `Position`.
    """

    def __init__(self, report: Callable[[Position], None]) -> None:
        super().__init__()
        self.report = report
        self.position = Position(training=0, epoch=1)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        params = self.params or {}
        training = self.position.training + 1
        self.position = Position(training, 1, params.get("epochs"), 0, params.get("steps"))

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._move(epoch=epoch + 1, batch=0)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._move(batch=batch + 1)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        metrics = numbers_in(logs)
        self._move(epoch=epoch + 1, batch=self.position.num_batches, metrics=metrics)

    def _move(self, **changes: Any) -> None:
        self.position = replace(self.position, **changes)
        self.report(self.position)


def is_stopping(model: keras.Model) -> bool:
    """Whether a training ends with the epoch; outside of `fit`, a model need not know."""
    return bool(getattr(model, "stop_training", False))


def planned_epochs(callback: keras.callbacks.Callback) -> int:
    """How many epochs a training is to have; 0 in a training loop that does not say so."""
    return int((callback.params or {}).get("epochs") or 0)


class Deadline(keras.callbacks.Callback):
    """Ends a training with the last epoch that fits into the time.

    Args:
        moment: When it must have ended, in seconds since 1970.
        log: Comes before it, and tells how long epochs take; where to note that it is why the training ends.
    """

    def __init__(self, moment: float, log: CurveLog) -> None:
        super().__init__()
        self.moment = moment
        self.log = log
        self._shortest = math.inf  # seconds of an epoch

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._shortest = min(self._shortest, self.log.seconds)
        if time.time() + self._shortest > self.moment:
            self.log.stop(TIME_IS_UP)


class EpochLimit(keras.callbacks.Callback):
    """Ends a training with the epoch that uses up the epochs of a search.

    Args:
        max_epochs: How many all trainings together may have; `None` for any number.
        ledger: The epochs of all trials.
        log: Counts those of the trial that is running; where to note that it is why the training ends.
        trial_id: The trial.
    """

    def __init__(self, max_epochs: int | None, ledger: EpochLedger, log: CurveLog, *, trial_id: str) -> None:
        super().__init__()
        self.max_epochs = max_epochs
        self.ledger = ledger
        self.trial_id = trial_id
        self.log = log

    @property
    def is_reached(self) -> bool:
        """Whether no epoch is left."""
        if self.max_epochs is None:
            return False
        others = self.ledger.total(without=[self.trial_id]).trained  # its own file grows with each epoch
        return others + self.log.num_epochs >= self.max_epochs

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        is_last = epoch + 1 == planned_epochs(self)
        if not is_last and self.is_reached and not is_stopping(self.model):
            self.log.stop(EPOCHS_ARE_UP)
