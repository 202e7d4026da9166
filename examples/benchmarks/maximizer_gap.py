"""Measure the maximiser: how far below the best known point of an acquisition its proposal is, and what it costs.

    python examples/benchmarks/maximizer_gap.py --yahpo FOLDER
    python examples/benchmarks/maximizer_gap.py --yahpo FOLDER --set maximizer.NUM_STARTS=4

The acquisitions are those of searches on surrogates of real networks after 15, 30 and 60 trials. The gap is one of
logarithms of the expected improvement: 0.1 is a tenth less of it. The best known point is what a search a hundred
times as long finds.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")  # read when numpy is imported

import numpy as np
from measuring import print_table, set_constant
from optimizers import make_optimizer
from suites import Problem, problems

from keras_bayes import maximizer
from keras_bayes.acquisition import Acquisition, LogExpectedImprovement
from keras_bayes.admissible import Admissible
from keras_bayes.arrays import Array
from keras_bayes.gaussian_process import fit
from keras_bayes.outcome import temper
from keras_bayes.space import Space

SUITES = ("lcbench", "folded", "twist")
CHECKPOINTS = (15, 30, 60)
LONG = {"NUM_RANDOM": 8192, "NUM_PERTURBED": 4096, "NUM_STARTS": 24, "NUM_ROUNDS": 6, "POLISH_STEPS": 40}


class Case(NamedTuple):
    """An acquisition to maximise: the trials so far, best first, and their space."""

    acquisition: Acquisition
    space: Space
    X: Array

    def maximize(self, seed: int) -> float:
        """The score of what the maximiser proposes."""
        admissible, rng = Admissible(self.X), np.random.default_rng(seed)
        x = maximizer.maximize(self.acquisition, self.space, admissible=admissible, centres=self.X, rng=rng)
        assert x is not None, "all configurations have been tried"
        return float(self.acquisition(x[None])[0])


def cases(problem: Problem, seed: int) -> Iterator[Case]:
    """The acquisitions at the checkpoints of one search."""
    optimizer = make_optimizer("keras_bayes", problem, seed, max(CHECKPOINTS))
    space = Space.from_config(problem.declare().get_config())
    tried: list[Mapping[str, Any]] = []
    y: list[float] = []
    for count in range(1, max(CHECKPOINTS) + 1):
        handle, values = optimizer.ask()
        tried.append(dict(values))
        y.append(-problem.evaluate(values))
        optimizer.tell(handle, -y[-1])
        if count in CHECKPOINTS:
            X = space.encode_all(tried)
            posterior = fit(X, temper(np.array(y)).y, is_categorical=space.is_categorical)
            yield Case(LogExpectedImprovement(posterior), space, X[np.argsort(y, kind="stable")])


def best_known(case: Case) -> float:
    """The best score of two long searches."""
    usual = {name: getattr(maximizer, name) for name in LONG}
    vars(maximizer).update(LONG)
    best = max(case.maximize(seed) for seed in (1, 2))
    vars(maximizer).update(usual)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--yahpo", default="yahpo_data", metavar="FOLDER", help="surrogates (default: yahpo_data)")
    parser.add_argument("--tasks", type=int, default=4, help="number of tasks of each suite (default: 4)")
    parser.add_argument("--set", nargs="+", default=[], metavar="MODULE.NAME=VALUE", help="constants of keras_bayes")
    args = parser.parse_args()

    found = {
        suite: [case for problem in problems(suite, args.yahpo)[: args.tasks] for case in cases(problem, seed=1000)]
        for suite in SUITES
    }
    best = {suite: np.array([[best_known(case)] for case in found[suite]]) for suite in SUITES}
    for assignment in args.set:  # only now: all settings have the same acquisitions to maximise
        set_constant(assignment)
    rows = []
    for suite, members in found.items():
        start = time.process_time()
        gaps = best[suite] - np.array([[case.maximize(seed) for seed in (3, 4, 5)] for case in members])
        seconds = (time.process_time() - start) / gaps.size
        row = [gaps.mean(), np.quantile(gaps, 0.9), (gaps > 0.1).mean()]
        rows.append([suite, str(len(members)), *(f"{value:.3f}" for value in row), f"{1000 * seconds:.1f} ms"])
    print_table(["suite", "acquisitions", "mean gap", "90 % below", "share above 0.1", "a search takes"], rows)


if __name__ == "__main__":
    main()
