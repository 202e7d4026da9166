import dataclasses

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import multivariate_normal, norm
from sklearn.gaussian_process import GaussianProcessRegressor

from keras_bayes.gaussian_process import (
    CAUTION,
    HOPELESS,
    JITTER,
    LENGTHSCALE_PRIOR,
    MAX_FIT_POINTS,
    NOISE_PRIOR,
    SIGNAL_PRIOR,
    STEEPNESS_PRIOR,
    MapObjective,
    condition,
    fit,
)
from keras_bayes.kernels import AdditiveKernel
from tests.posteriors import MIXED, NUMERIC, ReferenceKernel, central_differences, kernel, points, posterior

# A matrix of condition number 1e3, with which a solution loses three of sixteen places.
SOLVED = {"rtol": 0, "atol": 1e-10}


def observed(num_points, *, seed=0, is_categorical=MIXED):
    X = points(num_points, seed=seed, is_categorical=is_categorical)
    y = np.sin(5 * X[:, 0]) + X[:, 1] + 0.1 * np.random.default_rng(seed).standard_normal(num_points)
    return X, (y - y.mean()) / y.std()


def covariance(model, X):
    return model.kernel(X, X) + (model.noise_variance + JITTER) * np.eye(len(X))


def test_predictions_are_those_of_scikit_learn():
    X, y = observed(15, is_categorical=NUMERIC)
    at = points(20, seed=1, is_categorical=NUMERIC)
    model = condition(AdditiveKernel(np.array([0.3, 0.8]), 1.7, NUMERIC), 1e-2, X, y)

    mu, sigma = model.predict(at)

    reference = GaussianProcessRegressor(ReferenceKernel((0.3, 0.8), 1.7), alpha=1e-2 + JITTER, optimizer=None)
    reference.fit(X, y - model.mean)
    expected_mu, expected_sigma = reference.predict(at, return_std=True)
    np.testing.assert_allclose(mu, model.mean + expected_mu, **SOLVED)
    np.testing.assert_allclose(sigma, expected_sigma, **SOLVED)


def test_a_known_mean_is_kept():
    X, y = observed(6)

    model = condition(kernel(), 1e-2, X, y, 0.37)

    assert model.mean == 0.37
    np.testing.assert_allclose(covariance(model, X) @ model.alpha, y - 0.37, **SOLVED)


def test_the_default_mean_is_the_most_probable_one():
    X, y = observed(9)
    y += 3.0

    model = condition(kernel(), 1e-2, X, y)

    K = covariance(model, X)
    best = minimize_scalar(lambda m: m * m / 2 - multivariate_normal.logpdf(y, np.full(9, m), K), tol=1e-10)
    assert model.mean == pytest.approx(best.x, abs=1e-6)  # a minimum is known to the root of its precision


def test_the_factor_is_that_of_the_inverse_covariance():
    model = posterior()

    precision = model.L_inverse.T @ model.L_inverse

    np.testing.assert_allclose(precision @ covariance(model, model.X), np.eye(len(model.X)), rtol=0, atol=1e-10)


def test_the_mean_at_the_data_is_that_of_a_prediction_there():
    model = posterior()

    mu, _ = model.predict(model.X)

    np.testing.assert_allclose(model.mean_at_data, mu, rtol=0, atol=1e-10)


def test_far_from_the_data_the_prior_returns():
    X, y = observed(6, is_categorical=NUMERIC)
    model = condition(AdditiveKernel(np.array([0.01, 0.01]), 1.7, NUMERIC), 1e-2, X, y)

    mu, sigma = model.predict(np.array([[500.0, 500.0]]))

    assert mu[0] == pytest.approx(model.mean, abs=1e-6)  # 5e4 lengthscales away, where κ is 4e-10
    assert sigma[0] == pytest.approx(np.sqrt(1.7))


def test_without_noise_the_data_are_interpolated():
    X, y = observed(8)
    model = condition(kernel(), 0.0, X, y)

    mu, sigma = model.predict(X)

    np.testing.assert_allclose(mu, y, rtol=0, atol=1e-4)  # JITTER times alpha, which is about 10
    assert (sigma > 0).all()
    assert sigma.max() < 2 * np.sqrt(JITTER)


def test_two_targets_at_one_point_meet_in_the_middle():
    X, y = np.array([[0.5, 0.5], [0.5, 0.5]]), np.array([-1.0, 3.0])
    model = condition(kernel(is_categorical=NUMERIC), 1e-4, X, y, 0.0)

    mu, sigma = model.predict(X)

    # The mean of both shrinks by noise / (2 · signal); the variance is noise / 2, up to the same share.
    np.testing.assert_allclose(mu, 1.0, atol=1e-4)
    np.testing.assert_allclose(sigma, np.sqrt((1e-4 + JITTER) / 2), rtol=1e-3)


def test_repeated_points_with_different_targets_can_be_fitted():
    X, y = observed(6)
    X, y = np.repeat(X, 3, axis=0), np.repeat(y, 3) + np.tile([-0.3, 0.0, 0.3], 6)

    model = fit(X, y, is_categorical=MIXED)

    mu, sigma = model.predict(X)
    assert np.isfinite(sigma).all()
    assert model.noise_variance > 0.01  # the variance among repetitions is 0.06
    assert (mu > y.min()).all()
    assert (mu < y.max()).all()


def test_a_covariance_that_is_not_positive_definite_is_an_error():
    X, y = observed(4)

    with pytest.raises(np.linalg.LinAlgError, match="4 points"):
        condition(kernel(), -5.0, X, y)


def test_the_order_of_the_data_changes_no_prediction():
    X, y = observed(15)
    at, order = points(10, seed=1), np.random.default_rng(2).permutation(15)
    model = condition(kernel(), 1e-2, X, y)

    shuffled = condition(kernel(), 1e-2, X[order], y[order])

    np.testing.assert_allclose(shuffled.predict(at), model.predict(at), **SOLVED)


def test_the_order_of_the_data_changes_no_fit():
    X, y = observed(15)
    at, order = points(10, seed=1), np.random.default_rng(2).permutation(15)

    models = [fit(X, y, is_categorical=MIXED), fit(X[order], y[order], is_categorical=MIXED)]

    # The optimiser takes the same steps; each of them multiplies the difference in rounding.
    np.testing.assert_allclose(models[0].predict(at), models[1].predict(at), rtol=0, atol=1e-6)


def test_the_names_of_categories_do_not_matter():
    X, y = observed(15)
    at = points(10, seed=1)
    renamed, renamed_at = X.copy(), at.copy()
    renamed[:, 1], renamed_at[:, 1] = 1 - X[:, 1], 1 - at[:, 1]

    models = [condition(kernel(), 1e-2, X, y), condition(kernel(), 1e-2, renamed, y)]

    np.testing.assert_allclose(models[1].predict(renamed_at), models[0].predict(at), **SOLVED)


def test_pending_points_leave_the_mean_as_it_was():
    model, pending, at = posterior(), points(4, seed=1), points(30, seed=2)

    conditioned = model.condition_on(pending)

    np.testing.assert_allclose(conditioned.predict(at)[0], model.predict(at)[0], **SOLVED)


def test_pending_points_never_increase_the_variance():
    model, pending, at = posterior(), points(4, seed=1), points(200, seed=2)

    conditioned = model.condition_on(pending)

    _, before = model.predict(at)
    _, after = conditioned.predict(at)
    assert (after <= before + 1e-10).all()
    assert conditioned.predict(pending)[1].max() < np.sqrt(model.noise_variance)
    assert model.predict(pending)[1].min() > np.sqrt(model.noise_variance)


def test_conditioning_on_pending_points_is_refitting_with_the_expected_targets():
    model, pending, at = posterior(), points(4, seed=1), points(30, seed=2)

    mu, sigma = model.condition_on(pending).predict(at)

    X, y = np.vstack([model.X, pending]), np.concatenate([model.y, model.predict(pending)[0]])
    K_inverse, k = np.linalg.inv(covariance(model, X)), model.kernel(at, X)
    np.testing.assert_allclose(mu, model.mean + k @ K_inverse @ (y - model.mean), **SOLVED)
    np.testing.assert_allclose(sigma**2, 1.7 - np.einsum("ij,jk,ik->i", k, K_inverse, k), **SOLVED)


def test_nothing_pending_changes_nothing():
    model = posterior()

    conditioned = model.condition_on(np.empty((0, 3)))

    assert conditioned is model


def test_a_posterior_cannot_be_changed():
    model = posterior()

    with pytest.raises(dataclasses.FrozenInstanceError):
        model.mean = 0.0


@pytest.mark.parametrize("noise_variance", [None, 0.05])
@pytest.mark.parametrize("seed", range(5))
def test_the_gradient_of_the_map_objective_agrees_with_central_differences(seed, noise_variance):
    objective = MapObjective(*observed(12, seed=seed), MIXED, noise_variance)
    rng = np.random.default_rng(seed)
    theta = np.append(rng.normal(-0.5, 0.7, 5), -3.0 if noise_variance is None else np.log(noise_variance))

    _, gradient = objective(theta)

    # Values are about 20, so differences over 1e-5 are good to 1e-9, and the third derivative adds 1e-10 times 100.
    numeric = central_differences(lambda t: objective(t)[0], theta)
    np.testing.assert_allclose(gradient, numeric, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_the_map_objective_is_the_density_of_data_mean_and_parameters(seed):
    X, y = observed(10, seed=seed)
    theta = np.random.default_rng(seed).normal([-0.5, -0.5, -0.5, 0.7, 0.0, -3.0], 0.5)

    value, _ = MapObjective(X, y, MIXED)(theta)

    lengthscales, (steepness, signal, noise) = np.exp(theta[:3]), np.exp(theta[3:])
    K = AdditiveKernel(lengthscales, signal, MIXED, steepness)(X, X) + (noise + JITTER) * np.eye(10)
    data = minimize_scalar(lambda m: m * m / 2 - multivariate_normal.logpdf(y, np.full(10, m), K)).fun
    mean, sd, *_ = np.transpose([*[LENGTHSCALE_PRIOR] * 3, STEEPNESS_PRIOR, SIGNAL_PRIOR, NOISE_PRIOR])
    constants = (10 + 6) * 0.5 * np.log(2 * np.pi) + np.log(sd).sum()
    assert value == pytest.approx(data - norm.logpdf(theta, mean, sd).sum() - constants, rel=1e-10)


def test_the_order_of_the_data_changes_no_objective():
    X, y = observed(12)
    theta, order = np.array([-0.5, 0.2, -1.0, 0.7, 0.1, -3.0]), np.random.default_rng(1).permutation(12)

    (value, gradient), (other, other_gradient) = (
        MapObjective(X[rows], y[rows], MIXED)(theta) for rows in (np.arange(12), order)
    )

    assert other == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(other_gradient, gradient, rtol=0, atol=1e-10)


def test_an_impossible_covariance_is_hopeless_rather_than_an_error():
    X, y = observed(5)
    objective = MapObjective(np.full_like(X, 0.5), y, MIXED)

    value, gradient = objective(np.array([0.0, 0.0, 0.0, 0.0, 40.0, -20.0]))

    assert value == HOPELESS
    assert gradient.tolist() == [0.0] * 6


def test_a_fit_is_more_probable_than_the_prior_mean():
    X, y = observed(25)
    objective = MapObjective(X, y, MIXED)

    model = fit(X, y, is_categorical=MIXED)

    kernel = model.kernel
    theta = np.log([*kernel.lengthscales, kernel.steepness, kernel.signal_variance / CAUTION, model.noise_variance])
    value, gradient = objective(theta)
    assert value < objective(objective.prior_mean)[0] - 1
    assert np.abs(gradient).max() < 0.1  # the fit ends where it is flat to 5e-2, or gains less than a part in 1e4


def test_a_fit_is_less_sure_than_the_most_probable_parameters():
    X, y = observed(25)
    model = fit(X, y, is_categorical=MIXED)

    plain = condition(
        dataclasses.replace(model.kernel, signal_variance=model.kernel.signal_variance / CAUTION),
        model.noise_variance, X, y,
    )  # fmt: skip

    far = np.full((1, X.shape[1]), 5.0)
    assert model.predict(far)[1] == pytest.approx(2 * plain.predict(far)[1], rel=1e-3)


def test_a_fit_stays_within_the_bounds():
    X, y = np.linspace(0, 1, 12)[:, None], np.zeros(12)

    model = fit(X, y, is_categorical=np.array([False]))

    for value, prior in [
        (model.kernel.lengthscales[0], LENGTHSCALE_PRIOR),
        (model.kernel.steepness, STEEPNESS_PRIOR),
        (model.kernel.signal_variance, SIGNAL_PRIOR),
        (model.noise_variance, NOISE_PRIOR),
    ]:
        assert prior[2] <= np.log(value) <= prior[3]


def test_a_coordinate_without_influence_gets_a_longer_lengthscale():
    X = points(30, seed=0, is_categorical=NUMERIC)
    y = np.sin(8 * X[:, 0])

    model = fit(X, (y - y.mean()) / y.std(), is_categorical=NUMERIC)

    assert model.kernel.lengthscales[1] > 3 * model.kernel.lengthscales[0]


def test_main_effects_are_learned_to_be_steeper_than_what_coordinates_do_together():
    X = points(60, seed=0, is_categorical=NUMERIC)
    wavy, slow = np.sin(15 * X[:, 0]) + np.sin(15 * X[:, 1]), X[:, 0] * X[:, 1] + X[:, 0]

    steep, flat = (fit(X, (y - y.mean()) / y.std(), is_categorical=NUMERIC) for y in (wavy, slow))

    assert steep.kernel.steepness > 3 * flat.kernel.steepness


def test_a_category_without_influence_gets_a_longer_lengthscale():
    X = points(40, seed=0)
    y = np.sin(8 * X[:, 0])

    model = fit(X, (y - y.mean()) / y.std(), is_categorical=MIXED)

    assert model.kernel.lengthscales[1] > 3 * model.kernel.lengthscales[0]


@pytest.mark.parametrize("noise_variance", [1e-8, 0.03, 4.0])
def test_a_known_noise_is_kept(noise_variance):
    X, y = observed(12)

    model = fit(X, y, is_categorical=MIXED, noise_variance=noise_variance)

    assert model.noise_variance == pytest.approx(noise_variance, rel=1e-12)  # it passes through a logarithm


def test_one_trial_is_enough_for_a_fit():
    X, y = np.array([[0.3, 0.5, 0.7]]), np.array([0.0])

    model = fit(X, y, is_categorical=MIXED)

    mu, sigma = model.predict(X)
    assert mu[0] == pytest.approx(0.0, abs=1e-12)
    assert 0 < sigma[0] < np.sqrt(model.kernel.signal_variance)


def test_parameters_come_from_some_of_many_trials_and_predictions_from_all():
    X, y = observed(MAX_FIT_POINTS + 7, is_categorical=NUMERIC)

    model = fit(X, y, is_categorical=NUMERIC)

    rows = np.unique(np.linspace(0, len(y) - 1, MAX_FIT_POINTS).astype(int))
    assert model.kernel.lengthscales == pytest.approx(fit(X[rows], y[rows], is_categorical=NUMERIC).kernel.lengthscales)
    assert len(rows) == MAX_FIT_POINTS
    np.testing.assert_array_equal(model.X, X)


def test_the_joint_distribution_of_points_has_the_mean_and_variance_of_each_of_them():
    model, X = posterior(), points(6, seed=5)

    mean, covariance = model.joint(X)

    mu, sigma = model.predict(X)
    np.testing.assert_allclose(mean, mu, rtol=0, atol=1e-12)
    np.testing.assert_allclose(np.diagonal(covariance), sigma**2, rtol=0, atol=1e-12)


def test_the_joint_covariance_is_how_much_one_point_tells_of_another():
    model, X = posterior(noise_variance=1e-2), points(2, seed=5)
    prior = model.joint(X)[1]

    told = model.condition_on(X[:1]).joint(X)[1]

    noise = 1e-2 + JITTER
    expected = prior - np.outer(prior[:, 0], prior[0]) / (prior[0, 0] + noise)  # GPML Eq. A.6
    np.testing.assert_allclose(told, expected, rtol=0, atol=1e-10)
