"""Time a suggestion: how long `BayesOracle` thinks between two trainings, by the number of trials so far.

    python examples/benchmarks/suggestion_time.py            # a minute or so
    python examples/benchmarks/suggestion_time.py --peers    # also keras-tuner's own Bayesian search

One core, seven hyperparameters: those of LCBench (Zimmer et al., 2021, arXiv:2006.13799).
"""

from __future__ import annotations

import argparse
import os
import time
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")  # read when numpy is imported

import keras_tuner as kt
import numpy as np
from keras_tuner.engine.trial import Trial
from measuring import print_table, write_csv

import keras_bayes

NOISE = 0.02  # standard deviation of the loss
SEED_STEP = 1000


def declare_space() -> kt.HyperParameters:
    """The search space of LCBench."""
    hp = kt.HyperParameters()
    hp.Int("batch_size", 16, 512, sampling="log")
    hp.Float("learning_rate", 1e-4, 1e-1, sampling="log")
    hp.Float("momentum", 0.1, 0.99)
    hp.Float("weight_decay", 1e-5, 1e-1)
    hp.Int("num_layers", 1, 5)
    hp.Int("max_units", 64, 1024, sampling="log")
    hp.Float("max_dropout", 0.0, 1.0)
    return hp


def inject_trials(oracle: kt.Oracle, num_trials: int, *, rng: np.random.Generator) -> None:
    """Adds completed trials with random values and a smooth, noisy loss."""
    space = oracle.hyperparameters.space
    for i in range(num_trials):
        hp = oracle.hyperparameters.copy()
        hp.values = {p.name: p.random_sample(int(rng.integers(2**31))) for p in space}
        x = np.array([p.value_to_prob(hp.values[p.name]) for p in space])  # (d,)
        trial = Trial(hyperparameters=hp, trial_id=f"{i:04d}", status="COMPLETED")
        trial.score = float(((x - 0.6) ** 2).mean() + NOISE * rng.standard_normal())
        oracle.trials[trial.trial_id] = trial


def measure(oracle_class: type[kt.Oracle], num_trials: int, seed: int) -> float:
    """Processor seconds, which no other program adds to, that one suggestion takes after `num_trials` trials."""
    oracle = oracle_class(
        objective=kt.Objective("loss", "min"), max_trials=num_trials + 1, num_initial_points=2, seed=seed,
        hyperparameters=declare_space(),
    )  # fmt: skip
    inject_trials(oracle, num_trials, rng=np.random.default_rng([seed, num_trials]))
    start = time.process_time()
    oracle.populate_space(f"{num_trials:04d}")
    return time.process_time() - start


def measure_all(name: str, oracle_class: type[kt.Oracle], args: argparse.Namespace) -> list[dict[str, Any]]:
    """Rows of the CSV file."""
    measure(oracle_class, args.trials[0], SEED_STEP)  # the first call loads libraries
    return [
        {"optimizer": name, "trials": n, "seed": seed, "seconds": measure(oracle_class, n, seed)}
        for n in args.trials
        for seed in (SEED_STEP * (i + 1) for i in range(args.repeats))
    ]


def summarize(name: str, rows: list[dict[str, Any]], args: argparse.Namespace) -> list[str]:
    """A row of the table."""
    seconds = {n: [row["seconds"] for row in rows if row["trials"] == n] for n in args.trials}
    return [name, *(f"{np.median(seconds[n]):.3f} s" for n in args.trials)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, nargs="+", default=[20, 50, 100, 200], help="up to 1000 or so")
    parser.add_argument("--repeats", type=int, default=5, help="measurements of each (default: 5)")
    parser.add_argument("--peers", action="store_true", help="also keras-tuner's own Bayesian search")
    parser.add_argument("--csv", default="suggestion_time.csv", help="where all measurements are written")
    args = parser.parse_args()

    oracles = {"keras_bayes.BayesOracle": keras_bayes.BayesOracle}
    if args.peers:
        oracles["kt.BayesianOptimizationOracle"] = kt.oracles.BayesianOptimizationOracle
    rows = {name: measure_all(name, oracle_class, args) for name, oracle_class in oracles.items()}
    write_csv(args.csv, [row for measured in rows.values() for row in measured])
    print(f"Median of {args.repeats} suggestions on one core, 7 hyperparameters:\n")
    header = ["search", *(f"after {n} trials" for n in args.trials)]
    print_table(header, [summarize(name, measured, args) for name, measured in rows.items()])


if __name__ == "__main__":
    main()
