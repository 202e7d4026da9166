"""The weights of a model, without what only a training needs."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import keras

from keras_bayes.errors import ProjectError
from keras_bayes.project import BAD_CONTENT


def load_weights(model: keras.Model, path: Path, *, build_config: Path) -> None:
    """Puts saved weights into a model.

    Args:
        model: The model; built here if it is not.
        path: File of the weights.
        build_config: File that says for which input a model is built.

    Raises:
        ProjectError: A file is missing or broken.
    """
    try:
        if not model.built:
            model.build_from_config(json.loads(build_config.read_text(encoding="utf-8")))
    except (OSError, *BAD_CONTENT) as error:
        raise ProjectError(f"{build_config} is missing or broken: {error}") from error
    if not model.built:
        raise ProjectError(f"{build_config} is broken: the model cannot be built from what it holds.")
    try:
        with without_optimizer(model):
            model.load_weights(path)
    except (OSError, RuntimeError, *BAD_CONTENT) as error:  # HDF5 has many words for damage
        raise ProjectError(f"{path} is broken, or of another model: {error}") from error


@contextlib.contextmanager
def without_optimizer(model: keras.Model) -> Iterator[None]:
    """Lets `save_weights` and `load_weights` pass over the optimizer, whose state is twice the size of the weights."""
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None:  # not compiled: the user trains in a loop of their own
        yield
        return
    model.optimizer = None
    try:
        yield
    finally:
        model.optimizer = optimizer
