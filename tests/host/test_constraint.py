"""Hard constraints, through whole searches: what is forbidden is never proposed."""

from __future__ import annotations

import copy
import json

import keras_tuner as kt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from searches import make_oracle, mixed_loss, mixed_space, run_search, run_trial, small_space, values_of

import keras_bayes
from keras_bayes.errors import ConfigurationError, ConstraintError
from keras_bayes.space import Space
from tests.spaces import active_names, config_of, legal_values, search_spaces


def small(hp):
    """Of `mixed_space`, about a sixth."""
    return hp["units"] * hp["layers"] <= 256 and hp.values.get("momentum", 0.0) < 0.5


def is_small(values):
    return values["units"] * values["layers"] <= 256 and values.get("momentum", 0.0) < 0.5


def score_of(values):
    """Some number for any configuration."""
    return sum(hash(str(value)) % 97 for value in values.values()) / 97


def declared(config):
    return kt.HyperParameters.from_config(copy.deepcopy(config))  # which changes what it is given


@st.composite
def rules(draw, config):
    """A random rule over the values of a space: it may forbid everything."""
    entry = draw(st.sampled_from(config["space"]))
    name, legal = entry["config"]["name"], legal_values(entry)
    if legal is None:
        low, high = entry["config"]["min_value"], entry["config"]["max_value"]
        limit = draw(st.floats(low, high))
        return lambda values: values.get(name, limit) <= limit
    allowed = set(draw(st.lists(st.sampled_from(legal), max_size=3)))
    return lambda values: values.get(name) in allowed or name not in values


@settings(max_examples=10, deadline=None)
@given(data=st.data(), seed=st.integers(0, 1000))
def test_nothing_forbidden_is_ever_proposed(tmp_path_factory, data, seed):
    config = data.draw(search_spaces())
    rule = data.draw(rules(config))
    asked = []

    def constraint(hp):
        asked.append(hp.values)
        return rule(hp.values)

    oracle = make_oracle(
        tmp_path_factory.mktemp("search"),
        hyperparameters=declared(config),
        constraint=constraint,
        max_trials=9,
        seed=seed,
    )
    proposed = values_of(run_search(oracle, score_of))

    assert all(map(rule, proposed))
    assert all(set(values) == active_names(config, values) for values in asked)


@settings(max_examples=10, deadline=None)
@given(data=st.data(), seed=st.integers(0, 1000))
def test_every_allowed_configuration_of_a_finite_space_is_tried_once(tmp_path_factory, data, seed):
    config = data.draw(search_spaces(is_finite=True, max_entries=3))
    rule = data.draw(rules(config))
    space = Space.from_config(config)
    allowed = [values for values in map(space.decode, space.points(10**5)) if rule(values)][:12]
    keys = {json.dumps(values, sort_keys=True) for values in allowed}

    oracle = make_oracle(
        tmp_path_factory.mktemp("search"),
        hyperparameters=declared(config),
        constraint=lambda hp: json.dumps(hp.values, sort_keys=True) in keys,
        max_trials=100,
        seed=seed,
    )
    proposed = [json.dumps(values, sort_keys=True) for values in values_of(run_search(oracle, score_of))]

    assert len(proposed) == len(keys)
    assert set(proposed) == keys


@pytest.mark.parametrize("acquisition", ["ei", "lcb"])
def test_the_best_of_what_is_allowed_is_found(tmp_path, acquisition):
    oracle = make_oracle(
        tmp_path, hyperparameters=mixed_space(), constraint=small, max_trials=30, acquisition=acquisition
    )

    trials = run_search(oracle, mixed_loss)

    assert all(map(is_small, values_of(trials)))
    best = oracle.get_best_trials(1)[0].hyperparameters.values
    assert (best["units"], best["layers"], best["optimizer"]) in [(256, 1, "adam"), (128, 2, "adam")]


def test_a_constraint_that_allows_everything_changes_no_proposal(tmp_path):
    free, bound = (
        make_oracle(tmp_path, hyperparameters=mixed_space(), project_name=name, constraint=constraint)
        for name, constraint in [("free", None), ("bound", lambda hp: True)]
    )

    assert values_of(run_search(free, mixed_loss)) == values_of(run_search(bound, mixed_loss))


def test_defaults_that_are_not_allowed_are_not_tried(tmp_path):
    hp = kt.HyperParameters()
    hp.Int("units", 1, 1000, default=800)
    oracle = make_oracle(tmp_path, hyperparameters=hp, constraint=lambda hp: hp.get("units") < 10)

    assert run_trial(oracle, score_of).hyperparameters.values["units"] < 10


def test_a_search_in_a_hundredth_of_the_space_goes_on_to_its_end(tmp_path):
    hp = kt.HyperParameters()
    hp.Float("x", 0, 1)
    hp.Float("y", 0, 1)
    oracle = make_oracle(
        tmp_path, hyperparameters=hp, constraint=lambda hp: abs(hp["x"] - hp["y"]) < 0.005, max_trials=25
    )

    trials = run_search(oracle, lambda values: (values["x"] - 0.37) ** 2)

    assert len(trials) == 25
    assert oracle.get_best_trials(1)[0].score < 1e-4


@pytest.mark.parametrize("constraint", [lambda hp: False, lambda hp: hp["augment"] and hp["units"] == 384])
def test_a_search_that_finds_nothing_more_says_so(tmp_path, capsys, constraint):
    oracle = make_oracle(tmp_path, hyperparameters=small_space(), constraint=constraint)
    oracle.verbose = 1

    assert len(run_search(oracle, score_of)) in (0, 2)

    assert "No further configuration was found that `constraint` allows." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("constraint", "words"),
    [
        (lambda hp: 1 / 0, ["ZeroDivisionError", "division by zero"]),
        (lambda hp: hp["missing"] > 1, ["KeyError", "missing", "hp.values.get(name)"]),
        (lambda hp: None, ["True or False", "received None"]),
        (lambda hp: hp["units"], ["True or False", "received 256"]),
    ],
)
def test_a_mistake_in_a_constraint_is_an_error_that_names_the_values(tmp_path, constraint, words):
    oracle = make_oracle(tmp_path, hyperparameters=small_space(), constraint=constraint)

    with pytest.raises(ConstraintError) as raised:
        oracle.create_trial("tuner0")

    assert all(word in str(raised.value) for word in [*words, "'units': 256", "'activation': 'relu'"])
    assert isinstance(raised.value, keras_bayes.KerasBayesError)
    assert not oracle.trials


def test_after_a_mistake_the_search_goes_on(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=small_space(), constraint=lambda hp: 1 / 0)
    with pytest.raises(ConstraintError):
        oracle.create_trial("tuner0")

    mended = make_oracle(tmp_path, hyperparameters=small_space(), constraint=lambda hp: hp["augment"])

    assert len(run_search(mended, score_of)) == 6


def test_workers_of_a_chief_are_told_that_the_search_has_ended(tmp_path, monkeypatch, capsys):
    oracle = make_oracle(tmp_path, hyperparameters=small_space(), constraint=lambda hp: 1 / 0)
    oracle.verbose = 1
    monkeypatch.setattr("keras_bayes.distributed_oracle.is_distributed", lambda: True)

    assert oracle.create_trial("worker0").status == "STOPPED"
    assert oracle.create_trial("worker1").status == "STOPPED"

    assert "`constraint` raised ZeroDivisionError" in capsys.readouterr().out


def waiting(folder, **arguments):
    """An oracle started again after its process ended during a trial with 256 units."""
    oracle = make_oracle(folder, hyperparameters=small_space())
    assert oracle.create_trial("tuner0").hyperparameters.values["units"] == 256
    oracle.release()
    oracle = make_oracle(folder, hyperparameters=small_space(), **arguments)
    oracle.reload()
    return oracle


def test_a_waiting_trial_that_is_no_longer_allowed_is_given_up(tmp_path):
    oracle = waiting(tmp_path, constraint=lambda hp: hp["units"] < 256)

    next_trial = run_trial(oracle, score_of)

    assert next_trial.hyperparameters.values["units"] == 128
    (given_up,) = (trial for trial in oracle.trials.values() if trial is not next_trial)
    assert given_up.status == "FAILED"
    assert "constraint" in given_up.message


def test_a_mistake_in_a_constraint_loses_no_waiting_trial(tmp_path):
    answers = iter([ZeroDivisionError, True])

    def constraint(hp):
        answer = next(answers)
        if answer is not True:
            raise answer
        return True

    oracle = waiting(tmp_path, constraint=constraint)
    with pytest.raises(ConstraintError):
        oracle.create_trial("tuner0")

    assert oracle.create_trial("tuner0").hyperparameters.values["units"] == 256


def test_trials_from_before_a_constraint_still_teach(tmp_path):
    hp = kt.HyperParameters()
    hp.Float("x", 0, 1)
    hp.Float("y", 0, 1)

    def loss(values):
        return (values["x"] - 0.9) ** 2 + (values["y"] - 0.2) ** 2

    run_search(make_oracle(tmp_path, hyperparameters=hp, max_trials=20), loss)
    oracle = make_oracle(tmp_path, hyperparameters=hp, max_trials=25, constraint=lambda hp: hp["x"] <= 0.5)
    oracle.reload()

    last = values_of(run_search(oracle, loss))

    assert len(last) == 5
    assert all(values["x"] <= 0.5 for values in last)
    assert min(abs(values["y"] - 0.2) for values in last) < 0.05


def test_what_the_user_enqueues_is_checked_too(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=small_space(), constraint=lambda hp: hp["units"] < 256)

    with pytest.raises(ConfigurationError, match=r"`constraint` does not allow .*'units': 384"):
        oracle.enqueue({"units": 384})

    assert oracle.enqueue({"units": 128, "augment": True})


def test_an_enqueued_configuration_that_is_no_longer_allowed_is_left_out(tmp_path):
    make_oracle(tmp_path, hyperparameters=small_space()).enqueue({"units": 384})
    oracle = make_oracle(tmp_path, hyperparameters=small_space(), constraint=lambda hp: hp["units"] < 256)
    oracle.reload()

    with pytest.warns(keras_bayes.KerasBayesWarning, match=r"'units': 384.*constraint"):
        assert run_trial(oracle, score_of).hyperparameters.values["units"] == 128


def test_the_space_may_be_empty(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=declared(config_of()))
    bound = make_oracle(tmp_path, project_name="bound", constraint=lambda hp: not hp.values)

    assert [values_of(run_search(o, lambda values: 1.0)) for o in (oracle, bound)] == [[{}], [{}]]


def test_a_constraint_must_be_a_function():
    with pytest.raises(TypeError, match=r"`constraint` must be a function, received 'units < 5'"):
        keras_bayes.BayesOracle(objective="val_loss", constraint="units < 5")
