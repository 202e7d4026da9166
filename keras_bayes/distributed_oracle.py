"""The chief's side of a distributed search, whose workers may die."""

from __future__ import annotations

import contextlib
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from keras_tuner.engine.trial import Trial, TrialStatus

from keras_bayes import project
from keras_bayes.errors import ConstraintError, KerasBayesWarning
from keras_bayes.leases import LEASE_SECONDS, Leases, ListeningClock
from keras_bayes.roles import is_chief, is_distributed
from keras_bayes.steered_oracle import SteeredOracle
from keras_bayes.worker_report import WorkerReport

ABANDONED = "All workers are gone. Start the chief and some workers again to go on."
ANY_WORKER = "any"  # who is heard of with each worker
DESERTED_SECONDS = 45.0  # longer than a lease: another worker may be on its way


class DistributedOracle(SteeredOracle):
    """An oracle that notices when a worker falls silent, and gives its trial to another.

    Each call of a worker that says who it is, is a sign of its life. Those that do not say so, such as workers of
    keras-tuner's own tuners, are trusted to come back.

    Args:
        **kwargs: Arguments of `SteeredOracle`.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.search_id = uuid.uuid4().hex  # by which a worker tells it from another one at the same address
        self._clock = ListeningClock()
        self._leases = Leases(LEASE_SECONDS, self._clock)  # of running trials
        self._begun: set[str] = set()  # trials that were given away, and not asked for since
        self._workers = Leases(DESERTED_SECONDS, self._clock)
        self._caller: str | None = None  # the worker that is calling, if it says so
        self._lost_by: dict[str, list[str]] = {}  # the workers that fell silent during a trial, one after the other
        self._are_dismissed = False  # the workers: they have been told that there is nothing left to run

    @property
    def is_deserted(self) -> bool:
        """Whether no worker is left, as far as is known."""
        with self._lock:
            return not self.ongoing_trials and not self.tuner_ids

    @contextlib.contextmanager
    def searching(self) -> Iterator[None]:
        """See `DurableOracle.searching`; what ran when a chief ended stays with its workers until these are lost."""
        self._are_dismissed = False
        with super().searching():
            if is_chief():
                self._leave_to_workers()
            yield

    @contextlib.contextmanager
    def called_by(self, tuner_id: str) -> Iterator[None]:
        """What a worker calls within the context, it calls as itself: of its own trial, and no other's."""
        with self._lock:
            self._hear_of_worker(tuner_id)
            if tuner_id in self.ongoing_trials:
                self._leases.hear(self.ongoing_trials[tuner_id].trial_id)
            self._caller = tuner_id
            try:
                yield
            finally:
                self._caller = None

    def create_trial(self, tuner_id: str) -> Trial:
        """The next trial for a worker, or the one it is running; see `keras_tuner.Oracle.create_trial`."""
        with self._lock:
            self.become_writer()
            self._hear_of_worker(tuner_id)
            own = self.ongoing_trials.get(tuner_id)
            if own is None:
                self.release_lost_trials()
            elif is_distributed() and (own.trial_id in self._died or own.trial_id not in self._begun):
                self._release(tuner_id)  # it was running, and the worker asks anew: that has been started again
            self._are_dismissed = False
            trial = super().create_trial(tuner_id)
            if is_distributed():
                self._are_dismissed = trial.status == TrialStatus.STOPPED and not self.ongoing_trials
                if self._are_dismissed:
                    self.save()
            if trial.status == TrialStatus.RUNNING:
                self._begun.add(trial.trial_id)
                if tuner_id == self._caller:
                    self._leases.hear(trial.trial_id)
            return trial

    def get_state(self) -> dict[str, Any]:
        """See `DurableOracle.get_state`; a worker that wakes up when its chief has ended learns why."""
        return {**super().get_state(), "search_id": self.search_id, "workers_dismissed": self._are_dismissed}

    def set_state(self, state: dict[str, Any]) -> None:
        """See `DurableOracle.set_state`; it is the same search."""
        super().set_state(state)
        self.search_id = state.get("search_id", self.search_id)

    def get_trial(self, trial_id: str) -> Trial:
        """The trial with an id; for who says it is running it, one that is over if it is not its any more.

        A worker that fell silent keeps its trial if nobody has had it since.
        """
        with self._lock:
            if self._caller is not None:
                self._find_again(self._caller, trial_id)
                if self._caller not in self._owners(trial_id):
                    return self._stopped(trial_id)
            if is_distributed():
                self._begun.discard(trial_id)
                self._died.discard(trial_id)
                for tuner_id in self._owners(trial_id):
                    self._hear_of_worker(tuner_id)
            return self._trial(trial_id)

    def update_trial(self, trial_id: str, metrics: dict[str, Any], step: int = 0) -> Trial:
        """Records metrics, unless the trial is over, or another's by now; see `keras_tuner.Oracle.update_trial`."""
        with self._lock:
            if self._is_over(trial_id) or self._is_anothers(trial_id):
                return self._stopped(trial_id)
            return super().update_trial(trial_id, metrics, step)

    def end_trial(self, trial: Trial | str | None = None, status: str = "COMPLETED", trial_id: str = "") -> None:
        """Ends a trial, unless it is over, or another worker's by now; see `keras_tuner.Oracle.end_trial`."""
        with self._lock:
            ended = trial.trial_id if isinstance(trial, Trial) else trial or trial_id
            if not self._is_over(ended) and not self._is_anothers(ended):
                self._died.discard(ended)
                self._lost_by.pop(ended, None)
                super().end_trial(trial, status, trial_id)

    def release_lost_trials(self) -> None:
        """Queues the trials of workers that have fallen silent for others."""
        with self._lock:
            self._clock.tick()
            for tuner_id, trial in list(self.ongoing_trials.items()):
                if self._leases.is_lost(trial.trial_id):
                    self._release(tuner_id)
            self.tuner_ids -= {i for i in self.tuner_ids - set(self.ongoing_trials) if self._workers.is_lost(i)}

    def ends_abandoned(self) -> bool:
        """Whether there were workers, and the search is not over, but nobody is left; says so."""
        with self._lock:
            is_over = not self.is_deserted or self._display.is_summary_shown
            if is_over or not self._workers.is_lost(ANY_WORKER):
                return False
            if not self.verbose:
                warnings.warn(ABANDONED, KerasBayesWarning, stacklevel=2)
            self._display.on_search_end(ABANDONED)
            return True

    def _take_over(self, own: Trial, ended: Trial, status: str) -> Exception | None:
        report = self._report(own.trial_id)
        if report is None:
            return super()._take_over(own, ended, status)
        ended.message = report.message
        error = super()._take_over(own, ended, status)
        self.unread[own.trial_id] = report.unread
        return error

    def _leave_to_workers(self) -> None:
        for trial_id, tuner_id in self._ran_on.items():
            if trial_id in self._died:
                self._leave_to(tuner_id, trial_id)
        self._ran_on = {}

    def _leave_to(self, tuner_id: str, trial_id: str) -> None:
        """Takes a waiting trial for one that this worker is running."""
        self._leases.hear(trial_id)
        self._retry_queue.remove(trial_id)
        self.ongoing_trials[tuner_id] = self.trials[trial_id]
        self.tuner_ids.add(tuner_id)
        self._workers.hear(tuner_id)
        self.timesheet.go_on(trial_id)

    def _find_again(self, tuner_id: str, trial_id: str) -> None:
        """Learns that a worker is running a trial which it was thought to have died of."""
        owners, lost_by = self._owners(trial_id), self._lost_by.get(trial_id, [])
        if tuner_id not in lost_by or tuner_id in owners or self._is_over(trial_id):
            return
        if lost_by[-1] == tuner_id and not owners and tuner_id not in self.ongoing_trials:
            self._leave_to(tuner_id, trial_id)
        else:
            self._deaths[trial_id] = max(self._deaths.get(trial_id, 0) - 1, 0)
        lost_by.remove(tuner_id)

    def _release(self, tuner_id: str) -> None:
        """Queues the trial of a worker that has lost it."""
        trial = self.ongoing_trials.pop(tuner_id)
        self._lost_by.setdefault(trial.trial_id, []).append(tuner_id)
        self.tuner_ids.discard(tuner_id)
        self._died.add(trial.trial_id)
        self._retry_queue.append(trial.trial_id)
        self.timesheet.end(trial.trial_id)

    def _owners(self, trial_id: str) -> set[str]:
        """Who runs a trial: one worker, or none."""
        return {tuner_id for tuner_id, trial in self.ongoing_trials.items() if trial.trial_id == trial_id}

    def _is_over(self, trial_id: str) -> bool:
        """Whether nothing is to be told of a trial any more; one whose worker fell silent may still end."""
        return is_distributed() and self._trial(trial_id).status != TrialStatus.RUNNING

    def _trial(self, trial_id: str) -> Trial:
        """A trial; one that is over for a worker whose search has made room for another."""
        return self._stopped(trial_id) if is_distributed() and trial_id not in self.trials else self.trials[trial_id]

    def _stopped(self, trial_id: str) -> Trial:
        """What a worker is told of a trial that it need not go on with."""
        return Trial(self.get_space(), trial_id, TrialStatus.STOPPED)

    def _is_anothers(self, trial_id: str) -> bool:
        """Whether the caller is not the worker that runs a trial."""
        owners = self._owners(trial_id)
        return self._caller is not None and bool(owners) and self._caller not in owners

    def _report(self, trial_id: str) -> WorkerReport | None:
        """What the caller has told of the end of a trial, if it tells."""
        report = WorkerReport.read(self._folder(trial_id)) if self._caller is not None else None
        return report if report is not None and report.tuner_id == self._caller else None

    def _folder(self, trial_id: str) -> Path:
        return project.trial_folder(self.project_folder, trial_id)

    def _hear_of_worker(self, tuner_id: str) -> None:
        if is_distributed():
            self._workers.hear(tuner_id)
            self._workers.hear(ANY_WORKER)

    def _awaits_others(self) -> bool:
        # Should the worker of a running trial be lost, another must be there; and the first trial may find the space.
        running = [trial.trial_id for trial in self.ongoing_trials.values()]
        return any(map(self._leases.is_held, running)) or (bool(running) and not self.hyperparameters.space)

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
            WorkerReport.remove(self._folder(trial.trial_id))
            with contextlib.suppress(OSError):
                project.remove_leftovers(self._folder(trial.trial_id))  # weights that a killed worker was writing
        return trial
