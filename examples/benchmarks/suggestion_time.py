"""Time a suggestion: how long a search thinks between two trainings, by the number of trials so far.

    python examples/benchmarks/suggestion_time.py            # a minute or so
    python examples/benchmarks/suggestion_time.py --peers    # also keras-tuner's and Optuna's Gaussian processes
    python examples/benchmarks/suggestion_time.py --steered  # also with constraints, and the gain that is expected

One core. Seven hyperparameters are those of LCBench (Zimmer et al., 2021, arXiv:2006.13799), 20 are these again and
again.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from itertools import cycle, islice
from typing import Any, cast

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")  # read when numpy is imported

import keras_tuner as kt
import numpy as np
from keras_tuner.engine.trial import Trial
from measuring import print_table, set_constant, write_csv

import keras_bayes

NOISE = 0.02  # standard deviation of the loss
SEED_STEP = 1000
MEGABYTE = 1024  # in the unit of `ru_maxrss`, kilobytes

Suggest = Callable[[], object]
Prepare = Callable[[int, int, int], Suggest]  # hyperparameters, trials so far, seed


def declare_space(dim: int = 7) -> kt.HyperParameters:
    """The search space of LCBench, from the eighth hyperparameter on again under other names."""
    declarations = (
        lambda hp, suffix: hp.Int(f"batch_size{suffix}", 16, 512, sampling="log"),
        lambda hp, suffix: hp.Float(f"learning_rate{suffix}", 1e-4, 1e-1, sampling="log"),
        lambda hp, suffix: hp.Float(f"momentum{suffix}", 0.1, 0.99),
        lambda hp, suffix: hp.Float(f"weight_decay{suffix}", 1e-5, 1e-1),
        lambda hp, suffix: hp.Int(f"num_layers{suffix}", 1, 5),
        lambda hp, suffix: hp.Int(f"max_units{suffix}", 64, 1024, sampling="log"),
        lambda hp, suffix: hp.Float(f"max_dropout{suffix}", 0.0, 1.0),
    )
    hp = kt.HyperParameters()
    for i, declare in enumerate(islice(cycle(declarations), dim)):
        declare(hp, f"_{i}" if i >= len(declarations) else "")
    return hp


def random_trials(dim: int, num_trials: int, seed: int) -> list[tuple[dict[str, Any], float]]:
    """Random values, and a smooth, noisy loss."""
    rng, space = np.random.default_rng([seed, num_trials]), declare_space(dim).space
    trials = []
    for _ in range(num_trials):
        values = {p.name: p.random_sample(int(rng.integers(2**31))) for p in space}
        x = np.array([p.value_to_prob(values[p.name]) for p in space])  # (d,)
        trials.append((values, float(((x - 0.6) ** 2).mean() + NOISE * rng.standard_normal())))
    return trials


def seen(oracle_class: Callable[..., kt.Oracle], dim: int, num_trials: int, seed: int) -> kt.Oracle:
    """An oracle of KerasTuner that has seen random trials."""
    oracle = oracle_class(
        objective=kt.Objective("loss", "min"), max_trials=num_trials + 1, num_initial_points=2, seed=seed,
        hyperparameters=declare_space(dim),
    )  # fmt: skip
    for i, (values, loss) in enumerate(random_trials(dim, num_trials, seed)):
        hp = oracle.hyperparameters.copy()
        hp.values = values
        trial = Trial(hyperparameters=hp, trial_id=f"{i:04d}", status="COMPLETED")
        trial.score = loss
        oracle.trials[trial.trial_id] = trial
    return oracle


def prepare_oracle(oracle_class: Callable[..., kt.Oracle], dim: int, num_trials: int, seed: int) -> Suggest:
    """The next trial of an oracle that has seen random trials."""
    return partial(seen(oracle_class, dim, num_trials, seed).populate_space, f"{num_trials:04d}")


def prepare_gain(dim: int, num_trials: int, seed: int) -> Suggest:
    """What an oracle that has seen random trials expects of ten more."""
    return cast(keras_bayes.BayesOracle, seen(keras_bayes.BayesOracle, dim, num_trials, seed)).expected_gain


def allows_half(hp: kt.HyperParameters) -> bool:
    """A constraint that half of the space obeys."""
    return bool(hp["max_dropout"] < 0.5)


def allows_hundredth(hp: kt.HyperParameters) -> bool:
    """A constraint that a hundredth of the space obeys."""
    return bool(hp["max_dropout"] < 0.1 and hp["momentum"] < 0.189)


def prepare_optuna(dim: int, num_trials: int, seed: int) -> Suggest:
    """Optuna's GPSampler that has seen random trials."""
    import optuna
    import torch

    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    distributions = {}
    for p in declare_space(dim).space:
        is_integer = isinstance(p, kt.engine.hyperparameters.Int)
        kind = optuna.distributions.IntDistribution if is_integer else optuna.distributions.FloatDistribution
        distributions[p.name] = kind(p.min_value, p.max_value, log=p.sampling == "log")
    study = optuna.create_study(sampler=optuna.samplers.GPSampler(seed=seed))
    for values, loss in random_trials(dim, num_trials, seed):
        study.add_trial(optuna.trial.create_trial(params=values, distributions=distributions, value=loss))
    return partial(study.ask, distributions)


def measure(prepare: Prepare, dim: int, num_trials: int, seed: int) -> float:
    """Processor seconds, which no other program adds to, that one suggestion takes."""
    suggest = prepare(dim, num_trials, seed)
    start = time.process_time()
    suggest()
    return time.process_time() - start


def measure_all(name: str, prepare: Prepare, args: argparse.Namespace) -> list[dict[str, Any]]:
    """Rows of the CSV file."""
    measure(prepare, args.dims[0], args.trials[0], SEED_STEP)  # the first call loads libraries
    return [
        {"optimizer": name, "dim": dim, "trials": n, "seed": seed, "seconds": measure(prepare, dim, n, seed)}
        for dim in args.dims
        for n in args.trials
        for seed in (SEED_STEP * (i + 1) for i in range(args.repeats))
    ]


def summarize(rows: list[dict[str, Any]], args: argparse.Namespace) -> list[list[str]]:
    """Rows of the table, one for each number of hyperparameters."""
    table = []
    for dim in args.dims:
        seconds = {n: [row["seconds"] for row in rows if (row["dim"], row["trials"]) == (dim, n)] for n in args.trials}
        table.append([rows[0]["optimizer"], str(dim), *(f"{np.median(seconds[n]):.3f} s" for n in args.trials)])
    return table


def peak_memory() -> float:
    """The most that this process has held so far, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, nargs="+", default=[20, 50, 100, 200], help="up to 1000 or so")
    parser.add_argument("--dims", type=int, nargs="+", default=[7], help="numbers of hyperparameters (default: 7)")
    parser.add_argument("--repeats", type=int, default=5, help="measurements of each (default: 5)")
    parser.add_argument("--peers", action="store_true", help="also keras-tuner's search and, if installed, Optuna's")
    parser.add_argument("--steered", action="store_true", help="also with constraints, and the gain that is expected")
    parser.add_argument("--set", nargs="+", default=[], metavar="MODULE.NAME=VALUE", help="constants of keras_bayes")
    parser.add_argument("--csv", default="suggestion_time.csv", help="where all measurements are written")
    args = parser.parse_args()
    for assignment in args.set:
        set_constant(assignment)

    searches: dict[str, Prepare] = {"keras_bayes.BayesOracle": partial(prepare_oracle, keras_bayes.BayesOracle)}
    if args.steered:
        for name, constraint in (("half", allows_half), ("a hundredth", allows_hundredth)):
            steered = partial(keras_bayes.BayesOracle, constraint=constraint)
            searches[f"with {name} of the space allowed"] = partial(prepare_oracle, steered)
        searches["`expected_gain()`"] = prepare_gain
    if args.peers:
        kt_oracle = kt.oracles.BayesianOptimizationOracle
        searches["kt.BayesianOptimizationOracle"] = partial(prepare_oracle, kt_oracle)
        if find_spec("optuna") and find_spec("torch"):
            searches["optuna.samplers.GPSampler"] = prepare_optuna

    before = peak_memory()
    rows = {name: measure_all(name, prepare, args) for name, prepare in searches.items()}
    write_csv(args.csv, [row for measured in rows.values() for row in measured])
    print(f"Median of {args.repeats} suggestions on one core:\n")
    header = ["search", "hyperparameters", *(f"after {n} trials" for n in args.trials)]
    print_table(header, [row for measured in rows.values() for row in summarize(measured, args)])
    if not args.peers:
        print(f"\nMemory above that of the imports: at most {peak_memory() - before:.0f} MB.")


if __name__ == "__main__":
    main()
