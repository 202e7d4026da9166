"""A time budget in real Keras trainings, by a clock that goes faster than they do."""

import time
from types import SimpleNamespace

import keras
import pytest

from tests.host.test_tuner import DATA, make_tuner

pytestmark = pytest.mark.slow

EPOCH_SECONDS = 1000.0  # against which what a tiny epoch really takes is nothing, on a busy machine too


class Clock:
    """The real time, and what has been skipped of it."""

    skipped = 0.0

    def time(self):
        return time.time() + self.skipped

    def monotonic(self):
        return time.monotonic() + self.skipped


class LongEpochs(keras.callbacks.Callback):
    """Makes every epoch take as long as that of a larger model would."""

    def __init__(self, clock):
        super().__init__()
        self.clock = clock

    def __deepcopy__(self, memo):
        return LongEpochs(self.clock)

    def on_epoch_end(self, epoch, logs=None):
        self.clock.skipped += EPOCH_SECONDS


@pytest.fixture
def clock(monkeypatch):
    """What the trainings look at."""
    clock = Clock()
    monkeypatch.setattr("keras_bayes.callbacks.time", SimpleNamespace(time=clock.time, monotonic=clock.monotonic))
    return clock


@pytest.fixture
def search(tmp_path, clock):
    """Searches until the time is up, and returns the tuner."""

    def search_with(**arguments):
        tuner = make_tuner(tmp_path, **arguments)
        tuner.oracle.timesheet._clock = clock.time
        tuner.search(epochs=1000, callbacks=[LongEpochs(clock)], **DATA)
        return tuner

    return search_with


def test_the_training_under_way_ends_with_the_last_epoch_that_fits_and_its_best_one_counts(search):
    tuner = search(max_trials=50, max_time=4.5 * EPOCH_SECONDS)

    (trial,) = tuner.search_log().trials
    assert len(trial.curve) == 4
    assert trial.record.status == "COMPLETED"
    assert trial.record.score == pytest.approx(min(epoch.metrics["val_loss"] for epoch in trial.curve))
    assert trial.record.message == trial.stopped == "`max_time` was used up before the end of the training."
    assert tuner.get_best_models()[0].evaluate(DATA["x"], DATA["y"], verbose=0) == pytest.approx(
        trial.record.score, rel=1e-4
    )


def test_no_further_execution_begins_when_the_time_is_up(search):
    tuner = search(max_time=2.5 * EPOCH_SECONDS, executions_per_trial=3)

    (trial,) = tuner.search_log().trials
    assert [epoch.training for epoch in trial.curve] == [0, 0]


def test_a_search_resumed_with_a_used_up_budget_ends_at_once_and_goes_on_with_a_larger_one(tmp_path, search):
    search(max_trials=3, max_time=2.5 * EPOCH_SECONDS)

    again = search(max_trials=3, max_time=2.5 * EPOCH_SECONDS)
    assert len(again.oracle.trials) == 1

    longer = make_tuner(tmp_path, max_trials=3, max_time="1d")
    longer.search(epochs=1, **DATA)
    assert len(longer.oracle.trials) == 3
