"""Trials that go on with others, as an oracle keeps them, without training."""

from __future__ import annotations

import pytest

from tests.host.searches import make_oracle, small_space

VALUES = {"units": 128, "activation": "relu", "augment": True}


def continuing(trial_id):
    return {"source": "continuation", "continues": trial_id, "mean": 0.5, "sd": 0.1}


def oracle_of(folder, *proposals, **arguments):
    """Its n-th trial has the n-th proposal; all have the same values."""
    oracle = make_oracle(folder, hyperparameters=small_space(), max_trials=len(proposals), **arguments)
    oracle.populate_space = lambda trial_id: {
        "status": "RUNNING",
        "values": dict(VALUES),
        "proposal": proposals[int(trial_id)],
    }
    return oracle


def run(oracle, score):
    trial = oracle.create_trial("tuner0")
    oracle.update_trial(trial.trial_id, {"loss": score})
    trial.status = "COMPLETED"
    oracle.end_trial(trial)
    return trial


@pytest.mark.parametrize(("proposal", "status"), [(continuing("0"), "RUNNING"), ({"source": "design"}, "STOPPED")])
def test_a_killed_trial_runs_again_with_the_values_of_the_one_it_goes_on_with(tmp_path, proposal, status):
    killed = oracle_of(tmp_path, {"source": "design"}, proposal)
    run(killed, 1.0)
    killed.create_trial("tuner0")
    killed.release()

    oracle = oracle_of(tmp_path, {"source": "design"}, proposal)
    oracle.reload()
    trial = oracle.create_trial("tuner0")

    assert trial.status == status
    assert (trial.trial_id, oracle.proposals["1"]) == ("1", proposal) or status == "STOPPED"


@pytest.mark.parametrize(
    ("scores", "best"),
    [
        ((3.0, 2.0, 1.0), ["2"]),
        ((1.0, 1.0, 1.0), ["2"]),  # none got better
        ((1.0, 2.0, 1.5), ["0", "2"]),  # a program that tells a score of its own may get worse
    ],
)
def test_of_trials_that_go_on_with_each_other_the_last_one_counts(tmp_path, scores, best):
    oracle = oracle_of(tmp_path, {"source": "design"}, continuing("0"), continuing("1"))

    for score in scores:
        run(oracle, score)

    assert [trial.trial_id for trial in oracle.get_best_trials(3)] == best


def test_a_trial_that_failed_leaves_the_one_it_went_on_with_among_the_best(tmp_path):
    oracle = oracle_of(tmp_path, {"source": "design"}, continuing("0"))
    run(oracle, 1.0)

    run(oracle, float("nan"))

    assert [trial.trial_id for trial in oracle.get_best_trials(3)] == ["0"]
