import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from keras_bayes.acquisition import (
    ACQUISITIONS,
    MIN_PROBABILITY,
    MIN_VARIANCE,
    Feasible,
    Improvement,
    LogExpectedImprovement,
    LogProbabilityOfImprovement,
    LowerConfidenceBound,
    log_h,
)
from keras_bayes.gaussian_process import condition
from keras_bayes.kernels import AdditiveKernel
from tests.posteriors import MIXED, NUMERIC, central_differences, kernel, points, posterior


def feasible(name, model, seed=9):
    is_feasible = np.random.default_rng(seed).random(len(model.y)) < 0.6
    return Feasible(ACQUISITIONS[name](model, 2.0), model, is_feasible)


SCORES = {name: lambda model, name=name: ACQUISITIONS[name](model, 2.0) for name in ACQUISITIONS}
SCORES |= {f"feasible {name}": lambda model, name=name: feasible(name, model) for name in ACQUISITIONS}
every_score = pytest.mark.parametrize("make", SCORES.values(), ids=SCORES.keys())


def difference(model, x, b):
    """Mean and standard deviation of f(b) - f(x), from the joint posterior of both."""
    at = np.vstack([b, x])
    K = model.kernel(model.X, model.X) + np.diag(np.full(len(model.X), model.noise_variance + 1e-6))
    k = model.kernel(at, model.X)
    mu = model.mean + k @ np.linalg.solve(K, model.y - model.mean)
    C = model.kernel(at, at) - k @ np.linalg.solve(K, k.T)
    return mu[0] - mu[1], np.sqrt(C[0, 0] + C[1, 1] - 2 * C[0, 1])


def log_expected_positive_part(z):
    """log E[max(d, 0)] of a normal d with mean z and width one, by quadrature."""
    if z > 0:
        return np.log(quad(lambda u: u * norm.pdf(u - z), max(z - 40, 0), z + 40, points=[z], epsabs=0)[0])
    # E = φ(z) ∫ u exp(u z - u²/2) du; u is measured in the width of the integrand, 1 / (1 + |z|)
    width = 1 / (1 - z)
    integral = quad(lambda v: v * np.exp(v * width * z - (v * width) ** 2 / 2), 0, 60, epsabs=0, limit=200)[0]
    return norm.logpdf(z) + np.log(integral) + 2 * np.log(width)


@every_score
@pytest.mark.parametrize("seed", range(4))
def test_gradients_agree_with_central_differences(make, seed):
    acquisition = make(posterior(seed=seed))
    X = points(8, seed=seed + 100)

    _, gradient = acquisition.value_and_gradient(X)

    for x, ours in zip(X, gradient, strict=True):
        numeric = central_differences(lambda x: acquisition(x[None])[0], x)
        # Slopes reach 100 and third derivatives 1e4, which a step of 1e-5 turns into an error of 1e-6.
        np.testing.assert_allclose(ours[~MIXED], numeric[~MIXED], rtol=1e-6, atol=1e-6)
        assert ours[MIXED] == 0


@every_score
def test_value_and_gradient_has_the_value_of_the_score(make):
    acquisition = make(posterior())
    X = points(20, seed=1)

    value, _ = acquisition.value_and_gradient(X)

    np.testing.assert_array_equal(value, acquisition(X))


@every_score
def test_a_batch_is_scored_like_its_rows(make):
    acquisition = make(posterior())
    X = points(20, seed=1)

    values, gradients = acquisition.value_and_gradient(X)

    rows = [acquisition.value_and_gradient(x[None]) for x in X]
    # Sums over trials are taken in another order, and a variance loses three places to cancellation.
    np.testing.assert_allclose(values, [value[0] for value, _ in rows], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(gradients, [gradient[0] for _, gradient in rows], rtol=1e-8, atol=1e-8)


@every_score
def test_scores_are_finite_at_the_observed_points(make):
    model = posterior(noise_variance=0.0)
    acquisition = make(model)

    value, gradient = acquisition.value_and_gradient(model.X)

    assert np.isfinite(value).all()
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize(
    "z", [-1e4, -500.0, -201.0, -199.0, -40.0, -8.0, -2.0, -1.001, -0.999, -0.3, 0.0, 0.7, 3.0, 8.0]
)
def test_log_h_is_the_expected_positive_part_by_quadrature(z):
    value, _ = log_h(np.array(z))

    assert value == pytest.approx(log_expected_positive_part(z), rel=1e-8, abs=1e-8)  # the precision of the quadrature


def test_log_h_is_finite_from_minus_1e100_to_1e8():
    z = np.concatenate([-np.logspace(100, -300, 2001), [0.0], np.logspace(-300, 8, 1001)])

    value, slope = log_h(z)

    assert np.isfinite(value).all()
    assert np.isfinite(slope).all()


def test_log_h_never_falls():
    z = np.concatenate([-np.logspace(100, -6, 4001), [0.0], np.logspace(-6, 8, 1001)])

    value, slope = log_h(z)

    assert (np.diff(value) > 0).all()
    assert (slope > 0).all()


@given(z=st.one_of(st.floats(-1000, 8), st.floats(-201, -199), st.floats(-1.01, -0.99)))
def test_the_derivative_of_log_h_agrees_with_central_differences(z):
    step = 1e-5 * (1 + abs(z))

    _, slope = log_h(np.array(z))

    (low, high), _ = log_h(np.array([z - step, z + step]))
    # log h is known to 1e-13 of its value z² / 2; over a step of 1e-5 z that is 1e-8 of the slope, z.
    assert slope == pytest.approx((high - low) / (2 * step), rel=1e-6)


def test_the_score_of_a_scalar_is_that_of_an_array():
    z = np.array([-300.0, -5.0, 0.5])

    values = [log_h(np.array(number))[0] for number in z]

    np.testing.assert_array_equal(values, log_h(z)[0])


def test_an_improvement_is_judged_by_the_joint_distribution():
    model = posterior()
    improvement = Improvement(model)
    X = points(10, seed=1)

    delta, S = improvement.difference(X)

    expected = [difference(model, x, model.X[improvement.incumbent]) for x in X]
    np.testing.assert_allclose(np.column_stack([delta, S]), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("noise_variance", [0.0, 1e-2])
def test_the_incumbent_improves_on_itself_by_nothing_up_to_rounding(noise_variance):
    improvement = Improvement(posterior(noise_variance=noise_variance))
    b = improvement.posterior.X[improvement.incumbent, None]

    delta, S = improvement.difference(b)

    assert delta[0] == pytest.approx(0.0, abs=1e-9)
    assert S[0] == np.sqrt(MIN_VARIANCE)


@pytest.mark.parametrize("seed", range(3))
def test_expected_improvement_agrees_with_quadrature(seed):
    model = posterior(seed=seed)
    acquisition = LogExpectedImprovement(model)
    X = points(10, seed=seed + 50)

    scores = acquisition(X)

    for score, x in zip(scores, X, strict=True):
        delta, S = difference(model, x, model.X[acquisition.incumbent])
        assert score == pytest.approx(np.log(S) + log_expected_positive_part(delta / S), abs=1e-7)


def test_expected_improvement_agrees_with_simulation():
    model = posterior()
    acquisition = LogExpectedImprovement(model)
    x = points(1, seed=3)
    delta, S = difference(model, x[0], model.X[acquisition.incumbent])
    gains = np.maximum(delta + S * np.random.default_rng(0).standard_normal(200_000), 0)

    score = acquisition(x)[0]

    standard_error = gains.std() / np.sqrt(len(gains))
    assert abs(np.exp(score) - gains.mean()) < 4 * standard_error


def test_the_incumbent_is_the_point_of_best_posterior_mean_not_of_best_luck():
    X = np.array([[0.1], [0.1], [0.1], [0.1], [0.9], [0.9]])
    y = np.array([-2.0, 1.0, 1.0, 1.0, -0.5, -0.6])
    model = condition(AdditiveKernel(np.array([0.2]), 1.0, np.array([False])), 0.5, X, y)

    improvement = Improvement(model)

    assert y.argmin() == 0
    assert model.X[improvement.incumbent] == 0.9
    assert improvement.best == pytest.approx(model.predict(X)[0].min())


def test_noise_at_the_incumbent_leaves_something_to_be_gained_there():
    noisy, exact = posterior(noise_variance=0.5), posterior(noise_variance=0.0)

    scores = [
        LogExpectedImprovement(model)(model.X[Improvement(model).incumbent, None] + [0.1, 0, 0])[0]
        for model in (noisy, exact)
    ]

    assert np.isfinite(scores).all()
    assert Improvement(noisy).best_variance > 100 * Improvement(exact).best_variance


@given(seed=st.integers(0, 10**6))
def test_a_log_probability_is_not_above_zero(seed):
    acquisition = LogProbabilityOfImprovement(posterior())
    X = points(20, seed=seed)

    scores = acquisition(X)

    assert np.isfinite(scores).all()
    assert (scores <= 0).all()


def test_probability_of_improvement_is_that_of_the_joint_distribution():
    model = posterior()
    acquisition = LogProbabilityOfImprovement(model)
    X = points(10, seed=1)

    scores = acquisition(X)

    expected = [difference(model, x, model.X[acquisition.incumbent]) for x in X]
    np.testing.assert_allclose(scores, [norm.logcdf(delta / S) for delta, S in expected], rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("beta", [0.5, 2.6])
def test_a_confidence_bound_is_the_negative_lower_end_of_an_interval(beta):
    model = posterior()
    X = points(10, seed=1)

    scores = LowerConfidenceBound(model, beta)(X)

    mu, sigma = model.predict(X)
    np.testing.assert_allclose(scores, -(mu - beta * sigma), rtol=1e-12)


@pytest.mark.parametrize("name", ACQUISITIONS)
def test_a_point_where_nothing_is_known_beats_one_known_to_be_bad(name):
    X, y = np.array([[0.2, 0.2], [0.25, 0.2], [0.2, 0.25]]), np.array([1.0, -1.0, 0.5])
    model = condition(AdditiveKernel(np.array([0.2, 0.2]), 1.0, NUMERIC), 1e-4, X, y)

    unknown, bad = ACQUISITIONS[name](model, 2.0)(np.array([[0.9, 0.9], [0.2, 0.2]]))

    assert unknown > bad


def test_beta_is_the_weight_of_what_is_unknown():
    model = posterior()
    x = points(1, seed=1)

    scores = [ACQUISITIONS["lcb"](model, beta)(x)[0] for beta in (1.0, 3.0)]

    assert scores[1] - scores[0] == pytest.approx(2 * model.predict(x)[1][0])


def split_posterior():
    """Six trials at one level, of which those on the right failed."""
    X = np.array([[0.1, 0.2], [0.2, 0.8], [0.3, 0.5], [0.7, 0.2], [0.8, 0.8], [0.9, 0.5]])
    model = condition(kernel(is_categorical=NUMERIC), 1e-2, X, np.zeros(6))
    return model, X[:, 0] < 0.5


def test_a_region_of_failures_is_scored_lower():
    model, is_feasible = split_posterior()
    plain = LogExpectedImprovement(model)
    X = np.array([[0.15, 0.5], [0.85, 0.5]])

    bonus = Feasible(plain, model, is_feasible)(X) - plain(X)

    assert bonus[0] > np.log(0.8)
    assert bonus[1] < np.log(0.2)


def test_the_probability_of_success_is_a_regression_of_zero_and_one():
    model, is_feasible = split_posterior()
    acquisition = Feasible(LogExpectedImprovement(model), model, is_feasible)
    X = points(20, seed=1, is_categorical=NUMERIC)

    p = acquisition.probability(model.kernel(X, model.X))

    regression = condition(model.kernel, model.noise_variance, model.X, 1.0 * is_feasible, (3 + 0.5) / (6 + 1))
    np.testing.assert_allclose(p, np.clip(regression.predict(X)[0], MIN_PROBABILITY, 1), rtol=0, atol=1e-10)


def test_no_region_is_written_off():
    model, _ = split_posterior()
    plain = LowerConfidenceBound(model, 2.0)
    acquisition = Feasible(plain, model, np.zeros(6, dtype=bool))

    bonus = acquisition(model.X) - plain(model.X)

    np.testing.assert_allclose(bonus, np.log(MIN_PROBABILITY), rtol=1e-12)


def test_where_the_probability_is_clipped_the_gradient_is_that_of_the_acquisition():
    model, _ = split_posterior()
    plain = LowerConfidenceBound(model, 2.0)
    X = model.X + 0.01

    _, gradient = Feasible(plain, model, np.zeros(6, dtype=bool)).value_and_gradient(X)

    np.testing.assert_array_equal(gradient, plain.value_and_gradient(X)[1])
