import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_bayes.kernels import AdditiveKernel, pairwise_distances
from tests.posteriors import MIXED, NUMERIC, ReferenceKernel, central_differences, kernel, points

EXACT = {"rtol": 0, "atol": 1e-14}


@pytest.mark.parametrize("steepness", [1.0, 0.3, 7.0])
def test_numeric_coordinates_have_main_effects_and_the_matern_covariance(steepness):
    A, B = points(7, seed=1, is_categorical=NUMERIC), points(5, seed=2, is_categorical=NUMERIC)
    ours = AdditiveKernel(np.array([0.2, 0.9]), 1.7, NUMERIC, steepness)

    K = ours(A, B)

    np.testing.assert_allclose(K, ReferenceKernel((0.2, 0.9), 1.7, steepness)(A, B), **EXACT)


def test_a_categorical_coordinate_counts_as_equal_or_one_apart():
    categorical = AdditiveKernel(np.array([0.7]), 1.7, np.array([True]), 2.5)
    numeric = ReferenceKernel((0.7,), 1.7, 2.5)

    K = categorical(np.array([[0.1], [0.5]]), np.array([[0.1], [0.9]]))

    same, apart = numeric(np.array([[0.0]]), np.array([[0.0], [1.0]]))[0]
    np.testing.assert_allclose(K, [[same, apart], [apart, apart]], **EXACT)


def test_a_point_has_the_signal_variance():
    X = points(6, seed=3)

    K = kernel()(X, X)

    np.testing.assert_allclose(np.diagonal(K), kernel().signal_variance, **EXACT)


@given(seed=st.integers(0, 10**6), num_points=st.integers(1, 12))
def test_a_covariance_matrix_is_symmetric_and_has_no_negative_eigenvalue(seed, num_points):
    X = points(num_points, seed=seed)

    K = kernel()(X, X)

    np.testing.assert_allclose(K, K.T, **EXACT)
    assert np.linalg.eigvalsh(K).min() > -1e-12


@given(seed=st.integers(0, 10**6))
def test_covariance_falls_as_points_move_apart(seed):
    direction = np.random.default_rng(seed).random(2)
    line = np.linspace(0, 1, 20)[:, None] * direction

    K = kernel(is_categorical=NUMERIC)(line[:1], line)

    assert (np.diff(K[0]) < 0).all()


def test_a_gradient_is_pulled_back_to_the_points():
    A, B, c = points(4, seed=4), points(5, seed=5), np.random.default_rng(6).standard_normal((4, 5))
    ours = kernel()

    gradient = ours.pull_back(A, B, c)

    for i in range(4):
        numeric = central_differences(lambda x, i=i: c[i] @ ours(x[None], B)[0], A[i])
        np.testing.assert_allclose(gradient[i, ~MIXED], numeric[~MIXED], rtol=0, atol=1e-8)


def test_nothing_is_pulled_back_to_a_categorical_coordinate():
    A, B = points(4, seed=4), points(5, seed=5)

    gradient = kernel().pull_back(A, B, np.ones((4, 5)))

    assert gradient[:, MIXED].tolist() == [[0.0]] * 4


def test_the_gradient_vanishes_at_the_point_itself():
    x = points(1, seed=7)

    gradient = kernel().pull_back(x, x, np.ones((1, 1)))

    np.testing.assert_allclose(gradient, 0.0, atol=1e-15)


def test_without_coordinates_all_points_are_one():
    ours = AdditiveKernel(np.empty(0), 1.7, np.empty(0, dtype=bool))

    K = ours(np.empty((2, 0)), np.empty((3, 0)))

    np.testing.assert_array_equal(K, np.full((2, 3), 1.7))


@pytest.mark.parametrize("num_points", [1, 2, 6])
def test_pairwise_distances_are_those_of_all_pairs(num_points):
    X = points(num_points, seed=8)
    pairs = [(i, j) for i in range(num_points) for j in range(i)]

    distances = pairwise_distances(X, MIXED)

    expected = [[(X[i, 0] - X[j, 0]) ** 2, X[i, 1] != X[j, 1], (X[i, 2] - X[j, 2]) ** 2] for i, j in pairs]
    np.testing.assert_allclose(distances, np.array(expected, dtype=float).reshape(-1, 3).T, rtol=1e-15)
