import pytest

from keras_bayes.show import account
from keras_bayes.show.wording import count, listed
from tests.logs import log_of, trial
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
