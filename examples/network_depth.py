"""Tune the depth of a network in ordinary Python: `for i in range(hp.Int("num_layers", 1, 4))`.

    python examples/network_depth.py              # about a minute on two cores
    python examples/network_depth.py --compare    # also keras-tuner's own tuners

To keras-tuner each `units_i` matters always. `BayesTuner` notes which ones a trial reads; what is not read makes no
new configuration. Results stay in `--directory`: a search that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import keras_tuner as kt
import numpy as np
from sklearn.datasets import load_digits

import keras_bayes

TUNERS = {
    "BayesTuner": keras_bayes.BayesTuner,
    "kt.BayesianOptimization": kt.BayesianOptimization,
    "kt.RandomSearch": kt.RandomSearch,
}
NUM_TRAIN = 1200  # of 1,797 images


def build_model(hp: kt.HyperParameters) -> keras.Model:
    """A dense network; what it does not read does not count."""
    model = keras.Sequential([keras.layers.Input((64,))])
    for i in range(hp.Int("num_layers", 1, 4)):
        model.add(keras.layers.Dense(hp.Int(f"units_{i}", 16, 64, step=16), activation="relu"))
    if hp.Boolean("dropout"):
        model.add(keras.layers.Dropout(hp.Choice("rate", [0.1, 0.2, 0.4])))
    model.add(keras.layers.Dense(10, activation="softmax"))
    optimizer = keras.optimizers.Adam(hp.Choice("learning_rate", [1e-2, 3e-3, 1e-3]))
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def network(trial: kt.engine.trial.Trial) -> tuple[object, ...]:
    """What tells the network of a trial from others."""
    values = trial.hyperparameters.values
    units = tuple(values[f"units_{i}"] for i in range(values["num_layers"]))
    return (*units, values["rate"] if values["dropout"] else None, values["learning_rate"])


def search(name: str, args: argparse.Namespace) -> kt.Tuner:
    """Runs, continues or reloads one search."""
    digits = load_digits()
    x, y = digits.data / 16, digits.target
    keras.utils.set_random_seed(args.seed)
    tuner = TUNERS[name](
        build_model, objective="val_accuracy", max_trials=args.trials, seed=args.seed,
        directory=args.directory, project_name=f"{name}-{args.seed}",
    )  # fmt: skip
    validation_data = (x[NUM_TRAIN:], y[NUM_TRAIN:])
    tuner.search(x[:NUM_TRAIN], y[:NUM_TRAIN], epochs=5, validation_data=validation_data, verbose=int(not args.compare))
    return tuner


def report(name: str, tuner: kt.Tuner) -> str:
    """A row of the table."""
    trials = [trial for trial in tuner.oracle.trials.values() if trial.status == "COMPLETED"]
    best = np.max([trial.score for trial in trials])
    return f"| {name} | {len(trials)} | {len({network(trial) for trial in trials})} | {best:.4f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--compare", action="store_true", help="also run keras-tuner's own tuners")
    parser.add_argument("--trials", type=int, default=30, help="default: 30")
    parser.add_argument("--seed", type=int, default=0, help="default: 0")
    parser.add_argument("--directory", default="network_depth_search", help="where results are kept")
    args = parser.parse_args()

    rows = [report(name, search(name, args)) for name in (TUNERS if args.compare else ["BayesTuner"])]
    print("\n| tuner | trainings | different networks | best val_accuracy |\n|---|---|---|---|")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
