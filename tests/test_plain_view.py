import io
import sys

import pytest

from keras_bayes.epoch_count import EpochCount
from keras_bayes.show.plain_view import PlainView, start_line, trial_line
from tests.snapshots import completed, failed, moment


def test_a_search_that_begins_says_where_and_how_long():
    new = {"num_completed": 0, "num_failed": 0}

    assert start_line(moment(**new)) == "Searching for the best val_accuracy in 10 trials; results go to results/search"
    assert "in 1 trial; results" in start_line(moment(**new | {"max_trials": 1}))
    assert "in any number of trials" in start_line(moment(**new, max_trials=None))
    assert start_line(moment()) == "Going on with the search in results/search: 4 of 10 trials have ended"
    assert start_line(moment(max_trials=None)) == "Going on with the search in results/search: 4 trials so far"


@pytest.mark.parametrize(
    ("trial", "line"),
    [
        (
            completed(4, 0.8, units=16, lr=0.001),
            "Trial 4/10: val_accuracy = 0.8 after 40 s; best so far 0.9 (Trial 2/10); about 1 min 56 s left; "
            "units=16, lr=0.001",
        ),
        (
            failed(3, units=999),
            "Trial 3/10: failed: MemoryError: too many weights after 1.5 s; best so far 0.9 (Trial 2/10); "
            "about 1 min 56 s left; units=999",
        ),
    ],
)
def test_a_trial_that_ends_is_one_line(trial, line):
    assert trial_line(moment(), trial) == line


def test_a_line_tells_of_epochs_that_were_saved():
    line = trial_line(moment(ended_epochs=EpochCount(18, 7)), completed(4, 0.8, units=16))

    assert "best so far 0.9 (Trial 2/10); epochs 18 (7 saved); about 1 min 56 s left; units=16" in line


def test_what_is_not_known_is_left_out():
    progress = moment(max_trials=None, best=None, recent=())

    assert trial_line(progress, failed(3, message=None)) == "Trial 3: failed: no reason given after 1.5 s"


def test_each_search_says_once_that_it_begins(capsys):
    view = PlainView()

    for _ in range(2):
        view.trial_began(moment())
        view.trial_began(moment())
        view.search_ended(moment(), ["The end."])

    assert capsys.readouterr().out == 2 * f"{start_line(moment())}\n\nThe end.\n"


def test_an_output_that_knows_few_characters_is_no_error(monkeypatch):
    output = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", output)

    PlainView().add(["0.5 ± 0.1"])

    assert output.buffer.getvalue() == b"0.5 ? 0.1\n"


def test_an_output_that_can_only_write_is_enough(monkeypatch):
    class Tee:
        written = ""

        def write(self, text):
            self.written += text

        def flush(self):
            pass

    output = Tee()
    monkeypatch.setattr(sys, "stdout", output)

    PlainView().add(["0.5 ± 0.1"])

    assert output.written == "0.5 ± 0.1\n"
