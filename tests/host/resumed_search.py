"""One process of a search that may be killed: prints what it suggests.

python resumed_search.py FOLDER SEED NUM_TRIALS LAST

Runs trials until there are NUM_TRIALS; ends itself as a kill would while the trial LAST runs.
"""

from __future__ import annotations

import json
import os
import signal
import sys

import keras_bayes


class Layers(keras_bayes.BayesTuner):
    """A conditional space that is found as it is read, as a formula."""

    def run_trial(self, trial, *args, **kwargs):
        hp = trial.hyperparameters
        rate = hp.Float("rate", 1e-4, 1e-1, sampling="log")
        widths = [hp.Int(f"units_{i}", 1, 8) for i in range(hp.Int("layers", 1, 3))]
        if int(trial.trial_id) == int(sys.argv[4]):
            os.kill(os.getpid(), signal.SIGKILL)
        return rate + sum(abs(width - 4) for width in widths) / len(widths) if rate < 0.05 else float("nan")


if __name__ == "__main__":
    tuner = Layers(max_trials=int(sys.argv[3]), seed=int(sys.argv[2]), directory=sys.argv[1], num_initial_points=4)
    tuner.search(verbose=0)
    print(json.dumps([trial.hyperparameters.values for trial in tuner.oracle.trials.values()]))
