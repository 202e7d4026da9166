"""Targets that are in doubt: what a model makes of stopped trainings, whose errors are alike where their points are."""

import numpy as np
import pytest

from keras_bayes.gaussian_process import JITTER, MapObjective, condition, fit
from tests.posteriors import MIXED, central_differences, kernel, points

NOISE = 1e-2
SOLVED = {"rtol": 0, "atol": 1e-9}  # condition numbers of up to 1e4 cost four of sixteen places


def data(num_points=12, seed=0):
    """Points, targets, and doubt for every other one."""
    X = points(num_points, seed=seed)
    rng = np.random.default_rng(seed)
    doubt = np.where(np.arange(num_points) % 2, 0.0, 0.2 + rng.random(num_points))
    return X, np.sin(5 * X[:, 0]) + 0.3 * rng.standard_normal(num_points), doubt


def test_a_prediction_is_that_of_a_function_beside_another_one_for_the_errors():
    X, y, doubt = data()
    at = points(20, seed=1)
    model = condition(kernel(), NOISE, X, y, 0.3, doubt=doubt)

    mu, sigma = model.predict(at)

    k = kernel()
    errors = np.diag(doubt) @ k(X, X) @ np.diag(doubt)  # an independent process, scaled
    K = k(X, X) + errors + (NOISE + JITTER) * np.eye(len(X))
    np.testing.assert_allclose(mu, 0.3 + k(at, X) @ np.linalg.solve(K, y - 0.3), **SOLVED)
    variance = np.diagonal(k(at, at) - k(at, X) @ np.linalg.solve(K, k(X, at)))
    np.testing.assert_allclose(sigma**2, variance, **SOLVED)


def test_means_at_the_data_are_predictions_there():
    X, y, doubt = data()
    model = condition(kernel(), NOISE, X, y, doubt=doubt)

    np.testing.assert_allclose(model.mean_at_data, model.predict(X)[0], **SOLVED)


def test_no_doubt_changes_nothing():
    X, y, doubt = data()
    plain, without = condition(kernel(), NOISE, X, y), condition(kernel(), NOISE, X, y, doubt=0 * doubt)

    np.testing.assert_array_equal(plain.alpha, without.alpha)
    np.testing.assert_array_equal(plain.mean_at_data, without.mean_at_data)


def test_many_doubtful_targets_around_a_point_are_no_certain_one():
    rng = np.random.default_rng(0)
    X = 0.5 + 0.001 * rng.standard_normal((30, 3))
    X[:, 1] = 0.5
    model = condition(kernel(), NOISE, X, np.zeros(30), doubt=np.ones(30))

    _, sigma = model.predict(X[:1])

    # Half of the variance is that of the errors, which are the same here.
    assert sigma[0] ** 2 == pytest.approx(0.5 * kernel().signal_variance, rel=0.05)


def test_doubt_stays_with_its_targets_when_trials_are_pending():
    X, y, doubt = data()
    pending = points(3, seed=2)
    model = condition(kernel(), NOISE, X, y, doubt=doubt)

    conditioned = model.condition_on(pending)

    at = points(10, seed=3)
    np.testing.assert_allclose(conditioned.predict(at)[0], model.predict(at)[0], **SOLVED)
    assert (conditioned.predict(at)[1] <= model.predict(at)[1] + 1e-9).all()
    np.testing.assert_array_equal(conditioned.doubt[: len(doubt)], doubt)


@pytest.mark.parametrize("seed", range(5))
def test_the_gradient_of_the_map_objective_agrees_with_central_differences(seed):
    X, y, doubt = data(seed=seed)
    objective = MapObjective(X, y, MIXED, doubt=doubt)
    theta = np.random.default_rng(seed).normal([-0.5, -0.5, -0.5, 0.7, 0.0, -3.0], 0.5)

    _, gradient = objective(theta)

    numeric = central_differences(lambda t: objective(t)[0], theta)
    np.testing.assert_allclose(gradient, numeric, rtol=1e-6, atol=1e-6)


def test_the_order_of_the_data_changes_no_fit():
    X, y, doubt = data(20)
    order = np.random.default_rng(1).permutation(20)
    at = points(10, seed=1)

    one, other = (fit(X[i], y[i], is_categorical=MIXED, doubt=doubt[i]) for i in (np.arange(20), order))

    # Both end where the objective is known to a part in 1e4.
    np.testing.assert_allclose(one.predict(at)[0], other.predict(at)[0], rtol=0, atol=0.02)
