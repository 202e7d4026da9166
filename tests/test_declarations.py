import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_bayes.declarations import Condition, Parameter, parameter_from_config
from keras_bayes.domains import Category, Constant, Levels, Real
from keras_bayes.errors import SearchSpaceError
from tests.spaces import boolean, choice, fixed, integer, is_legal, legal_values, real, search_spaces, when


def declare(entry):
    return parameter_from_config(entry["class_name"], entry["config"])


@pytest.mark.parametrize(
    ("entry", "domain"),
    [
        (real("x", 0.0, 1.0), Real(0.0, 1.0)),
        (real("x", 0.1, 1.0, sampling="log"), Real(0.1, 1.0, "log")),
        (real("x", 0.1, 1.0, sampling="reverse_log"), Real(0.1, 1.0, "reverse_log")),
        (real("x", 0.0, 1.0, sampling=None), Real(0.0, 1.0)),
        (real("x", 0.0, 1.0, step=0.25), Levels((0.0, 0.25, 0.5, 0.75, 1.0))),
        (real("x", 1.0, 100.0, step=10, sampling="log"), Levels((1.0, 10.0, 100.0))),
        (real("x", 1.0, 9.0, step=2, sampling="reverse_log"), Levels((2.0, 6.0, 8.0, 9.0))),
        (integer("x", 2, 9), Levels(range(2, 10))),
        (integer("x", 2, 9, step=3), Levels(range(2, 10, 3))),
        (integer("x", 2, 9, step=None), Levels(range(2, 10))),
        (integer("x", 1, 9, sampling="log"), Real(1, 9, "log", integer=True)),
        (integer("x", 1, 9, sampling="log", step=2), Levels((1, 2, 4, 8))),
        (integer("x", 1, 9, sampling="reverse_log", step=2), Levels((2, 6, 8, 9))),
        (choice("x", [256, 128, 384]), Levels((128, 256, 384))),
        (choice("x", [256, 128, 384], ordered=False), Category((256, 128, 384))),
        (choice("x", ["sgd", "adam"]), Category(("sgd", "adam"))),
        (choice("x", ["b", "a"], ordered=True), Category(("b", "a"))),
        (boolean("x"), Category((False, True))),
        (fixed("x", 3), Constant(3)),
    ],
    ids=str,
)
def test_each_declaration_has_its_domain(entry, domain):
    parameter = declare(entry)

    assert parameter.domain == domain


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        (real("x", 2.5, 2.5), 2.5),
        (real("x", 2.5, 2.5, sampling="log"), 2.5),
        (real("x", 2.5, 3.0, step=1.0), 2.5),
        (integer("x", 4, 4), 4),
        (integer("x", 4, 4, sampling="log"), 4),
        (integer("x", 4, 6, step=3), 4),
        (choice("x", ["adam"]), "adam"),
        (choice("x", [8, 8, 8]), 8),
    ],
    ids=str,
)
def test_one_legal_value_is_a_constant(entry, value):
    parameter = declare(entry)

    assert parameter.domain == Constant(value)


@pytest.mark.parametrize(("high", "step"), [(0.5, 0.1), (1.0, 0.1), (0.7, 0.1), (0.3, 0.05), (1.0, 0.01)])
def test_a_stepped_float_reaches_its_maximum(high, step):
    parameter = declare(real("x", 0.0, high, step=step))

    assert parameter.domain.values[-1] == pytest.approx(high, rel=1e-15)
    assert parameter.domain.values[-1] <= high
    assert len(parameter.domain.values) == round(high / step) + 1


@pytest.mark.parametrize("sampling", ["log", "reverse_log"])
@pytest.mark.parametrize(("step", "num_steps"), [(10, 3), (3, 5), (2, 29), (1.1, 20)])
def test_a_stepped_logarithmic_float_reaches_both_ends(sampling, step, num_steps):
    parameter = declare(real("x", 1.0, float(step**num_steps), step=step, sampling=sampling))

    assert parameter.domain.values[0] == 1.0
    assert parameter.domain.values[-1] == step**num_steps
    assert len(parameter.domain.values) == num_steps + 1


def test_a_stepped_float_does_not_pass_a_maximum_between_two_steps():
    parameter = declare(real("x", 0.0, 1.0, step=0.3))

    assert parameter.domain.values == pytest.approx((0.0, 0.3, 0.6, 0.9))


@given(config=search_spaces(max_entries=3))
def test_the_values_of_a_finite_declaration_are_all_legal_values(config):
    entries = [entry for entry in config["space"] if legal_values(entry) is not None]

    domains = [declare(entry).domain for entry in entries]

    for entry, domain in zip(entries, domains, strict=True):
        decoded = (
            [domain.value] if isinstance(domain, Constant) else [domain.decode(u) for u in domain.positions(10**6)]
        )
        assert len(decoded) == len(set(legal_values(entry)))
        assert all(is_legal(entry, value) for value in decoded)


@given(low=st.integers(1, 1000), span=st.integers(1, 1000), sampling=st.sampled_from(["log", "reverse_log"]))
def test_a_logarithmic_integer_reaches_both_ends_and_exceeds_none(low, span, sampling):
    domain = declare(integer("x", low, low + span, sampling=sampling)).domain

    values = [domain.decode(i / 200) for i in range(201)]

    assert (values[0], values[-1]) == (low, low + span)
    assert all(low <= value <= low + span for value in values)
    assert values == sorted(values)


@pytest.mark.parametrize(
    "entry",
    [
        real("rate", -math.inf, 1.0),
        real("rate", 0.0, math.inf),
        real("rate", math.nan, 1.0),
        real("rate", 0.0, math.nan),
        real("rate", 2.0, 1.0),
        integer("rate", 2, 1),
        real("rate", 0.0, 1.0, sampling="log"),
        real("rate", -1.0, 1.0, sampling="reverse_log"),
        integer("rate", 0, 9, sampling="log"),
        real("rate", 0.0, 1.0, sampling="cubic"),
        real("rate", 0.0, 1.0, step=0),
        real("rate", 0.0, 1.0, step=-0.1),
        real("rate", 0.0, 1.0, step=math.inf),
        real("rate", 0.0, 1.0, step=math.nan),
        real("rate", 0.1, 1.0, step=1, sampling="log"),
        integer("rate", 1, 9, step=0),
        integer("rate", 1, 9, step=0, sampling="log"),
        integer("rate", 1, 9, step=1, sampling="log"),
        choice("rate", [0.1, math.nan]),
        {"class_name": "Tensor", "config": {"name": "rate"}},
    ],
    ids=str,
)
def test_a_declaration_that_cannot_be_searched_is_refused_by_name(entry):
    with pytest.raises(SearchSpaceError, match="'rate'"):
        declare(entry)


def test_a_refusal_shows_what_was_received():
    with pytest.raises(SearchSpaceError, match=r"min_value=2\.0, max_value=1\.0, step=None, sampling='linear'"):
        declare(real("rate", 2.0, 1.0))


def test_a_refused_space_is_a_value_error():
    with pytest.raises(ValueError, match="min_value"):
        declare(real("rate", 2.0, 1.0))


def test_equal_choices_count_once():
    parameter = declare(choice("x", ["a", "b", "a", "c", "b"]))

    assert parameter.domain == Category(("a", "b", "c"))


@pytest.mark.parametrize(
    ("entry", "default", "is_explicit"),
    [
        (real("x", 0.0, 1.0), 0.0, False),
        (real("x", 0.0, 1.0, default=0.0), 0.0, False),
        (real("x", 0.0, 1.0, default=0.4), 0.4, True),
        (integer("x", 1, 9), 1, False),
        (integer("x", 1, 9, default=5), 5, True),
        (choice("x", [256, 128]), 256, False),
        (choice("x", [256, 128], default=128), 128, True),
        (choice("x", ["b", "a"], default=None), "b", False),
        (boolean("x"), False, False),
        (boolean("x", default=True), True, True),
        (fixed("x", "adam"), "adam", False),
    ],
    ids=str,
)
def test_a_default_is_explicit_where_it_is_not_what_keras_tuner_implies(entry, default, is_explicit):
    parameter = declare(entry)

    assert (parameter.default, parameter.is_default_explicit) == (default, is_explicit)


def test_conditions_are_read_in_order():
    entry = integer("units", 1, 9, conditions=[when("model", "mlp"), when("depth", 1, 2)])

    parameter = declare(entry)

    assert parameter.conditions == (Condition("model", ("mlp",)), Condition("depth", (1, 2)))


@pytest.mark.parametrize(
    ("values", "is_active"),
    [
        ({"model": "mlp", "depth": 1}, True),
        ({"model": "mlp", "depth": 2}, True),
        ({"model": "mlp", "depth": 3}, False),
        ({"model": "cnn", "depth": 1}, False),
        ({"model": "mlp"}, False),
        ({}, False),
    ],
)
def test_a_parameter_is_active_when_all_its_conditions_hold(values, is_active):
    conditions = (Condition("model", ("mlp",)), Condition("depth", (1, 2)))

    parameter = Parameter("units", Constant(3), conditions, 3)

    assert parameter.is_active(values) == is_active


def test_a_parameter_describes_its_conditions():
    conditions = (Condition("model", ("mlp", "cnn")), Condition("depth", (1,)))

    texts = [str(Parameter("units", Constant(3), conditions, 3)), str(Parameter("units", Constant(3), (), 3))]

    assert texts == ["where 'model' is 'mlp' or 'cnn' and 'depth' is 1", "always active"]
