import pytest

from keras_bayes.axes import Axis
from tests.spaces import boolean, choice, integer, real, space_of


def axis(entry):
    (parameter,) = space_of(entry).parameters
    return Axis.of(parameter)


@pytest.mark.parametrize(
    ("entry", "scale"),
    [
        (real("x", 1e-4, 1e-1, sampling="log"), "log"),
        (real("x", 1e-4, 1e-1), "linear"),
        (real("x", 1e-4, 1e-1, sampling="reverse_log"), "linear"),
        (real("x", -1.0, 1.0), "linear"),
        (integer("x", 16, 1024, sampling="log"), "log"),
        (integer("x", 1, 10**6), "linear"),
        (choice("x", [16, 32, 64, 128]), "log"),
        (choice("x", [128, 256, 384]), "linear"),
        (choice("x", [0.0, 0.1]), "linear"),
        (choice("x", ["relu", "tanh"]), "category"),
        (boolean("x"), "category"),
    ],
)
def test_the_scale_of_an_axis_is_that_of_the_values(entry, scale):
    assert axis(entry).scale == scale


def test_a_short_list_of_values_has_a_tick_for_each():
    assert axis(choice("x", [128, 256, 384])).values == (128, 256, 384)
    assert axis(integer("x", 1, 10**6)).values == ()


def test_categories_are_placed_in_the_order_of_their_declaration():
    optimizer = axis(choice("x", ["sgd", "adam", "rmsprop"]))

    assert [optimizer.place(value) for value in ("sgd", "adam", "rmsprop")] == [0.0, 1.0, 2.0]


def test_numbers_are_placed_where_they_are():
    assert axis(real("x", 0.0, 1.0)).place(0.25) == 0.25
