"""Hyperparameters that a program declares but does not always read.

The idiom `for i in range(hp.Int("layers", 1, 5)): hp.Int(f"units_{i}", ...)` says nothing to keras-tuner of the fact
that `units_4` matters only with five layers. What a trial really read tells it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from keras_bayes.declarations import Condition, Parameter
from keras_bayes.domains import Category, Levels, Value
from keras_bayes.history import TrialRecord
from keras_bayes.space import Space

MIN_UNREAD = 2  # trials that did not read a hyperparameter before a reason for it is looked for
MAX_PARENT_VALUES = 100  # a hyperparameter of more values is no switch


class ReadValues(dict[str, Value]):
    """Hyperparameter values that remember which of them were looked up."""

    def __init__(self, values: dict[str, Value]) -> None:
        super().__init__(values)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> Value:
        self.read.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.read.add(name)
        return super().get(name, default)

    @property
    def unread(self) -> set[str]:
        """Names that were not looked up; none if nothing was, since then the values went another way."""
        return self.keys() - self.read if self.read else set()


def learn_conditions(space: Space, records: Sequence[TrialRecord]) -> Space:
    """The space with a condition for each hyperparameter whose use depends on the value of an earlier one.

    A condition is taken up if no completed trial contradicts it, and it excludes only values with which the
    hyperparameter was never read; a wrong guess is dropped with the first trial that shows it.
    """
    completed = [record for record in records if record.status == "COMPLETED"]
    if not any(record.unused for record in completed):
        return space
    entries = list(space.entries)
    for i, entry in enumerate(entries):
        condition = _condition(entry, entries[:i], completed)
        if condition is not None:
            entries[i] = replace(entry, conditions=(*entry.conditions, condition))
    return Space(tuple(entries))


def _condition(entry: Parameter, earlier: Sequence[Parameter], records: Sequence[TrialRecord]) -> Condition | None:
    """The condition on the earlier hyperparameter that best tells the trials that read `entry` from the others."""
    known = [record for record in records if entry.name in record.values and entry.is_active(record.values)]
    read = [record for record in known if entry.name not in record.unused]
    unread = [record for record in known if entry.name in record.unused]
    if not read or len(unread) < MIN_UNREAD:
        return None
    best, best_rank = None, (False, 0)
    for parent in earlier:
        if not isinstance(parent.domain, Levels | Category) or len(parent.domain.values) > MAX_PARENT_VALUES:
            continue
        if any(parent.name not in record.values for record in read + unread):
            continue
        on, off = _values(parent.name, read), _values(parent.name, unread)
        is_threshold = isinstance(parent.domain, Levels) and (max(off) < min(on) or max(on) < min(off))
        rank = (is_threshold, len(on | off))
        if on.isdisjoint(off) and rank > best_rank:
            best_rank = rank
            best = Condition(parent.name, tuple(value for value in parent.domain.values if value not in off))
    return best


def _values(name: str, records: Sequence[TrialRecord]) -> set[Any]:
    """The values of a hyperparameter in the trials."""
    return {record.values[name] for record in records}
