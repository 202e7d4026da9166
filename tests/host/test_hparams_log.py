"""What TensorBoard's HParams view finds in the log of a search, read with TensorBoard's own reader."""

from __future__ import annotations

import keras
import keras_tuner as kt
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import api_pb2, metadata
from tensorboard.util import tensor_util

from keras_bayes.hparams_log import HParamsLog
from keras_bayes.trial_callback import Execution
from tests.host.test_trial_callback import Diverging
from tests.host.test_tuner import DATA, build_model, make_tuner

pytestmark = pytest.mark.slow

VALUES = {"lr": 1e-3, "units": 64, "activation": "relu", "augment": True}


def search_with_tensorboard(tuner, folder):
    tuner.search(epochs=2, callbacks=[keras.callbacks.TensorBoard(str(folder))], **DATA)
    return tuner


def read(folder):
    log = EventAccumulator(str(folder))
    log.Reload()
    return log


def content(log, tag):
    return log.SummaryMetadata(tag).plugin_data.content


def session_start(log):
    return metadata.parse_session_start_info_plugin_data(content(log, metadata.SESSION_START_INFO_TAG))


def session_end(log):
    return metadata.parse_session_end_info_plugin_data(content(log, metadata.SESSION_END_INFO_TAG))


def hyperparameters(log):
    return {name: getattr(v, v.WhichOneof("kind")) for name, v in session_start(log).hparams.items()}


def score(log, tag):
    (event,) = log.Tensors(tag)
    return float(tensor_util.make_ndarray(event.tensor_proto))


def test_what_is_written_is_read_back(tmp_path):
    log = HParamsLog(str(tmp_path))
    log.execution = Execution("search", "07", 0, 1, "val_loss", VALUES)

    log.on_train_begin()
    log.end(0.25)

    found = read(tmp_path)
    assert hyperparameters(found) == VALUES
    assert session_start(found).group_name == "07"
    assert session_end(found).status == api_pb2.STATUS_SUCCESS
    assert score(found, "val_loss") == 0.25


def test_a_training_that_failed_has_no_score(tmp_path):
    log = HParamsLog(str(tmp_path))
    log.execution = Execution("search", "07", 0, 1, "val_loss", VALUES)

    log.on_train_begin()
    log.end(None)

    found = read(tmp_path)
    assert session_end(found).status == api_pb2.STATUS_FAILURE
    assert "val_loss" not in found.Tags()["tensors"]


def test_each_execution_has_its_hyperparameters_and_its_score(tmp_path):
    tuner = make_tuner(tmp_path, max_trials=2, executions_per_trial=2)

    search_with_tensorboard(tuner, tmp_path / "logs")

    for trial in tuner.search_log().trials:
        logs = [read(tmp_path / "logs" / trial.trial_id / f"execution{i}") for i in range(2)]
        assert [hyperparameters(log) for log in logs] == [pytest.approx(trial.record.values)] * 2
        assert sum(score(log, "val_loss") for log in logs) / 2 == pytest.approx(trial.record.score)
        assert [session_end(log).status for log in logs] == [api_pb2.STATUS_SUCCESS] * 2


def test_a_trial_that_failed_is_marked(tmp_path):
    search_with_tensorboard(make_tuner(tmp_path, Diverging(), max_trials=2), tmp_path / "logs")

    statuses = [session_end(read(tmp_path / "logs" / str(i) / "execution0")).status for i in range(2)]

    assert statuses == [api_pb2.STATUS_FAILURE, api_pb2.STATUS_SUCCESS]


def test_the_log_is_that_of_keras_tuner_and_the_score(tmp_path):
    class TheirLog(type(make_tuner(tmp_path))):
        _configure_tensorboard_dir = kt.Tuner._configure_tensorboard_dir

    def arguments(name):
        return {"objective": "val_loss", "max_trials": 2, "seed": 0, "directory": tmp_path, "project_name": name}

    search_with_tensorboard(TheirLog(build_model, **arguments("theirs")), tmp_path / "logs" / "theirs")
    search_with_tensorboard(make_tuner(tmp_path, **arguments("ours")), tmp_path / "logs" / "ours")

    def runs(name):
        folder = tmp_path / "logs" / name
        return {path.parent.relative_to(folder): read(path.parent) for path in folder.rglob("events.out.*")}

    theirs, ours = runs("theirs"), runs("ours")
    assert ours.keys() == theirs.keys()
    for run, log in theirs.items():
        added = {"val_loss"} if run.name == "execution0" else set()
        assert set(ours[run].Tags()["tensors"]) == {*log.Tags()["tensors"], *added}
        if run.name == "execution0":
            assert session_start(ours[run]).hparams == session_start(log).hparams
            assert session_start(ours[run]).group_name == session_start(log).group_name
            assert session_end(ours[run]).status == session_end(log).status
