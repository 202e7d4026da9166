"""Lets go of what TensorFlow and JAX keep of each training for as long as the process lives."""

from __future__ import annotations

import logging
import sys
import weakref
from collections.abc import Callable
from types import CellType
from typing import Any

logger = logging.getLogger(__name__)

CUSTOM_GRADIENT = "CustomGradient-"  # how `tf.custom_gradient` begins the name under which it registers a gradient


def release_traced_graphs() -> None:
    """Lets the graphs of training steps end with their models; nothing that is still in use changes.

    TensorFlow registers for ever the gradient of each `tf.custom_gradient` that it traces, and the step of every Keras
    optimizer traces one, around its sum over replicas. The gradient holds tensors, and through them the graph of the
    whole step. From now on the graph holds the gradient, and what is registered refers to it weakly. Without
    TensorFlow, or in a version whose gradients are built in another way, nothing happens.

    References:
        https://github.com/tensorflow/tensorflow/issues/97697
    """
    tensorflow = sys.modules.get("tensorflow")
    registry: Any = getattr(sys.modules.get("tensorflow.python.framework.ops"), "gradient_registry", None)
    if tensorflow is None or not {"list", "lookup"} <= set(dir(registry)):
        return
    for name in list(registry.list()):
        if name.startswith(CUSTOM_GRADIENT):
            try:
                _hand_over(registry.lookup(name), tensorflow)
            except (AttributeError, LookupError, ValueError) as error:  # TensorFlow is not what it was
                logger.debug("The graph of %s is kept: %s", name, error)


def release_compiled_steps() -> None:
    """Lets JAX, the backend, forget the steps that it has compiled; one that is called again is compiled anew."""
    sys.modules["jax"].clear_caches()


def _hand_over(registered: Any, tensorflow: Any) -> None:
    """Makes the graph of a registered gradient its owner."""
    cell = _captured(registered).get("tape_grad_fn")
    result = _captured(cell and cell.cell_contents).get("result")
    if cell is None or result is None:  # built in another way, or handed over already
        return
    tensors = tensorflow.nest.flatten(result.cell_contents, expand_composites=True)
    graphs = {id(tensor.graph): tensor.graph for tensor in tensors if hasattr(tensor, "graph")}
    if len(graphs) == 1:
        (graph,) = graphs.values()
        gradient = cell.cell_contents
        graph._keras_bayes_gradients = [*getattr(graph, "_keras_bayes_gradients", ()), gradient]
        cell.cell_contents = _weakly(gradient)


def _weakly(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, for as long as something else holds it."""
    reference = weakref.ref(function)
    return lambda *args: reference()(*args)  # type: ignore[misc]


def _captured(function: Any) -> dict[str, CellType]:
    """The variables that a function takes from the one around it."""
    names = getattr(getattr(function, "__code__", None), "co_freevars", ())
    return dict(zip(names, getattr(function, "__closure__", None) or (), strict=True))
