"""How the values of a hyperparameter are laid out on an axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keras_bayes.arrays import Array
from keras_bayes.declarations import Parameter
from keras_bayes.domains import Category, Coordinate, Value

MAX_TICKS = 8  # more values are not listed one by one
NUM_PROBES = 5  # evenly spaced positions whose values tell a logarithmic scale from a linear one


@dataclass(frozen=True, slots=True)
class Axis:
    """The axis of one hyperparameter.

    Args:
        name: The hyperparameter.
        scale: `"linear"`, `"log"`, or `"category"` where the values have no order.
        values: All values of a category, and those of a short list of numbers; else empty.
    """

    name: str
    scale: str
    values: tuple[Value, ...]

    @classmethod
    def of(cls, parameter: Parameter) -> Axis:
        """The axis of a hyperparameter with a coordinate."""
        domain: Coordinate = parameter.domain  # type: ignore[assignment]
        if isinstance(domain, Category):
            return cls(parameter.name, "category", domain.values)
        is_short = domain.num_values <= MAX_TICKS
        values = tuple(domain.decode(u) for u in domain.positions(MAX_TICKS)) if is_short else ()
        return cls(parameter.name, "log" if _is_geometric(domain) else "linear", values)

    def place(self, value: Value) -> float:
        """Where a value is on the axis: the number itself, or the place of a category among the others."""
        return float(self.values.index(value) if self.scale == "category" else value)


def _is_geometric(domain: Coordinate) -> bool:
    """Whether the ratios of evenly spaced values vary less than their differences."""
    values: Array = np.unique([float(domain.decode(u)) for u in np.linspace(0, 1, NUM_PROBES)])
    if len(values) < 3 or values[0] <= 0:
        return False
    steps, ratios = np.diff(values), np.diff(np.log(values))
    return bool(ratios.std() / ratios.mean() < steps.std() / steps.mean())
