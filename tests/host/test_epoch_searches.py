"""The contestants of the benchmark of epochs, on curves that a formula gives."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "examples" / "benchmarks"))

from epoch_searches import CONTESTANTS
from suggestion_time import declare_space
from suites import EPOCHS, Problem
from trainings import BudgetSpentError, Run, Trainings

BUDGET = 400


class Formula(Trainings):
    """Trainings that rise to a level which the learning rate sets."""

    def start(self, values):
        level = 90 - 5 * abs(np.log10(values["learning_rate"]) + 2)
        true = level - 40 * np.exp(-0.2 * np.arange(EPOCHS))
        return Run(true, true + self._rng.normal(size=EPOCHS))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Implicitly cleaning up:ResourceWarning")  # of the folder of an oracle
@pytest.mark.parametrize("name", CONTESTANTS)
def test_a_search_spends_all_its_epochs_and_finds_more_and_more(name):
    found = []
    for seed in (0, 1000, 2000):
        trainings = Formula("", "0", budget=BUDGET, seed=seed)
        problem = Problem("lcbench", "0", declare_space, lambda values: np.nan)

        with pytest.raises(BudgetSpentError):
            CONTESTANTS[name](trainings, problem, seed)

        epochs, observed, final, _ = np.array(trainings.best).T
        assert trainings.spent == BUDGET
        assert (np.diff(epochs) > 0).all()
        assert (np.diff(observed) > 0).all()
        found.append(final[-1])
    assert np.median(found) > 87  # one search in three may follow the noise, which is a fifth of what a decade brings
