"""Searches in a terminal, one after the other; after each a line tells what is left behind.

python tests/host/live_searches.py FOLDER NAME...
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import keras
import keras_tuner as kt
from rich.live import Live

import keras_bayes
from tests.host.test_tuner import X, Y, build_model

OUTPUTS = sys.stdout, sys.stderr
drawings = threading.Semaphore(0)  # of which each, when it is done, adds one


def count_drawings():
    refresh = Live.refresh

    def refresh_and_count(live):
        refresh(live)
        drawings.release()

    Live.refresh = refresh_and_count


def wait_for_drawing():
    """Waits until all that is there now is drawn; the next drawing to end may have begun before."""
    while drawings.acquire(blocking=False):
        pass
    for _ in range(2):
        drawings.acquire()


class Formula(keras_bayes.BayesTuner):
    """Trials that print, fail or are stopped instead of training anything."""

    stop = staticmethod(lambda: None)

    def run_trial(self, trial, *args, **kwargs):
        x = trial.hyperparameters.Float("x", 0, 1)
        print(f"printed in trial {trial.trial_id}")
        time.sleep(0.3)
        if trial.trial_id == "2":
            self.stop()
        return x


def formula(folder, **arguments):
    return Formula(max_trials=4, seed=0, directory=folder, **arguments)


def interrupt():
    raise KeyboardInterrupt


def training(folder):
    class Talk(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            print(f"printed in epoch {epoch}")
            print("begun ...", end="", flush=True)
            wait_for_drawing()
            print(" and finished")

    tuner = keras_bayes.BayesTuner(build_model, objective="val_loss", max_trials=3, seed=0, directory=folder)
    tuner.search(X, Y, validation_data=(X, Y), epochs=2, batch_size=8, callbacks=[Talk()])


def bars(folder):
    """A hypermodel with a `fit` of its own, which prints the bars of Keras."""

    class Own(kt.HyperModel):
        def build(self, hp):
            return build_model(hp)

        def fit(self, hp, model, *args, **kwargs):
            return model.fit(*args, verbose=1, **kwargs)

    tuner = keras_bayes.BayesTuner(Own(), objective="val_loss", max_trials=2, seed=0, directory=folder)
    tuner.search(X, Y, validation_data=(X, Y), epochs=2, batch_size=8)


def interrupted(folder):
    Formula.stop = staticmethod(interrupt)
    formula(folder).search()


def broken(folder):
    Formula.stop = staticmethod(lambda: (_ for _ in ()).throw(kt.errors.FatalRuntimeError("a mistake of the program")))
    formula(folder).search()


def terminated(folder):
    Formula.stop = staticmethod(lambda: os.kill(os.getpid(), signal.SIGTERM))
    formula(folder).search()


def nested(folder):
    with Live("a view of the user"):
        formula(folder).search()


def verbose(folder):
    formula(folder).search(verbose=1)


def silent(folder):
    formula(folder).search(verbose=0)


def plain(folder):
    formula(folder, progress="plain").search()


def ordinary(folder):
    formula(folder).search()


again = ordinary


def num_drawing_threads():
    """How many threads still draw; one that has been told to end needs a moment."""
    threads = [thread for thread in threading.enumerate() if "Refresh" in type(thread).__name__]
    for thread in threads:
        thread.join(timeout=30)
    return sum(thread.is_alive() for thread in threads)


def main():
    folder, *names = sys.argv[1:]
    count_drawings()
    for name in names:
        Formula.stop = staticmethod(lambda: None)
        print(f"begin {name}")
        try:
            globals()[name](os.path.join(folder, name))
        except (KeyboardInterrupt, kt.errors.FatalRuntimeError) as error:
            print(f"caught {type(error).__name__}")
        is_restored = (sys.stdout, sys.stderr) == OUTPUTS
        print(f"end {name}: restored {is_restored}, threads {num_drawing_threads()}")


if __name__ == "__main__":
    main()
