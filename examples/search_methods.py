"""Compare grid, random and Bayesian search for a convolutional network, trial by trial.

    python examples/search_methods.py --quick --data digits    # about a minute on one core
    python examples/search_methods.py                          # 20 trials of each method, the better part of an hour

The width of a layer is tuned in `build`, the batch size and the number of epochs in `fit`. Results stay in
`--directory`: a search that was interrupted goes on where it stopped, a finished one is only shown.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import keras_tuner as kt
import matplotlib
import numpy as np
from example_data import Images, load

import keras_bayes

matplotlib.use("Agg")  # a picture in a file needs no screen

from matplotlib import pyplot as plt
from matplotlib.ticker import MaxNLocator

METHODS = {"grid": kt.GridSearch, "random": kt.RandomSearch, "Bayesian": keras_bayes.BayesTuner}


class SmallCNN(kt.HyperModel):
    """A small network whose training is tuned along with its width.

    Args:
        epochs: Numbers of epochs to choose from.
    """

    def __init__(self, epochs: list[int]) -> None:
        super().__init__()
        self.epochs = epochs

    def build(self, hp: kt.HyperParameters) -> keras.Model:
        model = keras.Sequential(
            [
                keras.layers.Input((28, 28, 1)),
                keras.layers.Conv2D(32, 3, activation="relu"),
                keras.layers.MaxPooling2D(2),
                keras.layers.Conv2D(64, 3, activation="relu"),
                keras.layers.MaxPooling2D(2),
                keras.layers.Conv2D(64, 3, activation="relu"),
                keras.layers.GlobalAveragePooling2D(),
                keras.layers.Dense(hp.Choice("units", [32, 64, 96, 128, 256]), activation="relu"),
                keras.layers.Dense(10, activation="softmax"),
            ]
        )
        model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    def fit(self, hp: kt.HyperParameters, model: keras.Model, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        return model.fit(
            *args,
            batch_size=hp.Choice("batch_size", [32, 64, 96, 128]),
            epochs=hp.Choice("epochs", self.epochs),
            **kwargs,
        )


def search(method: str, images: Images, args: argparse.Namespace) -> np.ndarray:
    """Runs, continues or reloads one search.

    Returns:
        Scores of its completed trials, in the order in which they were started.
    """
    keras.utils.set_random_seed(args.seed)
    tuner = METHODS[method](
        SmallCNN(args.epochs), objective="val_accuracy", max_trials=args.trials, seed=args.seed,
        directory=args.directory, project_name=f"{method}-{args.seed}",
    )  # fmt: skip
    tuner.search(images.x_train, images.y_train, validation_data=(images.x_val, images.y_val), verbose=args.verbose)
    trials = sorted(tuner.oracle.trials.values(), key=lambda trial: int(trial.trial_id))
    return np.array([trial.score for trial in trials if trial.status == "COMPLETED"])


def trials_needed(scores: np.ndarray, target: float) -> str:
    """How many trials it took to reach the target."""
    reached = np.flatnonzero(scores >= target)
    return str(reached[0] + 1) if len(reached) else "not reached"


def print_table(results: dict[str, np.ndarray], target: float) -> None:
    print(f"\n| search | trials | trials until val_accuracy ≥ {target:g} | best val_accuracy |")
    print("|---|---|---|---|")
    for method, scores in results.items():
        print(f"| {method} | {len(scores)} | {trials_needed(scores, target)} | {scores.max():.4f} |")


def draw(results: dict[str, np.ndarray], target: float, path: Path) -> None:
    """Saves the best accuracy so far of every method as a picture."""
    figure, axes = plt.subplots(figsize=(6.4, 4.0), layout="constrained")
    for method, scores in results.items():
        number = np.arange(1, len(scores) + 1)
        (line,) = axes.step(number, np.maximum.accumulate(scores), where="mid", linewidth=2, label=method)
        axes.plot(number, scores, ".", color=line.get_color(), alpha=0.4)
    axes.axhline(target, color="gray", linestyle=":", label=f"target {target:g}")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="trial", ylabel="val_accuracy", title="Best so far (line) and each trial (dots)")
    figure.legend(loc="outside lower center", ncols=len(results) + 1, frameon=False)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="auto", help="auto, mnist, digits or an .npz file (default: auto)")
    parser.add_argument("--quick", action="store_true", help="few images, epochs and trials")
    parser.add_argument("--epochs", type=int, nargs="+", help="default: 5 10 15; with --quick 2 4 6")
    parser.add_argument("--trials", type=int, help="trials of each method (default: 20; with --quick 5)")
    parser.add_argument("--target", type=float, help="val_accuracy to reach (default: 0.983; with --quick 0.75)")
    parser.add_argument("--seed", type=int, default=1, help="default: 1, since keras-tuner takes 0 for none")
    parser.add_argument("--directory", help="where results are kept")
    parser.add_argument("--picture", help="default: search_methods.png in the directory")
    parser.add_argument("--verbose", type=int, default=0)
    args = parser.parse_args()
    args.epochs = args.epochs or ([2, 4, 6] if args.quick else [5, 10, 15])
    args.trials = args.trials or (5 if args.quick else 20)
    args.target = args.target or (0.75 if args.quick else 0.983)
    args.directory = args.directory or ("methods_quick_search" if args.quick else "methods_search")

    num_train, num_val = (1_000, 300) if args.quick else (10_000, 2_000)
    images = load(args.data, num_train=num_train, num_val=num_val)
    results = {method: search(method, images, args) for method in METHODS}
    print_table(results, args.target)
    picture = Path(args.picture or Path(args.directory) / "search_methods.png")
    draw(results, args.target, picture)
    print(f"\nCurves: {picture}")


if __name__ == "__main__":
    main()
