import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_bayes.history import History, Observations, TrialRecord, observe, trial_order
from keras_bayes.space import Space
from tests.spaces import choice, configurations_of, integer, real, search_spaces, space_of, when


def trial_state(trial_id, *, status="COMPLETED", score=1.0, values=None, message=None):
    return {
        "trial_id": trial_id,
        "hyperparameters": {"space": [], "values": {"units": 3} if values is None else values},
        "metrics": {"metrics": {}},
        "score": score,
        "best_step": 0,
        "status": status,
        "message": message,
    }


def observed(states, space=None, direction="min"):
    return observe(History.from_states(states), space or space_of(integer("units", 1, 9)), direction=direction)


def test_a_record_keeps_what_the_state_says():
    state = trial_state("7", values={"units": 5}, score=2, message="slow")

    record = TrialRecord.from_state(5, state)

    assert record == TrialRecord(7, {"units": 5}, "COMPLETED", 2.0, "slow")
    assert type(record.score) is float


@pytest.mark.parametrize("score", [math.inf, -math.inf, math.nan, None])
def test_a_completed_trial_without_a_finite_score_has_failed(score):
    state = trial_state("0", score=score)

    record = TrialRecord.from_state(0, state)

    assert (record.status, record.score) == ("FAILED", None)


@pytest.mark.parametrize("status", ["RUNNING", "FAILED", "INVALID"])
def test_a_trial_that_has_not_completed_has_no_score(status):
    state = trial_state("0", status=status, score=0.5)

    record = TrialRecord.from_state(0, state)

    assert (record.status, record.score) == (status, None)


@pytest.mark.parametrize(
    ("status", "score"),
    [
        ("COMPLETED", None),
        ("COMPLETED", math.nan),
        ("COMPLETED", math.inf),
        ("FAILED", 1.0),
        ("RUNNING", 1.0),
        ("FAILED", math.inf),
        ("INVALID", math.nan),
    ],
)
def test_a_record_whose_score_contradicts_its_status_is_refused(status, score):
    with pytest.raises(ValueError, match="if, and only if"):
        TrialRecord(0, {}, status, score)


@given(order=st.permutations(["0", "1", "2", "9", "10", "011", "100", "final"]))
def test_trials_are_in_the_order_of_their_numbers_whatever_the_order_of_states(order):
    states = [trial_state(trial_id, values={"id": trial_id}) for trial_id in order]

    history = History.from_states(states)

    assert [record.values["id"] for record in history.records] == ["0", "1", "2", "9", "10", "011", "100", "final"]
    assert [record.number for record in history.records] == [0, 1, 2, 9, 10, 11, 100, 7]


def test_a_trial_keeps_its_number_where_an_earlier_one_is_lost():
    history = History.from_states(map(trial_state, ["00", "02"]))

    assert [record.number for record in history.records] == [0, 2]


def test_only_ascii_digits_make_a_number():
    ids = ["٣", "²", "12", "-1", "1.5"]

    ordered = sorted(ids, key=trial_order)

    assert ordered[0] == "12"


def test_a_score_to_minimise_is_the_loss():
    states = [trial_state("0", score=0.5), trial_state("1", score=-2.0)]

    data = observed(states, direction="min")

    assert data.y.tolist() == [0.5, -2.0]


def test_a_score_to_maximise_changes_its_sign():
    states = [trial_state("0", score=0.5), trial_state("1", score=-2.0)]

    data = observed(states, direction="max")

    assert data.y.tolist() == [-0.5, 2.0]


@pytest.mark.parametrize("direction", ["min", "max"])
def test_a_failed_trial_has_the_loss_nan(direction):
    states = [trial_state("0"), trial_state("1", status="FAILED", score=None)]

    data = observed(states, direction=direction)

    assert np.isnan(data.y).tolist() == [False, True]
    assert data.num_completed == 1


@pytest.mark.parametrize("status", ["RUNNING", "INVALID"])
def test_a_trial_that_runs_or_waits_to_run_again_is_pending(status):
    space = space_of(integer("units", 1, 9))
    states = [trial_state("0", values={"units": 3}), trial_state("1", status=status, values={"units": 8})]

    data = observed(states, space)

    assert [space.decode(x) for x in data.X] == [{"units": 3}]
    assert [space.decode(x) for x in data.pending] == [{"units": 8}]


def test_ended_and_running_trials_have_all_been_tried():
    states = [trial_state("0"), trial_state("1", status="FAILED"), trial_state("2", status="RUNNING")]

    data = observed(states)

    np.testing.assert_array_equal(data.tried, np.vstack([data.X, data.pending]))
    assert data.tried.shape == (3, 1)


def test_a_trial_outside_the_space_is_left_out():
    states = [trial_state("0", values={"units": 3}), trial_state("1", values={"units": 10})]
    states += [trial_state("2", status="RUNNING", values={"units": 0})]

    data = observed(states)

    assert (data.X.shape, data.pending.shape) == ((1, 1), (0, 1))


def test_a_value_that_a_trial_lacks_counts_as_the_default():
    space = space_of(integer("units", 1, 9), real("dropout", 0.0, 0.5, default=0.1))
    states = [trial_state("0", values={"units": 3})]

    data = observed(states, space)

    np.testing.assert_array_equal(data.X[0], space.encode({"units": 3, "dropout": 0.1}))


def test_no_trials_are_no_observations():
    space = space_of(integer("units", 1, 9), choice("model", ["mlp", "cnn"]))

    data = observed([], space)

    assert (data.X.shape, data.y.shape, data.pending.shape) == ((0, 2), (0,), (0, 2))


@given(data=st.data())
def test_observed_points_are_legal(data):
    config = data.draw(search_spaces())
    space = Space.from_config(config)
    states = [trial_state(str(i), values=data.draw(configurations_of(config))) for i in range(3)]

    X = observed(states, space).X

    np.testing.assert_array_equal(space.snap(X), X)


def test_unused_values_of_a_trial_do_not_move_its_point():
    space = space_of(choice("model", ["mlp", "cnn"]), integer("units", 1, 9, conditions=[when("model", "mlp")]))
    states = [trial_state("0", values={"model": "cnn", "units": 2}), trial_state("1", values={"model": "cnn"})]

    data = observed(states, space)

    np.testing.assert_array_equal(data.X[0], data.X[1])


def test_observations_cannot_be_written_to():
    data = observed([trial_state("0"), trial_state("1", status="RUNNING")])

    flags = [array.flags.writeable for array in (data.X, data.y, data.pending)]

    assert flags == [False, False, False]


@pytest.mark.parametrize(
    ("X", "y", "pending"),
    [((2, 3), (3,), (0, 3)), ((2, 3), (2,), (0, 2)), ((2, 3), (2, 1), (0, 3))],
)
def test_observations_of_different_shapes_are_refused(X, y, pending):
    with pytest.raises(ValueError, match="Shapes differ"):
        Observations(np.zeros(X), np.zeros(y), np.zeros(pending), np.zeros(y))


def test_an_infinite_loss_is_refused():
    with pytest.raises(ValueError, match="infinite"):
        Observations(np.zeros((1, 2)), np.array([np.inf]), np.zeros((0, 2)), np.zeros(1))


def observations(y):
    return Observations(
        np.arange(len(y), dtype=float)[:, None], np.array(y, dtype=float), np.zeros((0, 1)), np.zeros(len(y))
    )


def test_thinning_keeps_the_best_and_the_latest_in_order():
    data = observations([0.9, 0.1, 0.8, 0.2, 0.7, 0.6, 0.5, 0.4])

    thinned = data.at(data.kept(4))

    assert thinned.X[:, 0].tolist() == [1, 3, 6, 7]
    assert thinned.y.tolist() == [0.1, 0.2, 0.5, 0.4]


def test_thinning_prefers_any_completed_trial_to_a_failed_one():
    data = observations([math.nan, 0.9, math.nan, 0.8, math.nan, math.nan])

    thinned = data.at(data.kept(4))

    assert thinned.X[:, 0].tolist() == [1, 3, 4, 5]


@given(y=st.lists(st.one_of(st.floats(-1e3, 1e3), st.just(math.nan)), max_size=12), limit=st.integers(1, 12))
def test_thinning_keeps_as_many_as_allowed_and_the_best_among_them(y, limit):
    data = observations(y)

    thinned = data.at(data.kept(limit))

    assert len(thinned.y) == min(len(y), limit)
    assert thinned.num_completed == 0 if data.num_completed == 0 else np.nanmin(thinned.y) == np.nanmin(data.y)


def test_few_trials_are_not_thinned():
    data = observations([0.3, 0.2])

    assert data.kept(2).tolist() == [0, 1]


def test_thinning_leaves_pending_trials_alone():
    data = Observations(np.zeros((5, 1)), np.arange(5.0), np.ones((3, 1)), np.zeros(5))

    thinned = data.at(data.kept(2))

    np.testing.assert_array_equal(thinned.pending, data.pending)
