"""A time budget in real Keras trainings."""

import time

import keras
import pytest

from tests.host.test_tuner import DATA, make_tuner

pytestmark = pytest.mark.slow


class SlowEpochs(keras.callbacks.Callback):
    """Makes every epoch take as long as a larger model would."""

    def __init__(self, seconds):
        super().__init__()
        self.seconds = seconds

    def on_epoch_end(self, epoch, logs=None):
        time.sleep(self.seconds)


def test_the_training_under_way_ends_with_an_epoch_and_its_best_one_counts(tmp_path):
    tuner = make_tuner(tmp_path, max_trials=50, max_time=8)

    tuner.search(epochs=1000, callbacks=[SlowEpochs(0.5)], **DATA)

    (trial,) = tuner.search_log().trials
    assert trial.curve[-1].ended < trial.runs[0][0] + 8 + max(epoch.seconds for epoch in trial.curve)
    assert 3 < len(trial.curve) < 1000
    assert trial.record.status == "COMPLETED"
    assert trial.record.score == pytest.approx(min(epoch.metrics["val_loss"] for epoch in trial.curve))
    assert trial.record.message == trial.stopped == "`max_time` was used up before the end of the training."
    assert tuner.get_best_models()[0].evaluate(DATA["x"], DATA["y"], verbose=0) == pytest.approx(
        trial.record.score, rel=1e-4
    )


def test_no_further_execution_begins_when_the_time_is_up(tmp_path):
    tuner = make_tuner(tmp_path, max_time=6, executions_per_trial=3)

    tuner.search(epochs=1000, callbacks=[SlowEpochs(0.3)], **DATA)

    assert {epoch.training for epoch in tuner.search_log().trials[-1].curve} == {0}


def test_a_search_resumed_with_a_used_up_budget_ends_at_once_and_goes_on_with_a_larger_one(tmp_path):
    make_tuner(tmp_path, max_trials=3, max_time=6).search(epochs=1000, callbacks=[SlowEpochs(0.3)], **DATA)

    again = make_tuner(tmp_path, max_trials=3, max_time=6)
    again.search(epochs=1000, **DATA)
    assert len(again.oracle.trials) == 1

    longer = make_tuner(tmp_path, max_trials=3, max_time="1h")
    longer.search(epochs=1, **DATA)
    assert len(longer.oracle.trials) == 3
