"""Packages that only some features need."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def load(name: str, extra: str) -> Any:
    """Imports a package that an extra of ours installs.

    Raises:
        ImportError: It is not installed.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise ImportError(f'This needs {name}: pip install "keras-bayes[{extra}]"') from error
