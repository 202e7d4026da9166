"""A search whose trials pause, with an oracle that is told which of them go on.

python -m tests.host.paused_search FOLDER [kill]
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import keras
import numpy as np

import keras_bayes
from keras_bayes.pause import Pause

NUM_EPOCHS = 20  # of a training; the rungs before its end are at 4 and 9
NEW = ""  # a trial that goes on with none
X = np.random.default_rng(0).random((64, 4)).astype("float32")
Y = (X.sum(axis=1) > 2).astype("int32")
FIT = {"x": X, "y": Y, "validation_data": (X, Y), "shuffle": False, "verbose": 0, "epochs": NUM_EPOCHS}


def build_model(hp):
    """The same initial weights for each call."""
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(hp.Choice("units", [4, 8, 16]), activation="relu"), keras.layers.BatchNormalization()]
    model = keras.Sequential([keras.layers.Input((4,)), *layers, keras.layers.Dense(2, activation="softmax")])
    model.compile(keras.optimizers.Adam(hp.Float("lr", 1e-3, 1e-1, sampling="log")), "sparse_categorical_crossentropy")
    return model


def make_tuner(folder, hypermodel=build_model, *, continued=(), **arguments):
    """A tuner whose n-th trial goes on with the n-th of some trials; it has as many trials."""

    class Tuner(keras_bayes.BayesTuner):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            if self._is_worker():  # the chief decides
                return
            answer = self.oracle.populate_space

            def populate_space(trial_id):
                trial = self.oracle.trials.get(continued[int(trial_id)])
                if trial is None:
                    return answer(trial_id)
                proposal = {"source": "continuation", "continues": trial.trial_id, "mean": 0.1, "sd": 0.1}
                return {"status": "RUNNING", "values": dict(trial.hyperparameters.values), "proposal": proposal}

            self.oracle.populate_space = populate_space

    defaults = {
        "objective": "val_loss", "max_trials": len(continued), "seed": 0, "directory": str(folder),
        "project_name": "search", "stopping": Pause(min_epochs=4),
    }  # fmt: skip
    return Tuner(hypermodel, **(defaults | arguments))


def folder_of(tuner, trial_id):
    """The folder of a trial."""
    return Path(tuner.project_dir, f"trial_{trial_id}")


class Kill(keras.callbacks.Callback):
    """Ends the process without notice in an epoch that only a trial that goes on has."""

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 6:
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    make_tuner(sys.argv[1], continued=[NEW, "0"]).search(**FIT, callbacks=[Kill()] * ("kill" in sys.argv))
