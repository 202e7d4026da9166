import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_bayes.acquisition import LogExpectedImprovement
from keras_bayes.admissible import Admissible, anywhere, is_new
from keras_bayes.gaussian_process import condition
from keras_bayes.kernels import AdditiveKernel
from keras_bayes.maximizer import MAX_ENUMERATED, maximize
from keras_bayes.space import Space
from tests.spaces import boolean, choice, fixed, integer, points_of, real, search_spaces, space_of, when


class Bowl:
    """A score with its one maximum, 0, at a given point; it is infinitely differentiable."""

    def __init__(self, top):
        self.top = np.asarray(top, dtype=float)

    def __call__(self, X):
        return -((X - self.top) ** 2).sum(axis=1)

    def value_and_gradient(self, X):
        return self(X), -2 * (X - self.top)


class Table:
    """A score of its own for each point of a finite space."""

    def __init__(self, points, scores):
        self.scores = {tuple(x): score for x, score in zip(points, scores, strict=True)}

    def __call__(self, X):
        return np.array([self.scores[tuple(x)] for x in X])


def search(acquisition, space, *, tried=None, is_allowed=anywhere, centres=None, seed=0):
    admissible = Admissible(np.empty((0, space.dim)) if tried is None else tried, is_allowed)
    centres = space.start[None] if centres is None else centres
    return maximize(acquisition, space, admissible=admissible, centres=centres, rng=np.random.default_rng(seed))


@settings(max_examples=40)
@given(data=st.data(), seed=st.integers(0, 1000))
def test_a_proposal_is_legal_and_new(data, seed):
    space = Space.from_config(data.draw(search_spaces()))
    tried = space.snap(data.draw(points_of(space, 4)))
    top = data.draw(points_of(space))[0]

    x = search(Bowl(top), space, tried=tried, centres=tried, seed=seed)

    if x is None:
        assert len(space.points(5)) <= 4
    else:
        assert is_new(x[None], tried)[0]
        np.testing.assert_array_equal(space.snap(x[None])[0], x)


@settings(max_examples=20)
@given(data=st.data(), seed=st.integers(0, 1000))
def test_a_finite_space_is_searched_to_its_last_point(data, seed):
    space = Space.from_config(data.draw(search_spaces(is_finite=True, max_entries=3)))
    points = space.points(10**5)
    tried = points[10:]
    acquisition = Bowl(points[seed % len(points)])

    while (x := search(acquisition, space, tried=tried, seed=seed)) is not None:
        assert is_new(x[None], tried)[0]
        tried = np.vstack([tried, x])

    assert len(tried) == len(points)


@given(data=st.data(), seed=st.integers(0, 1000))
def test_the_best_new_point_of_a_small_finite_space_is_found_exactly(data, seed):
    space = Space.from_config(data.draw(search_spaces(is_finite=True, max_entries=2)))
    points = space.points(MAX_ENUMERATED)
    scores = np.random.default_rng(seed).standard_normal(len(points))
    is_tried = np.random.default_rng(seed + 1).random(len(points)) < 0.3
    is_tried[seed % len(points)] = False

    x = search(Table(points, scores), space, tried=points[is_tried], seed=seed)

    np.testing.assert_array_equal(x, points[np.argmax(np.where(is_tried, -np.inf, scores))])


def test_the_top_of_a_continuous_score_is_found():
    space = space_of(*(real(f"x{j}", 0.0, 1.0) for j in range(5)))
    top = np.array([0.1, 0.9, 0.37, 0.5, 0.77])

    x = search(Bowl(top), space)

    np.testing.assert_allclose(x, top, atol=1e-5)  # where the score is flat to 1e-10


def test_a_top_beyond_the_cube_is_approached_at_its_face():
    space = space_of(real("a", 0.0, 1.0), real("b", 0.0, 1.0))

    x = search(Bowl([1.5, 0.4]), space)

    assert x[0] == 1.0
    assert x[1] == pytest.approx(0.4, abs=1e-5)


def test_a_large_finite_space_is_searched_better_than_at_random():
    space = space_of(*(integer(f"x{j}", 1, 1000) for j in range(3)))
    acquisition = Bowl(space.encode({"x0": 17, "x1": 555, "x2": 1000}))

    found = [acquisition(search(acquisition, space, seed=seed)[None])[0] for seed in range(10)]

    # A few hundred local moves count for more than ten times as many random points.
    others = [acquisition(space.snap(np.random.default_rng(seed).random((7000, 3)))).max() for seed in range(10)]
    assert np.mean(found) > np.mean(others)


def test_a_category_and_the_numbers_that_depend_on_it_are_chosen_together():
    space = space_of(
        choice("model", ["a", "b", "c", "d"]),
        real("rate", 0.0, 1.0, conditions=[when("model", "c")]),
        integer("units", 1, 200, conditions=[when("model", "c")]),
    )
    top = space.encode({"model": "c", "rate": 0.9, "units": 33})

    x = search(Bowl(top), space)

    assert space.decode(x) == {"model": "c", "rate": pytest.approx(0.9, abs=1e-4), "units": 33}


def test_tried_points_around_the_top_give_way_to_the_next_best():
    space = space_of(integer("a", 1, 100_000))
    tried = np.array([space.encode({"a": 50_000 + i}) for i in range(-20, 21)])
    acquisition = Bowl(space.encode({"a": 50_000}))

    distances = [
        abs(space.decode(search(acquisition, space, tried=tried, seed=seed))["a"] - 50_000) for seed in range(10)
    ]

    # The best new points are at 21; a search that walks into the tried ones stops at 28 on average.
    assert min(distances) == 21
    assert np.mean(distances) < 23


def test_centres_are_looked_at_closely():
    space = space_of(*(real(f"x{j}", 0.0, 1.0) for j in range(8)), *(boolean(f"b{j}") for j in range(8)))
    spike = space.snap(np.random.default_rng(0).random((1, 16)))[0]

    class Spike(Bowl):
        def __call__(self, X):
            return np.exp(200 * super().__call__(X))  # nothing to be seen of it from elsewhere

        def value_and_gradient(self, X):
            value = self(X)
            return value, -400 * value[:, None] * (X - self.top)

    x = search(Spike(spike), space, centres=spike[None], seed=1)

    assert Spike(spike)(x[None])[0] > 0.9


@pytest.mark.parametrize("norm", [0.25, 0.5])
def test_a_number_whose_end_switches_another_on_is_not_proposed_without_it(norm):
    space = space_of(
        real("dropout", 0.0, 0.5),
        choice("norm", ["batch", "layer"], conditions=[when("dropout", 0.0)]),
        real("rate", 0.0, 1.0),
    )

    x = search(Bowl([-0.5, norm, 0.3]), space)

    np.testing.assert_array_equal(space.snap(x[None])[0], x)
    assert x[0] == pytest.approx(0.0, abs=1e-2)


def test_the_same_seed_gives_the_same_proposal():
    space = space_of(real("a", 0.0, 1.0), integer("b", 1, 500), choice("c", ["x", "y", "z"]))
    X = space.snap(np.random.default_rng(0).random((8, 3)))
    model = condition(AdditiveKernel(np.full(3, 0.3), 1.0, space.is_categorical), 1e-3, X, X[:, 0])
    acquisition = LogExpectedImprovement(model)

    first, second = (search(acquisition, space, tried=X, centres=X, seed=5) for _ in range(2))

    np.testing.assert_array_equal(first, second)


def test_a_proposal_is_at_least_as_good_as_many_random_points():
    space = space_of(real("a", 0.0, 1.0), integer("b", 1, 50), choice("c", ["x", "y", "z"]))
    X = space.snap(np.random.default_rng(0).random((8, 3)))
    model = condition(
        AdditiveKernel(np.full(3, 0.3), 1.0, space.is_categorical), 1e-3, X, np.sin(9 * X[:, 0]) + X[:, 1]
    )
    acquisition = LogExpectedImprovement(model)

    x = search(acquisition, space, tried=X, centres=X)

    others = space.snap(np.random.default_rng(1).random((5000, 3)))
    assert acquisition(x[None])[0] >= acquisition(others[is_new(others, X)]).max() - 1e-9


def test_proposals_are_at_least_as_good_as_many_random_points():
    space = space_of(real("a", 0.0, 1.0), integer("b", 1, 50), choice("c", ["x", "y", "z"]))

    gains = [_gain_over_random_points(space, seed) for seed in range(20)]

    assert min(gains) > -0.01  # of a logarithm: a ridge across a number and an integer may stop a climb just below
    assert np.mean(gains) > 0


def _gain_over_random_points(space, seed):
    rng = np.random.default_rng([seed, 1])
    X = space.snap(rng.random((8, 3)))
    model = condition(
        AdditiveKernel(np.full(3, 0.3), 1.0, space.is_categorical), 1e-3, X, np.sin(9 * X[:, 0]) + X[:, 1]
    )
    acquisition = LogExpectedImprovement(model)
    x = search(acquisition, space, tried=X, centres=X, seed=seed)
    others = space.snap(rng.random((5000, 3)))
    return acquisition(x[None])[0] - acquisition(others[is_new(others, X)]).max()


def test_a_space_without_a_choice_has_one_proposal():
    space = space_of(fixed("epochs", 3))

    first = search(Bowl(np.empty(0)), space)
    second = search(Bowl(np.empty(0)), space, tried=np.empty((1, 0)))

    assert first.shape == (0,)
    assert second is None


def box(low, high):
    """Feasible is what lies between two corners."""
    return lambda x: bool((x >= low).all() and (x <= high).all())


@settings(max_examples=40)
@given(data=st.data(), seed=st.integers(0, 1000))
def test_a_proposal_is_allowed(data, seed):
    space = Space.from_config(data.draw(search_spaces()))
    tried = space.snap(data.draw(points_of(space, 4)))
    corners = np.sort(data.draw(points_of(space, 2)), axis=0)
    is_allowed = box(*corners)

    x = search(Bowl(data.draw(points_of(space))[0]), space, tried=tried, is_allowed=is_allowed, centres=tried)

    assert x is None or (is_allowed(x) and is_new(x[None], tried)[0])
    assert x is not None or space.is_continuous.any() or not any(map(is_allowed, space.points(10**5)[4:]))


@given(data=st.data(), seed=st.integers(0, 1000))
def test_the_best_allowed_point_of_a_small_finite_space_is_found_exactly(data, seed):
    space = Space.from_config(data.draw(search_spaces(is_finite=True, max_entries=2)))
    points = space.points(MAX_ENUMERATED)
    rng = np.random.default_rng(seed)
    scores = rng.standard_normal(len(points))
    is_allowed = rng.random(len(points)) < 0.3
    is_allowed[seed % len(points)] = True
    allowed = {tuple(x) for x in points[is_allowed]}

    x = search(Table(points, scores), space, is_allowed=lambda x: tuple(x) in allowed, seed=seed)

    np.testing.assert_array_equal(x, points[np.argmax(np.where(is_allowed, scores, -np.inf))])


def test_a_climb_that_leaves_the_allowed_region_ends_where_it_was_allowed():
    space = space_of(*(real(f"x{j}", 0.0, 1.0) for j in range(2)))
    is_allowed = box([0.0, 0.0], [0.5, 1.0])

    x = search(Bowl([0.6, 0.4]), space, is_allowed=is_allowed)

    assert is_allowed(x)
    assert Bowl([0.6, 0.4])(x[None])[0] > -0.02  # at best -0.01, on the border


def test_the_top_of_a_small_allowed_region_is_found():
    space = space_of(*(real(f"x{j}", 0.0, 1.0) for j in range(3)))
    is_allowed = box(np.full(3, 0.4), np.full(3, 0.6))  # of 0.8 % of the cube

    x = search(Bowl([0.47, 0.55, 0.5]), space, is_allowed=is_allowed)

    np.testing.assert_allclose(x, [0.47, 0.55, 0.5], atol=1e-5)


def test_few_candidates_are_asked_for_their_feasibility():
    space = space_of(*(real(f"x{j}", 0.0, 1.0) for j in range(4)), integer("k", 1, 9))
    asked = []

    search(Bowl([0.3] * 5), space, is_allowed=lambda x: asked.append(x) or bool(x[0] > 0.5))

    assert 0 < len(asked) < 50  # of some eight hundred
