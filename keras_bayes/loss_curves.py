"""The learning curves of earlier trainings as losses, and the folder they are read from."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from keras_bayes.arrays import Array, own_arrays
from keras_bayes.curve_files import CurveFiles
from keras_bayes.curves import End, Epoch, read_log

MAX_EPOCHS = 10_000  # later ones are left out: what one broken line can cost
# Losses are drawn in beyond so many times the distance of the best from the median.
REACH = 3.0  # examples/benchmarks/ABLATIONS.md


@dataclass(frozen=True, slots=True)
class LossCurves:
    """Losses of n trainings by epoch, the smaller the better.

    Args:
        losses: Shape (n, T); NaN beyond the end of a training, and where an epoch has no finite value.
        num_epochs: How many epochs each was to have, 0 where that is not known, shape (n,).
        is_finished: Which have ended by themselves, as planned or earlier, shape (n,). The others are under way, were
            interrupted, or were stopped.
    """

    losses: Array
    num_epochs: NDArray[np.int64]
    is_finished: NDArray[np.bool_]

    def __post_init__(self) -> None:
        if self.losses.ndim != 2 or not len(self.losses) == len(self.num_epochs) == len(self.is_finished):
            shapes = (self.losses.shape, self.num_epochs.shape, self.is_finished.shape)
            raise ValueError(f"Expected losses of shape (n, T) and two arrays of shape (n,), received {shapes}.")
        if np.isinf(self.losses).any():
            raise ValueError("A loss is infinite; an epoch without a finite loss has NaN.")
        own_arrays(self)

    def __len__(self) -> int:
        return len(self.losses)

    def __getitem__(self, rows: NDArray[np.bool_]) -> LossCurves:
        """Some of the curves; `rows` has shape (n,)."""
        return LossCurves(self.losses[rows], self.num_epochs[rows], self.is_finished[rows])

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Number of epochs up to the last that has a loss, shape (n,)."""
        epochs = np.arange(1, self.losses.shape[1] + 1)
        return np.asarray(np.max(np.where(np.isnan(self.losses), 0, epochs), axis=1, initial=0))

    @property
    def best(self) -> float:
        """The smallest loss of all, infinite where there is none."""
        return float(np.fmin.reduce(self.losses, axis=None, initial=np.inf))

    def best_by(self, epoch: int) -> Array:
        """The smallest loss of the first `epoch` epochs, NaN where there is none, shape (n,)."""
        return np.asarray(np.fmin.reduce(self._until(epoch), axis=1))

    def mean_by(self, epoch: int) -> Array:
        """The mean loss of the first `epoch` epochs, NaN where there is none, shape (n,)."""
        losses = self._until(epoch)
        count = (~np.isnan(losses)).sum(axis=1)
        return np.asarray(np.where(count > 0, np.nansum(losses, axis=1), np.nan) / np.maximum(count, 1))

    def current_by(self, epoch: int) -> Array:
        """The last loss of the first `epoch` epochs, NaN where there is none, shape (n,)."""
        losses = self._until(epoch)
        last = np.max(np.where(np.isnan(losses), 0, np.arange(losses.shape[1])), axis=1)  # (n,)
        return np.asarray(losses[np.arange(len(losses)), last])

    def _until(self, epoch: int) -> Array:
        """The first `epoch` columns, or a column of NaN, shape (n, t)."""
        losses = self.losses[:, :epoch]
        return losses if losses.shape[1] else np.full((len(losses), 1), np.nan)


@dataclass(frozen=True, slots=True)
class _Curve:
    """One training: the name of its folder, its losses, shape (t,)."""

    folder: str
    losses: Array
    num_epochs: int
    is_finished: bool

    @classmethod
    def of(cls, folder: str, by_epoch: Mapping[int, float], end: End | None) -> _Curve:
        """From losses by epoch, and how the training ended, if it has."""
        losses = np.full(max(by_epoch) + 1, np.nan)
        losses[list(by_epoch)] = list(by_epoch.values())
        return cls(folder, losses, end.num_epochs if end else 0, end is not None and not end.stopped)


class CurveArchive:
    """The curves in the folders inside a folder; a file that has not changed is not read again.

    Args:
        folder: A project of a tuner, or any other folder with a folder for each training.
        signs: The metrics whose sum is the loss: 1 for one that is minimised, -1 for one that is maximised.
    """

    def __init__(self, folder: Path, signs: Mapping[str, float]) -> None:
        self.signs = dict(signs)
        self._files = CurveFiles(folder, self._parse)

    def loss(self, metrics: Mapping[str, float]) -> float:
        """The loss of an epoch, NaN if it has no finite one."""
        loss = sum(sign * float(metrics.get(name, np.nan)) for name, sign in self.signs.items())
        return loss if np.isfinite(loss) else np.nan

    def read(self, *, without: str) -> LossCurves:
        """All curves that have a loss, but those in the folder of one name: each execution of a trial is one."""
        return self.read_all(without=[without])[1]

    def read_all(self, *, without: Collection[str] = ()) -> tuple[list[str], LossCurves]:
        """The same, in the order of the folders and of the trainings there, and the name of the folder of each."""
        curves = [curve for found in self._files.read(without=without) for curve in found]
        losses = np.full((len(curves), max((len(curve.losses) for curve in curves), default=0)), np.nan)
        for row, curve in zip(losses, curves, strict=True):
            row[: len(curve.losses)] = curve.losses
        num_epochs = np.array([curve.num_epochs for curve in curves], dtype=np.int64)
        is_finished = np.array([curve.is_finished for curve in curves], dtype=bool)
        return [curve.folder for curve in curves], LossCurves(losses, num_epochs, is_finished)

    def _parse(self, folder: Path) -> list[_Curve]:
        ends: dict[int, End] = {}
        losses: dict[int, dict[int, float]] = {}  # by training and epoch
        for item in read_log(folder):
            if isinstance(item, End):
                ends[item.training] = item
            elif isinstance(item, Epoch) and item.number < MAX_EPOCHS:
                losses.setdefault(item.training, {})[item.number] = self.loss(item.metrics)
        curves = [_Curve.of(folder.name, by_epoch, ends.get(training)) for training, by_epoch in losses.items()]
        return [curve for curve in curves if np.isfinite(curve.losses).any()]


def draw_in(losses: Array, *, like: Array) -> Array:
    """Clips losses, such as those of trainings that diverge, at `REACH` times the distance of best and median.

    Args:
        losses: NaN where there is none, any shape.
        like: The losses that have this best and this median, NaN where there is none, shape (n,).
    """
    known = like[~np.isnan(like)]
    if not len(known):
        return losses
    best, median = known.min(), np.median(known)
    return np.minimum(losses, median + REACH * (median - best)) if median > best else losses
