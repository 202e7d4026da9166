import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_bayes.domains import MAX_EXCHANGES, Category, Levels, Real
from tests.spaces import positions

CONTINUOUS = [Real(-2.0, 3.0), Real(1e-4, 1e-1, "log"), Real(1e-4, 1e-1, "reverse_log")]
FINITE = [
    Real(1, 100, "log", integer=True),
    Real(1, 100, "reverse_log", integer=True),
    Real(-3, 4, integer=True),
    Levels(range(16, 257, 16)),
    Levels((0.0, 0.1, 0.5, 2.0)),
    Category(("relu", "gelu", "tanh")),
    Category((False, True)),
]
every_domain = pytest.mark.parametrize("domain", CONTINUOUS + FINITE, ids=str)
every_finite_domain = pytest.mark.parametrize("domain", FINITE, ids=str)
every_continuous_domain = pytest.mark.parametrize("domain", CONTINUOUS, ids=str)


def values_of(domain):
    if isinstance(domain, Real):
        return list(range(int(domain.low), int(domain.high) + 1))
    return list(domain.values)


@every_domain
@given(u=positions)
def test_snap_leaves_a_snapped_position_unchanged(domain, u):
    snapped = domain.snap(np.array([u]))

    again = domain.snap(snapped)

    assert again == snapped


@every_domain
@given(u=positions)
def test_a_snapped_position_has_the_value_of_the_original(domain, u):
    snapped = domain.snap(np.array([u]))

    value = domain.decode(snapped[0])

    assert value == domain.decode(u)


@every_domain
@given(u=positions)
def test_encoding_a_decoded_value_returns_the_snapped_position(domain, u):
    value = domain.decode(u)

    position = domain.encode(value)

    # A value of reverse_log carries a rounding error of 1e-16 · 0.1, which is 1e-13 of its smallest step, 1e-4.
    assert position == pytest.approx(domain.snap(np.array([u]))[0], abs=1e-12)


@every_domain
@given(u=st.floats(-1e3, 1e3))
def test_any_position_decodes_to_a_member_of_a_built_in_type(domain, u):
    value = domain.decode(u)

    assert value in domain
    assert type(value) in (int, float, str, bool)


@every_domain
def test_positions_beyond_the_ends_count_as_the_ends(domain):
    inside = [domain.decode(0.0), domain.decode(1.0)]

    outside = [domain.decode(-0.3), domain.decode(1.3)]

    assert outside == inside


@every_finite_domain
def test_each_value_is_its_own_round_trip(domain):
    values = values_of(domain)

    again = [domain.decode(domain.encode(value)) for value in values]

    assert again == values
    assert [type(value) for value in again] == [type(value) for value in values]


@every_finite_domain
def test_the_number_of_values_is_what_can_be_decoded(domain):
    u = np.linspace(0, 1, 2001)

    decoded = {domain.decode(position) for position in u}

    assert decoded == set(values_of(domain))
    assert domain.num_values == len(decoded)


@every_finite_domain
def test_positions_are_those_of_the_first_values(domain):
    values = values_of(domain)

    some, every = domain.positions(3), domain.positions(10**6)

    assert [domain.decode(u) for u in some] == values[:3]
    assert [domain.decode(u) for u in every] == values
    np.testing.assert_array_equal(every, domain.snap(every))


@every_finite_domain
def test_a_position_matches_exactly_the_values_that_it_decodes_to(domain):
    u = np.linspace(0, 1, 501)
    values = (values_of(domain)[0], values_of(domain)[-1])

    matches = domain.matches(u, values)

    assert matches.tolist() == [domain.decode(position) in values for position in u]


@every_finite_domain
def test_a_value_outside_the_domain_matches_nowhere(domain):
    outside = "sigmoid" if isinstance(domain, Category) else 1e6

    matches = domain.matches(np.linspace(0, 1, 11), (outside,))

    assert not matches.any()


@every_continuous_domain
def test_a_continuous_scale_has_no_neighbours_and_no_end_of_values(domain):
    neighbours = domain.neighbours(0.3)

    assert neighbours.shape == (0,)
    assert math.isinf(domain.num_values)


@every_continuous_domain
def test_the_ends_of_a_scale_are_its_bounds(domain):
    ends = [domain.decode(0.0), domain.decode(1.0)]

    assert ends == pytest.approx([domain.low, domain.high], rel=1e-12)  # the rounding of exp(log(low))


@every_continuous_domain
def test_the_bounds_encode_to_the_ends(domain):
    ends = [domain.encode(domain.low), domain.encode(domain.high)]

    assert ends == pytest.approx([0.0, 1.0], abs=1e-12)


def test_the_middle_of_a_log_scale_is_the_geometric_mean():
    domain = Real(1e-4, 1e-2, "log")

    value = domain.decode(0.5)

    assert value == pytest.approx(1e-3)


@given(u=positions)
def test_reverse_log_is_log_seen_from_the_other_end(u):
    log, reverse = Real(0.01, 1.0, "log"), Real(0.01, 1.0, "reverse_log")

    value = reverse.decode(u)

    assert value == pytest.approx(1.01 - log.decode(1 - u), abs=1e-12)  # sums of numbers near 1


def test_each_integer_of_a_log_scale_owns_half_a_unit_on_each_side():
    domain = Real(1, 8, "log", integer=True)
    u = (np.arange(4000) + 0.5) / 4000

    values = np.array([domain.decode(position) for position in u])

    shares = [np.mean(values == value) for value in range(1, 9)]
    expected = [math.log((value + 0.5) / (value - 0.5)) / math.log(8.5 / 0.5) for value in range(1, 9)]
    assert shares == pytest.approx(expected, abs=5e-4)  # the two ends of an interval fall between 4000 positions


def test_levels_and_categories_share_the_scale_equally():
    domains = [Levels((1, 2, 100, 1000)), Category(("a", "b", "c", "d"))]
    u = (np.arange(400) + 0.5) / 400

    shares = [[sum(domain.decode(x) == value for x in u) for value in domain.values] for domain in domains]

    assert shares == [[100] * 4, [100] * 4]


def test_bounds_whose_difference_overflows_are_no_obstacle():
    domain = Real(-1.5e308, 1.5e308)

    round_trip = [domain.encode(domain.decode(u)) for u in (0.0, 0.25, 1.0)]

    assert round_trip == [0.0, 0.25, 1.0]


def test_a_reverse_log_scale_wider_than_float_precision_keeps_its_ends():
    domain = Real(1e-20, 1.0, "reverse_log")

    ends = [domain.encode(1e-20), domain.encode(1.0)]

    assert ends == [0.0, 1.0]


@pytest.mark.parametrize("value", [0.5, 9.5, math.nan, math.inf, "5", None])
def test_a_number_has_no_member_beyond_its_bounds(value):
    domains = [Real(1.0, 9.0), Levels(range(1, 10))]

    membership = [value in domain for domain in domains]

    assert membership == [False, False]


def test_the_bounds_are_members_of_a_number():
    domains = [Real(1.0, 9.0), Levels(range(1, 10))]

    membership = [(1 in domain, 9 in domain) for domain in domains]

    assert membership == [(True, True), (True, True)]


def test_a_category_has_only_its_values():
    domain = Category(("adam", "sgd"))

    membership = ["adam" in domain, "lion" in domain, 0 in domain]

    assert membership == [True, False, False]


@pytest.mark.parametrize(("value", "level"), [(0, 16), (23, 16), (25, 32), (64, 64), (99, 64), (32, 32)])
def test_a_number_between_levels_counts_as_the_nearest(value, level):
    domain = Levels((16, 32, 64))

    index = domain.index(value)

    assert domain.values[index] == level


@pytest.mark.parametrize(
    "domain",
    [Levels(range(MAX_EXCHANGES)), Category(tuple("abc")), Real(1, MAX_EXCHANGES, "log", integer=True)],
    ids=str,
)
def test_every_other_value_of_a_short_list_is_a_neighbour(domain):
    values = values_of(domain)

    neighbours = [{domain.decode(u) for u in domain.neighbours(domain.encode(value))} for value in values]

    assert neighbours == [set(values) - {value} for value in values]


@pytest.mark.parametrize("domain", [Levels(range(1, 101)), Real(1, 100, "log", integer=True)], ids=str)
def test_neighbours_in_a_long_list_lie_at_powers_of_two(domain):
    u = domain.encode(50)

    neighbours = {domain.decode(position) for position in domain.neighbours(u)}

    assert neighbours == {49, 51, 48, 52, 46, 54, 42, 58, 34, 66, 18, 82}


def test_every_other_category_is_a_neighbour_however_many_there_are():
    domain = Category(tuple(range(3 * MAX_EXCHANGES)))

    neighbours = domain.neighbours(domain.encode(5))

    assert {domain.decode(u) for u in neighbours} == set(domain.values) - {5}


@pytest.mark.parametrize("count", [2**54 - 1, 2**60, 2**63 - 1])
def test_the_last_of_very_many_levels_is_the_end(count):
    domain = Levels(range(count))

    assert domain.decode(1.0) == count - 1
    assert domain.decode(float(domain.snap(np.array([1.0]))[0])) == count - 1
    assert ((domain.neighbours(1.0) >= 0) & (domain.neighbours(1.0) <= 1)).all()
