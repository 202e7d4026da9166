"""Search for a small network that reads handwritten digits, write a report of it and take pictures of the report.

    python examples/report_pictures.py --folder report

The pictures are taken by Chromium, without a window: `desktop.png`, `dark.png` and `phone.png`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import keras_tuner as kt
from example_data import load

import keras_bayes

DARK = "--blink-settings=preferredColorScheme=0"
VIEWS = {  # size in pixels, and what else Chromium is told
    "desktop": ((1180, 2700), []),
    "dark": ((1180, 1640), [DARK]),
    "phone": ((500, 1640), []),  # a window is not narrower
}


def build_model(hp: kt.HyperParameters) -> keras.Model:
    """A dense network."""
    model = keras.Sequential([keras.layers.Input((28, 28, 1)), keras.layers.Flatten()])
    for _ in range(hp.Int("layers", 1, 3)):
        model.add(keras.layers.Dense(hp.Choice("units", [16, 32, 64, 128]), hp.Choice("activation", ["relu", "tanh"])))
        model.add(keras.layers.Dropout(hp.Float("dropout", 0.0, 0.6)))
    model.add(keras.layers.Dense(10, "softmax"))
    if hp.Choice("optimizer", ["adam", "sgd"]) == "adam":
        optimizer: keras.optimizers.Optimizer = keras.optimizers.Adam(hp.Float("lr", 1e-4, 1e-1, sampling="log"))
    else:
        optimizer = keras.optimizers.SGD(hp.Float("lr", 1e-4, 1e-1, sampling="log"), hp.Float("momentum", 0.0, 0.95))
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def search(folder: Path, num_trials: int) -> keras_bayes.BayesTuner:
    """Searches, or goes on with a search in that folder."""
    keras.utils.set_random_seed(0)
    images = load("digits", num_train=1200, num_val=237)
    tuner = keras_bayes.BayesTuner(
        build_model, objective="val_accuracy", max_trials=num_trials, seed=0, directory=folder, project_name="digits"
    )
    tuner.search(
        images.x_train, images.y_train, epochs=8, batch_size=64, verbose=0,
        validation_data=(images.x_val, images.y_val),
    )  # fmt: skip
    return tuner


def take_picture(chromium: str, page: Path, picture: Path, size: tuple[int, int], options: list[str]) -> None:
    """A picture of the top of a page."""
    with tempfile.TemporaryDirectory() as profile:
        command = [
            chromium, "--headless=new", "--no-sandbox", "--hide-scrollbars", "--virtual-time-budget=20000",
            f"--user-data-dir={profile}", f"--window-size={size[0]},{size[1]}", f"--screenshot={picture.resolve()}",
            *options, page.resolve().as_uri(),
        ]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True, timeout=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="where everything is written")
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--chromium", default=shutil.which("chromium"), help="program that takes the pictures")
    args = parser.parse_args()

    tuner = search(args.folder, args.trials)
    page = args.folder / "search.html"
    tuner.report(page)
    print(f"The report is {page}, {page.stat().st_size / 1e6:.1f} MB")
    if args.chromium is None:
        raise SystemExit("--chromium: there is no program of that name to take pictures; name one")
    for name, (size, options) in VIEWS.items():
        picture = args.folder / f"{name}.png"
        take_picture(args.chromium, page, picture, size, options)
        print(f"A picture of it is {picture}, {picture.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
