"""What keras-tuner promises for its Bayesian search and its oracles, promised for ours."""

from __future__ import annotations

import math

import keras_tuner as kt
import numpy as np
import pytest
from searches import make_oracle, run_search

import keras_bayes


class Formula(keras_bayes.BayesTuner):
    """Runs a function of the hyperparameters."""

    def run_trial(self, trial, *args, **kwargs):
        self.num_runs = getattr(self, "num_runs", 0) + 1
        return self.formula(trial.hyperparameters)


def search(folder, formula, **arguments):
    tuner = Formula(directory=str(folder), seed=0, **arguments)
    tuner.formula = formula
    tuner.search(verbose=0)
    return tuner


def mixed():
    hp = kt.HyperParameters()
    hp.Choice("a", [1, 2], default=1)
    hp.Int("b", 3, 10, default=3)
    hp.Float("c", 0, 1, 0.1, default=0)
    hp.Fixed("d", 7)
    hp.Choice("e", [9, 0], default=9)
    return hp


@pytest.mark.parametrize("score", [lambda i: float(i), lambda i: 0])
def test_scores_may_rise_or_all_be_zero(tmp_path, score):
    oracle = make_oracle(tmp_path, hyperparameters=mixed(), num_initial_points=2)

    trials = run_search(oracle, lambda values: score(len(oracle.trials)), num_trials=6)

    assert {trial.status for trial in trials} == {"COMPLETED"}
    assert all(set(trial.hyperparameters.values) == set("abcde") for trial in trials)


def test_a_space_that_is_replaced_and_grows_is_followed_at_once(tmp_path):
    oracle = make_oracle(tmp_path, num_initial_points=10)
    hp = oracle.hyperparameters = kt.HyperParameters()
    seen = []

    for i, declare in enumerate(
        [lambda: hp.Choice("a", [1, 2]), lambda: hp.Int("b", 3, 9), lambda: hp.Fixed("c", 7), lambda: hp.Boolean("d")]
    ):
        declare()
        seen.append(set(oracle.populate_space(f"1_{i}")["values"]))

    assert seen == [set("a"), set("ab"), set("abc"), set("abcd")]


def test_what_a_worker_reports_as_new_is_in_the_next_trial(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=mixed(), num_initial_points=2)
    run_search(oracle, lambda values: values["c"], num_trials=4)
    found = kt.HyperParameters()
    found.Float("step", 3.2, 6.4, step=0.2, default=3.6)
    found.Boolean("flag", default=True)

    oracle.update_space(found)
    values = oracle.create_trial("tuner0").hyperparameters.values

    assert {"step", "flag"} <= set(values)


def test_trials_of_two_tuners_may_be_interleaved(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=mixed(), num_initial_points=2)

    def end(trial):
        oracle.update_trial(trial.trial_id, {"loss": trial.hyperparameters.get("c")})
        trial.status = "COMPLETED"
        oracle.end_trial(trial)

    first, second = oracle.create_trial("x"), oracle.create_trial("y")
    end(first)
    third = oracle.create_trial("x")
    end(second)
    fourth = oracle.create_trial("y")
    end(third)
    end(fourth)

    assert oracle.end_order == [trial.trial_id for trial in (first, second, third, fourth)]
    assert not oracle.ongoing_trials


def test_four_tuners_in_turns_come_close_to_the_optimum(tmp_path):
    hp = kt.HyperParameters()
    hp.Int("a", 0, 10)
    hp.Float("b", -1, 1, step=0.1)
    hp.Float("c", 1e-5, 1e-2, sampling="log")
    oracle = make_oracle(tmp_path, hyperparameters=hp, max_trials=60)

    for _ in range(10):
        trials = [oracle.create_trial(f"tuner{i}") for i in range(4)]
        for trial in trials:
            a, b, c = (trial.hyperparameters.get(name) for name in "abc")
            oracle.update_trial(trial.trial_id, {"loss": abs(a - 4) - b + 0.1 * abs(3 + math.log10(c))})
            trial.status = "COMPLETED"
            oracle.end_trial(trial)

    assert oracle.get_best_trials()[0].score < -0.8


def test_errors_are_retried_and_given_up_trials_are_not(tmp_path):
    def formula(error):
        def run(hp):
            value = hp.Int("value", 1, 5)
            if value in (2, 3):
                raise error
            return value

        return run

    retried = search(tmp_path / "a", formula(ValueError("wrong")), max_retries_per_trial=2)
    given_up = search(tmp_path / "b", formula(kt.errors.FailedTrialError("wrong")), max_retries_per_trial=2)

    assert (retried.num_runs, given_up.num_runs) == (5 + 2 * 2, 5)


def test_retries_are_no_consecutive_failures(tmp_path):
    arguments = {"max_retries_per_trial": 2, "max_consecutive_failed_trials": 3}
    oracle = make_oracle(tmp_path, hyperparameters=mixed(), **arguments)
    losses = iter([math.nan] * 6 + [1.0])

    trials = run_search(oracle, lambda values: next(losses), num_trials=7)

    assert [trial.status for trial in trials[-1:]] == ["COMPLETED"]
    assert len(oracle.end_order) == 3


def test_a_limit_of_failures_ends_the_search_with_the_last_message(tmp_path):
    def failing(values):
        raise ArithmeticError("custom information")

    oracle = make_oracle(tmp_path, hyperparameters=mixed(), max_consecutive_failed_trials=3)

    with pytest.raises(RuntimeError, match=r"(?s)Number of consecutive.*custom information"):
        run_search(oracle, failing)

    assert len(oracle.end_order) == 3


@pytest.mark.parametrize(
    ("objective", "result", "words"),
    [
        ("val_loss", "a string", "to be one of"),
        (None, {"val_loss": 1.0}, "single float"),
        (None, None, "None"),
    ],
)
def test_a_result_of_the_wrong_type_is_a_type_error(tmp_path, objective, result, words):
    with pytest.raises(TypeError, match=words):
        search(tmp_path, lambda hp: (hp.Float("x", 0, 1), result)[1], objective=objective)


@pytest.mark.parametrize("results", [[0.5, 1.5], [{"loss": 0.5}, {"loss": 1.5}]])
def test_the_results_of_several_executions_are_averaged(tmp_path, results):
    objective = kt.Objective("loss", "min") if isinstance(results[0], dict) else None

    tuner = search(tmp_path, lambda hp: (hp.Float("x", 0, 1), results)[1], objective=objective, max_trials=1)

    assert tuner.oracle.get_best_trials()[0].score == 1.0


def test_remaining_trials_and_arguments_of_the_tuner(tmp_path):
    tuner = search(tmp_path, lambda hp: hp.Float("x", 0, 1), max_trials=3)

    assert tuner.remaining_trials == 0
    with pytest.raises(ValueError, match="Unrecognized arguments"):
        Formula(directory=str(tmp_path), unrecognized=3)
    with pytest.warns(DeprecationWarning, match="logger"):
        Formula(directory=str(tmp_path), logger=1)


@pytest.mark.slow
def test_a_base_tuner_may_ask_for_values_by_index(tmp_path):
    class Polynomial(kt.engine.base_tuner.BaseTuner):
        def run_trial(self, trial):
            hp = trial.hyperparameters
            return -1 * hp["a"] ** 3 + hp["b"] ** 3 + hp["c"] - abs(hp["d"])

    hp = kt.HyperParameters()
    for name in "abcd":
        hp.Float(name, -1, 1)
    oracle = keras_bayes.BayesOracle(kt.Objective("score", "max"), max_trials=50, hyperparameters=hp, seed=0)
    oracle.verbose = 0
    Polynomial(oracle=oracle, directory=str(tmp_path)).search()

    best = oracle.get_best_trials()[0]
    assert np.isclose(best.score, 3, atol=0.1, rtol=0.1)


def test_a_list_of_one_objective_is_that_objective(tmp_path):
    tuner = search(tmp_path, lambda hp: {"accuracy": hp.Float("x", 0, 1)}, objective=["accuracy"], max_trials=4)

    log, best = tuner.search_log(), tuner.oracle.get_best_trials()[0]
    assert (log.objective, log.direction) == ("accuracy", "max")
    assert log.best.trial_id == best.trial_id
    assert best.score == max(trial.hyperparameters.get("x") for trial in tuner.oracle.trials.values())


@pytest.mark.parametrize("name", ["val_neg_log_loss", "val_minus_accuracy", "negative_cosine_similarity"])
def test_what_is_negated_is_not_known_by_name(name):
    with pytest.raises(ValueError, match="Could not infer optimization direction"):
        keras_bayes.BayesOracle(name)


@pytest.mark.parametrize(
    ("name", "direction"),
    [
        ("val_age_loss", "min"),
        ("val_sex_accuracy", "max"),
        ("sex_auc", "max"),
        ("val_weighted_sex_f1_score", "max"),
        ("val_loss", "min"),
        ("val_accuracy", "max"),
    ],
)
def test_metrics_of_one_output_are_known_by_name(name, direction):
    for given in (name, [name, "loss"], (name, "loss")):
        objective = keras_bayes.BayesOracle(objective=given).objective
        part = objective if isinstance(given, str) else objective.objectives[0]
        assert (part.name, part.direction) == (name, direction)
