"""Searches in a real terminal, as a user sees them."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from keras_bayes.show.summary import STOPPED
from tests.terminal import Screen, run_in_terminal

pytestmark = pytest.mark.slow

PROGRAM = Path(__file__).with_name("live_searches.py")
NAMES = ("ordinary", "training", "bars", "interrupted", "broken", "nested", "verbose", "silent", "plain", "again")


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    """What a program that runs all the searches writes."""
    code, output = run_in_terminal(PROGRAM, str(tmp_path_factory.mktemp("searches")), *NAMES)
    assert code == 0, Screen(output).text
    return output


def part_of(output, name):
    """What a search writes."""
    return output.split(f"begin {name}".encode(), 1)[1].split(f"end {name}".encode(), 1)[0]


def is_live(part):
    return b"\x1b[?25l" in part  # which hides the cursor


def test_the_last_screen_holds_what_was_printed_and_the_summary(output):
    lines = Screen(part_of(output, "ordinary")).lines

    places = [lines.index(f"printed in trial {i}") for i in range(4)]
    panel = lines.index(next(line for line in lines if "best default_objective" in line and "──" in line))
    summary = lines.index("The search is complete. 4 trials completed.")
    assert places == sorted(places)
    assert places[-1] < panel < summary
    assert sum("best default_objective ─" in line for line in lines) == 1
    assert any("4/4 trials" in line for line in lines)


def test_the_view_is_there_while_trials_run(output):
    before = part_of(output, "training").split(b"The search is complete")[0]
    screen, screens = Screen(), []

    *pieces, _ = re.split(rb"(?=\x1b\[2K)", before)  # each time before a line is erased
    for piece in pieces:
        screen.write(piece)
        screens.append(screen.text)

    texts = "\n".join(screens)
    assert "epoch 2/2" in texts
    assert "▶" in texts
    assert "Trial 2/3" in texts
    assert "last epoch: val_loss" in texts
    assert not screen.has_cursor


def test_lines_that_are_printed_in_parts_are_whole(output):
    lines = Screen(part_of(output, "training")).lines

    assert lines.count("begun ... and finished") == 6
    assert lines.count("printed in epoch 0") == lines.count("printed in epoch 1") == 3


def test_keras_is_silent_unless_it_is_asked(output):
    assert "/step" not in Screen(part_of(output, "training")).text


def test_bars_that_a_hypermodel_asks_for_appear_above(output):
    lines = Screen(part_of(output, "bars")).lines

    assert sum(line.startswith("8/8 ━") and "val_loss" in line for line in lines) == 4
    assert lines.count("Epoch 2/2") == 2


def test_the_lines_that_load_the_best_model_come_last(output):
    lines = [line for line in Screen(part_of(output, "training")).lines if line]

    assert lines[-1] == "  model = tuner.get_best_models()[0]"


@pytest.mark.parametrize("name", NAMES)
def test_every_search_gives_the_terminal_back(output, name):
    start = output.index(f"end {name}".encode())
    end = output.index(b"\n", start)

    assert output[start:end].strip() == f"end {name}: restored True, threads 0".encode()
    assert Screen(part_of(output, name)).has_cursor


@pytest.mark.parametrize("name", ["interrupted", "broken"])
def test_a_search_that_is_stopped_says_how_to_go_on(output, name):
    screen = Screen(part_of(output, name))

    assert is_live(part_of(output, name))
    assert STOPPED in screen.lines
    assert "printed in trial 2" in screen.lines
    assert not any("running" in line or " left" in line for line in screen.lines)


@pytest.mark.parametrize("name", ["nested", "verbose", "plain"])
def test_where_a_view_would_be_in_the_way_there_are_lines(output, name):
    part = part_of(output, name)

    assert name == "nested" or not is_live(part)  # which has a view of its own
    assert b"Trial 4/4: default_objective = " in part
    assert b"best default_objective \xe2" not in part


@pytest.mark.parametrize("name", ["ordinary", "training", "bars", "again"])
def test_where_nothing_is_asked_for_there_is_a_view(output, name):
    assert is_live(part_of(output, name))


def test_a_silent_search_is_silent(output):
    lines = [line for line in Screen(part_of(output, "silent")).lines if line.strip()]

    assert lines == [f"printed in trial {i}" for i in range(4)]


def test_sigterm_gives_the_terminal_back(tmp_path):
    code, output = run_in_terminal(PROGRAM, str(tmp_path), "terminated")

    assert code == -signal.SIGTERM
    assert is_live(output)
    assert Screen(output).has_cursor
    assert STOPPED in Screen(output).lines


def test_a_terminal_that_cannot_draw_gets_lines(tmp_path):
    _, output = run_in_terminal(PROGRAM, str(tmp_path), "ordinary", is_dumb=True)

    assert not is_live(output)
    assert b"Trial 4/4: default_objective = " in output
