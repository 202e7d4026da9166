"""What a search shows outside of terminals and notebooks, and which view is chosen."""

from __future__ import annotations

import copy
import io
import math
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from types import SimpleNamespace

import keras_tuner as kt
import pytest
from rich.console import Console
from rich.file_proxy import FileProxy
from searches import make_oracle, mixed_loss, mixed_space, run_search, run_trial, small_space

import keras_bayes
from keras_bayes.curves import CURVE_FILE, Epoch
from keras_bayes.position import Position

SPACE = {"hyperparameters": mixed_space()}


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


def make_loud_oracle(folder, **arguments):
    oracle = make_oracle(folder, **({"hyperparameters": mixed_space()} | arguments))
    oracle.verbose = 1
    return oracle


def test_a_log_has_a_line_for_each_trial_one_before_and_a_summary_after(tmp_path, capsys):
    oracle = make_loud_oracle(tmp_path, max_trials=3)

    run_search(oracle, mixed_loss)

    first, *trials, empty, reason, best = capsys.readouterr().out.splitlines()[:7]
    scores = [trial.score for trial in oracle.trials.values()]
    assert first.startswith("Searching for the best loss in 3 trials; results go to ")
    for i, (line, score) in enumerate(zip(trials, scores, strict=True)):
        assert line.startswith(f"Trial {i + 1}/3: loss = {score:.5g} after ")
        assert f"best so far {min(scores[: i + 1]):.5g} (Trial " in line
        assert f"lr={oracle.trials[str(i)].hyperparameters.values['lr']:.4g}" in line
    assert [" left" in line for line in trials] == [True, True, False]
    assert empty == ""
    assert reason == "The search is complete. 3 trials completed."
    assert best.startswith(f"Best loss: {min(scores):.5g} (Trial ")


def test_a_search_that_goes_on_says_how_far_it_is(tmp_path, capsys):
    run_search(make_oracle(tmp_path, **SPACE), mixed_loss, num_trials=4)
    oracle = make_loud_oracle(tmp_path)
    oracle.reload()

    run_trial(oracle, mixed_loss)

    first, line = capsys.readouterr().out.splitlines()
    assert first.startswith("Going on with the search in ")
    assert first.endswith(": 4 of 20 trials have ended")
    assert line.startswith("Trial 5/20: loss = ")


def test_a_failure_and_another_try_are_told(tmp_path, capsys):
    oracle = make_loud_oracle(tmp_path, max_retries_per_trial=1, max_trials=1)

    run_search(oracle, lambda values: math.exp(1000))

    _, first, second, *_ = capsys.readouterr().out.splitlines()
    assert first.startswith("Trial 1/1: to be tried again: OverflowError: math range error after ")
    assert second.startswith("Trial 1/1: failed: OverflowError: math range error after ")


def test_nothing_is_printed_where_verbose_is_zero(tmp_path, capsys):
    run_search(make_oracle(tmp_path, hyperparameters=small_space()), lambda values: values["units"])

    assert capsys.readouterr().out == ""


def kind(oracle, view):
    with oracle.display.shown_in(view):
        return type(oracle.display._view).__name__


def test_the_view_fits_the_place(tmp_path):
    oracle = make_oracle(tmp_path)

    file, terminal = io.StringIO(), Terminal()
    proxied = FileProxy(Console(file=Terminal()), Terminal())
    kinds = []
    for output in (file, terminal, proxied):
        with redirect_stdout(output):
            kinds.append([kind(oracle, view) for view in ("auto", "live", "plain", "notebook")])

    assert kinds[0] == ["PlainView", "LiveView", "PlainView", "PlainView"]
    assert kinds[1] == ["LiveView", "LiveView", "PlainView", "PlainView"]
    assert kinds[2] == ["PlainView"] * 4  # something else draws there


def test_an_output_that_knows_few_characters_or_can_only_write_gets_lines(tmp_path):
    class Tee:
        def write(self, text):
            return len(text)

    latin = Terminal()
    latin.encoding = "iso-8859-1"
    for output in (latin, Tee()):
        with redirect_stdout(output):
            assert kind(make_oracle(tmp_path), "auto") == "PlainView"


@pytest.mark.parametrize(
    ("module", "expected"), [("ipykernel.ipkernel", "NotebookView"), ("spyder_kernels.console.kernel", "PlainView")]
)
def test_the_console_of_spyder_gets_lines_since_it_does_not_update_what_it_shows(
    tmp_path, monkeypatch, module, expected
):
    kernel = type("Kernel", (), {"__module__": module})()
    shell = SimpleNamespace(kernel=kernel, display_pub=SimpleNamespace(clear_output=None))
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))

    assert kind(make_oracle(tmp_path), "auto") == expected


def test_an_oracle_can_be_copied_while_it_is_shown(tmp_path):
    oracle = make_loud_oracle(tmp_path)

    with redirect_stdout(Terminal()), redirect_stderr(io.StringIO()), oracle.display.shown_in("live"):
        oracle.create_trial("tuner0")
        twin = copy.deepcopy(oracle)

    assert twin.display.progress().running[0].number == 1
    assert twin.display.oracle is twin


def test_an_oracle_alone_prints_lines_also_in_a_terminal(tmp_path):
    oracle = make_loud_oracle(tmp_path, max_trials=1)

    with redirect_stdout(Terminal()) as terminal:
        run_search(oracle, mixed_loss)

    assert "Trial 1/1: loss = " in terminal.getvalue()
    assert "\x1b" not in terminal.getvalue()


def test_another_name_of_a_view_is_refused(tmp_path):
    with pytest.raises(ValueError, match="`progress` must be one of 'auto', 'live', 'notebook', 'plain'"):
        keras_bayes.BayesTuner(lambda hp: None, objective="val_loss", directory=str(tmp_path), progress="bars")


def test_a_training_of_this_process_tells_how_far_it_is(tmp_path):
    oracle = make_oracle(tmp_path)
    trial = oracle.create_trial("tuner0")

    oracle.display.on_trial_moved(trial.trial_id, Position(1, 2, 5))

    assert oracle.display.progress().running[0].position == Position(1, 2, 5)


def test_a_training_elsewhere_is_read_from_the_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
    monkeypatch.setenv("KERASTUNER_TUNER_ID", "chief")
    oracle = make_oracle(tmp_path, **SPACE)
    before = time.time() - 100
    trials = [oracle.create_trial(f"tuner{i}") for i in range(2)]
    epochs = [Epoch(0, 7, before, 1.0, {}), Epoch(0, 1, time.time() + 1, 1.0, {"loss": 0.5})]
    curve = tmp_path / "search" / f"trial_{trials[1].trial_id}" / CURVE_FILE
    curve.write_text("".join(epoch.to_line() for epoch in epochs))

    progress = oracle.display.progress()

    assert progress.num_workers == 2
    assert [trial.position for trial in progress.running] == [None, Position(1, 2, metrics={"loss": 0.5})]
    curve.write_text(epochs[0].to_line())  # of an earlier run of the trial
    assert oracle.display.progress().running[1].position is None


def test_the_display_leaves_to_that_of_keras_tuner_what_it_looks_for(tmp_path):
    theirs = kt.oracles.RandomSearchOracle(objective="loss")
    oracle = make_oracle(tmp_path, **SPACE)
    run_search(oracle, mixed_loss, num_trials=2)

    state = oracle.display.get_state()

    assert state.keys() == theirs.get_state()["display"].keys()
    theirs._display.set_state(state)  # or else a search that goes on there would fail
