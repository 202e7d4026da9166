"""Checks of what a user passes, at construction."""

from __future__ import annotations

import difflib
import inspect
import math
import numbers
import operator
import os
from collections.abc import Callable, Collection, Iterable
from typing import Any

from keras_bayes.errors import ProjectNameError

NOT_FOR_USERS = {"self", "oracle", "kwargs"}  # a `BayesTuner` makes its oracle itself
MAX_NAME_BYTES = 255  # of a folder, on the usual file systems
IS_WINDOWS = os.name == "nt"


def integer(name: str, value: Any, *, at_least: int) -> int:
    """An argument as Python's own integer, which JSON can hold; raises unless it is one of at least `at_least`."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"`{name}` must be an integer, received {value!r}. {_LEAVE}") from None
    if number < at_least or isinstance(value, bool):
        raise ValueError(f"`{name}` must be an integer of at least {at_least}, received {value!r}. {_LEAVE}")
    return number


def integer_or_none(name: str, value: Any, *, at_least: int) -> int | None:
    """The same of an argument that may be `None`."""
    return None if value is None else integer(name, value, at_least=at_least)


def positive(name: str, value: Any) -> float:
    """An argument as Python's own float; raises unless it is a finite number above zero."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"`{name}` must be a number, received {value!r}. {_LEAVE}")
    if not 0 < float(value) < math.inf:
        raise ValueError(f"`{name}` must be a finite number above 0, received {value!r}. {_LEAVE}")
    return float(value)


def check_callable(name: str, value: Any) -> None:
    """Raises unless `value` is `None` or can be called."""
    if not (value is None or callable(value)):
        raise TypeError(f"`{name}` must be a function, received {value!r}. {_LEAVE}")


def check_instance(name: str, value: Any, kind: type) -> None:
    """Raises unless `value` is `None` or of the type `kind`."""
    if not (value is None or isinstance(value, kind)):
        raise TypeError(f"`{name}` must be a `keras_bayes.{kind.__name__}`, received {value!r}. {_LEAVE}")


def check_one_of(name: str, value: Any, options: Collection[str]) -> None:
    """Raises unless `value` is one of `options`."""
    if value not in options:
        raise ValueError(f"`{name}` must be one of {', '.join(map(repr, options))}, received {value!r}.")


def check_names(received: Iterable[str], *functions: Callable[..., Any]) -> None:
    """Raises unless each of these is the name of an argument of one of some functions."""
    known = {name for function in functions for name in inspect.signature(function).parameters} - NOT_FOR_USERS
    for name in received:
        if name not in known:
            close = difflib.get_close_matches(name, sorted(known), n=1)
            hint = f" Did you mean `{close[0]}`?" if close else ""
            raise ValueError(f"Unrecognized arguments: `{name}`.{hint}")


def check_project_name(name: Any) -> None:
    """Raises unless `name` can be the name of a folder inside another one."""
    if not isinstance(name, (str, os.PathLike)) or not isinstance(os.fspath(name), str):
        raise TypeError(f"`project_name` must be a string, received {name!r}. {_LEAVE}")
    text = os.fspath(name)
    is_path = text in ("", ".", "..") or not {*text}.isdisjoint("/\\\0") or os.path.splitdrive(text)[0]
    if is_path or len(os.fsencode(text)) > MAX_NAME_BYTES:
        raise ProjectNameError(
            f"`project_name` must be the name of one folder, received {text!r}. Put a path into `directory`."
        )
    if IS_WINDOWS and (text[-1] in ". " or not {*text}.isdisjoint('<>:"|?*')):
        raise ProjectNameError(
            f"`project_name` must be the name of a folder, received {text!r}. "
            'On Windows that has none of < > : " | ? *, and ends neither with a dot nor with a space.'
        )


_LEAVE = "Leave it unset for the default."
