"""Trials that go wrong in every way a program knows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import keras
import keras_tuner as kt
import numpy as np
import pytest
import tensorflow as tf
from searches import make_oracle, run_search

import keras_bayes

SCRIPT = Path(__file__).with_name("resumed_search.py")


def raising(error):
    def outcome():
        raise error

    return outcome


NO_MEMORY = tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
BAD = [
    (lambda: float("nan"), "nan"),
    (lambda: float("inf"), "inf"),
    (lambda: -float("inf"), "-inf"),
    (lambda: None, "None"),
    (lambda: "a string", "a string"),
    (lambda: {"loss": None}, "NoneType"),
    (lambda: {"loss": "a string"}, "a string"),
    (lambda: {"another": 1.0}, "loss"),
    (lambda: [], ""),
    (raising(ValueError("a bad combination")), "a bad combination"),
    (raising(MemoryError("no memory left")), "no memory left"),
    (raising(NO_MEMORY), "OOM when allocating tensor"),
    (raising(kt.errors.FailedTrialError("given up")), "given up"),
]


class Formula(keras_bayes.BayesTuner):
    """A loss that goes wrong where x is large."""

    first_bad = 1

    def run_trial(self, trial, *args, **kwargs):
        x = trial.hyperparameters.Float("x", 0, 1)
        is_bad = x > 0.7 if self.outcome is None else int(trial.trial_id) >= self.first_bad
        return self.outcome() if is_bad else {"loss": (x - 0.5) ** 2}


def search(folder, outcome, first_bad=1, max_trials=6, **arguments):
    tuner = Formula(
        objective=kt.Objective("loss", "min"), max_trials=max_trials, seed=0, directory=str(folder), **arguments
    )
    tuner.outcome, tuner.first_bad = outcome, first_bad
    tuner.search()
    return tuner


@pytest.mark.parametrize(("outcome", "reason"), BAD)
def test_a_bad_trial_fails_with_its_reason_and_the_search_goes_on(tmp_path, capsys, outcome, reason):
    tuner = search(tmp_path, outcome)

    first, *others = tuner.oracle.trials.values()
    assert first.status == "COMPLETED"
    assert [trial.status for trial in others] == ["FAILED"] * 5
    assert all(reason in trial.message for trial in others)
    assert "1 trial completed, 5 failed." in capsys.readouterr().out


@pytest.mark.parametrize("outcome", [lambda: None, lambda: "a string", lambda: {"another": 1.0}])
def test_a_program_that_never_returns_a_result_is_stopped_at_once(tmp_path, outcome):
    with pytest.raises(kt.errors.FatalError):
        search(tmp_path, outcome, first_bad=0)


def test_an_error_that_is_to_end_the_search_ends_it(tmp_path):
    with pytest.raises(kt.errors.FatalTypeError, match="enough"):
        search(tmp_path, raising(kt.errors.FatalTypeError("enough")), first_bad=3)


@pytest.mark.parametrize("error", [MemoryError("no memory left"), NO_MEMORY])
def test_no_memory_for_the_first_models_does_not_end_the_search(tmp_path, error):
    assert len(search(tmp_path, raising(error), first_bad=0).oracle.end_order) == 6


@pytest.mark.parametrize("error", [ValueError("wrong"), TypeError("wrong"), AttributeError("wrong")])
def test_the_same_mistake_in_the_first_trials_ends_the_search_with_its_traceback(tmp_path, error):
    with pytest.raises(RuntimeError, match=r"(?s)first 3 trials.*Traceback.*wrong"):
        search(tmp_path, raising(error), first_bad=0)


@pytest.mark.parametrize("outcome", [outcome for outcome, _ in BAD])
def test_a_bad_trial_is_run_again_as_often_as_the_user_wants(tmp_path, outcome):
    calls = []

    def counted():
        calls.append(1)
        return outcome()

    search(tmp_path, counted, max_trials=2, max_retries_per_trial=2)

    is_given_up = outcome is BAD[-1][0]  # on purpose
    assert len(calls) == (1 if is_given_up else 3)


@pytest.mark.parametrize("extreme", [1e308, -1e308, 1.7e308, 5e-324])
def test_a_loss_of_any_size_is_a_result(tmp_path, extreme):
    hp = kt.HyperParameters()
    hp.Float("x", 0, 1)
    oracle = make_oracle(tmp_path, hyperparameters=hp, max_trials=16, num_initial_points=4)

    trials = run_search(oracle, lambda values: extreme if values["x"] < 0.3 else (values["x"] - 0.6) ** 2)

    assert {trial.status for trial in trials} == {"COMPLETED"}
    assert len({trial.hyperparameters.values["x"] for trial in trials}) == 16
    if extreme >= 1e308:
        assert sum(trial.hyperparameters.values["x"] < 0.3 for trial in trials[8:]) <= 2


@pytest.mark.slow
@pytest.mark.parametrize("place", ["build", "fit"])
@pytest.mark.parametrize("error", [ValueError("a bad width"), MemoryError("no memory left"), NO_MEMORY])
def test_an_exception_in_build_or_fit_is_a_failed_trial(tmp_path, place, error):
    X = np.random.default_rng(0).random((32, 2)).astype("float32")

    class Model(kt.HyperModel):
        def build(self, hp):
            self.check("build", hp.Int("units", 1, 40))
            model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(hp.get("units")), keras.layers.Dense(1)])
            model.compile("sgd", "mse")
            return model

        def fit(self, hp, model, *args, **kwargs):
            self.check("fit", hp.get("units"))
            return model.fit(*args, **kwargs)

        def check(self, at, units):
            if at == place and units > 20:
                raise error

    tuner = keras_bayes.BayesTuner(Model(), objective="loss", max_trials=12, seed=0, directory=str(tmp_path))
    tuner.search(X, X.sum(axis=1), verbose=0)

    trials = list(tuner.oracle.trials.values())
    assert all((trial.status == "FAILED") == (trial.hyperparameters.get("units") > 20) for trial in trials)
    assert all(str(error) in trial.message for trial in trials if trial.status == "FAILED")
    assert 0 < sum(trial.status == "FAILED" for trial in trials) <= 6


@pytest.mark.slow
def test_a_trial_that_kills_its_process_is_run_again_once_and_then_failed(tmp_path):
    command = [sys.executable, SCRIPT, str(tmp_path), "0", "5", "2"]

    codes = [subprocess.run(command, capture_output=True, check=False).returncode for _ in range(3)]

    oracle = make_oracle(tmp_path, project_name="untitled_project", objective=None)
    oracle.reload()
    assert codes == [-9, -9, 0]
    assert [i for i, trial in oracle.trials.items() if "process ended" in (trial.message or "")] == ["2"]
    assert len(oracle.end_order) == 5
