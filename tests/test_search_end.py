import pytest

from keras_bayes.history import TrialRecord
from keras_bayes.search_end import (
    FIRST_FAILURES,
    LATER_FAILURES,
    SPARE_TRIALS,
    ExpectedGain,
    can_expect,
    consecutive_failures,
    repeated_error,
    too_many_failures,
)

VALUE_ERROR = 'Traceback (most recent call last):\n  File "train.py", line 3, in build\nValueError: units: 3\n'
OTHER_VALUE_ERROR = VALUE_ERROR.replace("units: 3", "units: 5")
TYPE_ERROR = 'Traceback (most recent call last):\n  File "train.py", line 9, in fit\nTypeError\n'


def failed(message, status="FAILED"):
    return TrialRecord(0, {}, status, None, message)


def completed():
    return TrialRecord(0, {}, "COMPLETED", 0.5)


@pytest.mark.parametrize(
    ("outcomes", "count"),
    [("", 0), ("c", 0), ("f", 1), ("fff", 3), ("fcff", 2), ("ffc", 0), ("cfif", 3)],
)
def test_only_the_last_failures_in_a_row_count(outcomes, count):
    records = {"c": completed(), "f": failed(None), "i": failed(None, "INVALID")}

    number = consecutive_failures([records[outcome] for outcome in outcomes])

    assert number == count


def test_the_last_traceback_is_returned_when_all_trials_end_with_one_error():
    ended = [failed(VALUE_ERROR), failed(VALUE_ERROR, "INVALID"), failed(OTHER_VALUE_ERROR)]

    traceback = repeated_error(ended, 3)

    assert traceback == OTHER_VALUE_ERROR


@pytest.mark.parametrize(
    "ended",
    [
        [],
        [failed(VALUE_ERROR)] * 2,
        [failed(VALUE_ERROR), failed(TYPE_ERROR), failed(VALUE_ERROR)],
        [completed(), failed(VALUE_ERROR), failed(VALUE_ERROR), failed(VALUE_ERROR)],
        [failed(None)] * 3,
        [failed("The loss is NaN.")] * 3,
        [failed(VALUE_ERROR), failed(VALUE_ERROR), failed(None)],
    ],
    ids=["none", "too few", "two errors", "a success", "no message", "diverged", "one without a message"],
)
def test_a_region_where_trainings_fail_is_not_a_mistake_in_the_program(ended):
    assert repeated_error(ended, 3) is None


def test_an_error_may_repeat_more_often_than_the_limit():
    ended = [failed(TYPE_ERROR)] * 5

    traceback = repeated_error(ended, 3)

    assert traceback == TYPE_ERROR


def test_the_class_at_the_end_of_a_chain_of_errors_decides():
    chain = VALUE_ERROR + "\nDuring handling of the above exception, another exception occurred:\n\n" + TYPE_ERROR

    alike, different = (
        repeated_error([failed(chain), failed(TYPE_ERROR)], 2),
        repeated_error([failed(chain), failed(VALUE_ERROR)], 2),
    )

    assert alike == TYPE_ERROR
    assert different is None


@pytest.mark.parametrize(
    ("outcomes", "is_ended"), [("", False), ("f", False), ("cff", True), ("fffc", False), ("fff", True)]
)
def test_as_many_failures_in_a_row_as_the_limit_end_a_search(outcomes, is_ended):
    ended = [completed() if outcome == "c" else failed(VALUE_ERROR) for outcome in outcomes]

    reason = too_many_failures(ended, 2)

    assert bool(reason) == is_ended
    assert not is_ended or ("limit of 2" in reason and "ValueError: units: 3" in reason)


def test_a_failure_without_a_message_counts_towards_the_limit():
    ended = [failed(None), failed(None)]

    reason = too_many_failures(ended, 2)

    assert "limit of 2" in reason


def test_without_a_limit_only_a_program_that_cannot_work_ends_a_search():
    errors = [failed(VALUE_ERROR)] * FIRST_FAILURES

    reasons = [
        too_many_failures(ended, None) for ended in (errors, errors[1:], [completed(), *errors], [failed(None)] * 9)
    ]

    assert "ValueError: units: 3" in reasons[0]
    assert reasons[1:] == ["", "", ""]


def test_where_a_trial_has_succeeded_before_it_takes_more_errors():
    errors = [failed(VALUE_ERROR)] * LATER_FAILURES

    reasons = [too_many_failures(ended, None, has_worked=True) for ended in (errors, errors[1:])]

    assert reasons[0].startswith(f"The first {LATER_FAILURES} trials since the search was taken up again all failed")
    assert reasons[1] == ""


def test_a_trial_that_the_program_gives_up_on_purpose_is_no_mistake():
    message = (
        'Traceback (most recent call last):\n  File "t.py", line 1\nkeras_tuner.errors.FailedTrialError: Oversized\n'
    )

    ended = [TrialRecord(i, {}, "FAILED", message=message) for i in range(5)]

    assert too_many_failures(ended, None) == ""


def test_the_words_of_a_message_of_several_lines_do_not_matter():
    messages = [
        f'Traceback (most recent call last):\n  File "t.py", line 1\nValueError: bad shape\ngot {i}' for i in range(3)
    ]

    ended = [TrialRecord(i, {}, "FAILED", message=message) for i, message in enumerate(messages)]

    assert "bad shape" in too_many_failures(ended, None)


@pytest.mark.parametrize(
    "name",
    [
        "MemoryError",
        "numpy._ArrayMemoryError",
        "tensorflow.errors_impl.ResourceExhaustedError: OOM",
        "FailedTrialError",
    ],
)
def test_what_a_smaller_model_may_not_have_is_no_mistake(name):
    message = TYPE_ERROR.replace("TypeError", name)

    assert repeated_error([failed(message)] * FIRST_FAILURES, FIRST_FAILURES) is None


@pytest.mark.parametrize(
    ("gain", "is_ended"), [(None, False), (0.002, False), (0.001, False), (0.0009, True), (0.0, True)]
)
def test_a_search_ends_when_less_is_expected_than_is_asked_for(gain, is_ended):
    reason = ExpectedGain(0.001, num_trials=20).reason(gain, "val_accuracy")

    assert bool(reason) == is_ended
    if is_ended:
        assert all(words in reason for words in ["val_accuracy", "20 trials", f"{gain:.2g}", "0.001", "stop_when"])


@pytest.mark.parametrize("num_hyperparameters", [0, 1, 7])
def test_a_model_is_believed_after_a_few_more_trials_than_hyperparameters(num_hyperparameters):
    is_due = [can_expect(num_hyperparameters + SPARE_TRIALS + i, num_hyperparameters) for i in (-1, 0, 1)]

    assert is_due == [False, True, True]


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"min_gain": 0}, ValueError, ["min_gain", "above 0", "received 0"]),
        ({"min_gain": -0.1}, ValueError, ["min_gain", "-0.1"]),
        ({"min_gain": float("nan")}, ValueError, ["min_gain", "nan"]),
        ({"min_gain": float("inf")}, ValueError, ["min_gain", "finite", "inf"]),
        ({"min_gain": "small"}, ValueError, ["min_gain", "'small'"]),
        ({"min_gain": None}, ValueError, ["min_gain", "None"]),
        ({"min_gain": 0.1, "num_trials": 0}, ValueError, ["num_trials", "at least 1", "0"]),
        ({"min_gain": 0.1, "num_trials": None}, TypeError, ["num_trials", "None"]),
        ({"min_gain": 0.1, "num_trials": 2.5}, TypeError, ["num_trials", "2.5"]),
    ],
)
def test_a_bad_argument_of_a_rule_is_named_with_what_came(arguments, error, words):
    with pytest.raises(error) as raised:
        ExpectedGain(**arguments)

    assert all(word in str(raised.value) for word in words)


def test_one_trial_is_counted_in_the_singular():
    assert "expects another 1 trial to improve" in ExpectedGain(min_gain=0.1, num_trials=1).reason(0.05, "loss")
