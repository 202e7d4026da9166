"""Measure the model: how well it predicts accuracies that it has not seen, and what its fit costs.

    python examples/benchmarks/predictive_density.py --yahpo FOLDER
    python examples/benchmarks/predictive_density.py --yahpo FOLDER --set gaussian_process.MAX_FIT_POINTS=150

200 noisy accuracies of a surrogate of real networks are known, a third at random configurations and the others at
variations of the best ones; 150 others of these variations are predicted. Less is better; 0.1 less is a density that
is a tenth higher, on the average.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")  # read when numpy is imported

import numpy as np
import scipy
from measuring import print_table, set_constant
from suites import NOISE, Problem, problems

from keras_bayes.arrays import Array
from keras_bayes.gaussian_process import fit
from keras_bayes.outcome import temper
from keras_bayes.perturbation import perturb
from keras_bayes.space import Space

SUITES = ("lcbench", "folded")
NUM_SEARCHED = 1500  # random configurations, of which the best ones are varied
NUM_BEST = 20
NUM_KNOWN, NUM_RANDOM, NUM_PREDICTED = 200, 67, 150


def known_and_others(problem: Problem, space: Space, seed: int) -> tuple[Array, Array, Array, Array]:
    """Points and losses that are known, then those to predict; only what is known is noisy."""
    rng = np.random.default_rng(seed)

    def losses(X: Array) -> Array:
        return -np.array([problem.evaluate(space.decode(x)) for x in X])

    anywhere = space.snap(rng.random((NUM_SEARCHED, space.dim)))
    y_anywhere = losses(anywhere)
    best = anywhere[np.argsort(y_anywhere, kind="stable")[:NUM_BEST]]
    near = space.snap(perturb(space, best, NUM_KNOWN - NUM_RANDOM + NUM_PREDICTED, rng=rng))
    y_near = losses(near)
    X = np.vstack([anywhere[:NUM_RANDOM], near[:-NUM_PREDICTED]])
    y = np.concatenate([y_anywhere[:NUM_RANDOM], y_near[:-NUM_PREDICTED]])
    order = rng.permutation(len(y))
    return X[order], (y + NOISE * rng.standard_normal(len(y)))[order], near[-NUM_PREDICTED:], y_near[-NUM_PREDICTED:]


def measure(problem: Problem, seed: int) -> tuple[float, float]:
    """Mean negative logarithm of the predicted density, in standardised units, and seconds of the fit."""
    space = Space.from_config(problem.declare().get_config())
    X, y, others, y_others = known_and_others(problem, space, seed)
    targets = temper(y)
    start = time.process_time()
    posterior = fit(X, targets.y, is_categorical=space.is_categorical)
    seconds = time.process_time() - start
    mean, sd = posterior.predict(others)
    spread = np.sqrt(sd**2 + posterior.noise_variance)
    return float(-scipy.stats.norm.logpdf(targets.targets_at(y_others), mean, spread).mean()), seconds


def rows(folder: str, num_seeds: int) -> Iterator[list[str]]:
    """A row of the table for each suite."""
    for suite in SUITES:
        measured = np.array([measure(p, seed) for p in problems(suite, folder) for seed in range(num_seeds)])
        density, seconds = measured.T
        error = density.std(ddof=1) / np.sqrt(len(density))
        yield [suite, str(len(density)), f"{density.mean():.3f} ± {error:.3f}", f"{1000 * np.median(seconds):.1f} ms"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--yahpo", default="yahpo_data", metavar="FOLDER", help="surrogates (default: yahpo_data)")
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds (default: 3)")
    parser.add_argument("--set", nargs="+", default=[], metavar="MODULE.NAME=VALUE", help="constants of keras_bayes")
    args = parser.parse_args()

    for assignment in args.set:
        set_constant(assignment)
    print_table(["suite", "data sets", "negative log density", "a fit takes"], list(rows(args.yahpo, args.seeds)))


if __name__ == "__main__":
    main()
