"""Adaptors of a few lines: Optuna, bayesian-optimization, scikit-optimize, Ax.

Optuna and Ax are told of failures and know of pending trials. The others take neither: a failure is told as the worst
accuracy so far, as their users do, and a pending trial as the worst so far too until its result comes (scikit-optimize
calls it a constant liar; bayesian-optimization cannot take it back and ignores what is pending).
"""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from parameters import Parameter, active_only
from suites import Problem

Asked = tuple[Any, Mapping[str, Any]]


def finite_or_worst(accuracy: float | None, accuracies: list[float]) -> float:
    """An accuracy, or the worst so far in place of one that is none."""
    return accuracy if accuracy is not None and math.isfinite(accuracy) else min(accuracies, default=0.0)


class Optuna:
    """A sampler of Optuna; its programs declare what they read, so that a condition is an `if`.

    GPSampler draws at random what not every trial has: it gets all parameters, always.
    """

    def __init__(self, sampler: str, problem: Problem, seed: int, num_trials: int, pruner: str = "NopPruner") -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        self._failed = optuna.trial.TrialState.FAIL
        self._study = optuna.create_study(
            direction="maximize",
            sampler=getattr(optuna.samplers, sampler)(seed=seed),
            pruner=getattr(optuna.pruners, pruner)(),
        )
        self._is_flat = sampler == "GPSampler"
        self._parameters = [self._with_condition(p, problem) for p in problem.parameters]

    def ask(self) -> Asked:
        trial, values = self._study.ask(), {}
        for parameter in self._parameters:
            if self._is_flat or parameter.is_active(values):
                values[parameter.name] = self._suggest(trial, parameter)
        return trial, active_only(self._parameters, values)

    def tell(self, handle: Any, accuracy: float | None) -> None:
        if accuracy is None or not math.isfinite(accuracy):
            self._study.tell(handle, state=self._failed)
        else:
            self._study.tell(handle, accuracy)

    def _with_condition(self, parameter: Parameter, problem: Problem) -> Parameter:
        if parameter.name not in problem.used_with:
            return parameter
        parent, parent_values = problem.used_with[parameter.name]
        return replace(parameter, parent=parent, parent_values=parent_values)

    def _suggest(self, trial: Any, parameter: Parameter) -> Any:
        if parameter.choices:
            return trial.suggest_categorical(parameter.name, parameter.choices)
        suggest = trial.suggest_int if parameter.is_integer else trial.suggest_float
        return suggest(parameter.name, *parameter.bounds, log=parameter.is_log)


class BayesOpt:
    """bayesian-optimization, which knows no logarithmic scales: those are given as logarithms."""

    NUM_INITIAL_POINTS = 5  # default of `maximize`

    def __init__(self, problem: Problem, seed: int, num_trials: int) -> None:
        from bayes_opt import BayesianOptimization

        self._parameters = problem.parameters
        bounds = {p.name: self._bounds(p) for p in self._parameters}
        warnings.filterwarnings("ignore", message="Non-float parameters are experimental")
        self._optimizer = BayesianOptimization(None, bounds, random_state=seed, verbose=0, allow_duplicate_points=True)
        self._initial = self._optimizer.random_sample(self.NUM_INITIAL_POINTS)
        self._accuracies: list[float] = []

    def ask(self) -> Asked:
        suggestion = self._initial.pop(0) if self._initial else self._optimizer.suggest()
        values = {p.name: self._value(p, suggestion[p.name]) for p in self._parameters}
        return suggestion, active_only(self._parameters, values)

    def tell(self, handle: Any, accuracy: float | None) -> None:
        self._accuracies.append(finite_or_worst(accuracy, self._accuracies))
        self._optimizer.register(params=handle, target=self._accuracies[-1])

    def _bounds(self, parameter: Parameter) -> tuple[Any, ...]:
        if parameter.choices:
            return tuple(str(choice) for choice in parameter.choices)
        low, high = parameter.bounds
        if parameter.is_log:
            return math.log(low), math.log(high)
        return (low, high, int) if parameter.is_integer else (low, high)

    def _value(self, parameter: Parameter, suggested: Any) -> Any:
        if parameter.choices:
            return next(choice for choice in parameter.choices if str(choice) == suggested)
        low, high = parameter.bounds
        value = min(max(math.exp(suggested) if parameter.is_log else float(suggested), low), high)
        return round(value) if parameter.is_integer else value


class ScikitOptimize:
    """scikit-optimize; what is told is passed on with the next question, so that its model is timed there."""

    def __init__(self, problem: Problem, seed: int, num_trials: int) -> None:
        from skopt import Optimizer
        from skopt.space import Categorical, Integer, Real

        warnings.filterwarnings("ignore", module="skopt")
        self._parameters = problem.parameters
        self._seed = seed
        self._dimensions = [
            Categorical(p.choices, name=p.name)
            if p.choices
            else (Integer if p.is_integer else Real)(*p.bounds, prior="log-uniform" if p.is_log else "uniform")
            for p in self._parameters
        ]
        self._optimizer = Optimizer(self._dimensions, random_state=seed)
        self._pending: list[list[Any]] = []
        self._told: list[tuple[list[Any], float]] = []
        self._accuracies: list[float] = []

    def ask(self) -> Asked:
        for x, accuracy in self._told:
            self._optimizer.tell(x, -accuracy)
        self._told = []
        optimizer = self._optimizer
        if self._pending and self._accuracies:
            optimizer = optimizer.copy(random_state=self._seed + len(self._accuracies))
            optimizer.tell(self._pending, [-min(self._accuracies)] * len(self._pending))
        x = optimizer.ask()
        self._pending.append(x)
        values = {p.name: value for p, value in zip(self._parameters, x, strict=True)}
        return x, active_only(self._parameters, values)

    def tell(self, handle: Any, accuracy: float | None) -> None:
        self._pending.remove(handle)
        self._accuracies.append(finite_or_worst(accuracy, self._accuracies))
        self._told.append((handle, self._accuracies[-1]))


class Ax:
    """Ax, through its client; its first trials are the centre and a Sobol sequence."""

    def __init__(self, problem: Problem, seed: int, num_trials: int) -> None:
        import torch
        from ax.api.client import Client

        torch.set_num_threads(1)
        logging.disable(logging.INFO)  # Ax writes a line for each suggestion
        warnings.simplefilter("ignore")
        self._parameters = problem.parameters
        self._client = Client(random_seed=seed)
        self._client.configure_experiment([self._config(p) for p in self._parameters])
        self._client.configure_optimization(objective="accuracy")

    def ask(self) -> Asked:
        ((index, values),) = self._client.get_next_trials(max_trials=1).items()
        return index, active_only(self._parameters, values)

    def tell(self, handle: Any, accuracy: float | None) -> None:
        if accuracy is None or not math.isfinite(accuracy):
            self._client.mark_trial_failed(handle)
        else:
            self._client.complete_trial(handle, raw_data={"accuracy": accuracy})

    def _config(self, parameter: Parameter) -> Any:
        from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig

        if parameter.choices:
            kind = "str" if isinstance(parameter.choices[0], str) else "int"
            return ChoiceParameterConfig(parameter.name, list(parameter.choices), kind, is_ordered=False)
        kind, scaling = "int" if parameter.is_integer else "float", "log" if parameter.is_log else "linear"
        return RangeParameterConfig(parameter.name, parameter.bounds, kind, scaling=scaling)
