"""A network whose depth decides which hyperparameters matter, in ordinary Python, as a formula.

A program of the idiom `for i in range(hp.Int("num_layers", 1, 5)): hp.Int(f"units_{i}", ...)` declares the widths of
all layers and reads those that the network has. KerasTuner is told nothing of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import keras_tuner as kt

MAX_LAYERS = 5
DEPTHS = (2, 3, 4)  # the best number of layers, one task each


def declare_network() -> kt.HyperParameters:
    """What the builds with one to five layers have declared."""
    hp = kt.HyperParameters()
    hp.Float("learning_rate", 1e-4, 1e-1, sampling="log")
    hp.Int("num_layers", 1, MAX_LAYERS)
    for i in range(MAX_LAYERS):
        hp.Int(f"units_{i}", 16, 512, sampling="log")
        hp.Float(f"dropout_{i}", 0.0, 0.7)
    return hp


def network_accuracy(values: Mapping[str, Any], *, depth: int) -> float:
    """Accuracy in per cent: 95 where all is right, 10 where much is wrong.

    The best network becomes narrower from layer to layer, deep ones want a lower learning rate, wide layers more
    dropout.
    """
    num_layers = values["num_layers"]
    wrong = 0.15 * (math.log10(values["learning_rate"]) + 2 + 0.2 * num_layers) ** 2
    wrong += 0.12 * abs(num_layers - depth)
    for i in range(num_layers):
        width, dropout = math.log2(values[f"units_{i}"]), values[f"dropout_{i}"]
        wrong += (0.03 * (width - (8 - i)) ** 2 + 0.8 * (dropout - 0.08 * (width - 4)) ** 2) / math.sqrt(num_layers)
    return 10 + 85 * math.exp(-wrong)


def used_from_depth() -> dict[str, tuple[str, tuple[int, ...]]]:
    """With which numbers of layers a hyperparameter is read, for libraries whose programs say so."""
    return {
        f"{name}_{i}": ("num_layers", tuple(range(i + 1, MAX_LAYERS + 1)))
        for i in range(MAX_LAYERS)
        for name in ("units", "dropout")
    }
