"""Trainings that pause, and trials that go on with them: real Keras trainings, with a scripted oracle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import keras
import keras_tuner as kt
import numpy as np
import pytest

import keras_bayes
from keras_bayes.curves import End, read_curve, read_ends
from keras_bayes.pause import MAX_STATES, Pause
from keras_bayes.training_state import STATE_FILE
from tests.host.continuations import NUM_EPOCHS, continue_trials, make_model, make_tuner, train
from tests.host.test_tuner import DATA

pytestmark = pytest.mark.slow

RUNGS = [4, 9]  # of trainings of `NUM_EPOCHS`; then they end


@pytest.fixture
def script(monkeypatch):
    """Sets which trials the next ones go on with."""
    return lambda *continued: continue_trials(monkeypatch.setattr, *continued)


def weights_after(tuner, folder):
    """The weights and the optimizer of a whole training of the model of a search, its history, and its rates."""
    rates = Rates()
    keras.utils.set_random_seed(0)
    model = make_model(kt.HyperParameters())
    history = model.fit(**DATA, epochs=NUM_EPOCHS, shuffle=False, callbacks=[rates])
    return model, history.history


class Rates(keras.callbacks.Callback):
    """Notes each epoch and its learning rate."""

    seen: list[tuple[int, float]] = []

    def on_epoch_end(self, epoch, logs=None):
        Rates.seen.append((epoch, float(self.model.optimizer.learning_rate)))


def trial_folder(tuner, trial_id):
    return Path(tuner.project_dir, f"trial_{trial_id}")
