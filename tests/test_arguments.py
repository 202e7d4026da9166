import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

from keras_bayes.arguments import check_one_of, check_project_name, integer, integer_or_none, positive
from keras_bayes.errors import ProjectNameError


def accepted(check, *arguments, **options):
    """Whether a check lets its arguments pass."""
    try:
        check("max_trials", *arguments, **options)
    except (TypeError, ValueError):
        return False
    return True


@pytest.mark.parametrize(
    ("value", "is_accepted"),
    [
        (None, False),
        (2, True),
        (10**30, True),
        (np.int64(2), True),
        (1, False),
        (-5, False),
        (2.0, False),
        (2.5, False),
        ("2", False),
        (True, False),
        (math.nan, False),
        ([2], False),
    ],
    ids=repr,
)
def test_an_integer_is_a_whole_number_large_enough(value, is_accepted):
    assert accepted(integer, value, at_least=2) == is_accepted


@pytest.mark.parametrize(
    ("value", "is_accepted"),
    [
        (None, False),
        (1, True),
        (1e-300, True),
        (np.float64(0.5), True),
        (0, False),
        (-0.5, False),
        (math.inf, False),
        (math.nan, False),
        (True, False),
        ("1", False),
    ],
    ids=repr,
)
def test_a_positive_number_is_finite_and_above_zero(value, is_accepted):
    assert accepted(positive, value) == is_accepted


@pytest.mark.parametrize("number", [positive("beta", np.float32(0.5)), integer("seed", np.int64(3), at_least=0)])
def test_what_is_accepted_is_a_number_of_json(number):
    assert json.loads(json.dumps(number)) == number


def test_what_may_be_none_is_none_or_checked():
    assert integer_or_none("seed", None, at_least=0) is None
    with pytest.raises(ValueError, match="`seed` must be an integer of at least 0, received -1"):
        integer_or_none("seed", -1, at_least=0)


@pytest.mark.parametrize(("value", "is_accepted"), [("ei", True), ("EI", False), (None, False), (1, False)])
def test_an_option_is_one_of_a_list(value, is_accepted):
    assert accepted(check_one_of, value, ["ei", "pi"]) == is_accepted


@pytest.mark.parametrize(
    ("check", "value", "options", "error", "message"),
    [
        (integer, 1, {"at_least": 2}, ValueError, "`alpha` must be an integer of at least 2, received 1."),
        (integer, True, {"at_least": 0}, ValueError, "`alpha` must be an integer of at least 0, received True."),
        (integer, 2.5, {"at_least": 2}, TypeError, "`alpha` must be an integer, received 2.5."),
        (positive, -1, {}, ValueError, "`alpha` must be a finite number above 0, received -1."),
        (positive, "1", {}, TypeError, "`alpha` must be a number, received '1'."),
        (positive, True, {}, TypeError, "`alpha` must be a number, received True."),
    ],
)
def test_a_refusal_says_what_was_expected_what_came_and_what_to_do(check, value, options, error, message):
    with pytest.raises(error, match=re.escape(message + " Leave it unset for the default.")):
        check("alpha", value, **options)


def test_a_refused_option_is_shown_with_the_list():
    with pytest.raises(ValueError, match=re.escape("`acquisition` must be one of 'ei', 'pi', received 'ucb'.")):
        check_one_of("acquisition", "ucb", ["ei", "pi"])


BAD_NAMES = ["", ".", "..", "a/b", "/a", "../a", "a\\b", "\\a", "a\0b", "a/", "ü" * 128]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_project_name_that_is_no_name_of_a_folder_is_refused(name):
    with pytest.raises(
        ProjectNameError, match=r"must be the name of one folder, received .*Put a path into `directory`"
    ):
        check_project_name(name)


@pytest.mark.parametrize("name", [None, 3, b"search", ["search"]])
def test_a_project_name_is_a_string(name):
    with pytest.raises(TypeError, match="`project_name` must be a string, received"):
        check_project_name(name)


@pytest.mark.parametrize("name", ["search", "mnist cnn", "...", ".hidden", "größe", "a..b", "-", "~", Path("search")])
def test_any_name_of_a_folder_is_a_project_name(tmp_path, name):
    check_project_name(name)

    (tmp_path / name).mkdir()
    assert [path.parent for path in tmp_path.iterdir()] == [tmp_path]


@pytest.mark.parametrize("name", ["2026-01-31 10:30", "what?", "a*", 'a"b', "<a>", "a|b", "...", "a "])
def test_on_windows_fewer_names_are_those_of_folders(monkeypatch, name):
    check_project_name(name)
    monkeypatch.setattr("keras_bayes.arguments.IS_WINDOWS", True)

    with pytest.raises(ProjectNameError, match="On Windows"):
        check_project_name(name)
    check_project_name("2026-01-31 10.30")
