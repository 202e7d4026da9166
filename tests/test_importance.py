import dataclasses

import numpy as np
import pytest

from keras_bayes.gaussian_process import condition
from keras_bayes.kernels import AdditiveKernel
from keras_bayes.show.importance import importance
from keras_bayes.show.landscape import Landscape
from tests.logs import random_search
from tests.spaces import boolean, choice, real, when

ENTRIES = [real("a", 0.0, 1.0), real("b", 0.0, 1.0), boolean("c")]


def landscape_of(function, entries=ENTRIES, num_trials=150):
    """A landscape whose mean is that of a function over the unit cube, to a hundredth or so."""
    landscape = Landscape.of(random_search(entries, lambda values: 0.0, num_trials=num_trials))
    X = landscape.surrogate.posterior.X
    kernel = AdditiveKernel(np.full(X.shape[1], 1.0), 10.0, landscape.space.is_categorical)
    posterior = condition(kernel, 1e-6, X, function(X))
    return dataclasses.replace(landscape, surrogate=dataclasses.replace(landscape.surrogate, posterior=posterior))


def test_the_indices_of_an_additive_function_are_the_shares_of_its_parts():
    landscape = landscape_of(lambda X: 3 * X[:, 0] + 2 * X[:, 1] + (X[:, 2] > 0.5))

    found = importance(landscape, explained=1.0)

    variances = np.array([9 / 12, 4 / 12, 1 / 4])
    np.testing.assert_allclose(found.total, variances / variances.sum(), atol=0.03)
    np.testing.assert_allclose(found.first_order, variances / variances.sum(), atol=0.03)
    assert (found.order, found.doubt) == ([0, 1, 2], None)


def test_an_interaction_counts_in_the_total_only():
    landscape = landscape_of(lambda X: (X[:, 0] - 0.5) * (X[:, 1] - 0.5))

    found = importance(landscape, explained=1.0)

    np.testing.assert_allclose(found.total[:2], 1.0, atol=0.1)
    np.testing.assert_allclose(found.first_order, 0.0, atol=0.1)


def test_a_conditional_hyperparameter_counts_where_its_condition_is_met():
    entries = [choice("model", ["mlp", "cnn"]), real("rate", 0.0, 1.0, conditions=[when("model", "cnn")])]
    landscape = landscape_of(lambda X: (X[:, 0] > 0.5) * X[:, 1], entries)

    found = importance(landscape, explained=1.0)

    # Half of the space has the rate u, half 0: variances E[u²]/2 - 1/16 = 5/48 in all, 1/16 between, 1/24 within.
    assert found.total[1] == pytest.approx(2 / 5, abs=0.05)
    assert found.total[0] > found.total[1]


def test_it_is_the_same_each_time():
    landscape = landscape_of(lambda X: X[:, 0] + X[:, 1] ** 2)

    totals = [importance(landscape, explained=1.0).total for _ in range(2)]

    np.testing.assert_array_equal(*totals)


def test_a_flat_model_finds_all_configurations_alike():
    found = importance(landscape_of(lambda X: np.zeros(len(X))), explained=0.0)

    np.testing.assert_array_equal(found.total, 0.0)
    assert "all configurations are alike" in found.doubt


def test_a_model_that_explains_little_says_so():
    found = importance(landscape_of(lambda X: X[:, 0]), explained=0.04)

    assert "explains 4% of the differences" in found.doubt


def test_the_only_hyperparameter_decides_all():
    found = importance(landscape_of(lambda X: X[:, 0], ENTRIES[:1]), explained=1.0)

    assert (found.total, found.first_order) == (1.0, 1.0)
