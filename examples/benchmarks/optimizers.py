"""Every optimizer behind one pair of calls: `ask` for a configuration, `tell` what its training reported.

Each is at its defaults and on one thread. Its library is imported when it is made: any of them may be missing.
Those of KerasTuner, ours among them, are driven as a tuner drives them; the others are in `peers.py`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any, NamedTuple, Protocol

import keras_tuner as kt
from suites import Problem

from keras_bayes.usage import ReadValues

NEVER = 10**6  # failures in a row; KerasTuner ends a search after three


class SearchEndedError(Exception):
    """The optimizer has no further suggestion."""


class Optimizer(Protocol):
    """A search for the highest accuracy."""

    def ask(self) -> tuple[Any, Mapping[str, Any]]:
        """A handle for `tell`, and a configuration."""

    def tell(self, handle: Any, accuracy: float | None) -> None:
        """What the training reported, which may be NaN or -inf, or `None` if it raised."""


class KerasTuner:
    """An oracle of KerasTuner; trials that are pending belong to several workers."""

    def __init__(self, oracle_class: Callable[..., kt.Oracle], problem: Problem, seed: int, num_trials: int) -> None:
        self._oracle = oracle_class(
            objective=kt.Objective("val_accuracy", "max"), max_trials=num_trials, seed=seed,
            hyperparameters=problem.declare(), max_consecutive_failed_trials=NEVER,
        )  # fmt: skip
        self._oracle.verbose = 0
        self._folder = tempfile.TemporaryDirectory()
        self._oracle._set_project_dir(self._folder.name, "search")
        self._idle = [f"tuner{i}" for i in range(problem.num_pending + 1)]

    def ask(self) -> tuple[Any, Mapping[str, Any]]:
        worker = self._idle.pop()
        trial = self._oracle.create_trial(worker)
        if trial.status != "RUNNING":
            raise SearchEndedError
        values = trial.hyperparameters.values = ReadValues(trial.hyperparameters.values)  # as `BayesTuner` does
        return (worker, trial), values

    def tell(self, handle: Any, accuracy: float | None) -> None:
        worker, trial = handle
        self._idle.append(worker)
        if accuracy is None:
            trial.status = "INVALID"
            trial.hyperparameters.values.read.clear()
        else:
            self._oracle.update_trial(trial.trial_id, {"val_accuracy": accuracy})
            trial.status = "COMPLETED"
        self._oracle.end_trial(trial)


class Contestant(NamedTuple):
    """An optimizer to choose by name.

    Args:
        package: Its distribution.
        module: Module to import.
        make: Name of the class in `module`, called with problem, seed and number of trials.
        options: Further arguments of `make`.
        needs: Modules that must be there.
    """

    package: str
    module: str
    make: str
    options: Mapping[str, Any] = {}
    needs: tuple[str, ...] = ()


def _ours(**arguments: Any) -> kt.Oracle:
    from keras_bayes import BayesOracle

    return BayesOracle(**arguments)


def _kt(name: str) -> Contestant:
    return Contestant("keras-tuner", "optimizers", "KerasTuner", {"oracle_class": getattr(kt.oracles, name)})


CONTESTANTS = {
    "keras_bayes": Contestant("keras-bayes", "optimizers", "KerasTuner", {"oracle_class": _ours}),
    "random": _kt("RandomSearchOracle"),
    "keras-tuner": _kt("BayesianOptimizationOracle"),
    "optuna-tpe": Contestant("optuna", "peers", "Optuna", {"sampler": "TPESampler"}, ("optuna",)),
    "optuna-gp": Contestant("optuna", "peers", "Optuna", {"sampler": "GPSampler"}, ("optuna", "torch")),
    "bayesian-optimization": Contestant("bayesian-optimization", "peers", "BayesOpt", needs=("bayes_opt",)),
    "scikit-optimize": Contestant("scikit-optimize", "peers", "ScikitOptimize", needs=("skopt",)),
    "ax": Contestant("ax-platform", "peers", "Ax", needs=("ax",)),
    "botorch": Contestant("botorch", "peers_torch", "BoTorch", needs=("botorch",)),
}


def make_optimizer(name: str, problem: Problem, seed: int, num_trials: int) -> Optimizer:
    """Starts a search."""
    contestant = CONTESTANTS[name]
    make = getattr(import_module(contestant.module), contestant.make)
    return partial(make, **contestant.options)(problem=problem, seed=seed, num_trials=num_trials)


def is_installed(name: str) -> bool:
    """Whether what an optimizer needs is installed."""
    return all(find_spec(module) is not None for module in CONTESTANTS[name].needs)


def version_of(name: str) -> str:
    """Name and version of the package of an optimizer."""
    package = CONTESTANTS[name].package
    return f"{package} {version(package)}"
