import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_bayes.admissible import MAX_LISTED, Admissible, any_untried, anywhere, is_new
from keras_bayes.domains import RESOLUTION
from keras_bayes.space import Space
from tests.spaces import (
    boolean,
    choice,
    configurations_of,
    fixed,
    integer,
    points_of,
    real,
    search_spaces,
    space_of,
    when,
)


def find(space, tried, *, is_allowed=anywhere, rng=None):
    rng = np.random.default_rng(0) if rng is None else rng
    return any_untried(space, Admissible(tried, is_allowed), near=tried, rng=rng)


def box(low, high):
    """Feasible is what lies between two corners."""
    return lambda x: bool(((x >= low) & (x <= high)).all())


def test_points_are_new_unless_they_have_been_tried():
    tried = np.array([[0.25, 0.5], [0.75, 0.5]])
    points = np.array([[0.25, 0.5], [0.5, 0.25], [0.75, 0.5], [0.75, 0.75]])

    new = is_new(points, tried)

    assert new.tolist() == [False, True, False, True]


def test_points_that_differ_by_rounding_are_one():
    x = np.array([[0.25, 0.0]])
    error = 0.01 * RESOLUTION

    new = is_new(np.array([[0.25 + error, 0.0], [0.25, -0.0], [0.25, -error], [0.25 + 1000 * error, 0.0]]), x)

    assert new.tolist() == [False, False, False, True]


def test_everything_is_new_when_nothing_has_been_tried():
    points = np.array([[0.25, 0.5], [0.25, 0.5]])

    new = is_new(points, np.empty((0, 2)))

    assert new.tolist() == [True, True]


@given(data=st.data())
def test_a_configuration_that_is_encoded_again_is_not_new(data):
    config = data.draw(search_spaces())
    space = Space.from_config(config)
    x = space.encode(data.draw(configurations_of(config)))

    new = is_new(space.encode(space.decode(x))[None], x[None])

    assert new.tolist() == [False]


@given(data=st.data(), seed=st.integers(0, 100))
def test_an_untried_point_is_legal_and_new(data, seed):
    space = Space.from_config(data.draw(search_spaces()))
    tried = space.snap(data.draw(points_of(space, 5)))

    x = find(space, tried, rng=np.random.default_rng(seed))

    if x is None:
        assert not space.is_continuous.any()
        assert len(space.points(6)) <= 5
    else:
        assert is_new(x[None], tried)[0]
        np.testing.assert_array_equal(space.snap(x[None])[0], x)


@given(data=st.data(), seed=st.integers(0, 100))
def test_a_finite_space_is_gone_through_without_repetition_to_its_end(data, seed):
    space = Space.from_config(data.draw(search_spaces(is_finite=True, max_entries=2)))
    rng = np.random.default_rng(seed)
    tried = space.points(10**5)[15:]

    while (x := find(space, tried, rng=rng)) is not None:
        tried = np.vstack([tried, x])

    assert len({tuple(x) for x in tried}) == len(tried) == len(space.points(10**5))


def test_the_last_untried_point_of_a_large_space_is_found():
    space = space_of(integer("a", 1, 100), integer("b", 1, 100))
    points = space.points(10**4)
    tried = np.delete(points, 7654, axis=0)

    x = find(space, tried)

    np.testing.assert_array_equal(x, points[7654])


def test_a_continuous_branch_that_is_rarely_drawn_is_found():
    space = space_of(
        choice("model", [f"model {i}" for i in range(500)]),
        real("rate", 0.0, 1.0, conditions=[when("model", "model 333")]),
    )
    tried = np.array([space.encode({"model": f"model {i}"}) for i in range(500) if i != 333])

    x = find(space, tried)

    assert space.decode(x)["model"] == "model 333"


def test_a_continuous_branch_is_never_exhausted():
    space = space_of(boolean("deep"), real("rate", 0.0, 1.0, conditions=[when("deep", True)]))
    tried = space.points(200)

    x = find(space, tried)

    assert len(tried) == 200
    assert is_new(x[None], tried)[0]


def test_a_space_without_a_choice_has_one_trial():
    space = space_of(fixed("epochs", 5))

    first = find(space, np.empty((0, 0)))
    second = find(space, first[None])

    assert first.shape == (0,)
    assert second is None


@given(data=st.data(), seed=st.integers(0, 100))
def test_of_a_finite_space_every_allowed_point_is_found_once_and_no_other(data, seed):
    space = Space.from_config(data.draw(search_spaces(is_finite=True, max_entries=3)))
    points = space.points(MAX_LISTED)
    allowed = {tuple(x) for x in points[np.random.default_rng(seed).random(len(points)) < 8 / len(points)]}
    tried = np.empty((0, space.dim))

    while (x := find(space, tried, is_allowed=lambda x: tuple(x) in allowed)) is not None:
        tried = np.vstack([tried, x])

    assert len(tried) == len(allowed)
    assert {tuple(x) for x in tried} == allowed


def test_only_new_points_are_asked_for_their_feasibility():
    space = space_of(integer("a", 1, 4))
    tried, asked = space.points(3), []

    list(Admissible(tried, lambda x: asked.append(tuple(x)) or True).among(space.points(4)))

    assert asked == [tuple(space.points(4)[3])]


@pytest.mark.parametrize("share", [1e-2, 1e-3])
def test_a_small_allowed_region_is_found(share):
    space = space_of(*(real(f"x{j}", 0.0, 1.0) for j in range(4)))
    width = share**0.25
    for corner in np.random.default_rng(0).random((10, 4)) * (1 - width):
        x = find(space, np.empty((0, 4)), is_allowed=box(corner, corner + width))

        assert box(corner, corner + width)(x)


def test_a_thin_slice_is_followed_from_a_point_in_it():
    space = space_of(real("x", 0.0, 1.0), real("y", 0.0, 1.0))

    def is_allowed(x):
        return abs(x[0] - x[1] - 0.2) < 1e-5  # random points are in it once in 60 000 times

    tried = np.array([[0.5, 0.3]])
    for _ in range(5):
        x = find(space, tried, is_allowed=is_allowed)
        assert is_allowed(x)
        tried = np.vstack([tried, x])


def test_where_nothing_is_allowed_nothing_is_found():
    space = space_of(real("x", 0.0, 1.0), choice("model", ["a", "b"]))

    assert find(space, space.start[None], is_allowed=lambda x: False) is None
