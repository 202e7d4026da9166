"""Trainings that pause, so that a search can decide which of them to go on with."""

from __future__ import annotations

from dataclasses import dataclass

from keras_bayes.arguments import check_integer
from keras_bayes.rungs import MIN_EPOCHS, rungs
from keras_bayes.stopping_rules import Training


@dataclass(frozen=True, slots=True)
class Pause:
    """A stopping rule that ends each training at its next rung, for a search that goes on with the promising ones.

    Args:
        min_epochs: The first rung is no earlier.
    """

    min_epochs: int = MIN_EPOCHS

    def __post_init__(self) -> None:
        check_integer("min_epochs", self.min_epochs, at_least=1)

    def __call__(self, training: Training) -> str:
        """Why to stop; empty to go on."""
        if training.epoch not in rungs(training.num_epochs, self.min_epochs)[:-1]:
            return ""
        return f"Paused after {training.epoch} of {training.num_epochs} epochs."
