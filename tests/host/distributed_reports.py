"""One process of a distributed search whose trials leave values unread, fail or pause: the second argument says it."""

from __future__ import annotations

import sys

import keras_bayes
from tests.host.test_tuner import DATA, build_model


class Network(keras_bayes.BayesTuner):
    """As many layers as a trial has, found as it reads them; or an error that each trial raises."""

    def run_trial(self, trial, *args, **kwargs):
        hp = trial.hyperparameters
        units = [hp.Choice(f"units_{i}", [2, 4, 8]) for i in range(hp.Int("layers", 1, 2))]
        if kind == "failing":
            raise KeyError("no such column")
        return len(units) + sum(units) / 10


if __name__ == "__main__":
    folder, kind = sys.argv[1:]
    arguments = {"seed": 0, "directory": folder, "project_name": "search"}
    if kind == "pausing":
        tuner = keras_bayes.BayesTuner(build_model, "val_loss", max_epochs=60, stopping="pause", **arguments)
        tuner.search(**DATA, epochs=12)
    else:
        Network(max_trials=10, **arguments).search()
