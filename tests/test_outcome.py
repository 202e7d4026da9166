import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from keras_bayes.outcome import FAILURE_MARGIN, FARTHEST, FARTHEST_BEHIND, MIN_TO_TEMPER, temper

# Losses with four significant places of their range, so that differences of them do not drown in rounding errors.
losses = st.integers(-10_000, 10_000).map(lambda i: i / 1000)
several_losses = st.lists(losses, min_size=1, max_size=15).map(np.array)
some_failed = st.lists(st.one_of(losses, st.just(math.nan)), min_size=1, max_size=15).map(np.array)


@given(y=several_losses)
def test_tempering_keeps_the_order(y):
    targets = temper(y).y

    is_less = y[:, None] < y
    np.testing.assert_array_equal(targets[:, None] < targets, is_less)


@given(y=several_losses, scale=st.sampled_from([1e-6, 0.3, 1e6]), shift=st.sampled_from([-100.0, 0.0, 7.0]))
def test_scale_and_shift_of_the_losses_change_no_target(y, scale, shift):
    targets = temper(y).y

    rescaled = temper(scale * (y + shift)).y

    # A shift by 100 costs six places of a difference of 0.001, of which floats have 16.
    np.testing.assert_allclose(rescaled, targets, rtol=0, atol=1e-9)


@given(y=some_failed)
def test_targets_of_completed_trials_have_mean_zero_and_width_one(y):
    is_finite = np.isfinite(y)
    assume(is_finite.any())

    targets = temper(y).y[is_finite]

    assert targets.mean() == pytest.approx(0, abs=1e-10)
    assert targets.std() == pytest.approx(1 if len(np.unique(y[is_finite])) > 1 else 0, abs=1e-10)


@pytest.mark.parametrize("y", [[0.1, 0.1, 0.1], [0.7], [1e30, 1e30, math.nan]], ids=str)
def test_equal_losses_have_equal_targets_at_zero(y):
    y = np.array(y)

    targets = temper(y).y[np.isfinite(y)]

    np.testing.assert_allclose(targets, 0.0, atol=1e-15)  # the rounding of their mean


@given(y=some_failed)
def test_failed_trials_are_worse_than_the_worst_completed_one(y):
    is_finite = np.isfinite(y)
    assume(is_finite.any())

    targets = temper(y).y

    assert np.isfinite(targets).all()
    np.testing.assert_allclose(targets[~is_finite], targets[is_finite].max() + FAILURE_MARGIN, rtol=1e-12)


@given(y=some_failed)
def test_failed_trials_do_not_change_the_targets_of_others(y):
    is_finite = np.isfinite(y)
    assume(is_finite.any())

    targets = temper(y).y

    np.testing.assert_array_equal(targets[is_finite], temper(y[is_finite]).y)


@given(y=several_losses, order=st.randoms(use_true_random=False))
def test_the_order_of_the_trials_does_not_matter(y, order):
    rows = order.sample(range(len(y)), len(y))

    targets = temper(y[rows]).y

    np.testing.assert_allclose(targets, temper(y).y[rows], rtol=0, atol=1e-12)


@given(y=several_losses)
def test_a_target_turns_back_into_its_loss(y):
    targets = temper(y)

    back = [targets.to_loss(mu, 0.0) for mu in targets.y]

    np.testing.assert_allclose([loss for loss, _ in back], y, rtol=0, atol=1e-10)
    assert [sd for _, sd in back] == [0.0] * len(y)


@given(y=several_losses, mus=st.lists(st.floats(-5, 5), min_size=2, max_size=5))
def test_a_larger_target_is_never_a_smaller_loss(y, mus):
    targets = temper(y)

    means = [targets.to_loss(mu, 0.0)[0] for mu in sorted(mus)]

    assert means == sorted(means)


def test_a_prediction_below_the_best_target_goes_on_in_a_straight_line():
    targets = temper(np.array([1.0, 2.0, 3.0]))
    unit = targets.y[1] - targets.y[0]

    loss, sd = targets.to_loss(targets.y[0] - 2 * unit, unit)

    assert (loss, sd) == pytest.approx((-1.0, 1.0))


def test_a_prediction_in_the_good_half_keeps_its_standard_deviation():
    targets = temper(np.array([1.0, 2.0, 3.0, 4.0, 1e6, 1e9]))
    unit = targets.y[1] - targets.y[0]

    _, sd = targets.to_loss(targets.y[1], 0.5 * unit)

    assert sd == pytest.approx(0.5)


def test_a_prediction_is_plain_numbers():
    targets = temper(np.array([1.0, 2.0]))

    prediction = targets.to_loss(np.float64(0.1), np.float64(0.2))

    assert [type(number) for number in prediction] == [float, float]


def test_a_diverged_training_does_not_squash_the_good_half():
    good = np.array([0.30, 0.31, 0.33, 0.36, 0.40])

    tempered = temper(np.concatenate([good, [2.3, 9.0, 1e30]])).y[:5]

    # Without outliers the good losses span 2.9 standard deviations, standardised together with them 1e-30.
    assert np.ptp(tempered) > 1.0


@pytest.mark.parametrize("y", [[0.1, 0.2, 1e30], [0.1, 0.2, 1e30, 2e30], [0.1, 0.2, 0.3, 1e30, 2e30, 3e30]], ids=str)
def test_as_many_diverged_trainings_as_good_ones_leave_the_order_of_the_good_ones(y):
    targets = temper(np.array(y)).y

    assert targets[0] < targets[1] < targets[2]


def test_the_size_of_an_outlier_hardly_matters():
    y = np.array([0.30, 0.31, 0.33, 0.36, 0.40, 0.5])

    targets = [temper(np.append(y, outlier)).y for outlier in (10.0, 1e9, 1e300)]

    np.testing.assert_allclose(targets[0], targets[1], atol=0.01)
    np.testing.assert_allclose(targets[1], targets[2], atol=1e-9)


def test_the_better_half_keeps_its_distances():
    y = np.array([1.0, 2.0, 4.0, 7.0, 50.0, 51.0, 1e4])

    targets = temper(y).y

    assert np.diff(targets[:4]) / (targets[1] - targets[0]) == pytest.approx([1.0, 2.0, 3.0])


def test_so_few_losses_have_no_bad_half():
    y = np.array([0.0, 100.0])
    assert len(y) < MIN_TO_TEMPER

    targets = temper(y).y

    np.testing.assert_allclose(targets, (y - y.mean()) / y.std())


def test_the_worse_half_comes_closer_the_worse_it_is():
    y = np.array([-3.0, -1.0, 0.0, 5.0, 6.0])
    width = math.sqrt((9 + 1 + 0) / 3)
    drawn_in = [5 / (1 + 5 / (FARTHEST_BEHIND * width)), 6 / (1 + 6 / (FARTHEST_BEHIND * width))]

    targets = temper(y).y

    expected = np.concatenate([y[:3], drawn_in])
    np.testing.assert_allclose(targets, (expected - expected.mean()) / expected.std(), rtol=1e-12)


def test_a_loss_just_behind_the_median_keeps_its_distance():
    y = np.array([1.0, 2.0, 3.0, 3.001, 100.0])

    targets = temper(y).y

    assert (targets[3] - targets[2]) / (targets[1] - targets[0]) == pytest.approx(0.001, rel=1e-3)


def test_where_half_of_the_losses_are_one_the_next_is_a_unit_behind():
    y = np.array([7.0, 7.0, 7.0, 9.0, 1e300])

    targets = temper(y).y

    next_one, last = 1 / (1 + 1 / FARTHEST_BEHIND), FARTHEST_BEHIND
    assert (targets[4] - targets[0]) / (targets[3] - targets[0]) == pytest.approx(last / next_one)


@pytest.mark.parametrize("penalty", [1e200, 1.7e308])
@pytest.mark.parametrize("num_penalties", [1, 3])
def test_a_penalty_near_the_largest_float_is_one_more_bad_loss(penalty, num_penalties):
    y = np.array([0.1, 0.2] + num_penalties * [penalty])

    targets = temper(y).y

    assert np.isfinite(targets).all()
    assert targets[0] <= targets[1] < targets[2]


EXTREMES = [
    [1e155, 3e155, 5e155, 9e155],
    [0.1, 0.2, 1e160, 1e170, 1e180],
    [-1e308, 1e308],
    [-1.7e308, 0.0, 1.7e308],
    [1e-300, 1e308],
    [1e-9, 2e-9, 3e8, 1e9, 2e9],
    [0.9990, 0.9991, 1e308],
    [0.1, 0.1, 0.1, 1e308, 1.7e308],
]


@pytest.mark.parametrize("y", EXTREMES, ids=str)
def test_losses_of_any_size_have_finite_targets_in_their_order(y):
    targets = temper(np.array(y)).y

    assert np.isfinite(targets).all()
    assert (np.diff(targets) >= 0).all()
    assert targets[0] < targets[-1]


def test_losses_whose_targets_round_to_one_still_have_a_way_back():
    targets = temper(np.array([1e-9, 2e-9, 3e8, 1e9, 2e9]))

    loss, sd = targets.to_loss(targets.y[0] - 0.1, 0.2)

    assert math.isfinite(loss)
    assert math.isfinite(sd)


@pytest.mark.parametrize("y", [[-1e308, 1.0, 1e308], [-1.7e308, 1.7e308], [1e308, 1.1e308, 1.2e308]])
def test_a_prediction_among_the_largest_losses_is_finite(y):
    targets = temper(np.array(y))

    predictions = [targets.to_loss(mu, 1.0) for mu in np.linspace(-5, 5, 21)]

    assert np.isfinite(predictions).all()
    assert min(sd for _, sd in predictions) >= 0


@given(y=several_losses, shares=st.lists(st.floats(0, 1), min_size=1, max_size=9).map(np.array))
def test_targets_of_losses_and_losses_of_targets_are_one_map(y, shares):
    targets = temper(y)
    assume(len(np.unique(y)) > 1)
    there = targets.knots[1, 0] - FARTHEST + shares * (np.ptp(targets.knots[1]) + FARTHEST)

    # Losses of which the smallest difference is .001 in a range of 20.
    np.testing.assert_allclose(targets.targets_at(targets.losses_at(there)), there, rtol=0, atol=1e-6)


@given(y=several_losses, at=several_losses)
def test_a_better_loss_has_no_worse_target_and_none_is_far_from_all(y, at):
    targets = temper(y)

    found = targets.targets_at(np.sort(at))

    assert (np.diff(found) >= 0).all()
    assert found.min() >= targets.y.min() - FARTHEST - 1e-9


@pytest.mark.parametrize(
    "y", [[5e-324, 1e-323, 6e-321], [-1e308, 0.0, 1e308], [1.0, np.nextafter(1.0, 2.0), 2.0]], ids=str
)
def test_targets_of_losses_at_the_edge_of_floats_are_finite(y):
    targets = temper(np.array(y))

    found = targets.targets_at(np.array([-np.inf, -1e308, -1.0, *y, 1e308, np.inf]))

    assert np.isfinite(found).all()


@given(y=several_losses)
def test_the_targets_of_the_losses_themselves_are_what_a_model_learns(y):
    targets = temper(y)

    np.testing.assert_allclose(targets.targets_at(y), targets.y, rtol=0, atol=1e-12)
