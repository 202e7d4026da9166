"""A search of the size and the variety of a real one, without its trainings: failures, two workers, learning curves."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import keras_tuner as kt
import numpy as np

from keras_bayes.curves import CURVE_FILE, Epoch
from keras_bayes.search_log import SearchLog
from keras_bayes.timesheet import Timesheet
from tests.host.searches import make_oracle, mixed_space

NUM_EPOCHS = 12
SECONDS = 4.0  # of an epoch
START = 1.75e9  # seconds since 1970


def accuracy(values: dict[str, Any]) -> float:
    """A validation accuracy over `mixed_space`, with its optimum inside."""
    loss = 0.05 * (math.log10(values["lr"]) + 2.4) ** 2 + 0.02 * (values["layers"] - 3) ** 2
    loss += {"sgd": 0.04, "adam": 0.0, "rmsprop": 0.01}[values["optimizer"]] + abs(values["units"] - 256) / 6400
    return 0.97 - loss - 0.05 * (values.get("momentum", 0.5) - 0.5) ** 2


def sample_search(folder: Path, *, num_trials: int = 45, direction: str = "max", seed: int = 0) -> SearchLog:
    """Runs two trials at a time; those with a high learning rate diverge, and a few others."""
    now = [START]
    oracle = make_oracle(
        folder,
        hyperparameters=mixed_space(),
        objective=kt.Objective("val_accuracy", direction),
        max_trials=num_trials,
        seed=seed,
    )
    oracle.timesheet = Timesheet(clock=lambda: now[0])
    rng = np.random.default_rng(seed)
    running = [oracle.create_trial("tuner0"), oracle.create_trial("tuner1")]
    while any(trial.status == "RUNNING" for trial in running):
        now[0] += SECONDS * NUM_EPOCHS * rng.uniform(0.5, 1.5)
        worker = int(rng.integers(2)) if all(trial.status == "RUNNING" for trial in running) else 0
        worker = worker if running[worker].status == "RUNNING" else 1 - worker
        _end(oracle, running[worker], folder, now[0], rng)
        running[worker] = oracle.create_trial(f"tuner{worker}")
    oracle.save()
    return SearchLog.read(folder / "search")


def _end(oracle: Any, trial: Any, folder: Path, now: float, rng: np.random.Generator) -> None:
    values = trial.hyperparameters.values
    score = accuracy(values) + 0.003 * rng.normal()
    epochs = range(NUM_EPOCHS)
    curve = [(score - 0.5 * math.exp(-epoch / 2) + 0.004 * rng.normal(), epoch) for epoch in epochs]
    if values["lr"] > 0.01 or rng.random() < 0.05:
        curve = curve[:2]
        trial.status = "INVALID"
        trial.message = "Traceback (most recent call last):\nInvalidArgumentError: loss is not finite <nan>"
    else:
        score = max(value for value, _ in curve)
        sign = 1.0 if oracle.objective.direction == "max" else -1.0
        oracle.update_trial(trial.trial_id, {"val_accuracy": sign * score})
        trial.status = "COMPLETED"
    lines = [Epoch(0, i, now, SECONDS, {"loss": 1 - value, "val_accuracy": value}).to_line() for value, i in curve]
    (folder / "search" / f"trial_{trial.trial_id}" / CURVE_FILE).write_text("".join(lines), encoding="utf-8")
    oracle.end_trial(trial)
