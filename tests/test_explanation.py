import math

import pytest

from keras_bayes.errors import MissingDataError
from keras_bayes.show.explanation import MAX_SLICES, Explanation
from tests.logs import random_search
from tests.spaces import choice, real

ENTRIES = [real(name, 0.0, 1.0) for name in ("idle", "second", "first")]


@pytest.fixture(scope="module")
def explanation():
    return Explanation.of(random_search(ENTRIES, lambda values: 3 * values["first"] + values["second"]))


def test_slices_come_the_most_important_first(explanation):
    assert [line.axis.name for line in explanation.slices] == ["first", "second", "idle"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((), ("first", "second")),
        (("idle",), ("idle", "first")),
        ((None, "first"), ("second", "first")),
        (("idle", "second"), ("idle", "second")),
    ],
)
def test_a_contour_is_over_the_given_hyperparameters_and_the_most_important_others(explanation, given, expected):
    contour = explanation.contour(*given)

    assert tuple(axis.name for axis in contour.axes) == expected


def test_an_unknown_hyperparameter_is_named_with_those_there_are(explanation):
    with pytest.raises(ValueError, match="'idle', 'second' and 'first'; received 'lr'"):
        explanation.contour("lr")


def test_a_contour_over_one_hyperparameter_twice_is_an_error(explanation):
    with pytest.raises(ValueError, match="two different hyperparameters; received 'idle' twice"):
        explanation.contour("idle", "idle")


def test_a_contour_in_a_space_of_one_hyperparameter_is_missing():
    with pytest.raises(MissingDataError, match="needs two hyperparameters"):
        Explanation.of(random_search(ENTRIES[:1], lambda values: values["idle"])).contour()


def test_of_many_hyperparameters_the_most_important_are_shown():
    entries = [real(f"x{i}", 0.0, 1.0) for i in range(MAX_SLICES + 2)]

    slices = Explanation.of(random_search(entries, lambda values: values["x13"])).slices

    assert len(slices) == MAX_SLICES
    assert slices[0].axis.name == "x13"


def test_failures_have_no_score_that_something_decides():
    entries = [real("lr", 0.0, 1.0), real("units", 0.0, 1.0), choice("act", ["relu", "selu", "tanh"])]

    def loss(values):
        return (values["lr"] - 0.3) ** 2 + 0.1 * values["units"]

    def failing(values):
        return math.nan if values["act"] == "selu" and values["lr"] > 0.5 else loss(values)

    whole, failed = (random_search(entries, each) for each in (loss, failing))

    assert sum(trial.record.status == "FAILED" for trial in failed.trials) > 2
    found = Explanation.of(failed)
    assert found.importance.total == pytest.approx(Explanation.of(whole).importance.total, abs=0.1)
    assert not found.landscape.surrogate.is_feasible.all()  # which all else is said by
