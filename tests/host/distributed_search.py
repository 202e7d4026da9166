"""One process of a distributed search without training; the environment says whether chief or worker.

The user has one configuration of their own, and one result from elsewhere.
"""

from __future__ import annotations

import argparse
import atexit
import signal
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
        time.sleep(options.seconds)
        if x < -0.8:
            return float("nan")
        return x * x + (0.0 if kind == "b" else 0.5) + (depth or 0) * 0.1


class BrokenOnce(keras_bayes.BayesOracle):
    """An oracle with a mistake, which says when it has been asked for a trial."""

    is_mended = False

    def get_trial(self, trial_id):
        trial = super().get_trial(trial_id)
        print("heard of", trial_id, flush=True)
        return trial

    def populate_space(self, trial_id):
        if int(trial_id) == options.broken and not self.is_mended:
            self.is_mended = True
            raise ZeroDivisionError("a mistake in the oracle")
        return super().populate_space(trial_id)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--seconds", type=float, default=0.2, help="duration of a trial")
    parser.add_argument("--broken", type=int, help="trial where the oracle raises an error, once, instead of choosing")
    parser.add_argument("--max-time", help="duration of the search")
    parser.add_argument("--uploads", type=float, default=0.0, help="seconds of work at the exit, as of a tracker")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a process in the background is started without
    atexit.register(time.sleep, options.uploads)
    space = kt.HyperParameters()
    declare(space)
    keras_bayes.tuner.BayesOracle = BrokenOnce
    tuner = Tuner(hyperparameters=space, max_trials=14, seed=0, directory=options.folder, max_time=options.max_time)
    tuner.enqueue({"x": 0.5, "kind": "a"})
    tuner.add_observation({"x": 0.25, "kind": "c"}, 0.5625)
    tuner.search()
