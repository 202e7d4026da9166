"""Real trainings with and without stopping: what it saves, and what it costs.

    python examples/benchmarks/mnist_stopping.py --data mnist.npz --directory mnist_stopping

A small convolutional network on 20,000 images of MNIST, 12 epochs, 30 trials of a search, the same seeds for each way.
Searches that are in the folder already are only shown: start it again to go on. With `"pause"` a search has the share
`--share` of the epochs, for as many configurations as it likes.
"""

from __future__ import annotations

import argparse
import os
import statistics
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import keras_tuner as kt
import numpy as np
from measuring import print_table

import keras_bayes

EPOCHS = 12
NUM_TRAIN, NUM_VAL = 20_000, 5_000
WAYS = ("none", "auto", "median", "halving", "pause")


def build_model(hp: kt.HyperParameters) -> keras.Model:
    """A network with seven hyperparameters."""
    layers: list[Any] = [keras.layers.Input((28, 28, 1))]
    for filters in (hp.Int("filters_1", 4, 16, sampling="log"), hp.Int("filters_2", 8, 32, sampling="log")):
        layers += [keras.layers.Conv2D(filters, 3, strides=2, activation=hp.Choice("activation", ["relu", "tanh"]))]
    layers += [
        keras.layers.Flatten(),
        keras.layers.Dense(hp.Choice("neurons", [32, 64, 128]), activation="relu"),
        keras.layers.Dropout(hp.Float("dropout", 0.0, 0.7)),
        keras.layers.Dense(10, activation="softmax"),
    ]
    model = keras.Sequential(layers)
    optimizer = keras.optimizers.SGD(
        hp.Float("learning_rate", 1e-4, 1.0, sampling="log"), momentum=hp.Float("momentum", 0.0, 0.99)
    )
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def search(way: str, data: tuple[Any, ...], args: argparse.Namespace, seed: int) -> kt.Tuner:
    """Runs, continues or reloads one search."""
    keras.utils.set_random_seed(seed)
    pauses = way == "pause"
    tuner = keras_bayes.BayesTuner(
        build_model, objective="val_accuracy", seed=seed, directory=args.directory, project_name=f"{way}-{seed}",
        stopping=None if way == "none" else way, progress="plain", max_trials=None if pauses else args.trials,
        max_epochs=round(args.share * args.trials * EPOCHS) if pauses else None,
    )  # fmt: skip
    x, y, x_val, y_val = data
    tuner.search(x, y, epochs=EPOCHS, validation_data=(x_val, y_val))
    return tuner


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="an .npz file with the arrays x_train and y_train")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=["none", "auto", "pause"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1000, 2000])
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--share", type=float, default=0.5, help='of the epochs, for "pause" (default: 0.5)')
    parser.add_argument("--directory", default="mnist_stopping", help="where results are kept")
    args = parser.parse_args()
    with np.load(args.data) as file:
        x = file["x_train"][: NUM_TRAIN + NUM_VAL, ..., None].astype("float32") / 255
        y = file["y_train"][: NUM_TRAIN + NUM_VAL]
    data = x[:NUM_TRAIN], y[:NUM_TRAIN], x[NUM_TRAIN:], y[NUM_TRAIN:]

    rows = []
    for way in args.ways:
        logs = [search(way, data, args, seed).search_log() for seed in args.seeds]
        best = [float(log.best.record.score) for log in logs]
        epochs = [log.epochs.trained for log in logs]
        seconds = [sum(trial.seconds or 0.0 for trial in log.trials) for log in logs]
        spread = statistics.stdev(best) if len(best) > 1 else 0.0
        scores = [*(f"{score:.4f}" for score in best), f"{statistics.mean(best):.4f} ± {spread:.4f}"]
        rows.append([way, *scores, f"{statistics.mean(epochs):.0f}", f"{statistics.mean(seconds):.0f} s"])
    seeds = [f"seed {seed}" for seed in args.seeds]
    print(f"\nBest val_accuracy, {args.trials} trials of {EPOCHS} epochs where nothing is stopped:\n")
    print_table(["stopping", *seeds, "mean ± sd", "epochs", "training time"], rows)


if __name__ == "__main__":
    main()
