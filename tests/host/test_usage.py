"""Hyperparameters of ordinary Python conditions: declared always, read sometimes."""

from __future__ import annotations

import json

import keras_tuner as kt
import numpy as np
import pytest

import keras_bayes
from keras_bayes.trial_callback import Execution, TrialCallback, execute

MAX_LAYERS = 4


class Layers(keras_bayes.BayesTuner):
    """A network of one to four layers, each with a width of its own, as a formula."""

    def run_trial(self, trial, *args, **kwargs):
        hp = trial.hyperparameters
        widths = [hp.Int(f"units_{i}", 1, 4) for i in range(hp.Int("layers", 1, MAX_LAYERS))]
        self.models.append(tuple(widths))
        return float(sum((width - 2) ** 2 for width in widths) + 10 * (len(widths) != 2))


def search(folder, max_trials, tuner_class=Layers):
    hp = kt.HyperParameters()  # declared as any build with many layers does
    hp.Int("layers", 1, MAX_LAYERS)
    for i in range(MAX_LAYERS):
        hp.Int(f"units_{i}", 1, 4)
    tuner = tuner_class(hyperparameters=hp, max_trials=max_trials, seed=0, directory=str(folder), num_initial_points=8)
    tuner.models = []
    tuner.search(verbose=0)
    return tuner


def test_what_a_trial_did_not_read_is_recorded_and_its_values_are_kept(tmp_path):
    tuner = search(tmp_path, max_trials=6)

    state = json.loads((tmp_path / "untitled_project" / "oracle.json").read_text())
    for trial in tuner.oracle.trials.values():
        values = trial.hyperparameters.values
        assert set(values) == {"layers", *(f"units_{i}" for i in range(MAX_LAYERS))}
        assert state["unread"][trial.trial_id] == [f"units_{i}" for i in range(values["layers"], MAX_LAYERS)]


def test_a_look_at_a_running_trial_is_no_use_of_its_values(tmp_path):
    class Watched(Layers):
        def run_trial(self, trial, *args, **kwargs):
            score = super().run_trial(trial, *args, **kwargs)
            self.oracle.trial_states()
            self.oracle.save()
            execution = Execution("search", trial.trial_id, 0, 1, "loss", trial.hyperparameters.values)
            execute(lambda callbacks: callbacks[0].on_epoch_end(0, {}), [Seeing()], execution, self.oracle.objective)
            return score

    tuner = search(tmp_path, max_trials=6, tuner_class=Watched)

    assert any(tuner.oracle.unread.values())
    assert seen == [trial.hyperparameters.values for trial in tuner.oracle.trials.values()]


seen = []


class Seeing(TrialCallback):
    """Keeps the values that it is told."""

    def on_execution_begin(self, values):
        seen.append(values)


def test_a_use_that_no_single_value_explains_makes_no_trial_twice(tmp_path):
    class TwoParents(keras_bayes.BayesTuner):
        def run_trial(self, trial, *args, **kwargs):
            hp = trial.hyperparameters
            p, q, u = hp.Boolean("p"), hp.Boolean("q"), hp.Choice("u", [0.0, 1.0, 2.0])
            z = hp.Int("z", 1, 9) if p != q else 5
            return u + abs(z - 5) * 0.1 + (0 if p == q else 0.2)

    tuner = TwoParents(max_trials=30, seed=0, directory=str(tmp_path))
    tuner.search(verbose=0)

    proposals = [json.dumps(t.hyperparameters.values, sort_keys=True) for t in tuner.oracle.trials.values()]
    assert len(set(proposals)) == 30


@pytest.mark.parametrize("take_along", [lambda hp: {**hp.values}, lambda hp: hp.copy()])
def test_values_taken_along_all_at_once_have_been_read(tmp_path, take_along):
    class Branches(keras_bayes.BayesTuner):
        def run_trial(self, trial, *args, **kwargs):
            hp = trial.hyperparameters
            if hp.get("kind") == "a":
                return hp.get("units") + 1
            return take_along(hp).get("units")

    hp = kt.HyperParameters()
    hp.Choice("kind", ["a", "b"])
    hp.Int("units", 1, 8)
    tuner = Branches(hyperparameters=hp, max_trials=16, seed=0, directory=str(tmp_path))
    tuner.search(verbose=0)

    assert len({tuple(trial.hyperparameters.values.values()) for trial in tuner.oracle.trials.values()}) == 16
    assert tuner.to_dataframe()["units"].notna().all()


def test_values_that_went_another_way_are_not_lost(tmp_path):
    class Copied(keras_bayes.BayesTuner):
        def run_trial(self, trial, *args, **kwargs):
            hp = trial.hyperparameters
            batch = hp.Int("batch", 1, 9)
            hp.Int("a", 1, 9)
            values = dict(hp.copy().values.items())
            hp.values["note"] = 7
            return float(values["a"] + batch)

    hp = kt.HyperParameters()
    hp.Int("a", 1, 9)
    tuner = Copied(hyperparameters=hp, max_trials=4, seed=0, directory=str(tmp_path))
    tuner.search(verbose=0)

    best = tuner.get_best_hyperparameters()[0]
    assert set(best.values) == {"a", "batch", "note"}
    assert best.Int("a", 1, 9) + best.get("batch") == tuner.oracle.get_best_trials(1)[0].score


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
