"""A search that ends when little is to be gained, and what it says of more trials."""

from __future__ import annotations

import keras_tuner as kt
import numpy as np
import pytest
from searches import make_oracle, run_search, run_trial, small_space, values_of

import keras_bayes
from keras_bayes.initial_design import NUM_POINTS
from keras_bayes.search_end import SPARE_TRIALS

RULE = keras_bayes.ExpectedGain(min_gain=0.02, num_trials=3)
DIM = 2


def bowl_space():
    hp = kt.HyperParameters()
    hp.Float("x", 0, 1)
    hp.Float("y", 0, 1)
    return hp


def bowl(values):
    return (values["x"] - 0.3) ** 2 + (values["y"] - 0.6) ** 2


def searching(folder, space=bowl_space, **arguments):
    return make_oracle(folder, hyperparameters=space(), **({"max_trials": 60} | arguments))


def test_a_search_ends_once_little_is_to_be_gained_and_says_how_little(tmp_path, capsys):
    oracle = searching(tmp_path, stop_when=RULE)
    oracle.verbose = 1

    trials = run_search(oracle, bowl)

    assert DIM + SPARE_TRIALS <= len(trials) < 60
    gain = oracle.expected_gain(3)
    assert gain < 0.02
    reason = f"The model expects another 3 trials to improve loss by {gain:.2g}, less than the 0.02 of `stop_when`."
    assert reason in capsys.readouterr().out


def test_what_is_expected_is_said_once(tmp_path, capsys):
    oracle = searching(tmp_path, stop_when=keras_bayes.ExpectedGain(min_gain=0.05))
    oracle.verbose = 1

    run_search(oracle, bowl)

    assert capsys.readouterr().out.count("The model expects another 10 trials to improve loss by") == 1


def test_it_ends_at_the_first_trial_that_the_rule_is_against(tmp_path):
    with_rule, without = (searching(tmp_path, project_name=str(rule), stop_when=rule) for rule in (RULE, None))
    num_trials = len(run_search(with_rule, bowl))

    gains = []
    for i in range(num_trials + 1):
        gains.append(without.expected_gain(3) if i >= DIM + SPARE_TRIALS else None)
        run_trial(without, bowl)

    assert [gain is None or gain >= 0.02 for gain in gains] == [True] * num_trials + [False]
    assert values_of(with_rule.trials.values()) == values_of(without.trials.values())[:num_trials]


def test_a_search_that_has_ended_does_not_begin_again_unless_less_is_asked_for(tmp_path):
    num_trials = len(run_search(searching(tmp_path, stop_when=RULE), bowl))
    again, eager = (
        searching(tmp_path, stop_when=rule) for rule in (RULE, keras_bayes.ExpectedGain(1e-6, num_trials=3))
    )

    again.reload()
    assert run_search(again, bowl) == []

    eager.reload()
    assert len(run_search(eager, bowl, num_trials=2)) == 2
    assert len(eager.trials) == num_trials + 2


def test_an_interrupted_search_ends_where_an_uninterrupted_one_does(tmp_path):
    whole = searching(tmp_path, project_name="whole", stop_when=RULE)
    run_search(whole, bowl)
    run_search(searching(tmp_path, stop_when=RULE), bowl, num_trials=9)
    resumed = searching(tmp_path, stop_when=RULE)
    resumed.reload()

    run_search(resumed, bowl)

    assert values_of(resumed.trials.values()) == values_of(whole.trials.values())


def test_what_the_user_enqueues_is_run_all_the_same(tmp_path):
    oracle = searching(tmp_path, stop_when=RULE)
    run_search(oracle, bowl)

    oracle.enqueue({"x": 0.95, "y": 0.05})

    assert run_trial(oracle, bowl).hyperparameters.values == {"x": 0.95, "y": 0.05}


def test_however_much_is_known_a_search_has_a_result_of_its_own(tmp_path):
    earlier = searching(tmp_path / "earlier", max_trials=30)
    run_search(earlier, bowl)

    later = searching(tmp_path / "later", warm_start=earlier.project_folder, stop_when=keras_bayes.ExpectedGain(1.0))

    assert len(run_search(later, bowl)) == 1
    assert later.best_trial() is not None


def test_failures_alone_end_no_search(tmp_path):
    oracle = searching(tmp_path, stop_when=keras_bayes.ExpectedGain(1e9), max_trials=15)

    assert len(run_search(oracle, lambda values: float("nan"))) == 15
    assert oracle.expected_gain() is None


def test_several_workers_are_told_to_stop_together(tmp_path):
    oracle = searching(tmp_path, stop_when=RULE)
    workers = [f"worker{i}" for i in range(3)]

    while True:
        trials = {worker: oracle.create_trial(worker) for worker in workers}
        running = {worker: trial for worker, trial in trials.items() if trial.status == "RUNNING"}
        for trial in running.values():
            oracle.update_trial(trial.trial_id, {"loss": bowl(trial.hyperparameters.values)})
            trial.status = "COMPLETED"
            oracle.end_trial(trial)
        if not running:
            break

    assert {trial.status for trial in trials.values()} == {"STOPPED"}
    assert DIM + SPARE_TRIALS <= len(oracle.trials) < 60


def test_a_constraint_is_taken_into_account(tmp_path):
    free, bound = (
        searching(tmp_path, project_name=name, constraint=constraint)
        for name, constraint in [("free", None), ("bound", lambda hp: hp["x"] > 0.3)]
    )
    for oracle in (free, bound):
        for x, y in np.random.default_rng(0).random((8, 2)):
            oracle.add_observation({"x": x, "y": y}, 100 * max(0.5 - x, 0.0) + y)
    run_search(bound, lambda values: values["y"], num_trials=1)

    assert bound.expected_gain(5) < free.expected_gain(5)


@pytest.mark.parametrize("direction", ["min", "max"])
def test_the_expected_gain_is_in_the_unit_of_the_objective_and_positive(tmp_path, direction):
    sign = 1 if direction == "min" else -1
    oracle = searching(tmp_path, objective=kt.Objective("loss", direction))
    run_search(oracle, lambda values: 1000 * sign * bowl(values), num_trials=6)

    assert 1 < oracle.expected_gain() < 1000


def test_before_there_is_a_model_nothing_is_expected(tmp_path):
    oracle = searching(tmp_path)
    gains = []
    for _ in range(NUM_POINTS + 1):
        gains.append(oracle.expected_gain())
        run_trial(oracle, bowl)

    assert gains[:NUM_POINTS] == [None] * NUM_POINTS
    assert gains[NUM_POINTS] > 0


def test_the_question_changes_no_proposal(tmp_path):
    asked, silent = (searching(tmp_path, project_name=name) for name in ("asked", "silent"))
    proposals = []
    for _ in range(8):
        asked.expected_gain()
        proposals.append(run_trial(asked, bowl).hyperparameters.values)

    assert proposals == values_of(run_search(silent, bowl, num_trials=8))


def test_the_summary_says_what_is_expected_of_ten_more_trials(tmp_path, capsys):
    oracle = searching(tmp_path, max_trials=12)
    oracle.verbose = 1

    run_search(oracle, bowl)

    sentence = f"The model expects another 10 trials to improve loss by {oracle.expected_gain(10):.2g}."
    assert sentence in capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    ("arguments", "loss"),
    [
        ({"max_trials": 2}, bowl),
        ({"max_trials": DIM + SPARE_TRIALS - 1}, bowl),
        ({"max_trials": 5}, lambda values: float("nan")),
        ({"max_trials": 50, "space": small_space}, lambda values: 1.0),
    ],
    ids=["no model", "few trials", "failures", "exhausted"],
)
def test_a_summary_that_cannot_tell_says_nothing_of_it(tmp_path, capsys, arguments, loss):
    oracle = searching(tmp_path, **arguments)
    oracle.verbose = 1

    run_search(oracle, loss)

    said = capsys.readouterr().out
    assert "another 10 trials" not in said
    assert "Results are in" in said


def test_a_mistake_in_a_constraint_leaves_a_summary(tmp_path, capsys):
    oracle = searching(tmp_path, max_trials=12)
    run_search(oracle, bowl)
    oracle = searching(tmp_path, max_trials=12, constraint=lambda hp: 1 / 0)
    oracle.verbose = 1
    oracle.reload()

    assert oracle.create_trial("tuner0").status == "STOPPED"

    assert "Results are in" in capsys.readouterr().out


def test_a_silent_search_does_not_ask(tmp_path, monkeypatch):
    oracle = searching(tmp_path, max_trials=12)
    monkeypatch.setattr(oracle, "_gain", lambda *args, **kwargs: pytest.fail("it takes time"))

    assert len(run_search(oracle, bowl)) == 12


@pytest.mark.parametrize("rule", [0.001, "gain", keras_bayes.ExpectedGain])
def test_a_rule_must_be_one(rule):
    with pytest.raises(TypeError, match=r"`stop_when` must be a `keras_bayes.ExpectedGain`, received"):
        keras_bayes.BayesOracle(objective="val_loss", stop_when=rule)


def test_a_number_of_trials_below_one_is_refused(tmp_path):
    with pytest.raises(ValueError, match="num_trials"):
        searching(tmp_path).expected_gain(0)
