"""What a training returns, as the host takes it."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np


def plain_results(results: Any, objective: Any) -> Any:
    """What a training returned, in the types that the host takes.

    A NumPy number or 0-d array becomes a float; a dictionary gains the sum of a list of objectives; an epoch in which
    the objective was no number is never the best of a `keras.callbacks.History`.
    """
    if isinstance(results, list):
        return [plain_results(item, objective) for item in results]
    if isinstance(results, np.generic | np.ndarray) and np.ndim(results) == 0:
        return float(results)
    parts = getattr(objective, "objectives", [objective])
    if isinstance(results, dict) and hasattr(objective, "objectives") and all(part.name in results for part in parts):
        return {**results, objective.name: float(objective.get_value(results))}
    if isinstance(results, keras.callbacks.History):
        for part in parts:
            worst = -math.inf if part.direction == "max" else math.inf
            values = results.history.get(part.name, [])
            results.history[part.name] = [value if math.isfinite(value) else worst for value in values]
    return results
