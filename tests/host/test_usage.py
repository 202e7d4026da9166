"""Hyperparameters of ordinary Python conditions: declared always, read sometimes."""

from __future__ import annotations

import json

import keras_tuner as kt
import numpy as np

import keras_bayes

MAX_LAYERS = 4


class Layers(keras_bayes.BayesTuner):
    """A network of one to four layers, each with a width of its own, as a formula."""

    def run_trial(self, trial, *args, **kwargs):
        hp = trial.hyperparameters
        widths = [hp.Int(f"units_{i}", 1, 4) for i in range(hp.Int("layers", 1, MAX_LAYERS))]
        self.models.append(tuple(widths))
        return float(sum((width - 2) ** 2 for width in widths) + 10 * (len(widths) != 2))


def search(folder, max_trials):
    hp = kt.HyperParameters()  # declared as any build with many layers does
    hp.Int("layers", 1, MAX_LAYERS)
    for i in range(MAX_LAYERS):
        hp.Int(f"units_{i}", 1, 4)
    tuner = Layers(hyperparameters=hp, max_trials=max_trials, seed=0, directory=str(folder), num_initial_points=8)
    tuner.models = []
    tuner.search(verbose=0)
    return tuner


def test_only_what_a_trial_read_is_recorded(tmp_path):
    tuner = search(tmp_path, max_trials=6)

    for trial in tuner.oracle.trials.values():
        values = trial.hyperparameters.values
        state = json.loads((tmp_path / "untitled_project" / f"trial_{trial.trial_id}" / "trial.json").read_text())
        assert set(values) == {"layers", *(f"units_{i}" for i in range(values["layers"]))}
        assert state["hyperparameters"]["values"] == values


def test_hardly_a_model_is_built_twice(tmp_path):
    tuner = search(tmp_path, max_trials=40)

    assert len(set(tuner.models)) >= 38  # with unused values told apart, as many as a third are repeats
    assert tuner.oracle.get_best_trials(1)[0].score == 0


def test_a_trial_that_reads_all_its_values_at_once_keeps_them(tmp_path):
    class Formula(keras_bayes.BayesTuner):
        def run_trial(self, trial, *args, **kwargs):
            return float(np.sum(list(trial.hyperparameters.values.values())))

    hp = kt.HyperParameters()
    hp.Int("a", 1, 9)
    hp.Int("b", 1, 9)
    tuner = Formula(hyperparameters=hp, max_trials=5, seed=0, directory=str(tmp_path))

    tuner.search(verbose=0)

    assert all(set(trial.hyperparameters.values) == {"a", "b"} for trial in tuner.oracle.trials.values())
