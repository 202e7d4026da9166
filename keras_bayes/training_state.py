"""The state in which a training was paused, so that it can go on in another process: weights and optimizer."""

from __future__ import annotations

import warnings
from pathlib import Path

import keras

from keras_bayes.weights import build, check_space, mark_built, read_weights


def is_merged(model: keras.Model) -> bool:
    """Whether Keras writes other variables than the model has: adapters (LoRA) are added to what they adapt."""
    return any(variable.name.startswith("lora_") for variable in model.variables)


def has_stepped(model: keras.Model) -> bool:
    """Whether the model has an optimizer of Keras that has trained it."""
    optimizer = getattr(model, "optimizer", None)
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # which counts the steps where losses are scaled
    steps = getattr(optimizer, "iterations", None)
    return steps is not None and bool(keras.ops.convert_to_numpy(steps) > 0)


def save_state(model: keras.Model, path: Path) -> None:
    """Writes weights and optimizer of a model to a file that ends in `.weights.h5`.

    Raises:
        OSError: The disk is too full.
    """
    _build_optimizer(model)
    check_space(path, [*model.variables, *getattr(model.optimizer, "variables", ())])
    mark_built(model)
    model.save_weights(str(path))


def load_state(model: keras.Model, path: Path, *, build_config: Path) -> None:
    """Puts a saved state into a model, as it was or not at all where the optimizer is concerned.

    Args:
        model: The model; built here if it is not.
        path: File of the state.
        build_config: File that says for which input a model is built.

    Raises:
        ProjectError: A file is missing or broken, or of another model or optimizer.
    """
    build(model, build_config)
    _build_optimizer(model)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # by which Keras tells that the state is of another optimizer
        read_weights(model, path)


def _build_optimizer(model: keras.Model) -> None:
    """Gives the optimizer of a model its variables, if it is one of Keras and has none yet."""
    if not getattr(model.optimizer, "built", True):
        model.optimizer.build(model.trainable_variables)
