"""The life of a trial: created, updated, ended.

It keeps the contract of `keras_tuner.Oracle` but takes its own lock, which an exception releases, and treats a
failed trial as something to learn from.
"""

from __future__ import annotations

import math
import threading
from typing import Any

import keras_tuner as kt
from keras_tuner.engine.trial import Trial, TrialStatus

from keras_bayes.continuation import best_first
from keras_bayes.display import Display
from keras_bayes.errors import SearchSpaceError
from keras_bayes.history import loss_sign
from keras_bayes.objective import parts, resolve_objective
from keras_bayes.retrying_oracle import RetryingOracle
from keras_bayes.roles import is_distributed
from keras_bayes.search_end import too_many_failures
from keras_bayes.space import Space
from keras_bayes.usage import ReadValues, unnoted


class LifecycleOracle(RetryingOracle):
    """An oracle that runs trials: it creates, updates and ends them.

    Args:
        objective: As in `keras_tuner.Oracle`; metrics of Keras are known by name which way they are better.
        **kwargs: Arguments of `RetryingOracle`; with `max_consecutive_failed_trials=None` a failure is something to
            learn from, and only a broken program is stopped, see `search_end.too_many_failures`.
    """

    max_time: float | None = None  # seconds that the search may take
    max_epochs: int | None = None  # epochs that all its trainings together may have

    def __init__(self, *, objective: Any = None, **kwargs: Any) -> None:
        super().__init__(objective=resolve_objective(objective), **kwargs)
        self._lock = threading.RLock()
        self._display = Display(self)
        self._end_reason = ""
        self.failure: Exception | None = None  # why no further trial may start
        Space.from_config(self.hyperparameters.get_config())  # refuses what cannot be searched

    @property
    def display(self) -> Display:
        """What shows the search."""
        return self._display

    def create_trial(self, tuner_id: str) -> Trial:
        """The next trial for a worker, or the one it is running; see `keras_tuner.Oracle.create_trial`."""
        with self._lock:
            self.become_writer()
            if tuner_id in self.ongoing_trials:
                return self.ongoing_trials[tuner_id]
            self.tuner_ids.add(tuner_id)
            trial = self._next_trial()
            if trial.status == TrialStatus.RUNNING:
                self.trials[trial.trial_id] = trial
                self.ongoing_trials[tuner_id] = trial
                self.timesheet.begin(trial.trial_id)
                self._save_trial(trial)
                self.save()
                self._display.on_trial_begin(trial)
            elif trial.status == TrialStatus.STOPPED:
                self.tuner_ids.discard(tuner_id)
                self._display.on_search_end(self._end_reason or self.constraint.exhausted)
                if not self.ongoing_trials and not is_distributed():
                    self.release()
            return trial

    def update_trial(self, trial_id: str, metrics: dict[str, Any], step: int = 0) -> Trial:
        """Records metrics; a value that is not finite is a failure of the trial, not a number to learn from."""
        with self._lock:
            self.become_writer()
            trial = self.trials[trial_id]
            self._check_objective_found(metrics)
            values = {name: float(value) for name, value in metrics.items()}
            if hasattr(self.objective, "objectives"):
                values[self.objective.name] = float(self.objective.get_value(values))
            if not math.isfinite(values[self.objective.name]):
                self._diverged[trial_id] = f"The objective {self.objective.name!r} was {values[self.objective.name]}."
            for name, value in values.items():
                if not trial.metrics.exists(name):
                    trial.metrics.register(name, direction=self._direction(name))
                if math.isfinite(value):
                    trial.metrics.update(name, value, step=step)
            self._save_trial(trial)
            return trial

    def end_trial(self, trial: Trial | str | None = None, status: str = "COMPLETED", trial_id: str = "") -> None:
        """Ends a trial, or queues it for another run; see `keras_tuner.Oracle.end_trial`.

        Everything is saved before an error is raised, and the search can be continued.

        Raises:
            RuntimeError: Too many trials have failed, or new hyperparameters are not allowed.
            SearchSpaceError: The trial found hyperparameters that cannot be searched.
        """
        with self._lock:
            self.become_writer()
            if isinstance(trial, Trial):
                own, ended, status = self.trials[trial.trial_id], trial, trial.status
            else:  # the signature of old: `end_trial(trial_id, status)`
                own = ended = self.trials[trial or trial_id]
            error = self._take_over(own, ended, status)
            if own.status == TrialStatus.COMPLETED:
                self._score(own)
            self._run_times[own.trial_id] += 1
            self.timesheet.end(own.trial_id)
            self._settle(own)
            self.ongoing_trials = {i: t for i, t in self.ongoing_trials.items() if t.trial_id != own.trial_id}
            self._save_trial(own)
            self.save()
            self._display.on_trial_end(own)
            if error is not None:
                raise error
            self._check_failures()

    def interrupt(self, tuner_id: str) -> None:
        """Puts the trial of a worker that was asked to stop at the head of the queue; it is no failure of the trial."""
        with self._lock:
            trial = self.ongoing_trials.pop(tuner_id, None)
            if trial is not None:
                trial.status = TrialStatus.INVALID
                self._retry_queue.insert(0, trial.trial_id)
                self.timesheet.end(trial.trial_id)
                self._save_trial(trial)
                self.save()

    def get_best_trials(self, num_trials: int = 1) -> list[Trial]:
        """The best completed trials, best first; fewer than asked for where fewer have completed.

        A trial that another one continues is left out, unless it is better.
        """
        sign = loss_sign(self.objective.direction)
        losses = {
            trial_id: sign * trial.score
            for trial_id, trial in self.trials.items()
            if trial.status == TrialStatus.COMPLETED and trial.score is not None and math.isfinite(trial.score)
        }
        return [self.trials[trial_id] for trial_id in best_first(losses, self.proposals)[:num_trials]]

    def best_trial(self) -> Trial | None:
        """The best completed trial, if there is one."""
        return next(iter(self.get_best_trials(1)), None)

    def outlook(self) -> str:
        """What is to be expected of more trials, in a sentence; empty where nothing is known."""
        return ""

    def update_space(self, hyperparameters: kt.HyperParameters) -> None:
        """Adds new hyperparameters to the space; see `keras_tuner.Oracle.update_space`.

        Raises:
            SearchSpaceError: The space cannot be searched, for example since one name has two meanings.
        """
        with self._lock:
            if self.tune_new_entries:
                merged = self.hyperparameters.copy()
                merged.merge(hyperparameters, overwrite=False)
                Space.from_config(merged.get_config())
            super().update_space(hyperparameters)
            if not self.ongoing_trials:  # it is not a trial that has found them
                self._declared = self._declared.also(
                    {hp.name for hp in hyperparameters.space} & {hp.name for hp in self.hyperparameters.space}
                )

    def _next_trial(self) -> Trial:
        return self._retried_trial() or self._new_trial()

    def _new_trial(self) -> Trial:
        trial_id = self._next_id()
        self._end_reason = self._why_finished()
        response = {"status": TrialStatus.STOPPED} if self._end_reason else self._choose(trial_id)
        if response["status"] == TrialStatus.STOPPED and self._awaits_others():
            response = {"status": TrialStatus.IDLE}
        hyperparameters = self.hyperparameters.copy()
        hyperparameters.values = response.get("values") or {}
        if response["status"] == TrialStatus.RUNNING:
            self.start_order.append(trial_id)
            self.proposals[trial_id] = response.get("proposal", {})
        return Trial(hyperparameters=hyperparameters, trial_id=trial_id, status=response["status"])

    def _choose(self, trial_id: str) -> dict[str, Any]:
        """What the next trial is to run, as `populate_space` says it."""
        return dict(self.populate_space(trial_id))

    def _awaits_others(self) -> bool:
        """Whether a worker must stay though there is nothing to do now."""
        return False

    def _next_id(self) -> str:
        numbers = [int(i) for i in self.trials if i.isdecimal() and len(i) < 20]  # other ids are long hashes
        number = max([len(self.trials) - 1, *numbers]) + 1
        return f"{number:0{len(str(self.max_trials))}d}"

    def _why_finished(self) -> str:
        """Why no further trial starts; empty where it is for `populate_space` to say."""
        is_spent = bool(self.max_trials) and len(self.trials) >= self.max_trials
        return str(self.failure or "") or ("The search is complete." if is_spent else "")

    def _take_over(self, own: Trial, ended: Trial, status: str) -> Exception | None:
        """Takes up what a worker says of its trial; returns what is wrong with the hyperparameters it found."""
        proposed, sent = own.hyperparameters.values, ended.hyperparameters.values
        self.unread[own.trial_id] = sorted(sent.unread) if isinstance(sent, ReadValues) else []
        own.hyperparameters, own.status, own.message = ended.hyperparameters, status, ended.message
        own.hyperparameters.values = unnoted(proposed) | unnoted(sent)
        diverged = self._diverged.pop(own.trial_id, None)
        if status == TrialStatus.COMPLETED and diverged:
            own.status, own.message = TrialStatus.INVALID, diverged
        try:
            self.update_space(own.hyperparameters)
        except (SearchSpaceError, RuntimeError) as error:
            own.status, own.message = TrialStatus.FAILED, str(error)
            return error
        return None

    def _score(self, trial: Trial) -> None:
        self.score_trial(trial)
        if trial.score is None or not math.isfinite(trial.score):
            trial.status, trial.message = TrialStatus.INVALID, f"The score was {trial.score}."
            trial.score = None

    def _check_failures(self) -> None:
        records = self.records()
        ended, limit = [records[trial_id] for trial_id in self._ended_here], self.max_consecutive_failed_trials
        reason = too_many_failures(ended, limit, has_worked=self.best_trial() is not None)
        if reason:
            self.failure = RuntimeError(reason)
            if not is_distributed():  # where an exception would reach one worker and leave the chief waiting
                self.raise_failure()

    def raise_failure(self) -> None:
        """Raises why no further trial may start, if there is a reason; whoever goes on gives it another chance."""
        failure, self.failure = self.failure, None
        if failure is not None:
            self._ended_here = []
            raise failure

    def _direction(self, metric: str) -> str | None:
        objectives = [self.objective, *parts(self.objective)]
        return next((objective.direction for objective in objectives if objective.name == metric), None)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_lock"}  # a copy has its own

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.RLock())
