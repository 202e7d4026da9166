"""Files of curves as trainings leave them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from keras_bayes.curves import CURVE_FILE, End, Epoch

NUM_EPOCHS = 10  # that each training was to have


def falling(num_epochs: int, height: float = 1.0) -> list[float]:
    """Losses that fall from a height."""
    return [height / (i + 1) for i in range(num_epochs)]


def write_curves(folder: Path, *trainings: tuple[Sequence[float], str], is_over: bool = True) -> None:
    """Makes a folder with the values of `val_loss` of its trainings, and why each was stopped."""
    folder.mkdir()
    lines = []
    for number, (losses, stopped) in enumerate(trainings):
        lines += [Epoch(number, i, 0.0, 1.0, {"val_loss": loss}).to_line() for i, loss in enumerate(losses)]
        lines += [End(number, NUM_EPOCHS, stopped).to_line()] if is_over else []
    (folder / CURVE_FILE).write_text("".join(lines))
