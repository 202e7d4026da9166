import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from keras_bayes.space import Space
from keras_bayes.untried import KEY_DECIMALS, any_untried, is_new
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


def test_points_are_new_unless_they_have_been_tried():
    tried = np.array([[0.25, 0.5], [0.75, 0.5]])
    points = np.array([[0.25, 0.5], [0.5, 0.25], [0.75, 0.5], [0.75, 0.75]])

    new = is_new(points, tried)

    assert new.tolist() == [False, True, False, True]


def test_points_that_differ_by_rounding_are_one():
    x = np.array([[0.25, 0.0]])
    error = 0.01 * 10.0**-KEY_DECIMALS

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

    x = any_untried(space, tried, rng=np.random.default_rng(seed))

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

    while (x := any_untried(space, tried, rng=rng)) is not None:
        tried = np.vstack([tried, x])

    assert len({tuple(x) for x in tried}) == len(tried) == len(space.points(10**5))


def test_the_last_untried_point_of_a_large_space_is_found():
    space = space_of(integer("a", 1, 100), integer("b", 1, 100))
    points = space.points(10**4)
    tried = np.delete(points, 7654, axis=0)

    x = any_untried(space, tried, rng=np.random.default_rng(0))

    np.testing.assert_array_equal(x, points[7654])


def test_a_continuous_branch_that_is_rarely_drawn_is_found():
    space = space_of(
        choice("model", [f"model {i}" for i in range(500)]),
        real("rate", 0.0, 1.0, conditions=[when("model", "model 333")]),
    )
    tried = np.array([space.encode({"model": f"model {i}"}) for i in range(500) if i != 333])

    x = any_untried(space, tried, rng=np.random.default_rng(0))

    assert space.decode(x)["model"] == "model 333"


def test_a_continuous_branch_is_never_exhausted():
    space = space_of(boolean("deep"), real("rate", 0.0, 1.0, conditions=[when("deep", True)]))
    tried = space.points(200)

    x = any_untried(space, tried, rng=np.random.default_rng(0))

    assert len(tried) == 200
    assert is_new(x[None], tried)[0]


def test_a_space_without_a_choice_has_one_trial():
    space = space_of(fixed("epochs", 5))

    first = any_untried(space, np.empty((0, 0)), rng=np.random.default_rng(0))
    second = any_untried(space, first[None], rng=np.random.default_rng(0))

    assert first.shape == (0,)
    assert second is None
