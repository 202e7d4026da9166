"""The problems of the benchmark: search spaces with an accuracy in per cent, which is to be maximised.

| suite | what it is |
|---|---|
| lcbench | seven hyperparameters of real networks (Zimmer et al., 2021, arXiv:2006.13799), 52 epochs |
| folded | the same, with the optima folded away from the corners of the box |
| twist | the same, integers offered as choices without an order |
| rbv2_xgboost | conditional: which hyperparameters there are depends on the booster |
| noisy | lcbench with trainings that scatter |
| failing-nan, failing-inf, failing-raise | lcbench where 30 % of the box diverge |
| workers | lcbench with four workers: three trials are pending at each suggestion |
| network | a formula; ordinary Python decides which hyperparameters are read |
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import keras_tuner as kt
import numpy as np
from network_space import DEPTHS, declare_network, network_accuracy, used_from_depth
from parameters import Parameter, parameters_of
from suggestion_time import declare_space
from yahpo import LCBENCH_SCENARIO, XGBOOST_SCENARIO, read_space

LCBENCH_TASKS = (
    "167181", "167184", "167185", "167190", "168329", "168335",
    "168908", "168910", "189354", "189862", "189865", "189866",
)  # fmt: skip
XGBOOST_TASKS = ("12", "1464", "23", "40701", "41169", "554")
EPOCHS = 52
NOISE = 0.5  # percentage points: the binomial error of an accuracy of 80 % on 6400 validation examples
WIDENING = 0.25  # of the box, on each side
DIVERGING = 2 - math.sqrt(2 * 0.30)  # the two coordinates sum to more in 30 % of the box
FAILURES = {"failing-nan": math.nan, "failing-inf": -math.inf, "failing-raise": None}  # a loss of +inf, negated
TWISTED = {
    "batch_size": [16, 32, 64, 128, 256, 512],
    "num_layers": [1, 2, 3, 4, 5],
    "max_units": [64, 128, 256, 512, 1024],
}
LCBENCH_PARAMETERS = {parameter.name: parameter for parameter in parameters_of(declare_space())}
Values = Mapping[str, Any]


@dataclass(frozen=True)
class Problem:
    """What is searched.

    Args:
        suite: Name of its suite.
        task: Name within the suite.
        declare: Makes the space.
        evaluate: True accuracy of a configuration, NaN where the training diverges.
        noise: Standard deviation of what is observed.
        num_pending: Trials that run while the next is suggested.
        used_with: What only the program knows: the values of another hyperparameter with which it reads this one.
    """

    suite: str
    task: str
    declare: Callable[[], kt.HyperParameters]
    evaluate: Callable[[Values], float]
    noise: float = 0.0
    num_pending: int = 0
    used_with: Mapping[str, tuple[str, tuple[Any, ...]]] = field(default_factory=dict)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The space as a flat list."""
        return parameters_of(self.declare())

    def report(self, accuracy: float, *, rng: np.random.Generator) -> float | None:
        """What the training of a true accuracy reports; `None` where it raises."""
        if math.isnan(accuracy):
            return FAILURES[self.suite]
        return accuracy + self.noise * float(rng.standard_normal())


def problems(suite: str, folder: str) -> list[Problem]:
    """All problems of a suite; `folder` holds the files of YAHPO Gym."""
    if suite == "network":
        return [
            Problem(suite, str(d), declare_network, partial(network_accuracy, depth=d), used_with=used_from_depth())
            for d in DEPTHS
        ]
    if suite == "rbv2_xgboost":
        declare = partial(declare_xgboost, folder)
        return [Problem(suite, task, declare, partial(xgboost, folder, task)) for task in XGBOOST_TASKS]
    declare = {"folded": declare_folded, "twist": declare_twist}.get(suite, declare_space)
    evaluate = {"folded": folded}.get(suite, diverging if suite in FAILURES else lcbench)
    noise, num_pending = NOISE * (suite == "noisy"), 3 * (suite == "workers")
    return [Problem(suite, t, declare, partial(evaluate, folder, t), noise, num_pending) for t in LCBENCH_TASKS]


SUITES = ("lcbench", "folded", "rbv2_xgboost", "twist", "noisy", *FAILURES, "workers", "network")


def lcbench(folder: str, task: str, values: Values) -> float:
    """Validation accuracy of a network."""
    return LCBENCH_SCENARIO.accuracy(folder, {**values, "epoch": EPOCHS, "OpenML_task_id": task})


def folded(folder: str, task: str, values: Values) -> float:
    """`lcbench` where each coordinate but the number of layers goes to and fro over the edge of its range."""
    return lcbench(folder, task, {name: _unfold(p, values[name]) for name, p in LCBENCH_PARAMETERS.items()})


def _unfold(parameter: Parameter, value: float) -> float:
    if parameter.name == "num_layers":
        return value
    u = (1 - math.cos(math.pi * value)) / 2
    low, high = parameter.bounds
    unfolded = low * (high / low) ** u if parameter.is_log else low + u * (high - low)
    return round(unfolded) if parameter.is_integer else unfolded


def diverging(folder: str, task: str, values: Values) -> float:
    """`lcbench` where a high learning rate together with a high momentum diverges."""
    step = sum(LCBENCH_PARAMETERS[name].encode(values[name]) for name in ("learning_rate", "momentum"))
    return math.nan if step > DIVERGING else lcbench(folder, task, values)


def xgboost(folder: str, task: str, values: Values) -> float:
    """Accuracy of boosted trees or linear models, on all data and the mean of ten resamplings."""
    return XGBOOST_SCENARIO.accuracy(folder, {**values, "task_id": task, "trainsize": 1.0, "repl": 10})


def declare_folded() -> kt.HyperParameters:
    """LCBench, every parameter but the number of layers as a coordinate."""
    hp = kt.HyperParameters()
    for parameter in LCBENCH_PARAMETERS.values():
        if parameter.name == "num_layers":
            hp.Int(parameter.name, *parameter.bounds)
        else:
            hp.Float(parameter.name, -WIDENING, 1 + WIDENING)
    return hp


def declare_twist() -> kt.HyperParameters:
    """LCBench with choices for integers."""
    hp = kt.HyperParameters()
    for entry in declare_space().space:
        if entry.name in TWISTED:
            hp.Choice(entry.name, TWISTED[entry.name], ordered=False)
        else:
            hp.merge([entry])
    return hp


def declare_xgboost(folder: str) -> kt.HyperParameters:
    """The space of the surrogate, without task and fidelities."""
    space = read_space(folder, XGBOOST_SCENARIO.name)
    conditions = {c["child"]: c.get("values", [c.get("value")]) for c in space["conditions"]}
    hp = kt.HyperParameters()
    for entry in sorted(space["hyperparameters"], key=lambda entry: entry["name"] in conditions):  # parents first
        if entry["name"] in ("task_id", "trainsize", "repl"):
            continue
        if entry["name"] in conditions:
            with hp.conditional_scope("booster", conditions[entry["name"]]):
                _declare_entry(hp, entry)
        else:
            _declare_entry(hp, entry)
    return hp


def _declare_entry(hp: kt.HyperParameters, entry: Mapping[str, Any]) -> None:
    if entry["type"] == "categorical":
        hp.Choice(entry["name"], entry["choices"], ordered=False)
    else:
        declare = hp.Int if entry["type"] == "uniform_int" else hp.Float
        declare(entry["name"], entry["lower"], entry["upper"], sampling="log" if entry["log"] else "linear")
