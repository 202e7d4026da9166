"""Trainings without the progress bars of Keras, where the search shows how far they have got."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras_tuner as kt

VERBOSE_PLACE = 4  # of `verbose` among the arguments of `keras.Model.fit`


def is_left_open(args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Whether arguments of `keras.Model.fit` leave it open what Keras prints."""
    return kwargs.get("verbose", "auto") == "auto" and len(args) <= VERBOSE_PLACE


def quiet(hypermodel: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Keyword arguments of `fit` that silence Keras, where the user has left that open.

    A hypermodel with a `fit` of its own gets what the user has given: it may not take a `verbose`, or pass another.

    Args:
        hypermodel: The `keras_tuner.HyperModel`.
        args: Positional arguments of its `fit`.
        kwargs: Keyword arguments of its `fit`.
    """
    is_fit_of_keras = type(hypermodel).fit is kt.HyperModel.fit
    return {**kwargs, "verbose": 0} if is_fit_of_keras and is_left_open(args, kwargs) else dict(kwargs)
