"""The budget of epochs, with callbacks that are driven by hand."""

from __future__ import annotations

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from keras_bayes.budget import EPOCHS_ARE_UP
from keras_bayes.callbacks import CurveLog, EpochLimit
from keras_bayes.curves import CURVE_FILE, read_curve
from keras_bayes.epoch_count import EpochLedger
from keras_bayes.writer import Writer


class Training:
    """A training under way: a log, a limit and a model that can be told to stop."""

    def __init__(self, folder, trial_id, *, max_epochs=None, num_epochs=10):
        self.log = CurveLog(folder / f"trial_{trial_id}" / CURVE_FILE, Writer())
        self.limit = EpochLimit(max_epochs, EpochLedger(folder), self.log, trial_id=trial_id)
        self.model = SimpleNamespace(stop_training=False)
        self.epoch, self.num_epochs = 0, num_epochs
        for callback in (self.log, self.limit):
            callback.set_params({"epochs": num_epochs})
            callback.set_model(self.model)
            callback.on_train_begin()

    @property
    def is_over(self):
        return self.model.stop_training or self.epoch == self.num_epochs

    def go_on(self, num_epochs=1):
        """Trains so many epochs more."""
        for _ in range(num_epochs):
            for callback in (self.log, self.limit):
                callback.on_epoch_end(self.epoch, {"loss": 0.5})
            self.epoch += 1


@given(st.lists(st.integers(0, 4), max_size=6))
def test_the_epochs_of_all_runs_of_a_trial_are_counted_and_its_curve_is_that_of_the_last(tmp_path_factory, lengths):
    folder = tmp_path_factory.mktemp("search")

    for length in lengths:
        Training(folder, "0").go_on(length)

    assert EpochLedger(folder).total().trained == sum(lengths)
    last = next((length for length in reversed(lengths) if length), 0)  # no epoch, no trace
    assert len(read_curve(folder / "trial_0")) == last


@given(st.integers(1, 12), st.lists(st.tuples(st.integers(0, 2), st.booleans()), max_size=80))
def test_workers_overrun_by_at_most_the_epoch_that_each_other_is_in(tmp_path_factory, max_epochs, schedule):
    folder = tmp_path_factory.mktemp("search")
    ledger = EpochLedger(folder)
    running: dict[int, Training] = {}
    num_trials = 0

    for worker, is_killed in [*schedule, *((worker, False) for worker in range(3) for _ in range(20))]:
        if worker not in running and ledger.total().trained < max_epochs:  # as the oracle does
            running[worker] = Training(folder, str(num_trials), max_epochs=max_epochs, num_epochs=4)
            num_trials += 1
        elif is_killed:
            running.pop(worker, None)
        elif worker in running:
            running[worker].go_on()
            if running[worker].is_over:
                del running[worker]

    assert max_epochs <= ledger.total().trained <= max_epochs + 2
    assert not running


def test_the_reason_is_noted_where_it_is_the_reason(tmp_path):
    first = Training(tmp_path, "0", max_epochs=3, num_epochs=3)
    first.go_on(3)
    second = Training(tmp_path, "1", max_epochs=3)
    second.model.stop_training = True  # by another callback
    second.go_on()
    third = Training(tmp_path, "2", max_epochs=3)
    third.go_on()

    assert (first.log.stopped, first.model.stop_training) == ("", False)
    assert second.log.stopped == ""
    assert (third.log.stopped, third.model.stop_training) == (EPOCHS_ARE_UP, True)


def test_without_a_budget_nothing_is_stopped_and_no_curve_is_looked_for(tmp_path):
    training = Training(tmp_path / "search", "0")
    training.limit.ledger = None  # which would fail

    training.go_on(9)

    assert not training.model.stop_training
