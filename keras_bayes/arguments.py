"""Checks of what a user passes, at construction."""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Collection
from typing import Any


def check_integer(name: str, value: Any, *, at_least: int) -> None:
    """Raises unless `value` is `None` or an integer of at least `at_least`."""
    if value is None:
        return
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"`{name}` must be an integer, received {value!r}. {_LEAVE}") from None
    if number < at_least or isinstance(value, bool):
        raise ValueError(f"`{name}` must be an integer of at least {at_least}, received {value!r}. {_LEAVE}")


def check_positive(name: str, value: Any) -> None:
    """Raises unless `value` is `None` or a finite number above zero."""
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"`{name}` must be a number, received {value!r}. {_LEAVE}")
    if not 0 < float(value) < math.inf:
        raise ValueError(f"`{name}` must be a finite number above 0, received {value!r}. {_LEAVE}")


def check_one_of(name: str, value: Any, options: Collection[str]) -> None:
    """Raises unless `value` is one of `options`."""
    if value not in options:
        raise ValueError(f"`{name}` must be one of {', '.join(map(repr, options))}, received {value!r}.")


_LEAVE = "Leave it unset for the default."
