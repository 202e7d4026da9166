"""Kinds of hyperparameter: values ↔ positions in [0, 1].

Each kind answers the same questions: `decode` and `encode` between one position and one value, `encode_all` and `snap`
for columns, `neighbours` for the moves of a local search. A finite kind with K values puts value i at (i + 1/2) / K.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_bayes.arrays import Array

Value = int | float | str | bool

# Up to this many values, every other value is a neighbour; beyond, steps of ±1, ±2, ±4, … are
# (examples/benchmarks/ABLATIONS.md).
MAX_EXCHANGES = 16
DECIMALS = 9  # points that agree to so many are one: decoding and encoding again is no more exact
RESOLUTION = 10.0**-DECIMALS


@dataclass(frozen=True, slots=True)
class Constant:
    """The one value of a hyperparameter that leaves nothing to choose; it has no coordinate."""

    value: Value

    def __contains__(self, value: object) -> bool:
        return value == self.value


@dataclass(frozen=True, slots=True)
class Real:
    """A number on a continuous scale; an integer is rounded as it is decoded.

    Args:
        low: Smallest value.
        high: Largest value, above `low`.
        scale: `"linear"`, `"log"` or `"reverse_log"`, as in `keras_tuner.HyperParameters.Float`.
        integer: Whether values are integers. Each then owns the interval of ±1/2 around it on the scale.
    """

    low: float
    high: float
    scale: str = "linear"
    integer: bool = False

    @property
    def num_values(self) -> float:
        return self.high - self.low + 1 if self.integer else math.inf

    @property
    def is_coarse(self) -> bool:
        """Whether positions next to each other at an end, where they are told apart, are the same number."""
        if self.integer:
            low, high = self._ends()
            return self.scale != "linear" and math.log(high) - math.log(low) < RESOLUTION
        values = self._values(np.array([0, RESOLUTION, 1 - RESOLUTION, 1]))
        return bool(values[0] == values[1] or values[2] == values[3])

    def spread(self, limit: int) -> tuple[float, ...]:
        """The different ones of `limit` numbers that are evenly spread over the scale, ascending, with both ends."""
        values = self._values(np.linspace(0, 1, limit))
        return tuple(np.unique([self.low, *values, self.high]).tolist())

    def snap(self, u: Array) -> Array:
        """Nearest legal positions, shape of `u`."""
        return self._positions(self._values(u)) if self.integer else np.clip(u, 0.0, 1.0)

    def decode(self, u: float) -> int | float:
        value = self._values(np.asarray(u))
        return min(max(int(value), int(self.low)), int(self.high)) if self.integer else float(value)

    def encode(self, value: Value) -> float:
        return float(self.encode_all([value])[0])

    def encode_all(self, values: Sequence[Value]) -> Array:
        """Positions of values, shape (m,)."""
        return self._positions(np.asarray(values, dtype=np.float64))

    def __contains__(self, value: object) -> bool:
        return isinstance(value, (int, float)) and self.low <= value <= self.high

    def neighbours(self, u: float) -> Array:
        """Positions of other values near that at `u`; empty on a truly continuous scale."""
        if not self.integer:
            return np.empty(0)
        others = _other_indices(int(self.decode(u) - self.low), int(self.high - self.low) + 1)
        return self._positions(float(self.low) + np.array(others, dtype=float))

    def positions(self, limit: int) -> Array:
        """Positions of the `limit` smallest integers, shape (min(K, limit),), or so many evenly spread positions."""
        if not self.integer:
            return (np.arange(limit) + 0.5) / limit
        return self._positions(float(self.low) + np.arange(min(self.num_values, limit), dtype=float))

    def matches(self, u: Array, values: Sequence[Value]) -> NDArray[np.bool_]:
        """Which positions decode to one of `values`, shape of `u`."""
        return np.isin(self._values(u), values)

    def _values(self, u: Array) -> Array:
        u = np.clip(u, 0.0, 1.0)
        low, high = self._ends()
        if self.scale == "linear":
            values = low * (1 - u) + high * u
        elif self.scale == "log":
            values = np.exp(np.log(low) * (1 - u) + np.log(high) * u)
        else:
            values = (high + low) - np.exp(np.log(low) * u + np.log(high) * (1 - u))
        values = np.round(values) if self.integer else values
        return np.clip(values, float(self.low), float(self.high))  # rounding errors at the ends

    def _positions(self, values: Array) -> Array:
        values = np.clip(values, float(self.low), float(self.high))  # floats: numpy 1 has no larger integers than 2⁶³
        low, high = self._ends()
        if self.scale == "linear":
            u = (values / 2 - low / 2) / (high / 2 - low / 2)  # halves: high - low may overflow
        elif self.scale == "log":
            u = (np.log(values) - np.log(low)) / (np.log(high) - np.log(low))
        else:
            mirrored = np.maximum((high + low) - values, low)  # high + low may round to high
            u = (np.log(high) - np.log(mirrored)) / (np.log(high) - np.log(low))
        return np.clip(u, 0.0, 1.0)

    def _ends(self) -> tuple[float, float]:
        """Values at the positions 0 and 1."""
        return (self.low - 0.5, self.high + 0.5) if self.integer else (self.low, self.high)


@dataclass(frozen=True, slots=True)
class Steps(Sequence[float]):
    """The first `num_values` multiples of `step` above `low`, up to `high`, computed when they are asked for."""

    low: float
    high: float
    step: float
    num_values: int

    def __len__(self) -> int:
        return self.num_values

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(self.num_values)))
        if not -self.num_values <= index < self.num_values:
            raise IndexError(index)
        return float(min(self.low + index % self.num_values * self.step, self.high))

    def __contains__(self, value: object) -> bool:
        return isinstance(value, (int, float)) and self[min(bisect_left(self, value), self.num_values - 1)] == value


class _Finite:
    """What `Levels` and `Category` share: value i of K sits at (i + 1/2) / K."""

    __slots__ = ()
    values: Sequence[Value]

    @property
    def num_values(self) -> float:
        return len(self.values)

    def snap(self, u: Array) -> Array:
        """Nearest legal positions, shape of `u`."""
        return (self._indices(u) + 0.5) / len(self.values)

    def decode(self, u: float) -> Value:
        return self.values[self._index_at(u)]

    def encode(self, value: Value) -> float:
        return (self.index(value) + 0.5) / len(self.values)

    def encode_all(self, values: Sequence[Value]) -> Array:
        """Positions of values, shape (m,)."""
        positions: dict[Value, float] = {}  # of many trials: few values, again and again
        for value in values:
            if value not in positions:
                positions[value] = self.encode(value)
        return np.array([positions[value] for value in values], dtype=float)

    def neighbours(self, u: float) -> Array:
        """Positions of other values: all of a short list, a few at growing distances of a long one."""
        return (np.array(self._others(self._index_at(u)), dtype=float) + 0.5) / len(self.values)

    def positions(self, limit: int) -> Array:
        """Positions of the first `limit` values, shape (min(K, limit),)."""
        return (np.arange(min(len(self.values), limit)) + 0.5) / len(self.values)

    def matches(self, u: Array, values: Sequence[Value]) -> NDArray[np.bool_]:
        """Which positions decode to one of `values`, shape of `u`."""
        return np.isin(self._indices(u), [self.index(value) for value in values if value in self.values])

    def index(self, value: Value) -> int:
        raise NotImplementedError

    def _others(self, index: int) -> Sequence[int]:
        raise NotImplementedError

    def _index_at(self, u: float) -> int:
        return min(int(self._indices(np.array([u]))[0]), len(self.values) - 1)  # which a float may round up

    def _indices(self, u: Array) -> Array:
        count = len(self.values)
        return np.clip(np.floor(np.asarray(u) * count), 0, count - 1)


@dataclass(frozen=True, slots=True)
class Levels(_Finite):
    """Numbers with an order, equally far apart whatever their size.

    Args:
        values: At least two numbers, ascending; a `range` costs no memory.
    """

    values: Sequence[int | float]

    def index(self, value: Any) -> int:
        """Index of the nearest level."""
        right = min(bisect_left(self.values, value), len(self.values) - 1)
        left = max(right - 1, 0)
        nearer_left = abs(value - self.values[left]) < abs(self.values[right] - value)
        return left if nearer_left else right

    def __contains__(self, value: object) -> bool:
        return isinstance(value, (int, float)) and self.values[0] <= value <= self.values[-1]

    def _others(self, index: int) -> Sequence[int]:
        return _other_indices(index, len(self.values))


@dataclass(frozen=True, slots=True)
class Category(_Finite):
    """Values without an order: two of them are either equal or not.

    Args:
        values: At least two different values.
    """

    values: tuple[Value, ...]

    def index(self, value: Value) -> int:
        return self.values.index(value)

    def __contains__(self, value: object) -> bool:
        return value in self.values

    def _others(self, index: int) -> Sequence[int]:
        return [other for other in range(len(self.values)) if other != index]


Coordinate = Real | Levels | Category


def _other_indices(index: int, count: int) -> list[int]:
    if count <= MAX_EXCHANGES:
        return [other for other in range(count) if other != index]
    steps = [1 << k for k in range((count - 1).bit_length())]
    return [other for step in steps for other in (index - step, index + step) if 0 <= other < count]
