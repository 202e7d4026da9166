"""`BayesOracle` as keras-tuner drives it: the contract, the choice of trials, determinism."""

from __future__ import annotations

import json

import keras_tuner as kt
import numpy as np
import pytest
from keras_tuner.engine.trial import Trial
from searches import make_oracle, mixed_loss, mixed_space, run_search, run_trial, small_space, values_of
from threadpoolctl import threadpool_info, threadpool_limits

import keras_bayes
from keras_bayes.maximizer import maximize


def test_values_are_python_built_ins_and_legal(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=mixed_space())

    for values in values_of(run_search(oracle, mixed_loss)):
        assert {type(value) for value in values.values()} <= {int, float, str, bool}
        assert 1e-4 <= values["lr"] <= 1e-1
        assert values["layers"] in range(1, 5)
        assert values["units"] in (128, 256, 384)
        assert ("momentum" in values) == (values["optimizer"] == "sgd")
        assert json.loads(json.dumps(values)) == values


def test_the_search_finds_the_optimum_of_the_discrete_part(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=mixed_space(), max_trials=30)

    run_search(oracle, mixed_loss)

    best = oracle.get_best_trials(1)[0]
    assert (best.hyperparameters.values["layers"], best.hyperparameters.values["units"]) == (2, 256)
    assert best.score < 0.05


def test_maximising_a_score_is_minimising_its_negative(tmp_path):
    lowest = make_oracle(tmp_path, hyperparameters=mixed_space(), project_name="min")
    highest = make_oracle(
        tmp_path, hyperparameters=mixed_space(), project_name="max", objective=kt.Objective("loss", "max")
    )

    down = values_of(run_search(lowest, mixed_loss))
    up = values_of(run_search(highest, lambda values: -mixed_loss(values)))

    assert down == up


@pytest.mark.parametrize("seed", [0, 1, 123456])
def test_the_same_seed_gives_the_same_trials(tmp_path, seed):
    first, second = (
        make_oracle(tmp_path, hyperparameters=mixed_space(), seed=seed, project_name=name) for name in "ab"
    )

    assert values_of(run_search(first, mixed_loss)) == values_of(run_search(second, mixed_loss))


def test_another_seed_gives_other_trials(tmp_path):
    zero, one = (make_oracle(tmp_path, hyperparameters=mixed_space(), seed=i, project_name=str(i)) for i in (0, 1))

    assert zero.seed == 0
    first, second = (values_of(run_search(oracle, mixed_loss, num_trials=4)) for oracle in (zero, one))
    assert all(a != b for a, b in zip(first[1:], second[1:], strict=True))


@pytest.mark.parametrize("acquisition", ["ei", "pi", "lcb"])
def test_no_configuration_is_tried_twice_and_the_space_is_exhausted_exactly(tmp_path, acquisition):
    oracle = make_oracle(tmp_path, hyperparameters=small_space(), max_trials=100, acquisition=acquisition)

    trials = run_search(oracle, lambda values: values["units"] / 256 - values["augment"])

    assert len(trials) == 12
    assert len({json.dumps(values, sort_keys=True) for values in values_of(trials)}) == 12


def test_two_booleans_make_four_trials(tmp_path):
    hp = kt.HyperParameters()
    hp.Boolean("first")
    hp.Boolean("second")
    oracle = make_oracle(tmp_path, hyperparameters=hp, max_trials=15)

    assert len(run_search(oracle, lambda values: float(values["first"]))) == 4


def test_an_empty_space_runs_once(tmp_path):
    oracle = make_oracle(tmp_path)

    trials = run_search(oracle, lambda values: 1.0)

    assert values_of(trials) == [{}]


def test_fixed_values_are_in_every_trial(tmp_path):
    hp = small_space()
    hp.Fixed("epochs", 3)
    oracle = make_oracle(tmp_path, hyperparameters=hp)

    assert all(values["epochs"] == 3 for values in values_of(run_search(oracle, lambda values: 1.0)))


def test_a_hyperparameter_that_appears_is_tuned_from_then_on(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=small_space(), num_initial_points=2)
    run_search(oracle, lambda values: 1.0, num_trials=5)

    oracle.hyperparameters.Int("late", 3, 10)
    later = values_of(run_search(oracle, lambda values: values["late"] / 10, num_trials=10))

    assert len({values["late"] for values in later}) > 1


def test_explicit_defaults_are_tried_first(tmp_path):
    hp = kt.HyperParameters()
    hp.Float("lr", 1e-4, 1e-1, sampling="log", default=2e-3)
    hp.Choice("units", [128, 256, 384], default=384)
    oracle = make_oracle(tmp_path, hyperparameters=hp)

    first = run_trial(oracle, lambda values: 1.0).hyperparameters.values

    assert first["units"] == 384
    assert first["lr"] == pytest.approx(2e-3)


def test_num_initial_points_is_obeyed_and_failures_do_not_count(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=mixed_space(), num_initial_points=5)
    losses = iter([1.0, float("nan"), 2.0, float("inf"), 3.0, 2.5, 2.2, 1.1, 1.2])

    run_search(oracle, lambda values: next(losses), num_trials=9)

    sources = [proposal["source"] for proposal in oracle.proposals.values()]
    assert sources == ["design"] * 7 + ["model"] * 2


def test_a_search_of_ten_trials_uses_the_model(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=mixed_space(), max_trials=10)

    run_search(oracle, mixed_loss)

    assert [proposal["source"] for proposal in oracle.proposals.values()].count("model") == 7


def test_a_suggestion_is_computed_on_one_thread(tmp_path, monkeypatch):
    oracle = make_oracle(tmp_path, hyperparameters=mixed_space(), max_trials=10)
    counts = set()

    def counting(*args, **kwargs):
        counts.update(library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas")
        return maximize(*args, **kwargs)

    monkeypatch.setattr("keras_bayes.oracle.maximize", counting)
    with threadpool_limits(2, user_api="blas"):
        run_search(oracle, mixed_loss)

    assert counts == {1}


def test_an_expectation_is_in_the_unit_of_the_objective(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=mixed_space(), objective=kt.Objective("loss", "max"))

    run_search(oracle, lambda values: 1000 - mixed_loss(values))

    expectations = [p for p in oracle.proposals.values() if p["source"] == "model"]
    assert all(990 < p["mean"] < 1003 and 0 < p["sd"] < 10 for p in expectations)


def test_running_trials_are_not_proposed_again_and_repel(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=mixed_space(), max_trials=40)
    run_search(oracle, mixed_loss, num_trials=12)

    pending = values_of([oracle.create_trial(f"worker{i}") for i in range(4)])

    assert len({json.dumps(values, sort_keys=True) for values in pending}) == 4
    others = [{name: value for name, value in values.items() if name != "lr"} for values in pending]
    assert len({json.dumps(values, sort_keys=True) for values in others}) > 1


def test_a_worker_that_asks_again_gets_the_same_trial(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=small_space())

    assert oracle.create_trial("worker") is oracle.create_trial("worker")


def test_populate_space_alone_changes_nothing(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=mixed_space(), num_initial_points=2)
    run_search(oracle, mixed_loss, num_trials=4)

    assert oracle.populate_space("1_0") == oracle.populate_space("1_0")
    assert len(oracle.trials) == 4


@pytest.mark.parametrize("sign", [1, -1])
def test_trials_put_in_by_hand_are_learnt_from(tmp_path, sign):
    hp = kt.HyperParameters()
    hp.Int("a", -100, 100)
    oracle = make_oracle(
        tmp_path, hyperparameters=hp, num_initial_points=2, objective=kt.Objective("score", direction="max")
    )
    for i in range(-5, 6):
        trial = Trial(hyperparameters=hp.copy(), status="COMPLETED")
        trial.hyperparameters.values["a"] = 10 * i
        trial.score = float(sign * i)
        oracle.trials[trial.trial_id] = trial

    proposed = oracle.create_trial("tuner0").hyperparameters.values["a"]

    assert sign * proposed > 50


def test_equal_points_with_different_scores_are_taken_as_noise(tmp_path):
    hp = kt.HyperParameters()
    hp.Float("c", 0, 1, step=0.25)
    oracle = make_oracle(tmp_path, hyperparameters=hp, num_initial_points=2)
    for i in range(10):
        trial = Trial(hyperparameters=hp.copy(), status="COMPLETED")
        trial.hyperparameters.values["c"] = 0.5
        trial.score = float(i)
        oracle.trials[trial.trial_id] = trial

    assert oracle.create_trial("tuner0").hyperparameters.values["c"] in (0.0, 0.25, 0.75, 1.0)


def test_the_order_of_a_list_of_strings_does_not_matter(tmp_path):
    def search(names):
        hp = kt.HyperParameters()
        hp.Float("x", 0, 1)
        hp.Choice("kind", names)
        oracle = make_oracle(tmp_path, hyperparameters=hp, project_name="".join(names), max_trials=25)
        run_search(oracle, lambda values: (values["x"] - 0.3) ** 2 + 0.2 * (values["kind"] != "b"))
        return oracle.get_best_trials(1)[0]

    for best in (search(["a", "b", "c", "d"]), search(["d", "c", "a", "b"])):
        assert best.hyperparameters.values["kind"] == "b"
        assert best.score < 0.01


@pytest.mark.parametrize("failure", [float("nan"), float("inf"), -float("inf"), "crash"])
def test_the_search_learns_to_stay_away_from_a_region_that_fails(tmp_path, failure):
    hp = kt.HyperParameters()
    hp.Float("x", 0, 1)
    hp.Float("y", 0, 1)

    def loss(values):
        if values["x"] + values["y"] > 1.2:  # about a third of the square
            if failure == "crash":
                raise ArithmeticError("out of memory")
            return failure
        return (values["x"] - 0.6) ** 2 + (values["y"] - 0.55) ** 2  # the optimum is at the border

    oracle = make_oracle(tmp_path, hyperparameters=hp, max_trials=40)
    trials = run_search(oracle, loss)

    assert len(trials) == 40
    assert sum(trial.status == "FAILED" for trial in trials[15:]) <= 5
    assert oracle.get_best_trials(1)[0].score < 0.01


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"acquisition": "ucb"}, ValueError, ["acquisition", "'ucb'", "'ei'"]),
        ({"max_trials": 0}, ValueError, ["max_trials", "1", "0"]),
        ({"max_trials": 2.5}, TypeError, ["max_trials", "2.5"]),
        ({"num_initial_points": 1}, ValueError, ["num_initial_points", "2", "1"]),
        ({"num_initial_points": -3}, ValueError, ["num_initial_points", "-3"]),
        ({"alpha": -1e-4}, ValueError, ["alpha", "-0.0001"]),
        ({"alpha": float("nan")}, ValueError, ["alpha", "nan"]),
        ({"beta": "big"}, TypeError, ["beta", "'big'"]),
        ({"seed": -1}, ValueError, ["seed", "-1"]),
        ({"max_retries_per_trial": -1}, ValueError, ["max_retries_per_trial", "-1"]),
        ({"max_consecutive_failed_trials": 0}, ValueError, ["max_consecutive_failed_trials", "0"]),
    ],
)
def test_a_bad_argument_is_named_with_what_came(arguments, error, words):
    with pytest.raises(error) as raised:
        keras_bayes.BayesOracle(objective="val_loss", **arguments)

    assert all(word in str(raised.value) for word in words)


def test_infinite_bounds_are_refused_at_construction():
    hp = kt.HyperParameters()
    hp.Float("lr", 1e-4, float("inf"))

    with pytest.raises(ValueError, match="'lr' must be finite"):
        keras_bayes.BayesOracle(objective="val_loss", hyperparameters=hp)


def test_one_name_under_two_conditions_is_refused_with_both():
    hp = kt.HyperParameters()
    hp.Choice("model", ["mlp", "cnn"])
    with hp.conditional_scope("model", ["mlp"]):
        hp.Int("units", 1, 5)
    with hp.conditional_scope("model", ["cnn"]):
        hp.Int("units", 10, 50)

    with pytest.raises(keras_bayes.KerasBayesError, match=r"'units' is declared twice.*'mlp'.*'cnn'"):
        keras_bayes.BayesOracle(objective="val_loss", hyperparameters=hp)


@pytest.mark.parametrize(
    ("objective", "direction"),
    [
        ("val_accuracy", "max"), ("val_loss", "min"), ("loss", "min"), ("val_f1_score", "max"),
        ("val_r2_score", "max"), ("val_cosine_similarity", "max"), ("val_pearson_correlation", "max"),
        ("val_concordance_correlation", "max"), ("val_binary_io_u", "max"), ("val_mean_io_u", "max"),
        ("val_recall_at_precision", "max"), ("val_fbeta_score", "max"), ("val_auc", "max"),
        ("mean_squared_error", "min"), ("val_false_positives", "min"),
    ],
)  # fmt: skip
def test_the_direction_of_a_metric_is_known(objective, direction):
    assert keras_bayes.BayesOracle(objective=objective).objective.direction == direction


def test_an_explicit_objective_is_left_alone():
    objective = kt.Objective("val_f1_score", direction="min")

    assert keras_bayes.BayesOracle(objective=objective).objective.direction == "min"


def test_several_objectives_are_summed_as_keras_tuner_sums_them(tmp_path):
    objectives = [kt.Objective("error", "min"), kt.Objective("accuracy", "max")]
    oracle = make_oracle(tmp_path, objective=objectives, hyperparameters=small_space())
    trial = oracle.create_trial("tuner0")

    oracle.update_trial(trial.trial_id, {"error": 0.5, "accuracy": 0.75})
    trial.status = "COMPLETED"
    oracle.end_trial(trial)

    assert oracle.trials[trial.trial_id].score == -0.25


def test_a_constraint_on_new_entries_holds(tmp_path):
    hp = small_space()
    oracle = make_oracle(tmp_path, hyperparameters=hp, allow_new_entries=False)
    more = hp.copy()
    more.Int("new", 1, 5)

    with pytest.raises(RuntimeError, match="new"):
        oracle.update_space(more)

    assert oracle.create_trial("tuner0").status == "RUNNING"  # the lock is free


def test_entries_that_are_not_tuned_do_not_hide_repeated_configurations(tmp_path):
    hp = kt.HyperParameters()
    hp.Choice("units", [1, 2, 3])
    oracle = make_oracle(tmp_path, hyperparameters=hp, tune_new_entries=False, max_trials=12)

    def loss(values):
        values["noise"] = np.random.default_rng(len(oracle.trials)).random()
        return 1.0

    assert len(run_search(oracle, loss)) == 3
