"""Searches in a real notebook, as it is saved."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from keras_bayes.show.notebook_view import MIN_SECONDS
from keras_bayes.show.summary import STOPPED

pytestmark = pytest.mark.slow

SETUP = """
import sys, time
sys.path.insert(0, {root!r})
import keras, keras_bayes
from tests.host.test_tuner import X, Y, build_model

class Talk(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        print("printed in epoch", epoch)
        time.sleep(0.6)  # longer than the time between two updates
"""
SEARCH = """
print("before")
tuner = keras_bayes.BayesTuner(build_model, objective="val_loss", max_trials=4, seed=0, directory={folder!r})
tuner.search(X, Y, validation_data=(X, Y), epochs=2, callbacks=[Talk()])
print("after")
"""
STOPPED_SEARCH = """
class Stopping(keras_bayes.BayesTuner):
    def run_trial(self, trial, *args, **kwargs):
        x = trial.hyperparameters.Choice("kind", ["<b>bold</b>", "plain"])
        if len(self.oracle.trials) == 2:
            raise KeyboardInterrupt
        return 1.0

try:
    Stopping(max_trials=3, seed=0, directory={folder!r}, project_name="stopped").search()
except KeyboardInterrupt:
    print("stopped")
"""
CLEARED_SEARCH = """
from IPython.display import clear_output

class Clear(keras.callbacks.Callback):
    def on_train_end(self, logs=None):
        clear_output(wait={wait})

    def on_train_begin(self, logs=None):
        print("printed at the beginning")

before = get_ipython().display_pub.clear_output
tuner = keras_bayes.BayesTuner(
    build_model, objective="val_loss", max_trials=3, seed=0, directory={folder!r}, project_name="cleared{wait}"
)
tuner.search(X, Y, validation_data=(X, Y), epochs=2, callbacks=[Clear()])
assert get_ipython().display_pub.clear_output == before
"""


class Watcher(NotebookClient):
    """Keeps what a kernel shows, as it comes."""

    def process_message(self, msg, cell, cell_index):
        if msg["msg_type"] in ("display_data", "update_display_data"):
            shown = (msg["header"]["date"].timestamp(), cell_index, msg["content"]["data"]["text/html"])
            self.nb.metadata.setdefault("shown", []).append(shown)
        return super().process_message(msg, cell, cell_index)


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    """A notebook after all its cells have run, saved and read again."""
    folder = tmp_path_factory.mktemp("notebook")
    places = {"root": str(Path(__file__).parents[2]), "folder": str(folder)}
    codes = [SETUP, SEARCH, STOPPED_SEARCH, CLEARED_SEARCH, CLEARED_SEARCH]
    waits = [None, None, None, True, False]
    cells = [
        nbformat.v4.new_code_cell(code.format(**places, wait=wait)) for code, wait in zip(codes, waits, strict=True)
    ]
    notebook = nbformat.v4.new_notebook(cells=cells)
    Watcher(notebook, timeout=300, kernel_name="python3").execute()
    nbformat.write(notebook, folder / "search.ipynb")
    return nbformat.read(folder / "search.ipynb", as_version=4)


def displays(cell):
    return [output.data for output in cell.outputs if output.output_type == "display_data"]


def printed(cell):
    streams = [output for output in cell.outputs if output.output_type == "stream" and output.name == "stdout"]
    return "".join(stream.text for stream in streams).splitlines()


@pytest.mark.parametrize("index", [3, 4])
def test_a_search_stays_in_a_cell_that_its_callbacks_clear(notebook, index):
    shown = displays(notebook.cells[index])[-1]["text/html"]

    assert "3/3 trials" in shown
    assert "The search is complete. 3 trials completed." in shown
    assert "model = tuner.get_best_models()[0]" in shown


def test_the_saved_notebook_holds_one_output_with_the_end_of_the_search(notebook):
    (shown,) = displays(notebook.cells[1])

    html = shown["text/html"]
    assert "4/4 trials" in html
    assert "The search is complete. 4 trials completed." in html
    assert "model = tuner.get_best_models()[0]" in html
    assert "running" not in html
    assert len(re.findall("<tr", html)) == 5
    assert shown["text/plain"].startswith("The search is complete.")


def test_the_output_is_updated_now_and_then_while_trials_run(notebook):
    times, pages = zip(*[(time, html) for time, cell, html in notebook.metadata["shown"] if cell == 1], strict=True)

    num_events = 2 * 4 + 2  # trials, and the end in two parts
    assert any("epoch 2/2" in page for page in pages)
    assert num_events <= len(pages) <= num_events + (times[-1] - times[0]) / MIN_SECONDS


def test_what_the_program_printed_is_all_there_and_nothing_else(notebook):
    epochs = ["printed in epoch 0", "printed in epoch 1"]

    assert printed(notebook.cells[1]) == ["before", *(4 * epochs), "after"]


def test_a_search_that_is_stopped_says_so_and_values_are_text(notebook):
    (shown,) = displays(notebook.cells[2])

    assert STOPPED in shown["text/html"]
    assert "running" not in shown["text/html"]
    assert "&lt;b&gt;bold&lt;/b&gt;" in shown["text/html"]
    assert "<b>bold</b>" not in shown["text/html"]
    assert printed(notebook.cells[2]) == ["stopped"]
