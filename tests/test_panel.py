import io

import pytest
from rich.console import Console

from keras_bayes.epoch_count import EpochCount
from keras_bayes.position import Position
from keras_bayes.show.panel import SearchPanel
from tests.snapshots import completed, failed, moment, running


def drawn(progress, width=100, height=50):
    console = Console(file=io.StringIO(), width=width, height=height, color_system=None)
    console.print(SearchPanel(progress))
    return console.file.getvalue()


def test_the_panel_shows_what_matters():
    text = drawn(moment())

    for part in (
        "best val_accuracy", "4/10 trials · 1 failed · 1 min 15 s elapsed · about 1 min 56 s left",
        "Trial 5/10  model expects 0.96 ± 0.04", "epoch 2/5, batch 30/100", "last epoch: val_accuracy 0.75, loss 0.25",
        "units   lr", "Trial 3/10 failed: MemoryError: too many weights",
    ):  # fmt: skip
        assert part in text
    rows = [line.split() for line in text.splitlines()]
    assert ["★", "2", "0.9", "20", "s", "32", "0.01"] in rows
    assert ["3", "failed", "1.5", "s", "999", "0.1"] in rows
    assert ["▶", "5", "running", "4.0", "s", "64", "0.02"] in rows


@pytest.mark.parametrize("width", [20, 40, 60, 80, 300])
@pytest.mark.parametrize("num_values", [0, 2, 30])
def test_the_panel_keeps_to_the_width_of_the_terminal(width, num_values):
    values = {f"hyperparameter_{i}": i / 7 for i in range(num_values)}
    best = completed(1, 0.9, **values)

    lines = drawn(moment(best=best, recent=(best,), running=(running(5, **values),)), width=width).splitlines()

    assert max(map(len, lines)) <= min(width, 100)


def test_what_does_not_fit_into_columns_is_told_of_the_best_and_the_running_trials():
    best = completed(1, 0.9, **{f"hyperparameter_{i}": 100 + i for i in range(12)})
    now = running(5, **{f"hyperparameter_{i}": 200 + i for i in range(12)})

    text = " ".join(drawn(moment(best=best, recent=(best,), running=(now,))).split())

    assert all(f"hyperparameter_{i}={100 + i}" in text for i in range(12))
    assert all(f"hyperparameter_{i}={200 + i}" in text for i in range(12))


@pytest.mark.parametrize("width", [20, 40, 60, 80])
def test_no_fact_is_torn_apart(width):
    progress = moment(max_epochs=2600, ended_epochs=EpochCount(310, 140))

    lines = drawn(progress, width=width).splitlines()

    assert all(any(fact in line for line in lines) for fact in progress.facts if len(fact) <= width - 2)


def test_markup_in_values_is_text():
    text = drawn(moment(best=completed(1, 0.9, kind="[red]a[/red]"), recent=(failed(2, "[bold]no[/]"),)))

    assert "[red]a[/red]" in text
    assert "[bold]no[/]" in text


def test_a_low_terminal_shows_fewer_of_the_last_trials():
    recent = tuple(completed(i, 0.5) for i in range(3, 8))

    lines = drawn(moment(recent=recent), height=18).splitlines()
    wrapped = drawn(moment(recent=recent, ended_epochs=EpochCount(310, 140)), width=50, height=18).splitlines()

    assert max(len(lines), len(wrapped)) <= 18
    assert any("7   0.5" in line for line in lines)
    assert not any("3   0.5" in line for line in lines)


@pytest.mark.parametrize(("width", "height"), [(50, 20), (80, 24)])
def test_a_small_terminal_shows_the_running_trial_and_the_best_one_whatever_they_have_to_tell(width, height):
    values = {f"hyperparameter_{i}": i / 7 for i in range(15)}
    best, now = completed(4, 0.9, **values), running(9, Position(1, 2, 5), **values)
    recent = (best, *(completed(i, 0.5, **values) for i in range(5, 9)))

    lines = drawn(moment(best=best, recent=recent, running=(now,)), width=width, height=height).splitlines()

    assert len(lines) <= height
    for part in ("Trial 9/10", "epoch 2/5", "★ Trial 4/10: hyperparameter_0="):
        assert any(part in line for line in lines)


def test_a_search_without_an_end_has_no_bar():
    assert "━" not in drawn(moment(max_trials=None, running=()))
    assert "━" in drawn(moment(running=()))
