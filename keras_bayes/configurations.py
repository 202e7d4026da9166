"""Configurations that a user names, checked against the search space."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from keras_bayes.declarations import Parameter
from keras_bayes.domains import Category, Constant, Levels, Real, Value
from keras_bayes.errors import ConfigurationError
from keras_bayes.space import Space

MAX_LISTED = 12  # values that a message lists


def to_run(space: Space, values: Mapping[str, Any]) -> dict[str, Value]:
    """The configuration with these values, as plain Python types; what is left out is as in the first trial.

    Raises:
        ConfigurationError: A name is unknown or has no effect, or a value is not one of those it may have.
    """
    entries = _entries(space, values)
    given = {name: _legal_value(entries[name], value) for name, value in values.items()}
    complete = space.complete({**space.start_values, **given})
    for name in given.keys() - complete:
        raise ConfigurationError(f"{name!r} has no effect in {dict(values)}: it is active {entries[name]}.")
    return complete


def observed(space: Space, values: Mapping[str, Any]) -> dict[str, Value]:
    """The active values of a configuration that was run elsewhere; a number may lie between the steps of its range.

    Raises:
        ConfigurationError: A name is unknown, an active one is missing, or a value is outside its range.
    """
    entries = _entries(space, values)
    complete = space.complete({name: _plain(value) for name, value in values.items()})
    for name, value in complete.items():
        entry = entries[name]
        if name not in values:
            if not isinstance(entry.domain, Constant):
                raise ConfigurationError(f"The value of {name!r} is missing in {dict(values)}.")
        elif value not in entry.domain or _is_switched(entry, value):
            raise _illegal(entry, value)
    return complete


def plain_value(value: Any) -> Value | None:
    """A value as one of Python's own types; `None` for what marks a missing one."""
    value = _plain(value)
    return None if value is None or value != value else value


def _entries(space: Space, values: Mapping[str, Any]) -> dict[str, Parameter]:
    """All hyperparameters by name; raises unless those that `values` names are among them."""
    entries = {entry.name: entry for entry in space.entries}
    unknown = [name for name in values if name not in entries]
    if unknown:
        names = ", ".join(map(repr, entries)) or "none"
        raise ConfigurationError(f"There is no hyperparameter {unknown[0]!r}; the search space has {names}.")
    return entries


def _legal_value(entry: Parameter, value: Any) -> Value:
    """The value that a trial gets."""
    value, domain = _plain(value), entry.domain
    if value in domain and not _is_switched(entry, value):
        if isinstance(domain, Constant):
            return domain.value
        if isinstance(domain, Category):
            return domain.values[domain.index(value)]
        if isinstance(domain, Levels):
            level = domain.values[domain.index(value)]
            if math.isclose(level, value):
                return level
        elif not domain.integer:
            return float(value)
        elif value == int(value):
            return int(value)
    raise _illegal(entry, value)


def _is_switched(entry: Parameter, value: Value) -> bool:
    """Whether this is a truth value where a number is wanted: Python takes `True` for 1."""
    return isinstance(value, bool) and not isinstance(entry.default, bool)


def _illegal(entry: Parameter, value: Any) -> ConfigurationError:
    return ConfigurationError(f"{entry.name!r} must be {_description(entry.domain)}, received {value!r}.")


def _description(domain: Any) -> str:
    if isinstance(domain, Real):
        return f"{'an integer' if domain.integer else 'a number'} from {domain.low} to {domain.high}"
    if isinstance(domain, Constant):
        return repr(domain.value)
    values = [repr(value) for value in domain.values[:MAX_LISTED]]
    if len(domain.values) > MAX_LISTED:
        values = [*values[:3], "…", repr(domain.values[-1])]
    return f"one of {', '.join(values)}"


def _plain(value: Any) -> Any:
    """A NumPy scalar as a Python one."""
    return value.item() if hasattr(value, "item") and not getattr(value, "shape", ()) else value
