"""`StopTrial`: ends a training that a rule holds for hopeless."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras_tuner as kt
import numpy as np

from keras_bayes.callbacks import CurveLog, is_stopping, planned_epochs
from keras_bayes.curves import CURVE_FILE, DIVERGED
from keras_bayes.errors import KerasBayesWarning
from keras_bayes.history import loss_sign
from keras_bayes.loss_curves import CurveArchive
from keras_bayes.objective import resolve_objective, signs
from keras_bayes.stopping_rules import MIN_EPOCHS, Rule, Training, as_rule
from keras_bayes.trial_callback import numbers_in
from keras_bayes.writer import Writer


class RuleStop(CurveLog):
    """Logs trainings, and ends those that a rule stops; each is judged at the end of an epoch that has a loss.

    Args:
        path: The file of the curve, in a folder inside that of `archive`.
        writer: What writes it.
        rule: The rule.
        archive: The curves of all trainings.
        expected: Mean and standard deviation of what is expected of the smallest loss, if anything is.
        **kwargs: Arguments of `CurveLog`.
    """

    def __init__(
        self,
        path: Path,
        writer: Writer,
        *,
        rule: Rule,
        archive: CurveArchive,
        expected: tuple[float, float] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(path, writer, **kwargs)
        self.rule = rule
        self.archive = archive
        self.expected = expected
        self._losses: dict[int, float] = {}  # of the training, by epoch
        self._metrics: set[str] = set()  # names of all that it has told

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        super().on_train_begin(logs)
        self._losses, self._metrics = {}, set()
        for earlier in self.earlier if self.training == 0 else ():
            self._take_up(earlier.number, earlier.metrics)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        super().on_epoch_end(epoch, logs)
        has_loss = self._take_up(epoch, numbers_in(logs))
        if epoch + 1 >= planned_epochs(self) or is_stopping(self.model):  # it ends by itself
            return
        reason = self._why_lost() or (self._why_stop() if has_loss else "")
        if reason:
            self.stop(reason)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        super().on_train_end(logs)
        reason = ""
        if self._metrics and not self._losses:
            wanted, told = sorted(self.archive.signs), sorted(self._metrics)
            reason = f"its objective {wanted} is not among the metrics of its epochs, {told}."
        elif not planned_epochs(self):
            reason = "how many epochs it has is not known. In a loop, call `callback.set_params({'epochs': n})`."
        if reason:
            warnings.warn(
                f"The stopping rule has no effect on this training: {reason}", KerasBayesWarning, stacklevel=2
            )

    def _take_up(self, epoch: int, metrics: Mapping[str, Any]) -> bool:
        """Whether an epoch has a loss, which is noted; one that is not a number is none to judge by."""
        self._metrics |= metrics.keys()
        if not self.archive.signs.keys() <= metrics.keys():
            return False
        self._losses[epoch] = self.archive.loss(metrics)
        return not np.isnan(self._losses[epoch])

    def _why_lost(self) -> str:
        """Why to stop a training that has diverged, whatever the rule; empty for others."""
        latest = [self._losses[epoch] for epoch in sorted(self._losses)[-MIN_EPOCHS:]]
        if len(latest) < MIN_EPOCHS or np.isfinite(latest).any():
            return ""
        return DIVERGED

    def _why_stop(self) -> str:
        try:
            reason = self.rule(self._so_far())
        except Exception as error:  # a rule may be anybody's; any other error would pass for a failure of the trial
            raise kt.errors.FatalRuntimeError(
                f"The stopping rule {_name(self.rule)} raised {type(error).__name__}: {error}"
            ) from error
        if not isinstance(reason, str):
            raise kt.errors.FatalTypeError(
                f"A stopping rule must return a string: why to stop, or an empty one to go on. {_name(self.rule)} "
                f"returned {reason!r}."
            )
        return reason

    def _so_far(self) -> Training:
        losses = np.full(max(self._losses) + 1, np.nan)
        losses[list(self._losses)] = list(self._losses.values())
        earlier = self.archive.read(without=self.path.parent.name)
        return Training(losses, planned_epochs(self), earlier, self.expected)


class StopTrial(RuleStop):
    """Ends a training that is not worth its epochs, as the curves of the earlier ones in a folder tell.

    Each training gets a folder `training_<n>` inside, with its own curve, from which the later ones learn. It works in
    `model.fit`, in any tuner, and in several processes at once that share the folder. `BayesTuner` needs none: it has
    the argument `stopping`.

    Args:
        rule: `"auto"`, `"median"`, `"halving"`, or a rule of `keras_bayes.stopping_rules`, or a function of a
            `keras_bayes.stopping_rules.Training` that returns why to stop, or an empty string.
        folder: Where the curves are; it is made if there is none.
        objective: Name of a metric, or `keras_tuner.Objective`.

    Raises:
        ValueError: The rule is none, or it is not known of the objective which way it is better.

    Example:
        ```python
        model.fit(x, y, epochs=50, validation_data=(x_val, y_val), callbacks=[keras_bayes.StopTrial(folder="curves")])
        ```
    """

    def __init__(self, rule: str | Rule = "auto", *, folder: str | Path, objective: Any = "val_loss") -> None:
        rule, metrics = as_rule(rule), signs(kt.Oracle(objective=resolve_objective(objective)).objective)
        self.folder = Path(folder).expanduser()
        self.folder.mkdir(parents=True, exist_ok=True)
        super().__init__(self.folder / CURVE_FILE, Writer(), rule=rule, archive=CurveArchive(self.folder, metrics))

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.begin_anew(_new_folder(self.folder) / CURVE_FILE)
        super().on_train_begin(logs)


def expected_loss(proposal: Mapping[str, Any], objective: Any) -> tuple[float, float] | None:
    """Mean and standard deviation of the loss of a proposed trial, if a model has expected anything."""
    if "mean" not in proposal:
        return None
    return loss_sign(objective.direction) * proposal["mean"], proposal["sd"]


def _new_folder(folder: Path) -> Path:
    """A folder for one training, which no other process has."""
    number = len(list(folder.glob("training_*")))
    while True:
        new = folder / f"training_{number}"
        try:
            new.mkdir(parents=True)
        except FileExistsError:
            number += 1
        else:
            return new


def _name(rule: Rule) -> str:
    """What a program calls a rule."""
    return str(getattr(rule, "__name__", repr(rule)))
