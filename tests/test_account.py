from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from keras_bayes.history import TrialRecord
from keras_bayes.show import account
from keras_bayes.show.explanation import Explanation
from keras_bayes.wording import count, listed
from tests.logs import log_of, random_search, trial
from tests.spaces import real

LR = real("lr", 1e-4, 1e-1, sampling="log")


def log_with(**options):
    return log_of([LR], [trial(0, {"lr": 1e-3}, 1.0), trial(1, {"lr": 1e-2}, None, message="a\nit broke")], **options)


@pytest.mark.parametrize(("words", "text"), [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")])
def test_words_are_listed(words, text):
    assert listed(words) == text


def test_one_thing_is_counted_in_the_singular():
    assert (count(1, "trial"), count(2, "trial"), count(0, "trial")) == ("1 trial", "2 trials", "0 trials")


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"objective": "accuracy", "direction": "max"}, "objective=keras_tuner.Objective('accuracy', 'max'),"),
        (
            {"objective": "multi_objective", "state": {"objective": [["loss", "min"], ["auc", "max"]]}},
            "objective=[keras_tuner.Objective('loss', 'min'), keras_tuner.Objective('auc', 'max')],",
        ),
    ],
)
def test_the_loading_code_names_the_objective(options, line):
    code = account.loading_code(log_with(**options))

    assert f"    {line}\n" in code
    compile(code, "code", "exec")


def test_an_objective_without_a_name_is_left_to_the_tuner():
    state = {"objective": [["default_objective", "min"]]}

    assert "objective" not in account.loading_code(log_with(objective="default_objective", state=state))


def test_where_the_weights_are_the_model_is_loaded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "project" / "trial_00").mkdir(parents=True)
    (tmp_path / "project" / "trial_00" / "checkpoint.weights.h5").touch()

    assert account.loading_code(log_with()).endswith("model = tuner.get_best_models()[0]")


def test_a_hyperparameter_that_is_not_declared_any_more_comes_after_the_others():
    log = log_of([LR], [trial(0, {"momentum": 0.9, "lr": 1e-3}, 1.0)])

    assert account.names_of(log) == ["lr", "momentum"]


def test_a_failure_is_told_by_its_one_line_with_all_of_its_message():
    assert list(account.failures(log_with())) == [("Trial 2: it broke", "a\nit broke")]


def test_numbers_are_sorted_by_all_of_their_digits():
    cell = account.Cell.of(0.123456789)

    assert (cell.text, cell.key) == ("0.12346", "0.123456789")


def test_a_project_that_is_read_from_inside_has_its_name(tmp_path, monkeypatch):
    folder = tmp_path / "runs" / "digits"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)

    for path in (Path("."), Path("../digits"), folder):
        code = account.loading_code(replace(log_with(), folder=path))
        assert f"directory={str(folder.parent)!r}" in code
        assert "project_name='digits'" in code


def explained(log, total):
    """What the model of a search says, where these are the importances of its hyperparameters."""
    explanation = Explanation.of(log)
    return replace(explanation, importance=replace(explanation.importance, total=np.array(total), doubt=None))


def test_what_decides_is_named_however_little_it_does():
    entries = [real(name, 0.0, 1.0) for name in "abc"]
    log = random_search(entries, lambda values: sum(values.values()))

    for total, words in [([0.2, 0.5, 0.02], "b (50%) and a (20%)"), ([0.01, 0.02, 0.01], "b (2%)")]:
        assert account.model_sentences(explained(log, total))[1] == (
            f"The score is decided most by {words}, interactions included."
        )


def test_results_from_elsewhere_are_no_completed_trials():
    log = random_search([real("a", 0.0, 1.0)], lambda values: values["a"] ** 2, num_trials=10)
    known = tuple(TrialRecord(i - 2, {"a": 0.1 + 0.01 * i}, "COMPLETED", 0.1) for i in range(2))

    trust = account.model_sentences(explained(replace(log, known=known), [1.0]))[0]

    assert "between 10 completed trials and 2 results from elsewhere, each" in trust


def test_a_distribution_that_is_not_installed_is_left_out(monkeypatch):
    monkeypatch.setattr(account, "PACKAGES", ("numpy", "no-such-distribution"))

    *_, installed = account.notes(log_with())

    assert f"numpy {np.__version__}." in installed
    assert "no-such" not in installed
