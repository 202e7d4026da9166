"""The chief's side of a distributed search, whose workers may die."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from keras_tuner.engine.trial import Trial

from keras_bayes.errors import ConstraintError
from keras_bayes.leases import Leases, is_chief, is_distributed
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

    def update_trial(self, trial_id: str, metrics: dict[str, Any], step: int = 0) -> Trial:
        """Records metrics, unless the trial is over; see `keras_tuner.Oracle.update_trial`."""
        with self._lock:
            if self._is_over(trial_id):
                return self.trials[trial_id]
            return super().update_trial(trial_id, metrics, step)

    def end_trial(self, trial: Trial | str | None = None, status: str = "COMPLETED", trial_id: str = "") -> None:
        """Ends a trial, unless it is over, or that of another worker by now; see `keras_tuner.Oracle.end_trial`."""
        with self._lock:
            ended = trial.trial_id if isinstance(trial, Trial) else trial or trial_id
            if not self._is_over(ended) and not self._is_anothers(ended):
                super().end_trial(trial, status, trial_id)

    def reload(self) -> None:
        """Takes up the search in the project folder; a running trial stays with its worker until that is lost."""
        super().reload()
        if not is_chief():
            return
        for trial_id in sorted(self._died & self._ran_on.keys()):
            tuner_id = self._ran_on[trial_id]
            self._retry_queue.remove(trial_id)
            self.ongoing_trials[tuner_id] = self.trials[trial_id]
            self.tuner_ids.add(tuner_id)
            self._leases.hear(trial_id)
            self._workers.hear(tuner_id)
            self.timesheet.go_on(trial_id)
        self._died -= self._ran_on.keys()

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

    def _is_over(self, trial_id: str) -> bool:
        """Whether a worker that had fallen silent speaks of a trial that another one has ended."""
        is_running = any(trial.trial_id == trial_id for trial in self.ongoing_trials.values())
        return is_distributed() and not is_running and trial_id not in self._retry_queue

    def _is_anothers(self, trial_id: str) -> bool:
        """Whether who says that a running trial has ended is not the worker that it was given to."""
        owners = {tuner_id for tuner_id, trial in self.ongoing_trials.items() if trial.trial_id == trial_id}
        report = WorkerReport.read(Path(self.project_folder) / f"trial_{trial_id}") if is_distributed() else None
        return bool(owners) and report is not None and report.tuner_id not in owners

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
            self.failure = error  # an exception would reach one worker and leave the chief waiting
            return self._new_trial()

    def _retried_trial(self) -> Trial | None:
        trial = super()._retried_trial()
        if trial is not None:
            self._leases.forget(trial.trial_id)
        return trial
