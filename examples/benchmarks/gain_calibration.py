"""Compare the gain that a search expects of ten more trials with what these then bring.

    python examples/benchmarks/gain_calibration.py --yahpo FOLDER    # a minute or two

Accuracies are those of surrogates of real networks, in per cent.
"""

from __future__ import annotations

import argparse
import os
from collections import defaultdict

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")  # read when numpy is imported

import keras_tuner as kt
import numpy as np
from measuring import drive, print_table
from suites import Problem, problems

import keras_bayes

SUITES = ("lcbench", "folded", "noisy")
CHECKPOINTS = (5, 10, 15, 20, 30, 40, 50)
NUM_TRIALS = 10
SEED_STEP = 1000


def gains(problem: Problem, seed: int) -> dict[int, tuple[float, float]]:
    """What was expected and what came of the trials after each checkpoint of one search."""
    oracle = keras_bayes.BayesOracle(
        objective=kt.Objective("loss", "min"), max_trials=max(CHECKPOINTS) + NUM_TRIALS, seed=seed,
        hyperparameters=problem.declare(),
    )  # fmt: skip
    rng = np.random.default_rng(seed)
    losses: list[float] = []
    expected = {}
    for _, loss in drive(oracle, lambda _, v: -problem.evaluate(v) + problem.noise * rng.standard_normal()):
        losses.append(loss)
        if len(losses) in CHECKPOINTS:
            expected[len(losses)] = oracle.expected_gain(NUM_TRIALS) or 0.0
    return {n: (gain, min(losses[:n]) - min(losses[: n + NUM_TRIALS])) for n, gain in expected.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--yahpo", default="yahpo_data", metavar="FOLDER", help="surrogates (default: yahpo_data)")
    parser.add_argument("--tasks", type=int, default=4, help="number of tasks of each suite (default: 4)")
    parser.add_argument("--repeats", type=int, default=2, help="searches of each task (default: 2)")
    args = parser.parse_args()

    found = defaultdict(list)
    for suite in SUITES:
        for problem in problems(suite, args.yahpo)[: args.tasks]:
            for i in range(args.repeats):
                for n, pair in gains(problem, SEED_STEP * (i + 1)).items():
                    found[n].append(pair)
    rows = [[str(n), *(f"{mean:.2f}" for mean in np.mean(pairs, axis=0))] for n, pairs in found.items()]
    print_table(["after trials", f"expected of {NUM_TRIALS} more", "what they brought"], rows)


if __name__ == "__main__":
    main()
