"""A search without training whose trials take a minute, from the second one on.

python interrupted_search.py FOLDER [translating]

With a second argument, what interrupts a trial becomes another error on its way, as in some libraries.
"""

from __future__ import annotations

import signal
import sys
import time

import keras_bayes


class Slow(keras_bayes.BayesTuner):
    """Says when a trial is under way."""

    def run_trial(self, trial, *args, **kwargs):
        x = trial.hyperparameters.Float("x", -1, 1)
        if len(self.oracle.trials) > 1:
            print("running", trial.trial_id, flush=True)
            try:
                time.sleep(60)
            except BaseException:
                if len(sys.argv) > 2:
                    raise SystemError("a result with an exception set") from None
                raise
        return x * x


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a process in the background is started without
    Slow(max_trials=3, seed=0, directory=sys.argv[1], project_name="search").search(verbose=0)
