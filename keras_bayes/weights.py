"""The weights of a model, without what only a training needs."""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import keras

from keras_bayes.errors import ProjectError
from keras_bayes.project import BAD_CONTENT

SPARE_BYTES = 64 * 1024  # beyond the numbers themselves, what a file of HDF5 takes
SPARE_BYTES_PER_VARIABLE = 4 * 1024


def save_weights(model: keras.Model, path: Path) -> None:
    """Writes the weights of a model to a file that ends in `.weights.h5`.

    Raises:
        OSError: The disk is too full, which HDF5 must not find out: it may end the process where it closes the file.
    """
    check_space(path, model.variables)
    mark_built(model)
    with _without_optimizer(model):
        model.save_weights(str(path))


def load_weights(model: keras.Model, path: Path, *, build_config: Path) -> None:
    """Puts saved weights into a model.

    Args:
        model: The model; built here if it is not.
        path: File of the weights.
        build_config: File that says for which input a model is built.

    Raises:
        ProjectError: A file is missing or broken.
    """
    build(model, build_config)
    with _without_optimizer(model):
        read_weights(model, path)


def check_space(path: Path, variables: Sequence[keras.Variable]) -> None:
    """Raises an `OSError` if the disk is too full for a file of some variables."""
    num_bytes = sum(math.prod(v.shape) * (8 if v.dtype.endswith("64") else 4) for v in variables)
    needed = num_bytes + SPARE_BYTES + len(variables) * SPARE_BYTES_PER_VARIABLE
    disk = shutil.disk_usage(path.parent)
    if disk.total and disk.free < needed:  # a mount without a size does not tell
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def build(model: keras.Model, build_config: Path) -> None:
    """Builds a model that is not, as a file says; raises a `ProjectError` if that is missing or broken."""
    try:
        if not model.built:
            model.build_from_config(json.loads(build_config.read_text(encoding="utf-8")))
            mark_built(model)
    except (OSError, *BAD_CONTENT) as error:
        raise ProjectError(f"{build_config} is missing or broken: {error}") from error
    if not model.built:
        raise ProjectError(f"{build_config} is broken: the model cannot be built from what it holds.")


def mark_built(model: keras.Model) -> None:
    """Says that a model with weights is built: of one without a `build` of its own, such as a GAN, Keras does not."""
    model.built = model.built or bool(model.weights)


def read_weights(model: keras.Model, path: Path) -> None:
    """Puts into a built model, and its optimizer, what a file holds.

    Raises:
        ProjectError: The file is missing or broken, or of another model.
    """
    try:
        model.load_weights(path)
    except (OSError, RuntimeError, *BAD_CONTENT) as error:  # HDF5 has many words for damage
        raise ProjectError(f"{path} is broken, or of another model: {error}") from error


@contextlib.contextmanager
def _without_optimizer(model: keras.Model) -> Iterator[None]:
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
