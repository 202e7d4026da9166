"""Search a conditional, mixed, noisy toy space: what are 30 trials of `BayesOracle` worth in random trials?

    python examples/benchmarks/toy_space.py            # a few minutes on one core
    python examples/benchmarks/toy_space.py --peers    # also keras-tuner's own Bayesian search, which is slow

The ten hyperparameters are those of a small network for images. The loss is a formula in place of its validation
error: best settings depend on each other, a training with too high a learning rate is no better than chance, and
what the search sees is noisy. It is judged by the loss without noise of the trial that looked best to it.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")  # read when numpy is imported

import keras_tuner as kt
import numpy as np
from measuring import drive, print_table, write_csv

import keras_bayes

CHANCE, FLOOR = 0.9, 0.02  # error of guessing among ten classes, error of the best network
NOISE = 0.005  # standard deviation of an error of 5 % on 2000 images
SEED_STEP = 1000  # keras-tuner's searches with neighbouring seeds share most of their trials


def declare_space() -> kt.HyperParameters:
    """The search space."""
    hp = kt.HyperParameters()
    hp.Float("learning_rate", 1e-5, 1.0, sampling="log")
    hp.Choice("optimizer", ["adam", "rmsprop", "sgd"])
    with hp.conditional_scope("optimizer", ["sgd"]):
        hp.Float("momentum", 0.0, 0.99)
    hp.Choice("batch_size", [32, 64, 128, 256, 512])
    hp.Int("units", 32, 512, step=32)
    hp.Choice("activation", ["elu", "gelu", "relu", "tanh"])
    hp.Float("dropout", 0.0, 0.6, step=0.05)
    hp.Float("weight_decay", 1e-6, 1e-2, sampling="log")
    hp.Boolean("augment")
    with hp.conditional_scope("augment", [True]):
        hp.Float("augment_strength", 0.0, 1.0)
    return hp


def noise_free_loss(values: Mapping[str, Any]) -> float:
    """The error of a network: `FLOOR` where everything is right, `CHANCE` where much is wrong."""
    wrong = wrong_training(values) + wrong_network(values) + wrong_regularization(values)
    return FLOOR + (CHANCE - FLOOR) * (1 - np.exp(-wrong))


def wrong_training(values: Mapping[str, Any]) -> float:
    """Penalty of optimizer, learning rate (which grows with the batch) and momentum (which multiplies it)."""
    log_rate = np.log10(values["learning_rate"]) - 0.5 * np.log10(values["batch_size"] / 64)
    if values["optimizer"] == "sgd":
        distance = log_rate - np.log10(1 - values["momentum"]) + 0.7
        penalty = 0.1 * (values["momentum"] - 0.9) ** 2
    else:
        distance = log_rate + (3.0 if values["optimizer"] == "adam" else 3.3)
        penalty = 0.02 if values["optimizer"] == "adam" else 0.04
    return penalty + (0.6 if distance > 0 else 0.2) * distance**2  # too high a rate is worse than too low a one


def wrong_network(values: Mapping[str, Any]) -> float:
    """Penalty of width and activation."""
    activation = {"gelu": 0.0, "relu": 0.01, "elu": 0.03, "tanh": 0.08}[values["activation"]]
    return activation + 0.04 * np.log2(values["units"] / 256) ** 2


def wrong_regularization(values: Mapping[str, Any]) -> float:
    """Penalty of dropout (of which a wide network needs more and augmented images need less), decay, augmentation."""
    strength = values["augment_strength"] if values["augment"] else 0.0
    dropout = 0.1 + 0.1 * np.log2(values["units"] / 32) - 0.25 * strength
    decay = np.log10(values["weight_decay"]) + 4
    augmentation = 0.25 * (strength - 0.4) ** 2 if values["augment"] else 0.06
    return (values["dropout"] - dropout) ** 2 + 0.03 * decay**2 + augmentation


def noisy_loss(number: int, values: Mapping[str, Any], *, seed: int) -> float:
    """What a trial observes; all searches with one seed share their noise."""
    rng = np.random.default_rng([seed, number, 1])  # the 1 sets it apart from the draws of `BayesOracle`
    return float(noise_free_loss(values) + NOISE * rng.standard_normal())


class Contestant(NamedTuple):
    """A way to search, and the numbers of trials after which it is judged."""

    oracle: Callable[..., kt.Oracle]
    checkpoints: tuple[int, ...]
    options: Mapping[str, int]


def contestants(num_trials: int, with_peers: bool) -> dict[str, Contestant]:
    """The searches to compare, at their defaults; keras-tuner's Bayesian one would by these only draw at random."""
    searches = {
        "keras_bayes.BayesOracle": Contestant(keras_bayes.BayesOracle, (num_trials,), {}),
        "kt.RandomSearchOracle": Contestant(kt.oracles.RandomSearchOracle, (num_trials, 3 * num_trials), {}),
    }
    if with_peers:
        initial = {"num_initial_points": max(num_trials // 4, 2)}
        peer = Contestant(kt.oracles.BayesianOptimizationOracle, (num_trials,), initial)
        searches["kt.BayesianOptimizationOracle"] = peer
    return searches


def run(name: str, contestant: Contestant, seed: int) -> list[dict[str, Any]]:
    """One search, as rows of the CSV file."""
    oracle = contestant.oracle(
        objective=kt.Objective("loss", "min"), max_trials=max(contestant.checkpoints), seed=seed,
        hyperparameters=declare_space(), **contestant.options,
    )  # fmt: skip
    return [
        {"optimizer": name, "seed": seed, "trial": i, "value": loss, "noise_free_value": noise_free_loss(values)}
        for i, (values, loss) in enumerate(drive(oracle, partial(noisy_loss, seed=seed)))
    ]


def best_row(rows: list[dict[str, Any]], num_trials: int) -> dict[str, Any]:
    """The trial that looked best among the first `num_trials` of one search."""
    return min(rows[:num_trials], key=lambda row: row["value"])


def summarize(name: str, num_trials: int, best: list[dict[str, Any]]) -> list[str]:
    """A row of the table, from the best trial of every seed."""
    low, median, high = np.quantile([row["noise_free_value"] for row in best], [0.25, 0.5, 0.75])
    observed = np.median([row["value"] for row in best])
    return [name, str(num_trials), f"**{median:.4f}**", f"{low:.4f} – {high:.4f}", f"{observed:.4f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=30, help="random search has three times as many (default: 30)")
    parser.add_argument("--seeds", type=int, default=20, help="number of seeds (default: 20)")
    parser.add_argument("--peers", action="store_true", help="also keras-tuner's own Bayesian search")
    parser.add_argument("--csv", default="toy_space.csv", help="where all trials are written")
    args = parser.parse_args()

    rows, table = [], []
    seeds = [SEED_STEP * (i + 1) for i in range(args.seeds)]  # keras-tuner takes 0 for no seed
    for name, contestant in contestants(args.trials, args.peers).items():
        searches = [run(name, contestant, seed) for seed in seeds]
        rows += [row for search in searches for row in search]
        table += [summarize(name, n, [best_row(search, n) for search in searches]) for n in contestant.checkpoints]
    write_csv(args.csv, rows)
    print(f"Loss of the best trial over {args.seeds} seeds; no network has less than {FLOOR}:\n")
    print_table(["search", "trials", "median", "quartiles", "median as observed"], table)


if __name__ == "__main__":
    main()
