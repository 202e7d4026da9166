"""What the benchmarks share: driving an oracle without a tuner, another constant, a CSV file, a table."""

from __future__ import annotations

import ast
import csv
import platform
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from importlib.metadata import version
from typing import Any

import keras_tuner as kt

PACKAGES = ("keras-bayes", "keras-tuner", "numpy", "scipy", "scikit-learn")


def drive(
    oracle: kt.Oracle, evaluate: Callable[[int, Mapping[str, Any]], float]
) -> Iterator[tuple[dict[str, Any], float]]:
    """Runs a search whose objective is called `loss`, in a temporary directory.

    Args:
        oracle: The search; it ends where the oracle ends it.
        evaluate: Loss of a trial, from its number and its values.

    Yields:
        Values of a trial, and its loss.
    """
    oracle.verbose = 0
    with tempfile.TemporaryDirectory() as directory:
        oracle._set_project_dir(directory, "search")
        while (trial := oracle.create_trial("tuner0")).status == "RUNNING":
            values = dict(trial.hyperparameters.values)
            loss = evaluate(int(trial.trial_id), values)
            oracle.update_trial(trial.trial_id, {"loss": loss})
            trial.status = "COMPLETED"
            oracle.end_trial(trial)
            yield values, loss


def set_constant(assignment: str) -> None:
    """Gives a constant of the package another value: `module.NAME=value`."""
    target, value = assignment.split("=")
    module, constant = target.split(".")
    namespace = vars(import_module(f"keras_bayes.{module}"))
    if constant not in namespace:
        raise ValueError(f"There is no constant keras_bayes.{target}.")
    namespace[constant] = ast.literal_eval(value)


def write_csv(path: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes rows with the same keys, and with each the versions of what computed it."""
    versions = {"python": platform.python_version(), **{package: version(package) for package in PACKAGES}}
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0], *versions])
        writer.writeheader()
        writer.writerows({**row, **versions} for row in rows)


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints a table in Markdown."""
    print(f"| {' | '.join(header)} |")
    print("|---" * len(header) + "|")
    for row in rows:
        print(f"| {' | '.join(row)} |")
