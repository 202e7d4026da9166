"""The search space: dictionaries of hyperparameter values ↔ points of the unit cube.

A space is built from `HyperParameters.get_config()`, the same JSON that the project folder holds. It has one
coordinate for each hyperparameter that leaves a choice; a coordinate whose condition is not met sits at `INACTIVE`,
so two configurations that differ only in unused values are one point.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_bayes.arrays import Array
from keras_bayes.declarations import Parameter, parameter_from_config
from keras_bayes.domains import Category, Constant, Coordinate, Value
from keras_bayes.errors import SearchSpaceError

INACTIVE = 0.5


@dataclass(frozen=True, slots=True)
class Space:
    """A search space of `d` coordinates.

    Args:
        entries: All hyperparameters, parents before their children.

    Raises:
        SearchSpaceError: A name occurs twice, or a condition leads back to itself.
    """

    entries: tuple[Parameter, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "entries", _parents_first(self.entries))

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Space:
        """Builds the space that `keras_tuner.HyperParameters.get_config()` describes."""
        return cls(tuple(parameter_from_config(item["class_name"], item["config"]) for item in config["space"]))

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The hyperparameters with a coordinate, in the order of the coordinates."""
        return tuple(p for p in self.entries if not isinstance(p.domain, Constant))

    @property
    def domains(self) -> tuple[Coordinate, ...]:
        """What each coordinate may be."""
        return tuple(p.domain for p in self.entries if not isinstance(p.domain, Constant))

    @property
    def dim(self) -> int:
        """Number of coordinates, `d`."""
        return len(self.domains)

    @property
    def is_categorical(self) -> NDArray[np.bool_]:
        """Which coordinates have no order, shape (d,)."""
        return np.array([isinstance(domain, Category) for domain in self.domains], dtype=bool)

    @property
    def is_continuous(self) -> NDArray[np.bool_]:
        """Which coordinates move freely, shape (d,)."""
        return np.array([math.isinf(domain.num_values) for domain in self.domains], dtype=bool)

    @property
    def start(self) -> Array:
        """The defaults that the user has set, and the middle of everything else, shape (d,)."""
        x = [_start_of(parameter, domain) for parameter, domain in zip(self.parameters, self.domains, strict=True)]
        return np.asarray(self.snap(np.array([x]))[0])

    @property
    def start_values(self) -> dict[str, Value]:
        """The same as values, also of what is not active there."""
        constants = {entry.name: entry.domain.value for entry in self.entries if isinstance(entry.domain, Constant)}
        starts = {
            parameter.name: domain.decode(_start_of(parameter, domain))
            for parameter, domain in zip(self.parameters, self.domains, strict=True)
        }
        return {**constants, **starts}

    def snap(self, X: Array) -> Array:
        """Nearest legal points, shape (m, d)."""
        X = np.asarray(X, dtype=float)
        if not self.dim:
            return X
        X = np.column_stack([domain.snap(X[:, j]) for j, domain in enumerate(self.domains)])
        return np.where(self.activity(X), X, INACTIVE)

    def activity(self, X: Array) -> NDArray[np.bool_]:
        """Which coordinates are active at which points, shape (m, d)."""
        columns = {parameter.name: j for j, parameter in enumerate(self.parameters)}
        domains = {parameter.name: parameter.domain for parameter in self.entries}
        active: dict[str, NDArray[np.bool_]] = {}
        for entry in self.entries:
            mask = np.ones(len(X), dtype=bool)
            for name, values in ((c.name, c.values) for c in entry.conditions):
                parent = domains.get(name)
                if parent is None:  # a parent outside the space has no value
                    mask[:] = False
                elif isinstance(parent, Constant):
                    mask &= active[name] & (parent.value in values)
                else:
                    mask &= active[name] & parent.matches(X[:, columns[name]], values)
            active[entry.name] = mask
        return np.array([active[name] for name in columns], dtype=bool).reshape(self.dim, len(X)).T

    def decode(self, x: Array) -> dict[str, Value]:
        """Values of the active hyperparameters at the point `x` of shape (d,), as plain Python types."""
        values: dict[str, Value] = {}
        coordinates = iter(x)
        for entry in self.entries:
            domain = entry.domain
            value = domain.value if isinstance(domain, Constant) else domain.decode(next(coordinates))
            if entry.is_active(values):
                values[entry.name] = value
        return values

    def encode(self, values: Mapping[str, Value]) -> Array:
        """The point of a configuration, shape (d,); a missing value counts as the default."""
        return np.asarray(self.encode_all([values])[0])

    def encode_all(self, configurations: Sequence[Mapping[str, Value]]) -> Array:
        """The points of configurations, shape (m, d)."""
        return self._encode_complete([self.complete(values) for values in configurations])

    def __contains__(self, values: Mapping[str, Value]) -> bool:
        """Whether each active value lies in the range, or the list, of its hyperparameter."""
        return not self.outside(values)

    def outside(self, values: Mapping[str, Value]) -> dict[str, Value]:
        """The active values that do not lie in the range, or the list, of their hyperparameter."""
        complete = self.complete(values)
        domains = {entry.name: entry.domain for entry in self.entries}
        return {name: value for name, value in complete.items() if value not in domains[name]}

    def locate(self, configurations: Sequence[Mapping[str, Value]]) -> tuple[NDArray[np.bool_], Array]:
        """Which of n configurations lie in the space, shape (n,), and the points of these m, shape (m, d)."""
        complete = [self.complete(values) for values in configurations]
        domains = [(entry.name, entry.domain) for entry in self.entries]
        is_inside = [all(values[name] in domain for name, domain in domains if name in values) for values in complete]
        X = self._encode_complete([values for values, is_in in zip(complete, is_inside, strict=True) if is_in])
        return np.array(is_inside, dtype=bool), X

    def _encode_complete(self, complete: Sequence[Mapping[str, Value]]) -> Array:
        X = np.full((len(complete), self.dim), INACTIVE)
        for j, (parameter, domain) in enumerate(zip(self.parameters, self.domains, strict=True)):
            rows = [i for i, values in enumerate(complete) if parameter.name in values]
            X[rows, j] = domain.encode_all([complete[i][parameter.name] for i in rows])
        return X

    def points(self, limit: int) -> Array:
        """The first `limit` legal points, or all; evenly spread where a coordinate is continuous, shape (p, d)."""
        X = np.full((1, self.dim), INACTIVE)
        for j, domain in enumerate(self.domains):
            is_active = self.activity(X)[:, j]
            u = domain.positions(limit)
            counts = np.where(is_active, len(u), 1)  # points that each row becomes
            ends = np.cumsum(counts)
            num_rows = int(np.searchsorted(ends, limit)) + 1  # as many as give `limit` points
            rows = np.repeat(np.arange(len(X))[:num_rows], counts[:num_rows])[:limit]
            offsets = np.arange(len(rows)) - (ends - counts)[rows]
            X = X[rows]
            X[:, j] = np.where(is_active[rows], u[np.minimum(offsets, len(u) - 1)], INACTIVE)
        return X

    def complete(self, values: Mapping[str, Value]) -> dict[str, Value]:
        """The active values, with defaults where one is missing."""
        complete: dict[str, Value] = {}
        for entry in self.entries:
            if entry.is_active(complete):
                complete[entry.name] = values.get(entry.name, entry.default)
        return complete


def _start_of(parameter: Parameter, domain: Coordinate) -> float:
    """The coordinate of the default, or the middle."""
    is_default = parameter.is_default_explicit or isinstance(domain, Category)
    return float(domain.encode(parameter.default)) if is_default else 0.5


def _parents_first(entries: Sequence[Parameter]) -> tuple[Parameter, ...]:
    """The same entries, each after those its conditions name, else in the order given."""
    by_name: dict[str, Parameter] = {}
    for entry in entries:
        if entry.name in by_name:
            raise SearchSpaceError(
                f"The hyperparameter {entry.name!r} is declared twice: {by_name[entry.name]} and {entry}. "
                "Give each of them a name of its own."
            )
        by_name[entry.name] = entry
    done: dict[str, Parameter] = {}

    def visit(entry: Parameter, path: tuple[str, ...]) -> None:
        if entry.name in path:
            raise SearchSpaceError(f"The conditions of {entry.name!r} lead back to it: {' -> '.join(path)}.")
        for condition in entry.conditions:
            if condition.name in by_name and condition.name not in done:
                visit(by_name[condition.name], (*path, entry.name))
        done[entry.name] = entry

    for entry in entries:
        if entry.name not in done:
            visit(entry, ())
    return tuple(done.values())
