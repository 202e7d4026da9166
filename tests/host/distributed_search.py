"""One process of a distributed search without training; the environment says whether chief or worker.

python distributed_search.py FOLDER SECONDS [BROKEN]

The oracle raises an error, once, where it should choose the trial BROKEN.
"""

from __future__ import annotations

import sys
import time

import keras_tuner as kt

import keras_bayes.tuner


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


class BrokenOnce(keras_bayes.BayesOracle):
    """An oracle with a mistake."""

    is_mended = False

    def populate_space(self, trial_id):
        if len(sys.argv) > 3 and int(trial_id) == int(sys.argv[3]) and not self.is_mended:
            self.is_mended = True
            raise ZeroDivisionError("a mistake in the oracle")
        return super().populate_space(trial_id)


if __name__ == "__main__":
    space = kt.HyperParameters()
    declare(space)
    keras_bayes.tuner.BayesOracle = BrokenOnce
    Tuner(hyperparameters=space, max_trials=14, seed=0, directory=sys.argv[1]).search()
