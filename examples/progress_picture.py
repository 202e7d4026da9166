"""Draw what a terminal shows in the middle of a search.

    python examples/progress_picture.py --output examples/progress.png

A small network learns handwritten digits; after some trials the panel is written as SVG, and Chromium makes a PNG of
it.
"""

from __future__ import annotations

import argparse
import io
import math
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import keras_tuner as kt
from rich.console import Console
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import keras_bayes
from keras_bayes.show.panel import SearchPanel

WIDTH = 96  # characters
PIXELS = 1200  # of the width of the picture
COMMAND = "$ python search.py"


def build_model(hp: kt.HyperParameters) -> keras.Model:
    """A network with one hidden layer."""
    model = keras.Sequential(
        [
            keras.layers.Input((64,)),
            keras.layers.Dense(hp.Int("units", 16, 256, sampling="log"), activation="relu"),
            keras.layers.Dropout(hp.Float("dropout", 0.0, 0.5)),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    optimizer = {"adam": keras.optimizers.Adam, "sgd": keras.optimizers.SGD}[hp.Choice("optimizer", ["adam", "sgd"])]
    model.compile(
        optimizer(hp.Float("lr", 1e-4, 1e-1, sampling="log")), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    if model.count_params() > 15_000:
        raise MemoryError(f"{model.count_params()} weights are too many")
    return model


class Photographer(keras.callbacks.Callback):
    """Keeps the panel as it is in one batch of a search.

    Args:
        tuner: The tuner.
        trial, epoch, batch: The moment, counted from 1.
    """

    def __init__(self, tuner: keras_bayes.BayesTuner, trial: int, epoch: int, batch: int) -> None:
        super().__init__()
        self.tuner, self.moment = tuner, (trial, epoch, batch)
        self.svg = ""

    def __deepcopy__(self, memo: dict[int, Any]) -> Photographer:
        return self  # keras-tuner copies callbacks

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.epoch = epoch + 1

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if (len(self.tuner.oracle.trials), self.epoch, batch + 1) == self.moment:
            console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
            console.print(COMMAND)
            console.print(SearchPanel(self.tuner.oracle.display.progress()))
            self.svg = console.export_svg(title="keras_bayes")


def rasterise(svg: str, path: Path, chromium: str) -> None:
    """Writes a picture as PNG."""
    width, height = (float(size) for size in re.search(r'viewBox="0 0 (\S+) (\S+)"', svg).groups())
    size = f"--window-size={PIXELS},{math.ceil(PIXELS * height / width)}"
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "picture.html"
        page.write_text(f"<body style='margin: 0'>{svg}", encoding="utf-8")
        command = [chromium, "--headless=new", "--no-sandbox", "--hide-scrollbars", size]
        subprocess.run([*command, f"--screenshot={path.resolve()}", page.as_uri()], check=True, capture_output=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("progress.png"))
    parser.add_argument("--trials", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--chromium", default=shutil.which("chromium"), help="default: the one on the path")
    args = parser.parse_args()
    if args.chromium is None:
        parser.error("there is no chromium on the path: pass its place with --chromium")

    x, y = load_digits(return_X_y=True)
    x, x_val, y, y_val = train_test_split(x / 16, y, test_size=0.3, random_state=0)
    keras.utils.set_random_seed(args.seed)
    with tempfile.TemporaryDirectory() as folder:
        tuner = keras_bayes.BayesTuner(
            build_model, objective="val_accuracy", max_trials=args.trials, seed=args.seed, directory=folder
        )
        photographer = Photographer(tuner, trial=args.trials - 4, epoch=6, batch=30)
        tuner.search(x, y, epochs=10, batch_size=16, validation_data=(x_val, y_val), callbacks=[photographer])
    rasterise(photographer.svg, args.output, args.chromium)
    print(f"Wrote {args.output}")


if __name__ == "__main__":
    main()
