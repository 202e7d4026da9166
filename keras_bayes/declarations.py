"""Hyperparameters as keras-tuner's JSON declares them, checked and made ready for a `Space`."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from keras_bayes.domains import Category, Constant, Coordinate, Levels, Real, Steps, Value
from keras_bayes.errors import SearchSpaceError

MAX_POWERS = 1e6  # they are listed: more would take too much time and memory
MAX_LISTED = 10**4  # multiples of a step that are listed; more are computed when they are asked for
NUM_COARSE = 10**4  # values that stand for a scale on which neighbouring positions are the same number


@dataclass(frozen=True, slots=True)
class Condition:
    """Holds when the hyperparameter `name` has one of `values`."""

    name: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A hyperparameter: its name, what it may be, when it is active, what it is unless told otherwise."""

    name: str
    domain: Coordinate | Constant
    conditions: tuple[Condition, ...]
    default: Value
    is_default_explicit: bool = False

    def is_active(self, values: Mapping[str, Value]) -> bool:
        """Whether all conditions hold among the active `values`."""
        return not self.conditions or all(c.name in values and values[c.name] in c.values for c in self.conditions)

    def __str__(self) -> str:
        conditions = [f"{c.name!r} is {' or '.join(map(repr, c.values))}" for c in self.conditions]
        return "where " + " and ".join(conditions) if conditions else "always active"


def parameter_from_config(kind: str, config: Mapping[str, Any]) -> Parameter:
    """The hyperparameter that keras-tuner describes as the class name `kind` and `config`.

    Raises:
        SearchSpaceError: Bounds, step or choices that leave nothing to search.
    """
    name = config["name"]
    conditions = tuple(
        Condition(c["config"]["name"], tuple(c["config"]["values"])) for c in config.get("conditions", ())
    )
    if kind == "Fixed":
        return Parameter(name, Constant(config["value"]), conditions, config["value"])
    if kind == "Boolean":
        values: Sequence[Value] = (False, True)
        implied: Value = False
        domain: Coordinate = Category((False, True))
    elif kind == "Choice":
        values, implied = _choices(name, config), config["values"][0]
        domain = Levels(values) if _is_ordered(config) else Category(values)  # type: ignore[arg-type]
    elif kind in ("Int", "Float"):
        _check_bounds(name, config)
        implied = config["min_value"]
        values = _grid(kind, config)
        domain = Levels(values) if values else _real(kind, config)
    else:
        raise SearchSpaceError(f"The hyperparameter {name!r} has the unknown type {kind!r}.")
    default = implied if config.get("default") is None else config["default"]
    if domain.num_values == 1:
        value = values[0] if values else implied
        return Parameter(name, Constant(value), conditions, value)
    return Parameter(name, domain, conditions, default, is_default_explicit=default != implied)


def _is_ordered(config: Mapping[str, Any]) -> bool:
    return bool(config.get("ordered")) and not isinstance(config["values"][0], str)


def _choices(name: str, config: Mapping[str, Any]) -> tuple[Value, ...]:
    values = tuple(dict.fromkeys(config["values"]))
    if any(value != value for value in values):
        raise SearchSpaceError(f"A choice of {name!r} is NaN: {values}. Leave it out.")
    return tuple(sorted(values) if _is_ordered(config) else values)


def _check_bounds(name: str, config: Mapping[str, Any]) -> None:
    low, high, step, scale = (config[key] for key in ("min_value", "max_value", "step", "sampling"))
    received = f"received min_value={low}, max_value={high}, step={step}, sampling={scale!r}"
    if not (_is_finite(low) and _is_finite(high)):
        raise SearchSpaceError(f"The bounds of {name!r} must be finite, and floats, {received}.")
    if low > high:
        raise SearchSpaceError(f"The min_value of {name!r} must not exceed its max_value, {received}.")
    if scale not in (None, "linear", "log", "reverse_log"):
        raise SearchSpaceError(f"The sampling of {name!r} must be 'linear', 'log' or 'reverse_log', {received}.")
    is_log = scale in ("log", "reverse_log")
    if is_log and low <= 0:
        raise SearchSpaceError(f"A logarithmic scale for {name!r} needs a min_value above 0, {received}.")
    if step is not None and not (_is_finite(step) and step > int(is_log)):
        raise SearchSpaceError(f"The step of {name!r} must be above {int(is_log)}, {received}.")
    most = MAX_POWERS if is_log else sys.maxsize
    if step not in (None, 1) and _num_steps(low, high, step, is_log) >= most:
        raise SearchSpaceError(f"{name!r} has more than {most:.0e} steps; leave the step out, {received}.")


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # an integer that is no float
        return False


def _num_steps(low: float, high: float, step: float, is_log: bool) -> float:
    """Number of whole steps between two bounds; rounding errors cost none."""
    if is_log:
        return (math.log(high) - math.log(low)) / math.log(step) + 1e-8
    return (high / 2 - low / 2) / step * 2 + 1e-8  # halves: high - low may overflow


def _grid(kind: str, config: Mapping[str, Any]) -> Sequence[int | float]:
    """The legal values of a stepped number, ascending, as keras-tuner computes them; empty without a step.

    Unlike there, rounding errors neither drop the largest value nor exceed `max_value`.
    """
    low, high, step, scale = (config[key] for key in ("min_value", "max_value", "step", "sampling"))
    is_log = scale in ("log", "reverse_log")
    if kind == "Int" and not is_log:
        step = step or 1
        return range(low, high + 1, step) if (high - low) // step < sys.maxsize else ()
    if not step:
        return ()
    num_steps = int(_num_steps(low, high, step, is_log))
    if not is_log:
        steps = Steps(low, high, step, num_steps + 1)
        return steps if len(steps) > MAX_LISTED else tuple(sorted(set(steps)))
    powers = [_product(low, step, i) for i in range(num_steps + 1)]
    number = int if kind == "Int" else float
    values = [power if scale == "log" else high + low - power for power in powers]
    return tuple(sorted({number(min(max(value, low), high)) for value in values}))


def _product(low: float, step: float, power: int) -> float:
    """low · step**power, also where the power alone is no float."""
    try:
        return low * step**power
    except OverflowError:
        return low * step ** (power // 2) * step ** (power - power // 2)


def _real(kind: str, config: Mapping[str, Any]) -> Coordinate:
    low, high = config["min_value"], config["max_value"]
    if low == high:
        return Category((low,))
    if kind == "Float":
        real = Real(low, high, config["sampling"] or "linear")
        return Levels(real.spread(NUM_COARSE)) if real.is_coarse else real
    real = Real(low, high, config["sampling"] or "linear", integer=True)
    return Levels(range(low, high + 1)) if real.is_coarse else real
