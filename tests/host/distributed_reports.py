"""One process of a distributed search: what the second argument says happens in its trials, or to a worker."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import keras
import keras_tuner as kt

import keras_bayes
from keras_bayes.distributed_oracle import DESERTED_SECONDS
from keras_bayes.leases import HEARTBEAT_SECONDS, LEASE_SECONDS
from tests.host.test_tuner import DATA, build_model


class Slow(keras_bayes.BayesTuner):
    """Trials of a quarter of a second; those of a sick worker fail at once as soon as another one has begun some."""

    num_trials = 0

    def run_trial(self, trial, *args, **kwargs):
        self.num_trials += 1
        x = trial.hyperparameters.Float("x", -1, 1)
        if kind == "sick" and is_second:
            if self.num_trials > 1:
                raise RuntimeError("the device is unhealthy")
            while len(list(Path(folder).glob("search/trial_*"))) < 3:
                time.sleep(0.1)
        time.sleep(0.25)
        return x**2


class Network(keras_bayes.BayesTuner):
    """As many layers as a trial has, found as it reads them; or an error that each trial raises."""

    def run_trial(self, trial, *args, **kwargs):
        hp = trial.hyperparameters
        units = [hp.Choice(f"units_{i}", [2, 4, 8]) for i in range(hp.Int("layers", 1, 2))]
        if kind == "failing":
            raise KeyError("no such column")
        return len(units) + sum(units) / 10


class Hooked(keras_bayes.BayesTuner):
    """Trials around which the worker does something of its own for so long that a silent one would be given up."""

    def on_trial_begin(self, trial):
        super().on_trial_begin(trial)
        (Path(folder) / f"{self.tuner_id}_begins").touch()
        self.pause(trial, LEASE_SECONDS + HEARTBEAT_SECONDS)

    def run_trial(self, trial, *args, **kwargs):
        return trial.hyperparameters.Float("x", -1, 1) ** 2

    def on_trial_end(self, trial):
        super().on_trial_end(trial)
        self.pause(trial, DESERTED_SECONDS + HEARTBEAT_SECONDS)

    def pause(self, trial, seconds):
        if int(trial.trial_id) == 0 and self.tuner_id != "other":
            time.sleep(seconds)


if __name__ == "__main__":
    folder, kind = sys.argv[1:]
    is_second = os.environ["KERASTUNER_TUNER_ID"] == "worker1"
    elsewhere = "elsewhere" if kind == "unshared" and is_second else ""
    arguments = {"seed": 0, "directory": os.path.join(folder, elsewhere), "project_name": "search"}
    if kind == "pausing":
        arguments |= {"objective": "val_loss", "max_trials": None, "max_epochs": 60, "stopping": "pause"}
        tuner = keras_bayes.BayesTuner(build_model, **arguments)
        tuner.search(**DATA, epochs=12)
    elif kind == "keeping":
        tuner = keras_bayes.BayesTuner(build_model, "val_loss", max_trials=8, keep_best=1, **arguments)
        tuner.search(**DATA, epochs=2)
    elif kind in ("slow", "slower"):
        num_trials, num_epochs = (3, 5) if kind == "slow" else (2, 40)
        tuner = keras_bayes.BayesTuner(build_model, "val_loss", num_trials, keep_best=None, **arguments)
        pause = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: time.sleep(1))
        tuner.search(**DATA, epochs=num_epochs, callbacks=[pause])
    elif kind == "hooked":
        Hooked(max_trials=3, **arguments).search()
    elif kind in ("sick", "unshared"):
        space = kt.HyperParameters()  # declared, so that nobody waits for the first trial to find it
        space.Float("x", -1, 1)
        Slow(max_trials=20, hyperparameters=space, **arguments).search()
    elif kind == "late":
        tuner = Slow(max_trials=4, **arguments)
        tuner.search()
        while "worker" in os.environ["KERASTUNER_TUNER_ID"] and not (Path(folder) / "chief_is_gone").exists():
            time.sleep(0.1)
        tuner.results_summary()
        print("best:", tuner.get_best_hyperparameters()[0].values["x"])
    else:
        Network(max_trials=10, **arguments).search()
