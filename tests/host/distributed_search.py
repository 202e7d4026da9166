"""One process of a distributed search without training; the environment says whether chief or worker.

python distributed_search.py FOLDER SECONDS
"""

from __future__ import annotations

import sys
import time

import keras_tuner as kt

import keras_bayes


def declare(hp):
    x = hp.Float("x", -1.0, 1.0)
    kind = hp.Choice("kind", ["a", "b", "c"])
    with hp.conditional_scope("kind", ["b"]):
        return x, kind, hp.Int("depth", 1, 5)


class Tuner(keras_bayes.BayesTuner):
    """Evaluates a conditional space in a given time."""

    def run_trial(self, trial, *args, **kwargs):
        x, kind, depth = declare(trial.hyperparameters)
        time.sleep(float(sys.argv[2]))
        if x < -0.8:
            return float("nan")
        return x * x + (0.0 if kind == "b" else 0.5) + (depth or 0) * 0.1


if __name__ == "__main__":
    space = kt.HyperParameters()
    declare(space)
    Tuner(hyperparameters=space, max_trials=14, seed=0, directory=sys.argv[1]).search()
