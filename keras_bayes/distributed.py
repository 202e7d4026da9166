"""The chief's side of a distributed search, whose workers may die."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from keras_tuner.engine.trial import Trial

from keras_bayes.errors import ConstraintError
from keras_bayes.leases import Leases, is_distributed
from keras_bayes.steering import SteeredOracle
from keras_bayes.worker_report import WorkerReport

ANY_WORKER = "any"  # who was heard of with each call of a worker
FIRST_SIGN_SECONDS = 10.0  # within which a worker that gives signs of life gives the first one of a trial
DESERTED_SECONDS = 45.0  # longer than a lease: another worker may be on its way


class DistributedOracle(SteeredOracle):
    """An oracle that notices when a worker falls silent, and gives its trial to another.

    Workers that send no signs of life, such as those of keras-tuner's own tuners, are trusted to come back.

    Args:
        **kwargs: Arguments of `SteeredOracle`.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._leases = Leases()  # of running trials
        self._begun = Leases(FIRST_SIGN_SECONDS)  # trials that were given away
        self._workers = Leases(DESERTED_SECONDS)
        self._signallers: set[str] = set()  # workers that are known to send signs of life

    def create_trial(self, tuner_id: str) -> Trial:
        """The next trial for a worker, or the one it is running; see `keras_tuner.Oracle.create_trial`."""
        with self._lock:
            self.become_writer()
            self._hear_of_worker(tuner_id)
            if tuner_id not in self.ongoing_trials:
                self.release_lost_trials()
            trial = super().create_trial(tuner_id)
            if is_distributed():
                self._begun.hear(trial.trial_id)
            if tuner_id in self._signallers:
                self._leases.hear(trial.trial_id)
            return trial

    def get_trial(self, trial_id: str) -> Trial:
        """The trial with an id; for a worker to ask for it is a sign of life."""
        with self._lock:
            if is_distributed():
                self._leases.hear(trial_id)
                self._signallers |= {i for i, trial in self.ongoing_trials.items() if trial.trial_id == trial_id}
                self._workers.hear(ANY_WORKER)
            return self.trials[trial_id]

    def release_lost_trials(self) -> None:
        """Queues the trials of workers that have fallen silent for others."""
        with self._lock:
            for tuner_id, trial in list(self.ongoing_trials.items()):
                if self._leases.is_lost(trial.trial_id):
                    del self.ongoing_trials[tuner_id]
                    self.tuner_ids.discard(tuner_id)
                    self._died.add(trial.trial_id)
                    self._retry_queue.append(trial.trial_id)
                    self.timesheet.end(trial.trial_id)
            self.tuner_ids -= {i for i in self.tuner_ids - set(self.ongoing_trials) if self._workers.is_lost(i)}

    def is_abandoned(self) -> bool:
        """Whether there were workers, and the search is not over, but nobody is left."""
        with self._lock:
            is_deserted = not self.ongoing_trials and not self.tuner_ids and not self._display.is_summary_shown
            return is_deserted and self._workers.is_lost(ANY_WORKER)

    def _take_over(self, own: Trial, ended: Trial, status: str) -> Exception | None:
        folder = Path(self.project_folder) / f"trial_{own.trial_id}"
        report = WorkerReport.read(folder) if is_distributed() else None
        if report is None:
            return super()._take_over(own, ended, status)
        ended.message = report.message
        error = super()._take_over(own, ended, status)
        self.unread[own.trial_id] = report.unread
        return error

    def _hear_of_worker(self, tuner_id: str) -> None:
        if is_distributed():
            self._workers.hear(tuner_id)
            self._workers.hear(ANY_WORKER)

    def _awaits_others(self) -> bool:
        # Should the worker of a running trial be lost, another must be there.
        running = [trial.trial_id for trial in self.ongoing_trials.values()]
        return any(self._leases.is_held(trial_id) or self._begun.is_held(trial_id) for trial_id in running)

    def _next_trial(self) -> Trial:
        try:
            return super()._next_trial()
        except ConstraintError as error:
            if not is_distributed():
                raise
            self._failure = str(error)  # an exception would reach one worker and leave the chief waiting
            return self._new_trial()

    def _retried_trial(self) -> Trial | None:
        trial = super()._retried_trial()
        if trial is not None:
            self._leases.forget(trial.trial_id)
        return trial
