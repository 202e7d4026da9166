import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import linear_model

from keras_bayes.ridge import PENALTY, Prediction, Ridge, predict_by_ridge

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 3)) * [1.0, 10.0, 0.1] + [5.0, 0.0, 1.0]
Y = X @ [1.0, 0.1, -3.0] + RNG.normal(size=12)
NEW = np.array([5.5, 2.0, 1.1])


def reference(X, y, x):
    mean, sd = X.mean(axis=0), X.std(axis=0)
    return float(linear_model.Ridge(alpha=PENALTY).fit((X - mean) / sd, y).predict([(x - mean) / sd])[0])


def test_the_mean_is_that_of_scikit_learn():
    assert predict_by_ridge(X, Y, NEW).mu == pytest.approx(reference(X, Y, NEW))


def test_the_spread_is_that_of_fits_without_each_row_on_the_scale_of_all_rows():
    mean, sd = X.mean(axis=0), X.std(axis=0)
    Z, errors = (X - mean) / sd, []
    for i in range(len(Y)):
        rest = np.arange(len(Y)) != i
        fit = linear_model.Ridge(alpha=PENALTY).fit(Z[rest], Y[rest])
        errors.append(Y[i] - fit.predict(Z[[i]])[0])

    sigma = predict_by_ridge(X, Y, NEW).sigma

    expected = math.sqrt(np.mean(np.square(errors)) * (1 + 1 / len(Y)))
    assert sigma == pytest.approx(expected, rel=0.02)  # the centre of the columns is not taken anew for each row


def test_a_column_that_never_changes_tells_nothing():
    flat = np.column_stack([X, np.ones(len(X))])

    prediction = predict_by_ridge(flat, Y, np.append(NEW, 1.0))

    assert prediction.mu == pytest.approx(predict_by_ridge(X, Y, NEW).mu)


@given(st.integers(0, 11), st.floats(-10, 10))
def test_the_leverage_of_a_row_is_how_much_of_its_own_target_is_in_its_prediction(row, change):
    before, after = (Ridge.fit(X, y).predict(X)[row] for y in (Y, Y + change * np.eye(12)[row]))

    assert after - before == pytest.approx(change * Ridge.fit(X, Y).leverages(X)[row], abs=1e-9)


@given(st.floats(0.01, 100), st.floats(-100, 100))
def test_units_do_not_matter(scale, shift):
    prediction = predict_by_ridge(X * scale + shift, Y * scale + shift, NEW * scale + shift)

    expected = predict_by_ridge(X, Y, NEW)
    assert prediction.mu == pytest.approx(expected.mu * scale + shift, rel=1e-6, abs=1e-4)
    assert prediction.sigma == pytest.approx(expected.sigma * scale, rel=1e-6)


spreads = st.floats(1e-3, 1e3)


@given(st.floats(-10, 10), spreads, st.floats(-10, 10), spreads)
def test_two_predictions_combine_as_normal_densities_multiply(mu, sigma, other_mu, other_sigma):
    both = Prediction(mu, sigma).combined(Prediction(other_mu, other_sigma))

    precisions = np.array([sigma**-2, other_sigma**-2])
    assert both.mu == pytest.approx(precisions @ [mu, other_mu] / precisions.sum(), abs=1e-9)
    assert both.sigma == pytest.approx(precisions.sum() ** -0.5)


def test_what_is_certain_outweighs_what_is_not():
    certain, vague = Prediction(1.0, 0.0), Prediction(5.0, 2.0)

    assert certain.combined(vague) == certain == vague.combined(certain)
    assert certain.combined(Prediction(3.0, 0.0)) == certain
