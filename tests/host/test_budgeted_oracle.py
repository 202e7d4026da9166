"""A budget of epochs, in searches without training whose curves are written by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_bayes.curves import CURVE_FILE, End, Epoch
from keras_bayes.errors import KerasBayesWarning
from keras_bayes.search_log import SearchLog
from keras_bayes.show.account import facts
from keras_bayes.show.console import status_text
from tests.host.searches import make_oracle, mixed_loss, mixed_space, run_search, run_trial


def searching(folder, **arguments):
    return make_oracle(folder, hyperparameters=mixed_space(), **({"max_trials": None} | arguments))


def trained(oracle, *lengths, num_epochs=0, stopped=""):
    """`mixed_loss` with curves: the n-th trial has so many epochs of what was planned, all later ones as the last."""
    left = list(lengths)

    def loss(values):
        (trial,) = oracle.ongoing_trials.values()
        length = left.pop(0) if len(left) > 1 else left[0]
        epochs = [Epoch(0, i, 1.0, 1.0, {"loss": 1.0}).to_line() for i in range(length)]
        path = Path(oracle.project_folder, f"trial_{trial.trial_id}", CURVE_FILE)
        path.write_text("".join([*epochs, End(0, num_epochs, stopped).to_line()]))
        return mixed_loss(values)

    return loss


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 12), st.lists(st.integers(1, 5), min_size=12, max_size=12))
def test_trials_begin_until_the_epochs_are_used_up(tmp_path_factory, max_epochs, lengths):
    oracle = searching(tmp_path_factory.mktemp("search"), max_epochs=max_epochs, num_initial_points=99)

    trials = run_search(oracle, trained(oracle, *lengths))

    num_trials = len(trials)
    assert sum(lengths[: num_trials - 1]) < max_epochs <= sum(lengths[:num_trials])
    assert oracle._end_reason == f"The `max_epochs` of {max_epochs} are used up."


def test_the_number_of_trials_ends_a_search_that_has_epochs_left(tmp_path):
    oracle = searching(tmp_path, max_epochs=100, max_trials=3)

    assert len(run_search(oracle, trained(oracle, 5))) == 3
    assert oracle._end_reason == "The search is complete."


def test_what_is_in_the_queue_is_not_run_without_epochs(tmp_path):
    oracle = searching(tmp_path, max_epochs=5)
    run_trial(oracle, trained(oracle, 5))
    oracle.enqueue({"lr": 0.02})

    assert run_search(oracle, trained(oracle, 5)) == []
    assert oracle._end_reason.endswith("are used up. Enqueued, but not run: 1 configuration.")


def test_the_epochs_of_earlier_sessions_count_and_a_larger_budget_goes_on(tmp_path):
    oracle = searching(tmp_path, max_epochs=20)
    run_search(oracle, trained(oracle, 4), 3)
    oracle.release()

    again = searching(tmp_path, max_epochs=20)
    again.reload()
    assert len(run_search(again, trained(again, 4))) == 2

    more = searching(tmp_path, max_epochs=21)
    more.reload()
    assert len(run_search(more, trained(more, 4))) == 1


def test_who_counts_nothing_is_told_once_and_who_counts_is_not(tmp_path):
    silent = searching(tmp_path, project_name="silent", max_trials=4, max_epochs=5)

    with pytest.warns(KerasBayesWarning, match="`max_epochs` does not limit this search: trial_0 has") as caught:
        assert len(run_search(silent, mixed_loss)) == 4
    assert len(caught) == 1

    counting = searching(tmp_path, max_trials=4, max_epochs=50)
    run_search(counting, trained(counting, 1))
    unlimited = searching(tmp_path, project_name="unlimited", max_trials=4)
    run_search(unlimited, mixed_loss)


def test_status_and_report_tell_what_was_had_and_saved(tmp_path):
    oracle = searching(tmp_path, max_trials=4, max_epochs=50)
    run_search(oracle, trained(oracle, 5, 2, num_epochs=5, stopped="hopeless"))

    log = SearchLog.read(tmp_path / "search")

    numbers = dict(facts(log))
    assert (numbers["epochs"], numbers["epochs saved"]) == ("11 of 50", "9")
    assert ["epochs", "11/50", "(9", "saved)"] in [line.split() for line in status_text(log).splitlines()]


def test_without_a_budget_epochs_are_told_of_only_where_some_were_saved(tmp_path):
    oracle = searching(tmp_path, max_trials=3)
    run_search(oracle, trained(oracle, 5))
    plain = SearchLog.read(tmp_path / "search")
    saving = searching(tmp_path, project_name="saving", max_trials=3)
    run_search(saving, trained(saving, 2, num_epochs=5, stopped="hopeless"))

    assert not {"epochs", "epochs saved"} & dict(facts(plain)).keys()
    assert not any(line.startswith("epochs") for line in status_text(plain).splitlines())
    numbers = dict(facts(SearchLog.read(tmp_path / "saving")))
    assert (numbers["epochs"], numbers["epochs saved"]) == ("6", "9")


def test_the_number_that_is_shown_is_that_of_the_log(tmp_path, capsys):
    oracle = searching(tmp_path, max_trials=3)
    oracle.verbose = 1
    run_search(oracle, trained(oracle, 2, num_epochs=5, stopped="hopeless"))

    out = capsys.readouterr().out
    assert [f"epochs {2 * n} ({3 * n} saved)" in line for n, line in enumerate(out.splitlines()[1:4], 1)] == [True] * 3
    assert "The search is complete. 3 trials completed; epochs 6 (9 saved)." in out
    log = SearchLog.read(tmp_path / "search")
    assert oracle.display.progress().epochs == log.epochs


def test_the_epochs_of_a_running_trial_are_shown_as_it_goes_on(tmp_path):
    oracle = searching(tmp_path, max_epochs=50)
    run_trial(oracle, trained(oracle, 4))
    oracle.create_trial("tuner0")
    before = oracle.display.progress()
    path = Path(oracle.project_folder, "trial_0001", CURVE_FILE)
    path.write_text(Epoch(0, 0, 1.0, 1.0, {}).to_line() * 3)

    after = oracle.display.moved_on(before)

    assert (before.epochs.trained, after.epochs.trained) == (4, 7)
    assert "epochs 7/50" in after.facts
