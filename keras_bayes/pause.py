"""Trainings that pause, so that a search can decide which of them to go on with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from keras_bayes.arguments import integer
from keras_bayes.continuation import given_up, superseded
from keras_bayes.rungs import rungs
from keras_bayes.stopping_rules import Training

MAX_STATES = 20  # of paused trainings that are kept on the disk, weights and optimizer of each


@dataclass(frozen=True, slots=True)
class Pause:
    """A stopping rule that ends each training at its next rung, for a search that goes on with the promising ones.

    Where there is no loss at a rung, the training pauses as soon as there is one.

    Args:
        min_epochs: No pause is earlier.
    """

    min_epochs: int = 1

    def __post_init__(self) -> None:
        integer("min_epochs", self.min_epochs, at_least=1)

    def __call__(self, training: Training) -> str:
        """Why to stop; empty to go on."""
        if not training.passed([rung for rung in rungs(training.num_epochs)[:-1] if rung >= self.min_epochs]):
            return ""
        return f"Paused after {training.epoch} of {training.num_epochs} epochs."

    def after(self, num_epochs: int) -> Pause:
        """The rule without the rungs of the first epochs."""
        return Pause(max(self.min_epochs, num_epochs + 1))


def states_to_keep(
    paused: Sequence[str], statuses: Mapping[str, str], proposals: Mapping[str, Mapping[str, Any]]
) -> set[str]:
    """The paused trials whose state stays on the disk.

    Args:
        paused: Trials whose state is there, best first.
        statuses: Status of each trial, by id.
        proposals: Why each trial was chosen, by id; `continues` tells with which trial it goes on.

    Returns:
        The `MAX_STATES` best of those that no trial has gone on with to its end, and those that one may yet need.
    """
    completed = {i for i, status in statuses.items() if status == "COMPLETED"}
    failed = {i for i, status in statuses.items() if status == "FAILED"}
    done = superseded(proposals, completed) | given_up(proposals, failed)
    needed = superseded(proposals, statuses.keys() - completed - failed)
    best = [trial_id for trial_id in paused if trial_id not in done][:MAX_STATES]
    return {*best, *needed.intersection(paused)}
