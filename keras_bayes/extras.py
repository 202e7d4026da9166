"""Packages that only some features need."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def load(name: str, extra: str) -> Any:
    """Imports a module that needs what an extra of ours installs.

    Raises:
        ImportError: That is not installed.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise ImportError(
            f'This needs {error.name}. Run `pip install {error.name}`, or `pip install ".[{extra}]"` in a clone '
            "of keras_bayes."
        ) from error
