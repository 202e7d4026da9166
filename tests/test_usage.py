"""What trials read tells when a hyperparameter matters."""

from __future__ import annotations

import copy
import json

import pytest

from keras_bayes.history import TrialRecord
from keras_bayes.usage import ReadValues, learn_conditions, unnoted
from tests.spaces import choice, integer, space_of

SPACE = space_of(integer("layers", 1, 4), choice("kind", ["a", "b"]), integer("units_3", 1, 9))


def records(*trials, status="COMPLETED"):
    """Trials given as (layers, kind, units_3 or None where it was not read)."""
    made = []
    for number, (layers, kind, units) in enumerate(trials):
        values = {"layers": layers, "kind": kind, "units_3": 5 if units is None else units}
        unused = frozenset({"units_3"} if units is None else ())
        score = 1.0 if status == "COMPLETED" else None
        made.append(TrialRecord(number, values, status, score, unused=unused))
    return made


def conditions(space):
    return {entry.name: entry.conditions for entry in space.entries if entry.conditions}


def test_a_condition_is_learnt_from_what_was_read():
    learnt = learn_conditions(SPACE, records((1, "a", None), (2, "b", None), (4, "a", 3), (4, "b", 5)))

    (condition,) = conditions(learnt)["units_3"]
    assert condition.name == "layers"
    assert set(condition.values) == {3, 4}  # 3 has not been seen: it may matter


def test_configurations_that_differ_in_what_is_not_read_are_one_point():
    learnt = learn_conditions(SPACE, records((1, "a", None), (2, "b", None), (4, "a", 3)))

    points = learnt.encode_all([{"layers": 1, "kind": "a", "units_3": units} for units in (2, 9)])

    assert (points[0] == points[1]).all()


def test_a_guess_that_a_trial_contradicts_is_dropped():
    trials = [(1, "a", None), (2, "b", None), (4, "a", 3)]

    learnt = learn_conditions(SPACE, records(*trials, (1, "b", 7)))

    assert [c.name for c in conditions(learnt).get("units_3", ())] == []


def test_a_trial_before_the_hyperparameter_was_known_is_no_evidence():
    earlier = TrialRecord(0, {"layers": 1, "kind": "a"}, "COMPLETED", 1.0)

    learnt = learn_conditions(SPACE, [earlier, *records((1, "a", None), (2, "b", None), (4, "a", 3))])

    (condition,) = conditions(learnt)["units_3"]
    assert set(condition.values) == {3, 4}


def test_nothing_is_learnt_from_failed_trials_or_too_few():
    trials = [(1, "a", None), (2, "b", None), (4, "a", 3)]

    assert learn_conditions(SPACE, records(*trials, status="FAILED")) == SPACE
    assert learn_conditions(SPACE, records(*trials[1:])) == SPACE
    assert learn_conditions(SPACE, records(*trials[:2])) == SPACE


def test_a_category_can_be_the_reason():
    learnt = learn_conditions(SPACE, records((1, "a", None), (4, "a", None), (1, "b", 3), (4, "b", 5)))

    (condition,) = conditions(learnt)["units_3"]
    assert (condition.name, condition.values) == ("kind", ("b",))


def test_values_remember_which_of_them_were_looked_up():
    values = ReadValues({"a": 1, "b": 2, "c": 3})

    assert values["a"] + values.get("b") == 3
    assert "c" in values
    assert list(values) == ["a", "b", "c"]
    assert unnoted(values) == {"a": 1, "b": 2, "c": 3}

    assert values.unread == {"c"}


@pytest.mark.parametrize(
    "take_along",
    [
        dict,
        dict.copy,
        copy.copy,
        copy.deepcopy,
        json.dumps,
        lambda values: {**values},
        lambda values: values | {},
        lambda values: {} | values,
        lambda values: values.copy(),
        lambda values: {name: value for name, value in values.items()},  # noqa: C416
        lambda values: sum(values.values()),
    ],
)
def test_who_takes_all_values_along_has_looked_all_up(take_along):
    values = ReadValues({"a": 1, "b": 2, "c": 3})

    assert values["a"] == 1
    take_along(values)

    assert values.unread == set()


def test_values_of_which_none_was_looked_up_went_another_way():
    assert ReadValues({"a": 1}).unread == set()
