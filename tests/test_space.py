import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_bayes.domains import DECIMALS
from keras_bayes.errors import SearchSpaceError
from keras_bayes.space import INACTIVE, Space
from tests.spaces import (
    active_names,
    boolean,
    choice,
    config_of,
    configurations_of,
    fixed,
    integer,
    is_legal,
    points_of,
    real,
    search_spaces,
    space_of,
    when,
)

# Continuous values and positions carry rounding errors of up to 1e-12 of the range: 1e-16 times the largest ratio of a
# value to the range, or of the ends of a reverse_log scale, in `search_spaces`.
ROUNDING = 1e-10

NETWORK = (
    choice("model", ["mlp", "cnn"]),
    integer("units", 1, 4, conditions=[when("model", "mlp")]),
    real("dropout", 0.0, 0.5, conditions=[when("model", "mlp"), when("units", 3, 4)]),
    integer("filters", 8, 64, sampling="log", step=2, conditions=[when("model", "cnn")]),
    fixed("epochs", 5),
)


def draw_space_and_points(data, num_points=1):
    config = data.draw(search_spaces())
    space = Space.from_config(config)
    return config, space, data.draw(points_of(space, num_points))


def approximately(values):
    return {k: pytest.approx(v, rel=1e-9, abs=1e-9) if isinstance(v, float) else v for k, v in values.items()}


@given(data=st.data())
def test_snap_leaves_snapped_points_unchanged(data):
    _, space, X = draw_space_and_points(data, num_points=3)
    snapped = space.snap(X)

    again = space.snap(snapped)

    np.testing.assert_array_equal(again, snapped)


@given(data=st.data())
def test_a_snapped_point_stands_for_the_same_values(data):
    _, space, X = draw_space_and_points(data)

    snapped = space.snap(X)

    assert space.decode(snapped[0]) == space.decode(X[0])


@given(data=st.data())
def test_encoding_decoded_values_returns_the_snapped_point(data):
    _, space, X = draw_space_and_points(data)

    x = space.encode(space.decode(X[0]))

    np.testing.assert_allclose(x, space.snap(X)[0], rtol=0, atol=ROUNDING)


@given(data=st.data())
def test_decoding_encoded_values_returns_the_values(data):
    config = data.draw(search_spaces())
    space = Space.from_config(config)
    values = data.draw(configurations_of(config))

    again = space.decode(space.encode(values))

    assert again == approximately(values)


@given(data=st.data())
def test_every_configuration_encodes_to_a_legal_point(data):
    config = data.draw(search_spaces())
    space = Space.from_config(config)

    x = space.encode(data.draw(configurations_of(config)))

    np.testing.assert_array_equal(space.snap(x[None])[0], x)


@given(data=st.data())
def test_decoded_values_have_built_in_types(data):
    _, space, X = draw_space_and_points(data)

    values = space.decode(X[0])

    assert {type(value) for value in values.values()} <= {int, float, str, bool}


@given(data=st.data())
def test_decoded_values_are_legal(data):
    config, space, X = draw_space_and_points(data)
    entries = {entry["config"]["name"]: entry for entry in config["space"]}

    values = space.decode(X[0])

    assert all(is_legal(entries[name], value) for name, value in values.items())
    assert values in space


@given(data=st.data())
def test_exactly_the_active_names_are_decoded(data):
    config, space, X = draw_space_and_points(data)

    values = space.decode(X[0])

    assert set(values) == active_names(config, values)


@given(data=st.data())
def test_activity_tells_which_coordinates_are_decoded(data):
    _, space, X = draw_space_and_points(data, num_points=3)

    activity = space.activity(X)

    decoded = [[parameter.name in space.decode(x) for parameter in space.parameters] for x in X]
    np.testing.assert_array_equal(activity, np.array(decoded, dtype=bool).reshape(X.shape))


@given(data=st.data())
def test_an_inactive_coordinate_sits_in_the_middle_wherever_it_was(data):
    _, space, X = draw_space_and_points(data)
    is_active = space.activity(X)
    other = np.where(is_active, X, data.draw(points_of(space)))

    snapped = space.snap(X)

    assert (snapped[~is_active] == INACTIVE).all()
    np.testing.assert_array_equal(space.snap(other), snapped)


@given(data=st.data())
def test_the_order_of_declarations_changes_no_values(data):
    config = data.draw(search_spaces())
    shuffled = config_of(*data.draw(st.permutations(config["space"])))
    values = data.draw(configurations_of(config))

    spaces = [Space.from_config(config), Space.from_config(shuffled)]

    first, second = (space.decode(space.encode(values)) for space in spaces)
    assert first == second


@given(data=st.data())
def test_parents_come_before_their_children(data):
    config = data.draw(search_spaces())

    space = Space.from_config(config)

    place = {entry.name: i for i, entry in enumerate(space.entries)}
    assert all(place[c.name] < place[entry.name] for entry in space.entries for c in entry.conditions)
    assert set(place) == {entry["config"]["name"] for entry in config["space"]}


@given(data=st.data())
def test_points_are_exactly_the_legal_points_of_a_finite_space(data):
    config = data.draw(search_spaces(is_finite=True, max_entries=3))
    space = Space.from_config(config)
    axes = [domain.positions(10**6) for domain in space.domains]
    grid = np.array(np.meshgrid(*axes, indexing="ij")).reshape(space.dim, -1).T if axes else np.empty((1, 0))

    points = space.points(10**6)

    expected = {tuple(x) for x in space.snap(grid)}
    assert len(points) == len(expected)
    assert {tuple(x) for x in points} == expected


@given(data=st.data(), limit=st.integers(1, 30))
def test_a_limit_cuts_the_list_of_points_short(data, limit):
    space = Space.from_config(data.draw(search_spaces(is_finite=True, max_entries=4)))
    every = space.points(10**5)

    some = space.points(limit)

    assert len(some) == min(limit, len(every))
    assert len({tuple(x) for x in some}) == len(some)
    np.testing.assert_array_equal(space.snap(some), some)


@given(data=st.data(), limit=st.integers(1, 30))
def test_a_continuous_space_has_as_many_points_as_are_asked_for(data, limit):
    space = Space.from_config(data.draw(search_spaces()))

    points = space.points(limit)

    assert len({x.tobytes() for x in np.round(points, DECIMALS)}) == len(points) <= limit
    np.testing.assert_array_equal(space.snap(points), points)


def test_a_configuration_has_the_values_of_its_active_hyperparameters():
    space = space_of(*NETWORK)

    values = space.decode(np.array([0.25, 0.9, 0.5, 0.5]))

    assert values == {"model": "mlp", "units": 4, "dropout": 0.25, "epochs": 5}


def test_configurations_that_differ_only_in_unused_values_are_one_point():
    space = space_of(*NETWORK)
    values = {"model": "cnn", "filters": 16}

    points = [space.encode(values | unused) for unused in ({}, {"units": 2}, {"units": 4, "dropout": 0.1})]

    np.testing.assert_array_equal(points, [points[0]] * 3)


def test_a_grandchild_of_an_unmet_condition_is_inactive():
    space = space_of(*NETWORK)

    x = space.encode({"model": "cnn", "units": 4, "dropout": 0.1})

    assert x[1] == x[2] == INACTIVE


def test_a_missing_value_counts_as_the_default():
    space = space_of(choice("model", ["mlp", "cnn"], default="cnn"), integer("units", 1, 9, default=7))

    x = space.encode({})

    assert space.decode(x) == {"model": "cnn", "units": 7}


def test_a_condition_on_a_fixed_value_holds_or_not_once_and_for_all():
    space = space_of(
        fixed("model", "mlp"),
        boolean("bias", conditions=[when("model", "mlp")]),
        boolean("padding", conditions=[when("model", "cnn")]),
    )

    values = space.decode(np.array([0.75, 0.75]))

    assert values == {"model": "mlp", "bias": True}


def test_a_condition_on_an_inactive_fixed_value_does_not_hold():
    space = space_of(
        choice("model", ["mlp", "cnn"]),
        fixed("norm", "batch", conditions=[when("model", "cnn")]),
        boolean("centre", conditions=[when("norm", "batch")]),
    )

    activity = space.activity(np.array([[0.25, 0.75], [0.75, 0.75]]))

    assert activity.tolist() == [[True, False], [True, True]]


def test_a_condition_on_an_absent_hyperparameter_never_holds():
    space = space_of(boolean("bias", conditions=[when("model", "mlp")]), integer("units", 1, 3))

    activity = space.activity(np.array([[0.75, 0.5]]))

    assert activity.tolist() == [[False, True]]


def test_parents_declared_last_are_sorted_to_the_front():
    space = space_of(*reversed(NETWORK))

    names = [entry.name for entry in space.entries]

    assert names.index("model") < names.index("units") < names.index("dropout")


def test_one_name_under_two_conditions_is_refused_with_both():
    entries = [integer("units", 1, 9, conditions=[when("model", model)]) for model in ("mlp", "cnn")]

    with pytest.raises(SearchSpaceError, match=r"'units' is declared twice: where 'model' is 'mlp' and where .* 'cnn'"):
        space_of(choice("model", ["mlp", "cnn"]), *entries)


def test_conditions_in_a_circle_are_refused():
    entries = [boolean("a", conditions=[when("b", True)]), boolean("b", conditions=[when("a", True)])]

    with pytest.raises(SearchSpaceError, match="lead back"):
        space_of(*entries)


def test_a_condition_on_itself_is_refused():
    entry = boolean("a", conditions=[when("a", True)])

    with pytest.raises(SearchSpaceError, match="'a' lead back"):
        space_of(entry)


def test_only_hyperparameters_that_leave_a_choice_have_a_coordinate():
    space = space_of(*NETWORK, integer("depth", 3, 3))

    names = [parameter.name for parameter in space.parameters]

    assert names == ["model", "units", "dropout", "filters"]
    assert space.dim == 4


def test_kinds_of_coordinates_are_told_apart():
    space = space_of(*NETWORK)

    kinds = np.stack([space.is_categorical, space.is_continuous])

    assert kinds.tolist() == [[True, False, False, False], [False, False, True, False]]


def test_a_space_without_a_choice_has_one_point():
    space = space_of(fixed("epochs", 5))

    points = space.points(10)

    assert points.shape == (1, 0)
    assert space.decode(points[0]) == {"epochs": 5}


def test_the_start_has_explicit_defaults_and_the_middle_of_other_numbers():
    space = space_of(
        real("rate", 0.0, 1.0),
        real("dropout", 0.0, 1.0, default=0.2),
        integer("units", 1, 9),
        integer("depth", 1, 9, default=2),
        choice("model", ["mlp", "cnn", "rnn"]),
        choice("optimizer", ["sgd", "adam"], default="adam"),
    )

    values = space.decode(space.start)

    assert values == approximately(
        {"rate": 0.5, "dropout": 0.2, "units": 5, "depth": 2, "model": "mlp", "optimizer": "adam"}
    )


@given(data=st.data())
def test_the_start_is_legal(data):
    space = Space.from_config(data.draw(search_spaces()))

    start = space.start

    np.testing.assert_array_equal(space.snap(start[None])[0], start)


@pytest.mark.parametrize(
    ("values", "is_member"),
    [
        ({"model": "mlp", "units": 4, "dropout": 0.5}, True),
        ({"model": "mlp", "units": 5}, False),
        ({"model": "rnn"}, False),
        ({"model": "mlp", "units": 4, "dropout": 0.6}, False),
        ({"model": "cnn", "filters": 64, "units": 5}, True),
        ({"model": "cnn", "filters": 65}, False),
        ({}, True),
    ],
    ids=str,
)
def test_a_space_contains_configurations_whose_active_values_are_in_range(values, is_member):
    space = space_of(*NETWORK)

    assert (values in space) == is_member
