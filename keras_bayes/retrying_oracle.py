"""Trials that wait for another run, and whether they get it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras_tuner as kt
from keras_tuner.engine.trial import Trial, TrialStatus

from keras_bayes.admissible import is_among
from keras_bayes.constraint import Constraint
from keras_bayes.durable_oracle import DurableOracle
from keras_bayes.history import FORBIDDEN, GIVEN_UP, OUTSIDE, REPEATED
from keras_bayes.space import Space

REPEATING = ("user", "continuation")  # sources that may repeat the values of another trial
MAX_DEATHS = 2  # a trial during which the process ended so often is not run again


class RetryingOracle(DurableOracle):
    """An oracle that runs a trial again, unless it is of no use.

    Args:
        constraint: Which configurations may be trained; by default all.
        **kwargs: Arguments of `DurableOracle`.
    """

    def __init__(self, *, constraint: Callable[[Any], bool] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.constraint = Constraint(constraint)
        self._ended_here: list[str] = []  # trials that ended since the process started
        self._diverged: dict[str, str] = {}  # why a running trial cannot complete, by id

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes up the state of a search, which may be another one than before."""
        super().set_state(state)
        self._ended_here = [trial_id for trial_id in self._ended_here if trial_id in self.trials]

    @contextlib.contextmanager
    def searching(self) -> Iterator[None]:
        """See `DurableOracle.searching`; failures of an earlier search of this process do not count."""
        with super().searching():
            self._ended_here = []
            yield

    def _retried_trial(self) -> Trial | None:
        while self._retry_queue:
            trial = self.trials[self._retry_queue[0]]
            hyperparameters = self.hyperparameters.copy()  # as the program declares them now
            space = Space.from_config(hyperparameters.get_config())
            hyperparameters.values = space.complete(trial.hyperparameters.values)
            reason = self._reason_to_give_up(trial, hyperparameters, space)
            self._retry_queue.pop(0)
            if not reason:
                trial.hyperparameters = hyperparameters
                trial.status, trial.message, trial.score = TrialStatus.RUNNING, None, None
                self._forget_results(trial)  # those of a failed run are not those of the next
                return trial
            trial.status, trial.message = TrialStatus.FAILED, reason
            self._settle(trial)
            self._save_trial(trial)
            self.save()
        return None

    def _forget_results(self, trial: Trial) -> None:
        trial.metrics = type(trial.metrics)()
        self._diverged.pop(trial.trial_id, None)

    def _reason_to_give_up(self, trial: Trial, hyperparameters: kt.HyperParameters, space: Space) -> str:
        """Why a waiting trial should not run again with these values; empty if it should."""
        values = hyperparameters.values
        if values not in space:
            return OUTSIDE
        if not self.constraint.allows(hyperparameters):
            return FORBIDDEN
        if self._is_deadly(trial):
            return "The process ended, or fell silent, each time this trial ran."
        if self.proposals.get(trial.trial_id, {}).get("source") in REPEATING:
            return ""
        return REPEATED if is_among(space, values, self._tried_values(besides=trial)) else ""

    def _tried_values(self, besides: Trial | None = None) -> list[dict[str, Any]]:
        """The values of all trials but one, and but those that were given up before they ran."""
        trials = [trial for trial in self.trials.values() if trial is not besides and trial.message not in GIVEN_UP]
        return [trial.hyperparameters.values for trial in trials]

    def _is_deadly(self, trial: Trial) -> bool:
        """Whether the process has ended during a trial too often for another try."""
        if trial.trial_id not in self._died:
            return False
        self._died.discard(trial.trial_id)
        self._deaths[trial.trial_id] = self._deaths.get(trial.trial_id, 0) + 1
        return self._deaths[trial.trial_id] >= MAX_DEATHS

    def _settle(self, trial: Trial) -> None:
        """Decides whether a trial is over or runs again."""
        trial_id = trial.trial_id
        self._retry_queue = [i for i in self._retry_queue if i != trial_id]
        if trial.status == TrialStatus.INVALID and self._run_times[trial_id] <= self.max_retries_per_trial:
            self._retry_queue.append(trial_id)
            return
        if trial.status == TrialStatus.INVALID:
            trial.status = TrialStatus.FAILED
        if trial_id not in self.end_order:
            self.end_order.append(trial_id)
        self._ended_here.append(trial_id)
