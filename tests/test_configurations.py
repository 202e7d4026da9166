import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_bayes.configurations import observed, plain_value, to_run
from keras_bayes.errors import ConfigurationError
from keras_bayes.space import Space
from tests.spaces import boolean, choice, fixed, integer, positions, real, search_spaces, space_of, when

SPACE = space_of(
    real("lr", 1e-4, 1e-1, sampling="log"),
    integer("units", 32, 512, step=32),
    integer("width", 1, 10**6, sampling="log"),
    real("rate", 0.0, 0.5, step=0.1),
    choice("neurons", [128, 256, 384]),
    choice("optimizer", ["sgd", "adam"]),
    boolean("augment"),
    fixed("epochs", 5),
    real("momentum", 0.0, 0.9, conditions=[when("optimizer", "sgd")]),
)


@given(st.data())
def test_every_configuration_of_a_space_is_legal_and_comes_back_as_it_was(data):
    space = Space.from_config(data.draw(search_spaces()))
    x = space.snap(np.array([data.draw(st.lists(positions, min_size=space.dim, max_size=space.dim))]))[0]
    values = space.decode(x)

    assert to_run(space, values) == values
    assert observed(space, values) == values


@given(st.data())
def test_any_part_of_a_configuration_can_be_completed(data):
    space = Space.from_config(data.draw(search_spaces()))
    x = space.snap(np.array([data.draw(st.lists(positions, min_size=space.dim, max_size=space.dim))]))[0]
    values = space.decode(x)
    roots = [entry.name for entry in space.entries if not entry.conditions]
    part = {name: values[name] for name in data.draw(st.sets(st.sampled_from(roots) if roots else st.nothing()))}

    complete = to_run(space, part)

    assert complete.items() >= part.items()
    assert complete in space


def test_what_is_left_out_is_as_in_the_first_trial():
    complete = to_run(SPACE, {"neurons": 384})

    assert complete == {**SPACE.decode(SPACE.start), "neurons": 384}


def test_what_the_first_trial_does_not_have_is_in_the_middle_too():
    space = space_of(
        choice("optimizer", ["adam", "sgd"]),
        real("rate", 1e-5, 1.0, sampling="log", conditions=[when("optimizer", "sgd")]),
        real("momentum", 0.1, 0.9, default=0.7, conditions=[when("optimizer", "sgd")]),
    )

    complete = to_run(space, {"optimizer": "sgd"})

    assert complete == {"optimizer": "sgd", "rate": pytest.approx(10**-2.5), "momentum": 0.7}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"lr": 1.0}, "'lr' must be a number from 0.0001 to 0.1, received 1.0"),
        ({"lr": math.nan}, "'lr' must be a number"),
        ({"lr": "fast"}, "'lr' must be a number"),
        ({"lr": None}, "'lr' must be a number"),
        ({"units": 100}, "'units' must be one of 32, 64, 96, …, 512, received 100"),
        ({"width": 2.5}, "'width' must be an integer from 1 to 1000000, received 2.5"),
        ({"width": True}, "'width' must be an integer"),
        ({"neurons": 200}, "'neurons' must be one of 128, 256, 384, received 200"),
        ({"neurons": "256"}, "'neurons' must be one of 128, 256, 384, received '256'"),
        ({"optimizer": "adamw"}, "'optimizer' must be one of 'sgd', 'adam', received 'adamw'"),
        ({"augment": "yes"}, "'augment' must be one of False, True, received 'yes'"),
        ({"epochs": 6}, "'epochs' must be 5, received 6"),
        ({"layers": 3}, "There is no hyperparameter 'layers'; the search space has 'lr', 'units'"),
        ({"optimizer": "adam", "momentum": 0.5}, "'momentum' has no effect in .*: it is active where 'optimizer' is"),
    ],
)
def test_what_is_wrong_is_named(values, message):
    with pytest.raises(ConfigurationError, match=message):
        to_run(SPACE, values)


@pytest.mark.parametrize(
    ("values", "name", "value"),
    [
        ({"lr": np.float32(0.01)}, "lr", float(np.float32(0.01))),
        ({"lr": np.array(0.01)}, "lr", 0.01),
        ({"units": np.int64(64)}, "units", 64),
        ({"units": 64.0}, "units", 64),
        ({"width": 1000.0}, "width", 1000),
        ({"rate": 0.1 + 0.2}, "rate", 0.30000000000000004),
        ({"augment": np.bool_(True)}, "augment", True),
        ({"augment": 1}, "augment", True),
    ],
)
def test_values_become_those_of_the_space(values, name, value):
    complete = to_run(SPACE, values)

    assert complete[name] == pytest.approx(value)
    assert type(complete[name]) is type(SPACE.decode(SPACE.start)[name])


def test_an_observation_may_lie_between_steps_but_not_outside():
    values = {**SPACE.decode(SPACE.start), "units": 100}

    assert observed(SPACE, values)["units"] == 100
    with pytest.raises(ConfigurationError, match="'units' must be one of"):
        observed(SPACE, values | {"units": 1000})


def test_an_observation_is_complete():
    values = SPACE.decode(SPACE.start)
    del values["lr"]

    with pytest.raises(ConfigurationError, match="The value of 'lr' is missing"):
        observed(SPACE, values)


def test_a_missing_value_is_none():
    assert [plain_value(value) for value in (math.nan, None, np.float64("nan"))] == [None, None, None]
    assert plain_value(np.int64(3)) == 3
