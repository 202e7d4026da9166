"""Images for the examples: MNIST where it can be had, scikit-learn's handwritten digits elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np


class Images(NamedTuple):
    """Images in [0, 1], shape (n, 28, 28, 1), and their labels 0–9, shape (n,)."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_val: np.ndarray
    y_val: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def load(source: str, *, num_train: int, num_val: int) -> Images:
    """Loads images and cuts them to size.

    Args:
        source: `"auto"` (MNIST, or the digits where it cannot be downloaded), `"mnist"`, `"digits"`, or the path
            of an `.npz` file with the arrays `x_train y_train x_test y_test`.
        num_train: Training images; a smaller data set is repeated up to this number.
        num_val: Validation images at most, held out of the training images.
    """
    x_train, y_train, x_test, y_test = _read(source)
    num_val = min(num_val, len(x_train) // 5)
    held_out = len(x_train) - num_val
    repeated = np.arange(num_train) % held_out
    return Images(x_train[repeated], y_train[repeated], x_train[held_out:], y_train[held_out:], x_test, y_test)


def _read(source: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    if source == "digits":
        return _digits()
    if source == "mnist":
        (x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
        return _scaled(x_train), y_train, _scaled(x_test), y_test
    if source == "auto":
        try:
            return _read("mnist")
        except Exception as error:  # Keras raises a bare `Exception` when a download fails
            reason = str(error).splitlines()[0]
            print(f"MNIST is not to be had ({reason}): using the digits of scikit-learn instead.")
            return _digits()
    if not Path(source).is_file():
        raise SystemExit(f"--data: expected auto, mnist, digits or an .npz file, received {source!r}")
    with np.load(source) as file:
        return (
            _scaled(file["x_train"]), file["y_train"], _scaled(file["x_test"]), file["y_test"]
        )  # fmt: skip


def _scaled(x: np.ndarray) -> np.ndarray:
    return x[..., None].astype("float32") / 255


def _digits() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    digits = load_digits()
    small = (digits.images[..., None] / 16).astype("float32")  # (1797, 8, 8, 1)
    x = np.array(keras.ops.image.resize(small, (28, 28)))
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order], digits.target[order]
    return x[:1437], y[:1437], x[1437:], y[1437:]  # four fifths to train, one fifth to test
