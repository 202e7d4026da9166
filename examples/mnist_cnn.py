"""Tune a convolutional network for handwritten digits with `keras_bayes.BayesTuner`.

    python examples/mnist_cnn.py                     # two to four minutes on two cores
    python examples/mnist_cnn.py --full --compare    # the whole protocol, against keras-tuner's own tuners

Results stay in `--directory`: a search that was interrupted goes on where it stopped, a finished one is only shown.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import keras_tuner as kt
import numpy as np
from example_data import Images, load

import keras_bayes

TUNERS = {
    "BayesTuner": keras_bayes.BayesTuner,
    "kt.BayesianOptimization": kt.BayesianOptimization,
    "kt.RandomSearch": kt.RandomSearch,
}


def build_model(hp: kt.HyperParameters) -> keras.Model:
    """The network of the MNIST example of Keras, with three hyperparameters left open."""
    model = keras.Sequential(
        [
            keras.layers.Input((28, 28, 1)),
            keras.layers.Conv2D(32, 3, activation="relu"),
            keras.layers.Conv2D(64, 3, activation="relu"),
            keras.layers.MaxPooling2D(2),
            keras.layers.Dropout(0.25),
            keras.layers.Flatten(),
            keras.layers.Dense(hp.Choice("dense_1_neurons", [128, 256, 384]), activation="relu"),
            keras.layers.Dropout(hp.Float("dropout2_rate", 0.1, 0.5)),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        keras.optimizers.RMSprop(hp.Float("lr", 1e-4, 1e-2, sampling="log")),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def search(name: str, images: Images, args: argparse.Namespace, seed: int) -> kt.Tuner:
    """Runs, continues or reloads one search."""
    keras.utils.set_random_seed(seed)
    options: dict[str, Any] = {} if name == "kt.RandomSearch" else {"num_initial_points": args.initial}
    tuner = TUNERS[name](
        build_model, objective="val_accuracy", max_trials=args.trials, seed=seed,
        directory=args.directory, project_name=f"{name}-{seed}", **options,
    )  # fmt: skip
    clock = Clock(tuner)
    tuner.search(
        images.x_train, images.y_train, epochs=1, batch_size=64, verbose=args.verbose,
        validation_data=(images.x_val, images.y_val),
    )  # fmt: skip
    clock.save()
    return tuner


class Clock:
    """Seconds that a search took, and how many of them its oracle spent on suggestions; summed over resumes."""

    def __init__(self, tuner: kt.Tuner) -> None:
        self.path = Path(tuner.project_dir) / "seconds.json"
        self.suggestions = 0.0
        self.start = time.perf_counter()
        self._populate = tuner.oracle.populate_space
        tuner.oracle.populate_space = self.populate_space

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        start = time.perf_counter()
        response = self._populate(trial_id)
        self.suggestions += time.perf_counter() - start
        return response

    def save(self) -> None:
        before = read_seconds(self.path)
        total = before["total"] + time.perf_counter() - self.start
        self.path.write_text(json.dumps({"total": total, "suggestions": before["suggestions"] + self.suggestions}))


def read_seconds(path: Path) -> dict[str, float]:
    return json.loads(path.read_text()) if path.exists() else {"total": 0.0, "suggestions": 0.0}


def best_score(tuner: kt.Tuner) -> float:
    return float(tuner.oracle.get_best_trials(1)[0].score)


def compare(images: Images, args: argparse.Namespace) -> None:
    """Prints one table: the best `val_accuracy` of every tuner for every seed, and what it cost."""
    rows = []
    for name in TUNERS:
        tuners = [search(name, images, args, seed) for seed in args.seeds]
        scores = [best_score(tuner) for tuner in tuners]
        seconds = [read_seconds(Path(tuner.project_dir) / "seconds.json") for tuner in tuners]
        total = sum(s["total"] for s in seconds)
        share = sum(s["suggestions"] for s in seconds) / total
        rows.append(
            f"| {name} | {' | '.join(f'{score:.4f}' for score in scores)} | **{np.mean(scores):.4f}** "
            f"| {total / len(seconds):.0f} s | {share:.2%} |"
        )
    print(f"\nBest val_accuracy of {args.trials} trials, {len(images.x_train):,} training images:\n")
    print(f"| tuner | {' | '.join(f'seed {seed}' for seed in args.seeds)} | mean | a run | of it suggestions |")
    print("|---" * (len(args.seeds) + 4) + "|")
    print("\n".join(rows))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="auto", help="auto, mnist, digits or an .npz file (default: auto)")
    parser.add_argument("--full", action="store_true", help="20 trials of 468 steps of 64 images")
    parser.add_argument("--compare", action="store_true", help="also run keras-tuner's own tuners")
    parser.add_argument("--seeds", type=int, nargs="+", help="default: 0; with --compare 0 1000 2000")
    parser.add_argument("--trials", type=int, help="default: 10; with --full 20")
    parser.add_argument("--directory", default="mnist_cnn_search", help="where results are kept")
    parser.add_argument("--verbose", type=int, help="default: what fits the terminal; with --compare 0")
    args = parser.parse_args()
    args.trials = args.trials or (20 if args.full else 10)
    args.initial = args.trials // 2
    args.seeds = args.seeds or ([0, 1000, 2000] if args.compare else [0])
    if args.verbose is None:
        args.verbose = 0 if args.compare else "auto"

    num_train, num_val = (468 * 64, 10_000) if args.full else (100 * 64, 2_000)
    images = load(args.data, num_train=num_train, num_val=num_val)
    if args.compare:
        compare(images, args)
        return
    tuner = search("BayesTuner", images, args, args.seeds[0])
    model = tuner.get_best_models()[0]
    _, accuracy = model.evaluate(images.x_test, images.y_test, verbose=0)
    print(f"Accuracy of the best model on {len(images.x_test):,} test images: {accuracy:.4f}")


if __name__ == "__main__":
    main()
