"""Hyperparameters that a program declares but does not always read.

The idiom `for i in range(hp.Int("layers", 1, 5)): hp.Int(f"units_{i}", ...)` says nothing to keras-tuner of the fact
that `units_4` matters only with five layers. What a trial really read tells it.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, Mapping, Sequence, ValuesView
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_bayes.declarations import Condition, Parameter
from keras_bayes.domains import Category, Levels, Value
from keras_bayes.history import TrialRecord
from keras_bayes.space import Space

MIN_UNREAD = 2  # trials that did not read a hyperparameter before a reason for it is looked for
MAX_PARENT_VALUES = 100  # a hyperparameter of more values is no switch


class ReadValues(dict[str, Value]):
    """Hyperparameter values that remember which of them were looked up; iterating over items or values reads all."""

    def __init__(self, values: dict[str, Value]) -> None:
        super().__init__(values)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> Value:
        self.read.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.read.add(name)
        return super().get(name, default)

    def __iter__(self) -> Iterator[str]:
        return super().__iter__()  # with a method of its own, `dict(values)` and `{**values}` look up each one

    def items(self) -> ItemsView[str, Value]:  # type: ignore[override]
        self.read.update(self)
        return super().items()

    def values(self) -> ValuesView[Value]:  # type: ignore[override]
        self.read.update(self)
        return super().values()

    @property
    def unread(self) -> set[str]:
        """Names that were not looked up; none if nothing was, since then the values went another way."""
        return self.keys() - self.read if self.read else set()


def unnoted(values: dict[str, Value]) -> dict[str, Value]:
    """A copy for which no value counts as looked up."""
    return dict(dict.items(values))


def read_alike(values: Mapping[str, Value], earlier: Mapping[str, Value]) -> None:
    """Takes as looked up in some values what has been in earlier ones, where both remember it."""
    if isinstance(values, ReadValues) and isinstance(earlier, ReadValues):
        values.read |= earlier.read


def learn_conditions(space: Space, records: Sequence[TrialRecord]) -> Space:
    """The space with a condition for each hyperparameter whose use depends on the value of an earlier one.

    A condition is taken up if no completed trial contradicts it, and it excludes only values with which the
    hyperparameter was never read; a wrong guess is dropped with the first trial that shows it.
    """
    completed = [record for record in records if record.status == "COMPLETED"]
    if not any(record.unused for record in completed):
        return space
    columns = {p.name: _Column.of(p.name, completed) for p in space.entries if _is_switch(p)}
    entries = list(space.entries)
    for i, entry in enumerate(entries):
        earlier = [parent for parent in entries[:i] if parent.name in columns]
        condition = _condition(entry, earlier, completed, columns)
        if condition is not None:
            entries[i] = replace(entry, conditions=(*entry.conditions, condition))
    return Space(tuple(entries))


@dataclass(frozen=True, slots=True)
class _Column:
    """The values of one hyperparameter in all trials.

    Args:
        values: Its different values.
        codes: One more than the place of each trial's value among them, 0 where it has none, shape (n,).
    """

    values: tuple[Value, ...]
    codes: NDArray[np.intp]

    @classmethod
    def of(cls, name: str, records: Sequence[TrialRecord]) -> _Column:
        """The column of the hyperparameter `name`."""
        places: dict[Value, int] = {}
        codes = [places.setdefault(r.values[name], len(places) + 1) if name in r.values else 0 for r in records]
        return cls(tuple(places), np.array(codes, dtype=np.intp))

    def values_at(self, rows: NDArray[np.bool_]) -> set[Value] | None:
        """The values of some of the trials, `None` where one of them has none."""
        is_present = np.bincount(self.codes[rows], minlength=1) > 0
        return None if is_present[0] else {self.values[code - 1] for code in np.flatnonzero(is_present)}


def _is_apart(some: set[Any], others: set[Any]) -> bool:
    """Whether all of some numbers are on the same side of all others."""
    return bool(max(others) < min(some) or max(some) < min(others))


def _is_switch(parameter: Parameter) -> bool:
    """Whether the use of others may depend on a hyperparameter."""
    return isinstance(parameter.domain, Levels | Category) and len(parameter.domain.values) <= MAX_PARENT_VALUES


def _condition(
    entry: Parameter, earlier: Sequence[Parameter], records: Sequence[TrialRecord], columns: Mapping[str, _Column]
) -> Condition | None:
    """The condition on the earlier hyperparameter that best tells the trials that read `entry` from the others."""
    is_unused = np.array([entry.name in record.unused for record in records])
    if is_unused.sum() < MIN_UNREAD:
        return None
    is_known = np.array([entry.name in record.values and entry.is_active(record.values) for record in records])
    read, unread = is_known & ~is_unused, is_known & is_unused
    if not read.any() or unread.sum() < MIN_UNREAD:
        return None
    best, best_rank = None, (False, 0)
    for parent in earlier:
        on, off = (columns[parent.name].values_at(rows) for rows in (read, unread))
        if on is None or off is None or not on.isdisjoint(off):
            continue
        is_threshold = isinstance(parent.domain, Levels) and _is_apart(on, off)
        rank = (is_threshold, len(on | off))
        if rank > best_rank:
            best_rank = rank
            values = parent.domain.values  # type: ignore[union-attr]
            best = Condition(parent.name, tuple(value for value in values if value not in off))
    return best
