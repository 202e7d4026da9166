"""Trainings epoch by epoch on a budget: LCBench's curves, with the noise that real ones have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from suites import EPOCHS, Values
from yahpo import LCBENCH_SCENARIO

SEED_NOISE = 0.3  # percentage points between trainings of one configuration, the same in each epoch of one
EPOCH_NOISE = 0.5  # percentage points from epoch to epoch; the surrogate's curves are smooth


class BudgetSpentError(Exception):
    """There is no epoch left."""


@dataclass
class Run:
    """One training.

    Args:
        true: Accuracy of the configuration after each epoch, shape (EPOCHS,).
        observed: What the training reports, shape (EPOCHS,).
        epoch: How many epochs it has had.
    """

    true: NDArray[np.float64]
    observed: NDArray[np.float64]
    epoch: int = 0


class Trainings:
    """All trainings of one search, which share a budget of epochs.

    Attributes:
        spent: Epochs so far.
        best: Each time the best observed accuracy rose: epochs spent, the accuracy observed, and the true ones of the
            configuration after its last epoch (what is recommended) and after this one (the model in hand).

    Args:
        folder: The folder of YAHPO Gym's surrogates.
        task: A task of LCBench.
        budget: Epochs of all trainings together.
        seed: Seed of the noise.
    """

    def __init__(self, folder: str, task: str, *, budget: int, seed: int) -> None:
        self._folder, self._task, self._budget = folder, task, budget
        self._rng = np.random.default_rng([seed, int(task)])
        self.spent = 0
        self.best: list[tuple[int, float, float, float]] = []

    def start(self, values: Values) -> Run:
        """A training that has had no epoch yet."""
        fixed = {**values, "OpenML_task_id": self._task}
        true = LCBENCH_SCENARIO.accuracies(self._folder, [{**fixed, "epoch": i} for i in range(1, EPOCHS + 1)])
        noise = SEED_NOISE * self._rng.standard_normal() + EPOCH_NOISE * self._rng.standard_normal(EPOCHS)
        return Run(true, np.clip(true + noise, 0.0, 100.0))

    def advance(self, run: Run) -> float:
        """Trains one more epoch; what it reports."""
        if self.spent == self._budget:
            raise BudgetSpentError
        self.spent += 1
        run.epoch += 1
        accuracy = float(run.observed[run.epoch - 1])
        if not self.best or accuracy > self.best[-1][1]:
            self.best.append((self.spent, accuracy, float(run.true[-1]), float(run.true[run.epoch - 1])))
        return accuracy
