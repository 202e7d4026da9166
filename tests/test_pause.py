import numpy as np
import pytest

from keras_bayes.loss_curves import LossCurves
from keras_bayes.pause import MAX_STATES, Pause, states_to_keep
from keras_bayes.stopping_rules import Training

NONE = LossCurves(np.empty((0, 52)), np.empty(0, dtype=int), np.empty(0, dtype=bool))


def paused_epochs(rule, num_epochs):
    losses = [1.0] * num_epochs
    return [t for t in range(1, num_epochs + 1) if rule(Training(losses[:t], num_epochs, NONE))]


def continuing(trial_id):
    return {"source": "continuation", "continues": trial_id, "mean": 0.0, "sd": 1.0}


def test_a_training_pauses_at_its_rungs_but_not_at_its_end():
    assert paused_epochs(Pause(), 52) == [4, 9, 22]
    assert paused_epochs(Pause(), 2) == []


def test_what_has_had_some_epochs_pauses_only_after_them():
    assert paused_epochs(Pause().after(4), 52) == [9, 22]
    assert paused_epochs(Pause().after(22), 52) == []
    assert Pause(min_epochs=5).after(0) == Pause(min_epochs=5)
    assert paused_epochs(Pause(min_epochs=5), 52) == [9, 22]


def test_without_a_loss_at_a_rung_a_training_pauses_where_it_next_has_one():
    losses = np.where(np.arange(1, 21) % 5, np.nan, 1.0)  # the rungs are 2, 4 and 9
    asked = [5, 10, 15, 20]

    reasons = [Pause()(Training(losses[:t], 20, NONE)) for t in asked]

    assert reasons == ["Paused after 5 of 20 epochs.", "Paused after 10 of 20 epochs.", "", ""]


def test_the_reason_tells_of_how_many_epochs():
    assert Pause()(Training([1.0] * 4, 52, NONE)) == "Paused after 4 of 52 epochs."


def test_the_first_rung_is_a_positive_number():
    with pytest.raises(ValueError, match="min_epochs"):
        Pause(min_epochs=0)


def test_the_states_of_the_best_are_kept():
    paused = [str(i) for i in range(MAX_STATES + 5)]

    assert states_to_keep(paused, dict.fromkeys(paused, "COMPLETED"), {}) == set(paused[:MAX_STATES])


@pytest.mark.parametrize(
    ("status", "kept"), [("COMPLETED", {"1"}), ("FAILED", {"0", "1"}), ("RUNNING", {"0", "1"}), ("INVALID", {"0", "1"})]
)
def test_a_state_is_kept_until_a_trial_has_gone_on_with_it(status, kept):
    statuses = {"0": "COMPLETED", "1": "COMPLETED", "2": status}

    assert states_to_keep(["0", "1"], statuses, {"2": continuing("0")}) == kept


def test_a_state_that_two_trials_have_failed_to_go_on_with_is_not_kept():
    statuses = {"0": "COMPLETED", "1": "COMPLETED", "2": "FAILED", "3": "FAILED"}

    assert states_to_keep(["0", "1"], statuses, {"2": continuing("0"), "3": continuing("0")}) == {"1"}


def test_a_state_that_a_trial_may_need_is_kept_whatever_its_rank():
    paused = [str(i) for i in range(MAX_STATES + 5)]
    statuses = {**dict.fromkeys(paused, "COMPLETED"), "99": "RUNNING"}

    kept = states_to_keep(paused, statuses, {"99": continuing(paused[-1])})

    assert kept == {*paused[:MAX_STATES], paused[-1]}
