import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_bayes.admissible import Admissible, anywhere, is_new
from keras_bayes.initial_design import initial_design
from keras_bayes.space import Space
from tests.spaces import boolean, choice, fixed, integer, points_of, real, search_spaces, space_of


def choose(space, tried=None, *, is_allowed=anywhere, index=0, num_points=3, seed=0, rng=None):
    admissible = Admissible(np.empty((0, space.dim)) if tried is None else tried, is_allowed)
    rng = np.random.default_rng([seed, index]) if rng is None else rng
    return initial_design(space, admissible=admissible, index=index, num_points=num_points, seed=seed, rng=rng)


def design(space, num_points, *, seed=0, planned=None):
    """The first `num_points` points, each of which is tried before the next is asked for."""
    tried = np.empty((0, space.dim))
    for index in range(num_points):
        rng = np.random.default_rng([seed, index])
        x = initial_design(
            space, admissible=Admissible(tried), index=index, num_points=planned or num_points, seed=seed, rng=rng
        )
        if x is None:
            break
        tried = np.vstack([tried, x])
    return tried


@given(data=st.data(), index=st.integers(0, 12), seed=st.integers(0, 100))
def test_a_point_of_the_design_is_legal_and_new(data, index, seed):
    space = Space.from_config(data.draw(search_spaces()))
    tried = space.snap(data.draw(points_of(space, 4)))

    x = choose(space, tried, index=index, num_points=5, seed=seed)

    if x is None:
        assert len(space.points(5)) <= 4
    else:
        assert is_new(x[None], tried)[0]
        np.testing.assert_array_equal(space.snap(x[None])[0], x)


def test_the_first_point_has_the_explicit_defaults():
    space = space_of(
        integer("units", 1, 9, default=7),
        choice("optimizer", ["sgd", "adam"], default="adam"),
        real("rate", 0.0, 1.0, default=0.2),
    )

    x = design(space, 1)[0]

    assert space.decode(x) == {"units": 7, "optimizer": "adam", "rate": pytest.approx(0.2)}


def test_the_first_point_gives_way_when_it_has_been_tried():
    space = space_of(boolean("bias"))

    x = initial_design(
        space, admissible=Admissible(space.start[None]), index=0, num_points=3, seed=0, rng=np.random.default_rng(0)
    )

    assert space.decode(x) == {"bias": True}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("block", [0, 1, 2])
def test_each_hypercube_visits_every_part_of_every_range_once(seed, block):
    space = space_of(*(real(f"x{j}", 0.0, 1.0) for j in range(4)))

    X = design(space, 1 + 3 * 7, seed=seed, planned=8)[1 + 7 * block :][:7]

    strata = np.sort(np.floor(7 * X), axis=0)
    np.testing.assert_array_equal(strata, np.tile(np.arange(7.0)[:, None], 4))


def test_hypercubes_differ_from_each_other():
    space = space_of(real("x", 0.0, 1.0), real("y", 0.0, 1.0))

    X = design(space, 1 + 2 * 6, planned=7)[1:]

    assert len(np.unique(X[:, 0])) == 12


def test_a_hypercube_visits_every_category_once():
    space = space_of(choice("model", list("abcde")), integer("units", 1, 5))

    X = design(space, 6, planned=6)[1:]

    values = [space.decode(x) for x in X]
    assert sorted(v["model"] for v in values) == list("abcde")
    assert sorted(v["units"] for v in values) == [1, 2, 3, 4, 5]


def test_points_lie_anywhere_within_their_part():
    space = space_of(real("x", 0.0, 1.0))

    offsets = np.array([np.modf(4 * design(space, 5, seed=seed, planned=5)[1:, 0])[0] for seed in range(50)])

    # 200 uniform numbers have a mean of 1/2 with a standard error of 0.02.
    assert abs(offsets.mean() - 0.5) < 0.1
    assert offsets.std() == pytest.approx(1 / np.sqrt(12), abs=0.05)


def test_a_space_of_four_points_gives_each_of_them_once_and_then_none():
    space = space_of(boolean("bias"), choice("model", ["mlp", "cnn"]), fixed("epochs", 3))

    X = design(space, 10)

    assert len(X) == 4
    assert len({tuple(x) for x in X}) == 4


def test_a_space_of_one_point_gives_it_once():
    space = space_of(fixed("epochs", 3))

    X = design(space, 10)

    assert X.shape == (1, 0)


def test_the_same_seed_gives_the_same_design():
    space = space_of(real("x", 0.0, 1.0), integer("y", 1, 9))

    first, second, other = (design(space, 8, seed=seed) for seed in (0, 0, 1))

    np.testing.assert_array_equal(first, second)
    assert not np.isclose(first[1:, 0], other[1:, 0]).any()


def test_a_point_depends_on_its_number_and_not_on_those_before():
    space = space_of(real("x", 0.0, 1.0), real("y", 0.0, 1.0))
    X = design(space, 8)

    x = initial_design(
        space, admissible=Admissible(np.empty((0, 2))), index=5, num_points=8, seed=0, rng=np.random.default_rng(99)
    )

    np.testing.assert_array_equal(x, X[5])


@pytest.mark.parametrize("index", [0, 3])
def test_a_point_that_is_not_allowed_gives_way(index):
    space = space_of(real("x", 0.0, 1.0), real("y", 0.0, 1.0))
    planned = choose(space, index=index)

    x = choose(space, index=index, is_allowed=lambda x: abs(x - planned).max() > 0.4)

    assert abs(x - planned).max() > 0.4


def test_a_allowed_point_stays_as_planned():
    space = space_of(real("x", 0.0, 1.0), real("y", 0.0, 1.0))
    planned = choose(space, index=2)

    x = choose(space, index=2, is_allowed=lambda x: abs(x - planned).max() < 0.1)

    np.testing.assert_array_equal(x, planned)
