"""The hyperparameters and the score of a training for TensorBoard's HParams view, with any backend of Keras."""

from __future__ import annotations

import time
from typing import Any

from keras_bayes.domains import Value
from keras_bayes.trial_callback import TrialCallback


class HParamsLog(TrialCallback):
    """Writes what the view needs to where a `keras.callbacks.TensorBoard` logs the same training.

    Args:
        log_dir: Folder of that callback.
    """

    def __init__(self, log_dir: str) -> None:
        super().__init__()
        self.log_dir = log_dir

    def on_execution_begin(self, values: dict[str, Value]) -> None:
        from tensorboard.plugins.hparams.summary_v2 import hparams_pb

        self._write(hparams_pb(values, trial_id=self.execution.trial_id))

    def on_execution_end(self, score: float | None) -> None:
        from tensorboard.plugins.hparams import api_pb2
        from tensorboard.plugins.hparams.summary import session_end_pb
        from tensorboard.plugins.scalar.summary_v2 import scalar_pb

        if score is None:
            self._write(session_end_pb(api_pb2.STATUS_FAILURE))
        else:
            self._write(scalar_pb(self.execution.objective, score), session_end_pb(api_pb2.STATUS_SUCCESS))

    def _write(self, *summaries: Any) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        writer = EventFileWriter(self.log_dir)
        for summary in summaries:  # some are messages of TensorFlow's, with the same content
            summary = Summary.FromString(summary.SerializeToString())
            writer.add_event(Event(wall_time=time.time(), summary=summary))
        writer.close()
