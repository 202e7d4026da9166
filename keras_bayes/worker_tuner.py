"""A tuner that may be a worker: its chief hears that it is alive, and it gives up what has become another's."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import keras
import keras_tuner as kt

from keras_bayes.errors import KerasBayesWarning
from keras_bayes.leases import Periodic
from keras_bayes.project import trial_folder
from keras_bayes.search_log import SearchLog
from keras_bayes.training_tuner import TrainingTuner
from keras_bayes.worker import (
    MAX_FAILURES,
    AnotherSearchError,
    Hold,
    SearchEndedError,
    check_health,
    check_writable,
    connect,
    give_sign,
    is_away,
    wait_for_trial,
)
from keras_bayes.worker_report import WorkerReport


class WorkerTuner(TrainingTuner):
    """A tuner that takes its trials from a chief, if it is a worker.

    Args:
        **kwargs: Arguments of `TrainingTuner`.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if self._is_worker():
            connect(self.oracle, Path(self.project_dir))
        self._hold: Hold | None = None  # of a worker on its trial
        self._heartbeat: Periodic | None = None  # of a worker that searches
        self._failed: list[str] = []  # ids of the last trials of this worker, as far as they failed one after the other

    @contextlib.contextmanager
    def _working(self) -> Iterator[None]:
        """Gives the chief signs of life within the context, which ends quietly once search and chief are gone."""
        self._hold = None
        self._heartbeat = Periodic(self._give_sign)
        try:
            yield
        except SearchEndedError:
            if self._hold is not None:
                self._leave_out(self._hold.trial_id)
            self.on_search_end()
        finally:
            self._heartbeat.stop()
            self._writer.finish()
            self.oracle.stub.look()  # the chief of another search may be yet to come

    def pre_create_trial(self) -> None:
        """See `keras_tuner.Tuner.pre_create_trial`; a sick worker asks for no trial."""
        super().pre_create_trial()
        if self._is_worker():
            check_writable(Path(self.project_dir))
        if len(self._failed) >= MAX_FAILURES:
            check_health(self._failed, SearchLog.read(Path(self.project_dir)))

    def on_epoch_end(self, trial: Any, model: keras.Model, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Ends the training of a trial that is another worker's by now, before this one writes to its folder."""
        super().on_epoch_end(trial, model, epoch, logs=logs)
        if self._hold is not None:
            self._hold.check()

    def on_trial_end(self, trial: Any) -> None:
        """Ends a trial, unless it is another worker's by now."""
        try:
            if self._hold is not None and self._hold.is_lost:
                self._leave_out(trial.trial_id)
            else:
                super().on_trial_end(trial)
        except AnotherSearchError:
            self._leave_out(trial.trial_id)
        finally:
            self._hold = None

    def _try_run_and_update_trial(self, trial: Any, *fit_args: Any, **fit_kwargs: Any) -> None:
        if self._is_worker():
            self._hold = Hold(self.oracle, trial.trial_id)
            if self._heartbeat is not None:
                self._heartbeat.call_now()
            self.oracle.stub.goes_on = True
            wait_for_trial(Path(self.project_dir), trial.trial_id)
        super()._try_run_and_update_trial(trial, *fit_args, **fit_kwargs)

    def _run_and_update_trial(self, trial: Any, *fit_args: Any, **fit_kwargs: Any) -> None:
        """Runs a trial; that a chief is gone is no failure of it."""
        try:
            super()._run_and_update_trial(trial, *fit_args, **fit_kwargs)
        except grpc.RpcError as error:
            if not self._is_worker() or not is_away(error):
                raise
            raise kt.errors.FatalRuntimeError("The chief of this worker does not answer.") from error

    def _report_trial(self, trial: Any, unread: list[str]) -> None:
        """Leaves what came of a trial for the chief, if it is still this worker's.

        Args:
            trial: The trial.
            unread: Hyperparameters that it did not look up.
        """
        if self._hold is not None and not self._hold.is_lost:
            report = WorkerReport(unread, trial.message, self.tuner_id)
            report.write(trial_folder(self.project_dir, trial.trial_id), self._writer)
            self._failed = [] if trial.status == "COMPLETED" else [*self._failed, trial.trial_id]

    def _give_sign(self) -> None:
        hold = self._hold
        if hold is not None:
            hold.renew()
        else:
            give_sign(self.oracle)

    def _leave_out(self, trial_id: str) -> None:
        """Forgets what is not yet on the disk of a trial that this worker has lost, and says so."""
        self._writer.forget(trial_folder(self.project_dir, trial_id))
        warnings.warn(
            f"{self.tuner_id} has lost trial_{trial_id}: another worker has it, or the search has ended or was "
            f"overwritten. What {self.tuner_id} has not yet written of it is dropped.",
            KerasBayesWarning,
            stacklevel=2,
        )
