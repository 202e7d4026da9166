"""How far a trial has got."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from keras_bayes.wording import of_total


@dataclass(frozen=True, slots=True)
class Position:
    """How far a trial has got; nothing that is `None` is known.

    Args:
        training: Which training of the trial, from 1.
        epoch: Which epoch of it, from 1.
        num_epochs: How many there will be, unless it stops early.
        batch: Batches of the epoch that are done.
        num_batches: How many an epoch has.
        metrics: Losses and metrics of the last epoch that is done.
    """

    training: int
    epoch: int
    num_epochs: int | None = None
    batch: int | None = None
    num_batches: int | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)

    @property
    def fraction(self) -> float | None:
        """The part of the training that is done."""
        if not self.num_epochs:
            return None
        of_epoch = (self.batch or 0) / self.num_batches if self.num_batches else 0.0
        return min((self.epoch - 1 + of_epoch) / self.num_epochs, 1.0)

    @property
    def text(self) -> str:
        """In words, such as `epoch 2/5, batch 30/100`."""
        parts = [f"training {self.training}"] if self.training > 1 else []
        parts.append(f"epoch {of_total(self.epoch, self.num_epochs)}")
        if self.batch:
            parts.append(f"batch {of_total(self.batch, self.num_batches)}")
        return ", ".join(parts)
