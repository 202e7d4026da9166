"""Compare the chances that learned stopping states with what comes true, and count the best trainings it stops.

    python -m pip install ".[bench]"
    python examples/benchmarks/stopping_calibration.py --yahpo FOLDER --picture calibration.png    # a minute or so

Each run trains random configurations one after another, with the noise that real trainings have. FOLDER is a copy of
the public repository slds-lmu/yahpo_data, or of its folder lcbench.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")  # read when numpy is imported

import numpy as np
from measuring import print_table, set_constant
from numpy.typing import NDArray
from parameters import decode_all
from scipy.stats import binomtest
from suites import EPOCHS, LCBENCH_PARAMETERS, LCBENCH_TASKS
from trainings import EPOCH_NOISE, SEED_NOISE
from yahpo import LCBENCH_SCENARIO

from keras_bayes.loss_curves import LossCurves
from keras_bayes.stopping_rules import SPACING, LearnedStopping, Training, checkpoints

Array = NDArray[np.float64]

NUM_TRAININGS = 30  # of a run
NUM_CONFIGURATIONS = 300  # of a task, of which each run draws its own
NUM_BINS = 10


@dataclass(frozen=True)
class Run:
    """What came of one run.

    Args:
        chances: What was stated at each checkpoint of each training, shape (m,).
        came_true: Whether the training, let to its end, would have beaten all before it, shape (m,).
        is_best_lost: Whether the training that would have been the best of all was stopped.
        saved: Part of the epochs that were not trained.
    """

    chances: Array
    came_true: NDArray[np.bool_]
    is_best_lost: bool
    saved: float


def true_curves(folder: str, task: str, *, rng: np.random.Generator) -> Array:
    """Accuracies of random configurations after each epoch, shape (NUM_CONFIGURATIONS, EPOCHS)."""
    parameters = tuple(LCBENCH_PARAMETERS.values())
    drawn = [decode_all(parameters, u) for u in rng.random((NUM_CONFIGURATIONS, len(parameters)))]
    epochs = range(1, EPOCHS + 1)
    batch = [{**values, "OpenML_task_id": task, "epoch": epoch} for values in drawn for epoch in epochs]
    return LCBENCH_SCENARIO.accuracies(folder, batch).reshape(NUM_CONFIGURATIONS, EPOCHS)


def observed_losses(curves: Array, *, rng: np.random.Generator) -> Array:
    """Some of the curves, as their trainings report them, shape (NUM_TRAININGS, EPOCHS)."""
    true = curves[rng.choice(len(curves), NUM_TRAININGS, replace=False)]
    noise = SEED_NOISE * rng.standard_normal((len(true), 1)) + EPOCH_NOISE * rng.standard_normal(true.shape)
    return -np.clip(true + noise, 0.0, 100.0)


def simulate(rule: LearnedStopping, losses: Array) -> Run:
    """Trains one after another; `losses` is what each would report to its end, shape (n, EPOCHS)."""
    n = len(losses)
    seen, lengths = np.full(losses.shape, np.nan), np.full(n, EPOCHS)
    chances, came_true = [], []
    due = checkpoints(rule.min_epochs, SPACING, EPOCHS)
    for i in range(n):
        earlier = LossCurves(seen[:i], np.full(i, EPOCHS), lengths[:i] == EPOCHS)
        for epoch in range(1, EPOCHS):
            training = Training(losses[i, :epoch], EPOCHS, earlier)
            chance = rule.chance(training) if training.epoch in due else None
            if chance is not None:
                chances.append(chance)
                came_true.append(losses[i].min() < earlier.best)
            if rule(training):
                lengths[i] = epoch
                break
        seen[i, : lengths[i]] = losses[i, : lengths[i]]
    is_best_lost = bool(lengths[losses.min(axis=1).argmin()] < EPOCHS)
    return Run(np.array(chances), np.array(came_true, dtype=bool), is_best_lost, 1 - lengths.mean() / EPOCHS)


def bins(chances: Array, came_true: NDArray[np.bool_]) -> list[tuple[float, float, int]]:
    """Mean of what was stated, part that came true and number of cases, for each tenth of the chances that has any."""
    number = np.minimum((chances * NUM_BINS).astype(int), NUM_BINS - 1)  # (m,)
    parts = [number == i for i in range(NUM_BINS)]
    return [(chances[part].mean(), came_true[part].mean(), int(part.sum())) for part in parts if part.any()]


def draw(found: Sequence[tuple[float, float, int]], path: str) -> None:
    """Writes the picture of the bins, with the error of each: two standard errors on each side."""
    import matplotlib.pyplot as plt  # not needed by the tables

    stated, observed, counts = np.array(found).T
    figure, axis = plt.subplots(figsize=(5.6, 5.2))
    axis.plot([0, 1], [0, 1], color="#9a9a9a", lw=1.2)
    axis.fill_between([0, 1], [-0.1, 0.9], [0.1, 1.1], color="#f0f0f0", lw=0)
    errors = 2 * np.sqrt(observed * (1 - observed) / counts)
    axis.errorbar(stated, observed, errors, fmt="o-", color="#d1495b", lw=1.6, ms=6, capsize=3)
    for x, y, count in found:
        axis.annotate(f"{count:,}", (x, y), (8, -12), textcoords="offset points", fontsize=8, color="#555555")
    axis.set(xlim=(0, 1), ylim=(0, 1), xlabel="chance of becoming the best, stated", ylabel="part that became the best")
    axis.set_title("Chances stated at checkpoints, and what came of them", loc="left", fontweight="bold", fontsize=11)
    axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, dpi=160, facecolor="white")
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--yahpo", default="yahpo_data", metavar="FOLDER", help="surrogates (default: yahpo_data)")
    parser.add_argument("--tasks", nargs="+", choices=LCBENCH_TASKS, default=LCBENCH_TASKS)
    parser.add_argument("--repeats", type=int, default=10, help="runs of each task (default: 10)")
    parser.add_argument("--seed", type=int, default=0, help="seed of configurations and noise (default: 0)")
    parser.add_argument("--set", nargs="+", default=[], metavar="MODULE.NAME=VALUE", help="constants of keras_bayes")
    parser.add_argument("--picture", metavar="FILE", help="also draw the chances")
    args = parser.parse_args()
    for assignment in args.set:
        set_constant(assignment)

    runs = []
    for task in args.tasks:
        rng = np.random.default_rng([args.seed, int(task)])
        curves = true_curves(args.yahpo, task, rng=rng)
        runs += [simulate(LearnedStopping(), observed_losses(curves, rng=rng)) for _ in range(args.repeats)]
    found = bins(np.concatenate([run.chances for run in runs]), np.concatenate([run.came_true for run in runs]))
    print_table(["stated", "observed", "cases"], [[f"{x:.3f}", f"{y:.3f}", str(count)] for x, y, count in found])
    num_lost = sum(run.is_best_lost for run in runs)
    low, high = binomtest(num_lost, len(runs)).proportion_ci(method="wilson")
    print(f"\nThe best of {NUM_TRAININGS} trainings was stopped in {num_lost} of {len(runs)} runs:", end=" ")
    print(f"{num_lost / len(runs):.1%} (95 % interval {low:.1%} to {high:.1%}).")
    print(f"Epochs saved: {np.mean([run.saved for run in runs]):.0%}.")
    if args.picture:
        draw(found, args.picture)


if __name__ == "__main__":
    main()
