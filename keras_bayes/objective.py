"""Which way is better, for objectives that are given by name."""

from __future__ import annotations

from typing import Any

import keras_tuner as kt
from keras_tuner.engine.metrics_tracking import infer_metric_direction

from keras_bayes.history import loss_sign

# Metrics of Keras that are to be maximised and that keras-tuner 1.4.8 would minimise or not recognise.
MAXIMIZED = frozenset(
    {
        "auc", "binary_io_u", "concordance_correlation", "cosine_similarity", "f1_score", "fbeta_score", "io_u",
        "mean_io_u", "one_hot_io_u", "one_hot_mean_io_u", "pearson_correlation", "precision", "precision_at_recall",
        "r2_score", "recall", "recall_at_precision", "sensitivity_at_specificity", "specificity_at_sensitivity",
        "sparse_top_k_categorical_accuracy", "top_k_categorical_accuracy", "true_negatives", "true_positives",
    }
)  # fmt: skip


OF_OUTPUTS = ("_acc", "_accuracy", *(f"_{name}" for name in sorted(MAXIMIZED)))  # ends of names
NEGATING = frozenset({"inverse", "minus", "neg", "negative"})  # words after which an end says nothing


def resolve_objective(objective: Any) -> Any:
    """Gives names that keras-tuner does not know, alone or in a list, their direction; leaves everything else alone.

    A list of one is that one: keras-tuner would negate a score that is to be maximised.
    """
    if isinstance(objective, (list, tuple)):
        resolved = [resolve_objective(item) for item in objective]
        return resolved[0] if len(resolved) == 1 else resolved
    if not isinstance(objective, str):
        return objective
    name = objective.removeprefix("val_").removeprefix("weighted_")
    if name in MAXIMIZED:
        return kt.Objective(objective, direction="max")
    is_negated = bool(NEGATING & set(name.split("_")))
    if infer_metric_direction(objective) is None and not is_negated:  # of one of several outputs: `val_age_loss`
        if name.endswith(OF_OUTPUTS):
            return kt.Objective(objective, direction="max")
        if name.endswith("_loss"):
            return kt.Objective(objective, direction="min")
    return objective


def objective_code(objective: Any) -> str:
    """The Python expression of an objective."""
    if isinstance(objective, (list, tuple)):
        return f"[{', '.join(map(objective_code, objective))}]"
    if isinstance(objective, str):
        return repr(objective)
    return f"keras_tuner.Objective({objective.name!r}, {objective.direction!r})"


def signs(objective: Any) -> dict[str, float]:
    """The metrics whose sum is the loss of an objective of keras-tuner, with the sign of each."""
    return {part.name: loss_sign(part.direction) for part in parts(objective)}


def parts(objective: Any) -> list[Any]:
    """Those that keras-tuner sums up in an objective, or the objective alone."""
    return list(getattr(objective, "objectives", [objective]))
