"""The space of a problem as the adaptors of the peers need it: a flat list of numbers and unordered choices."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras_tuner as kt


@dataclass(frozen=True, slots=True)
class Parameter:
    """One hyperparameter: a number on its own scale or, where there are `choices`, one of these.

    Args:
        name: Its name.
        low: Smallest number.
        high: Largest number.
        is_integer: Whether the number is whole.
        is_log: Whether its scale is logarithmic.
        choices: Values without an order.
        parent: Name of the choice that decides whether it is active; empty if it always is.
        parent_values: Values of `parent` with which it is active.
    """

    name: str
    low: float = 0.0
    high: float = 1.0
    is_integer: bool = False
    is_log: bool = False
    choices: tuple[Any, ...] = ()
    parent: str = ""
    parent_values: tuple[Any, ...] = ()

    @property
    def bounds(self) -> tuple[float, float]:
        """Smallest and largest number, in its own type."""
        return (int(self.low), int(self.high)) if self.is_integer else (float(self.low), float(self.high))

    def decode(self, u: float) -> Any:
        """The value at a coordinate in [0, 1]; each whole number and each choice has a cell of its own."""
        if self.choices:
            return self.choices[min(int(u * len(self.choices)), len(self.choices) - 1)]
        top = self.high + self.is_integer
        value = self.low * (top / self.low) ** u if self.is_log else self.low + u * (top - self.low)
        value = min(max(value, self.low), self.high)  # the last cell is closed, and a power is not exact
        return math.floor(value) if self.is_integer else float(value)

    def encode(self, value: Any) -> float:
        """The coordinate of a value: the middle of its cell, if it has one."""
        if self.choices:
            return (self.choices.index(value) + 0.5) / len(self.choices)
        top, value = self.high + self.is_integer, value + 0.5 * self.is_integer
        if self.is_log:
            return math.log(value / self.low) / math.log(top / self.low)
        return (value - self.low) / (top - self.low)

    def is_active(self, values: Mapping[str, Any]) -> bool:
        """Whether a configuration uses it."""
        return not self.parent or values.get(self.parent) in self.parent_values


def parameters_of(hp: kt.HyperParameters) -> tuple[Parameter, ...]:
    """The parameters of a space, parents first."""
    return tuple(_parameter(entry["class_name"], entry["config"]) for entry in hp.get_config()["space"])


def decode_all(parameters: Sequence[Parameter], coordinates: Sequence[float]) -> dict[str, Any]:
    """The configuration at a point of the unit cube."""
    return active_only(parameters, {p.name: p.decode(u) for p, u in zip(parameters, coordinates, strict=True)})


def active_only(parameters: Sequence[Parameter], values: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration without what it does not use, for libraries whose spaces know no conditions."""
    return {p.name: values[p.name] for p in parameters if p.is_active(values)}


def _parameter(kind: str, config: Mapping[str, Any]) -> Parameter:
    parent, parent_values = "", ()
    for condition in config["conditions"]:  # nested scopes do not occur
        parent, parent_values = condition["config"]["name"], tuple(condition["config"]["values"])
    if kind == "Choice" and not config["ordered"]:
        return Parameter(config["name"], choices=tuple(config["values"]), parent=parent, parent_values=parent_values)
    if kind not in ("Int", "Float") or config["step"] not in (None, 1):
        raise ValueError(f"Expected Int and Float without a step and unordered Choice, received {kind} {config}.")
    return Parameter(
        config["name"], config["min_value"], config["max_value"], is_integer=kind == "Int",
        is_log=config["sampling"] == "log", parent=parent, parent_values=parent_values,
    )  # fmt: skip
