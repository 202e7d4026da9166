"""Lets go of what TensorFlow keeps of each training for as long as the process lives."""

from __future__ import annotations

import sys
from types import CellType
from typing import Any

CUSTOM_GRADIENT = "CustomGradient-"  # how `tf.custom_gradient` begins the name under which it registers a gradient


def release_traced_tensors() -> None:
    """Frees the graphs of training steps whose models are gone; nothing that is still in use changes.

    TensorFlow registers the function of each `tf.custom_gradient` that it traces, and the step of every Keras optimizer
    traces one, around its sum over replicas. In 2.21, say, that function holds the tensors of its forward pass, and
    through them the graph of the whole step, for ever. It needs their number and structure only: these are left to it,
    so that it can still be called. Without TensorFlow, or in a version that holds no tensors, nothing happens.

    References:
        https://github.com/tensorflow/tensorflow/issues/97697, solved in the same way in pull request 109334.
    """
    tensorflow = sys.modules.get("tensorflow")
    registry: Any = getattr(sys.modules.get("tensorflow.python.framework.ops"), "gradient_registry", None)
    if tensorflow is None or not {"list", "lookup"} <= set(dir(registry)):
        return
    for name in list(registry.list()):
        if name.startswith(CUSTOM_GRADIENT):
            gradient = _captured(registry.lookup(name)).get("tape_grad_fn")
            held = _captured(gradient and gradient.cell_contents).get("result")
            if held is not None:
                _empty(held, tensorflow)


def _captured(function: Any) -> dict[str, CellType]:
    """The variables that a function takes from the one around it."""
    names = getattr(getattr(function, "__code__", None), "co_freevars", ())
    return dict(zip(names, getattr(function, "__closure__", None) or (), strict=True))


def _empty(cell: CellType, tensorflow: Any) -> None:
    """Replaces a structure of tensors by the same structure of None."""
    leaves = tensorflow.nest.flatten(cell.cell_contents)
    if all(isinstance(leaf, tensorflow.Tensor) for leaf in leaves):  # others are rebuilt from themselves
        cell.cell_contents = tensorflow.nest.map_structure(lambda _: None, cell.cell_contents)
