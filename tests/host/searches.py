"""Oracles driven by hand, as a tuner of keras-tuner drives them, without training anything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras_tuner as kt

import keras_bayes

Loss = Callable[[dict[str, Any]], Any]


def mixed_space() -> kt.HyperParameters:
    """Floats, integers, ordered and unordered choices, a boolean and a condition."""
    hp = kt.HyperParameters()
    hp.Float("lr", 1e-4, 1e-1, sampling="log")
    hp.Int("layers", 1, 4)
    hp.Choice("units", [128, 256, 384])
    hp.Choice("optimizer", ["sgd", "adam", "rmsprop"])
    hp.Boolean("augment")
    with hp.conditional_scope("optimizer", ["sgd"]):
        hp.Float("momentum", 0.0, 0.9, step=0.1)
    return hp


def small_space() -> kt.HyperParameters:
    """Twelve configurations."""
    hp = kt.HyperParameters()
    hp.Choice("units", [128, 256, 384])
    hp.Choice("activation", ["relu", "tanh"])
    hp.Boolean("augment")
    return hp


def mixed_loss(values: dict[str, Any]) -> float:
    """A loss over `mixed_space` with its optimum inside."""
    momentum_term = (values.get("momentum", 0.5) - 0.5) ** 2
    return (
        (values["lr"] - 0.01) ** 2 * 100
        + abs(values["layers"] - 2)
        + abs(values["units"] - 256) / 256
        + {"sgd": 0.3, "adam": 0.0, "rmsprop": 0.1}[values["optimizer"]]
        + momentum_term
    )


def make_oracle(folder: Path, *, project_name: str = "search", **arguments: Any) -> keras_bayes.BayesOracle:
    """A silent oracle that minimises `loss`, in a folder of its own."""
    arguments = {"objective": kt.Objective("loss", "min"), "max_trials": 20, "seed": 0} | arguments
    oracle = keras_bayes.BayesOracle(**arguments)
    oracle._set_project_dir(str(folder), project_name)
    oracle.verbose = 0
    return oracle


def run_trial(oracle: kt.Oracle, loss: Loss, tuner_id: str = "tuner0") -> Any:
    """Creates, evaluates and ends one trial; returns it, or `None` when the search has ended.

    A loss that raises makes the trial crash.
    """
    trial = oracle.create_trial(tuner_id)
    if trial.status == "STOPPED":
        return None
    try:
        oracle.update_trial(trial.trial_id, {"loss": loss(trial.hyperparameters.values)})
        trial.status = "COMPLETED"
    except ArithmeticError as error:
        trial.status = "INVALID"
        trial.message = f"Traceback (most recent call last):\n{type(error).__name__}: {error}"
    oracle.end_trial(trial)
    return oracle.trials[trial.trial_id]


def run_search(oracle: kt.Oracle, loss: Loss, num_trials: int = 1000) -> list[Any]:
    """Runs up to `num_trials` trials, or to the end of the search."""
    trials = []
    while len(trials) < num_trials and (trial := run_trial(oracle, loss)) is not None:
        trials.append(trial)
    return trials


def values_of(trials: list[Any]) -> list[dict[str, Any]]:
    """The values that were proposed, in order."""
    return [trial.hyperparameters.values for trial in trials]
