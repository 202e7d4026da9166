from dataclasses import replace
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_bayes.epoch_count import EpochCount
from keras_bayes.history import TrialRecord
from keras_bayes.position import Position
from keras_bayes.show.progress import NUM_RECENT, progress_of
from keras_bayes.timesheet import Timesheet
from tests.snapshots import completed, failed, moment, running

SCORES = [3.0, 1.0, None, 2.0, 5.0, 4.0, 6.0]


def taken(scores=SCORES, direction="min", proposals=MappingProxyType({"7": {"source": "design"}}), **changes):
    """A search whose trials have these scores, where `None` is a failure; one more is running."""
    statuses = ["FAILED" if score is None else "COMPLETED" for score in scores]
    records = {f"{i}": TrialRecord(i, {}, *pair) for i, pair in enumerate(zip(statuses, scores, strict=True))}
    ended = list(records)
    records[str(len(scores))] = TrialRecord(len(scores), {}, "RUNNING")
    arguments = {
        "moment": 0.0, "folder": "search", "objective": "loss", "direction": direction, "max_trials": 10,
        "max_time": None, "max_epochs": None, "ended_epochs": EpochCount(),
        "ended": ended, "running": [str(len(scores))], "num_workers": 1,
    }  # fmt: skip
    return progress_of(records, proposals, Timesheet(), **(arguments | changes))


@given(st.lists(st.none() | st.floats(-1e9, 1e9)), st.sampled_from(["min", "max"]))
def test_the_best_trial_is_the_one_with_the_best_score(scores, direction):
    progress = taken(scores, direction)

    known = [score for score in scores if score is not None]
    best = None if progress.best is None else progress.best.record.score
    assert best == ((min if direction == "min" else max)(known) if known else None)
    assert (progress.num_completed, progress.num_failed) == (len(known), len(scores) - len(known))


def test_of_a_continuation_that_is_no_better_the_best_trial_is_the_continuation():
    proposals = {"1": {"source": "continuation", "continues": "0", "mean": 0.5, "sd": 0.1}}

    assert taken([0.5, 0.5], proposals=proposals).best.trial_id == "1"


def test_the_last_trials_are_listed_in_the_order_of_their_ends():
    progress = taken(ended=["6", "5", "4", "3", "2", "1", "0"])

    assert [trial.number for trial in progress.recent] == [5, 4, 3, 2, 1]
    assert len(progress.recent) == NUM_RECENT
    assert [trial.number for trial in progress.running] == [8]
    assert progress.running[0].reason == "initial design"


def test_the_best_trial_is_listed_first_and_once():
    assert [trial.number for trial in taken().listed] == [2, 3, 4, 5, 6, 7, 8]
    assert [trial.number for trial in taken(direction="max").listed] == [7, 3, 4, 5, 6, 8]


def test_time_goes_on_for_running_trials_only():
    position = Position(training=1, epoch=3)
    before = moment()

    after = before.at(10.0, {"5": position}, {"5": EpochCount(2)})

    assert after.elapsed == before.elapsed + 10
    assert after.seconds_left == before.seconds_left - 10
    assert after.running[0].seconds == before.running[0].seconds + 10
    assert after.running[0].position == position
    assert after.running[0].epochs == EpochCount(2)
    assert after.recent == before.recent


def test_the_end_is_not_known_without_a_number_of_trials():
    progress = moment(max_trials=None)

    assert progress.seconds_left is None
    assert progress.facts == ["4 trials", "1 failed", "1 min 15 s elapsed"]


def test_a_search_ends_when_its_time_is_up():
    assert moment(max_time=100.0).seconds_left == 25
    assert moment(max_time=100.0, max_trials=None).seconds_left == 25
    assert moment(max_time=1000.0).seconds_left == moment().seconds_left
    assert moment(max_time=50.0).seconds_left == 0


def test_a_search_ends_when_its_epochs_are_used_up():
    assert moment(max_epochs=24).seconds_left == pytest.approx(25)  # 6 epochs of 75 / 18 seconds
    assert moment(max_epochs=24, max_trials=None).seconds_left == pytest.approx(25)
    assert moment(max_epochs=24, max_time=80.0).seconds_left == 5
    assert moment(max_epochs=1000).seconds_left == moment().seconds_left
    assert moment(max_epochs=17).seconds_left == 0
    assert moment(max_epochs=24, ended_epochs=EpochCount(), max_trials=None).seconds_left is None


@pytest.mark.parametrize(
    ("max_epochs", "ended", "text"),
    [
        (None, EpochCount(172), None),
        (None, EpochCount(172, 140), "epochs 174 (140 saved)"),
        (2600, EpochCount(172), "epochs 174/2600"),
        (2600, EpochCount(172, 140), "epochs 174/2600 (140 saved)"),
        (2600, EpochCount(), "epochs 2/2600"),
    ],
)
def test_epochs_are_told_of_where_there_is_a_budget_or_some_were_saved(max_epochs, ended, text):
    progress = moment(max_epochs=max_epochs, ended_epochs=ended).at(0.0, {}, {"5": EpochCount(2)})

    assert [fact for fact in progress.facts if "epoch" in fact] == ([text] if text else [])
    assert progress.epochs == ended + EpochCount(2)


def test_of_a_search_that_is_over_nothing_runs_and_nothing_is_left_to_wait_for():
    over = moment(max_time=100.0, max_epochs=2600).at_end()

    assert over.seconds_left is None
    assert over.facts == ["4/10 trials", "1 failed", "epochs 18/2600", "1 min 15 s elapsed"]
    assert [trial.number for trial in over.listed] == [2, 3, 4]


def test_the_facts_say_how_long_it_will_take():
    assert moment().facts == ["4/10 trials", "1 failed", "1 min 15 s elapsed", "about 1 min 56 s left"]


@pytest.mark.parametrize(
    ("position", "text", "fraction"),
    [
        (Position(1, 2, 5, 30, 100), "epoch 2/5, batch 30/100", 0.26),
        (Position(1, 2, 5, 0, 100), "epoch 2/5", 0.2),
        (Position(1, 2, 5, 30, None), "epoch 2/5, batch 30", 0.2),
        (Position(2, 5, 5, 100, 100), "training 2, epoch 5/5, batch 100/100", 1.0),
        (Position(1, 7), "epoch 7", None),
    ],
)
def test_a_position_says_what_is_known(position, text, fraction):
    assert position.text == text
    assert position.fraction == (None if fraction is None else pytest.approx(fraction))


def test_the_metrics_of_the_last_epoch_begin_with_the_objective():
    progress = moment()

    assert progress.last_epoch(progress.running[0].position) == "val_accuracy 0.75, loss 0.25"


def test_a_row_says_what_came_of_a_trial():
    progress = moment()

    assert progress.cells(progress.best) == ("★", "2", "0.9", "20 s")
    assert progress.cells(progress.recent[1]) == ("", "3", "failed", "1.5 s")
    assert progress.cells(progress.running[0]) == ("▶", "5", "running", "4.0 s")


def test_the_last_failure_is_explained():
    assert moment().last_failure == "Trial 3/10 failed: MemoryError: too many weights"
    assert moment(recent=()).last_failure == ""


def test_a_trial_that_will_run_again_has_not_failed():
    assert failed(3, status="INVALID").result == "to be tried again: MemoryError: too many weights"


def test_a_value_that_a_trial_never_read_is_not_shown():
    trial = completed(1, 0.5, layers=1, units_0=8, units_1=16)
    record = replace(trial.record, unused=frozenset({"units_1"}))

    assert replace(trial, record=record).values == {"layers": 1, "units_0": 8}


def test_a_hyperparameter_that_a_trial_does_not_have_is_left_empty():
    progress = moment(recent=(completed(1, 0.5, momentum=0.9),), running=(running(5, units=8),))

    assert progress.names == ["units", "lr", "momentum"]
    assert progress.recent[0].texts(progress.names) == ["", "", "0.9"]


def test_a_trial_beyond_a_limit_that_was_lowered_has_its_number_alone():
    progress = moment(max_trials=1)

    assert progress.name(progress.best) == "Trial 2"
