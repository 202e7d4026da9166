"""What happens in trainings that pause, and in those that go on."""

from __future__ import annotations

import contextlib
import functools
import inspect
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import keras
import keras_tuner as kt

from keras_bayes.continuation import PAUSED_FILE
from keras_bayes.curves import CURVE_FILE, Epoch, read_curve, read_ends
from keras_bayes.domains import Value
from keras_bayes.errors import KerasBayesError, KerasBayesWarning, ProjectError
from keras_bayes.stop_trial import RuleStop
from keras_bayes.training_state import has_stepped, is_merged, load_state, save_state

ADVICE = (
    'A search with `stopping="pause"` calls `HyperModel.fit` with `initial_epoch`: let it take `**kwargs`, and pass '
    "them on to `model.fit`. A loop of your own calls `on_train_begin` of its callbacks, and counts its epochs from "
    "`initial_epoch` on, the first being 0."
)


class LostStateError(KerasBayesError):
    """The state of a paused training is missing or broken."""


@dataclass(frozen=True, slots=True)
class PausedTraining:
    """A training that another trial goes on with.

    Args:
        trial_id: The trial that was paused.
        state: File of the state.
        curve: Its epochs, and those of the trials that it had gone on with itself.
        planned_epochs: How many it was to have; 0 if that is lost.
    """

    trial_id: str
    state: Path
    curve: tuple[Epoch, ...]
    planned_epochs: int

    @classmethod
    def read(cls, trial_id: str, folder: Path) -> PausedTraining:
        """From the folder of the trial."""
        planned = [end.num_epochs for end in read_ends(folder)]
        return cls(trial_id, folder / PAUSED_FILE, read_curve(folder), planned[-1] if planned else 0)

    @property
    def num_epochs(self) -> int:
        """How many epochs it has had; 0 if that is lost."""
        return self.curve[-1].number + 1 if self.curve else 0

    def check_files(self) -> None:
        """Raises a `LostStateError` unless the state is there, and it is known after which epoch."""
        if not self.state.exists() or not self.curve:
            raise LostStateError(f"{self.state if self.curve else self.state.with_name(CURVE_FILE)} is missing")


class BuiltModel(NamedTuple):
    """A model in memory that another trial may go on with: building it and tracing its first step can take seconds.

    Args:
        trial_id: The trial that has trained it.
        model: The model.
        values: The hyperparameters that it was built with.
    """

    trial_id: str
    model: keras.Model
    values: Mapping[str, Value]


class PausingLog(RuleStop):
    """Logs a training, and ends it where a rule pauses it, with its whole state on the disk.

    Of several trainings of a trial, such as folds, the first one may pause only if no other follows.
    """

    _paused = ""  # why the first training ended

    @property
    def state(self) -> Path:
        """File of the state."""
        return self.path.with_name(PAUSED_FILE)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        super().on_train_begin(logs)
        if self._paused:
            raise second_training(self._paused)
        if self.training == 0:
            with contextlib.suppress(OSError):  # of an earlier run of the trial
                self.state.unlink(missing_ok=True)

    def _why_stop(self) -> str:
        if self.training > 0:
            return ""
        self._paused = super()._why_stop()
        if self._paused:
            if is_merged(self.model):
                raise kt.errors.FatalValueError(
                    'With `stopping="pause"` the state of a training is saved, but Keras adds the adapters of LoRA to '
                    'the weights when it saves them. Use another rule, such as `stopping="auto"`.'
                )
            self.writer.save_weights(self.state, functools.partial(save_state, self.model))
            if not has_stepped(self.model):
                warnings.warn(
                    "A paused training keeps the state of the Keras optimizer that its model was compiled with. Here "
                    "another one trains the model, whose state is lost.",
                    KerasBayesWarning,
                    stacklevel=2,
                )
        return self._paused


class Resumption(keras.callbacks.Callback):
    """Puts the state of a paused training into a model before its first epoch.

    Args:
        paused: The training.
        build_config: File that says for which input the model was built.
    """

    def __init__(self, paused: PausedTraining, *, build_config: Path) -> None:
        super().__init__()
        self.paused = paused
        self.build_config = build_config
        self._is_restored = False
        self._has_begun = False

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        try:
            load_state(self.model, self.paused.state, build_config=self.build_config)
        except ProjectError as error:
            raise LostStateError(str(error)) from error
        self.model._initial_epoch = None  # of `BackupAndRestore`, whose later weights have just been replaced
        self._is_restored = True

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._check(epoch)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._check(epoch)  # of a loop that tells of nothing but the ends of epochs

    def _check(self, epoch: int) -> None:
        if self._has_begun:
            return
        reason = "" if self._is_restored else "has not called `on_train_begin`, by which its state is restored"
        if epoch != self.paused.num_epochs:
            reason = f"should go on at epoch {self.paused.num_epochs}, but started at {epoch}"
        if reason:
            raise kt.errors.FatalValueError(f"The training of trial_{self.paused.trial_id} {reason}. {ADVICE}")
        self._has_begun = True


def second_training(stopped: str) -> Exception:
    """The error for a trial that trains again after its first training has paused."""
    return kt.errors.FatalValueError(  # type: ignore[no-any-return]
        f'A trial with `stopping="pause"` has one training. This one has begun another after the first: {stopped} '
        'Use another rule, such as `stopping="auto"`.'
    )


def check_fit(fit: Callable[..., Any]) -> None:
    """Raises a `FatalTypeError` unless a `HyperModel.fit` takes an `initial_epoch`."""
    parameters = inspect.signature(fit).parameters.values()
    if not any(p.name == "initial_epoch" or p.kind is p.VAR_KEYWORD for p in parameters):
        raise kt.errors.FatalTypeError(f"`HyperModel.fit` must take `initial_epoch`. {ADVICE}")
