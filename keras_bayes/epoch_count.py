"""How many epochs the trainings of a search have had, and how many they were spared."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from keras_bayes.budget import USED_UP
from keras_bayes.curve_files import CurveFiles
from keras_bayes.curves import Earlier, End, Epoch, Inherited, read_log


@dataclass(frozen=True, slots=True)
class EpochCount:
    """Numbers of epochs.

    Args:
        trained: Those that trainings have had; of a trial that was begun anew, in all its runs.
        saved: Those that were planned, but not had since a rule ended a training; a budget saves none.
    """

    trained: int = 0
    saved: int = 0

    def __add__(self, other: EpochCount) -> EpochCount:
        return EpochCount(self.trained + other.trained, self.saved + other.saved)


NO_EPOCHS = EpochCount()


def count_epochs(trial_folder: Path) -> EpochCount:
    """The epochs of a trial, as its curve tells them."""
    trained = saved = copies = spared = 0
    lengths: dict[int, int] = {}  # by training; one may begin with a later epoch than the first
    for item in read_log(trial_folder):
        if isinstance(item, Earlier):
            trained += item.earlier_epochs
        elif isinstance(item, Inherited):  # copies: that trial counts them, and what was saved there
            trained -= item.inherited_epochs
            copies, spared = item.inherited_epochs, item.num_epochs
        elif isinstance(item, Epoch):
            trained += 1
            lengths[item.training] = item.number + 1
            copies -= 1
            saved -= copies < 0 and item.training == 0 and item.number < spared  # it is not saved any more
        elif isinstance(item, End):
            length = lengths.get(item.training, 0)
            saved -= max(spared - length, 0) if item.training == 0 else 0  # from now on it counts here
            saved += max(item.num_epochs - length, 0) if item.stopped and item.stopped not in USED_UP else 0
    return EpochCount(trained, saved)


class EpochLedger:
    """The epochs of all trials of a search, whichever process has trained them.

    Args:
        folder: The project.
    """

    def __init__(self, folder: Path) -> None:
        self._files = CurveFiles(folder, count_epochs)

    def total(self, *, without: Collection[str] = ()) -> EpochCount:
        """Those of all trials, but for some, by their ids."""
        return sum(self._files.read(without=[f"trial_{trial_id}" for trial_id in without]), NO_EPOCHS)

    def of(self, trial_id: str) -> EpochCount:
        """Those of one trial."""
        return sum(self._files.read_one(f"trial_{trial_id}"), NO_EPOCHS)
