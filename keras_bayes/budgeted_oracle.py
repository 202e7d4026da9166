"""Budgets of time and of epochs: a search ends when one is used up."""

from __future__ import annotations

import warnings
from typing import Any

from keras_tuner.engine.trial import Trial, TrialStatus

from keras_bayes.budget import fits, parse_duration
from keras_bayes.errors import KerasBayesWarning
from keras_bayes.lifecycle_oracle import LifecycleOracle
from keras_bayes.wording import format_seconds

MAX_IN_VAIN = 50  # trials without an epoch, one after the other, that a search goes on with which nothing else ends


class BudgetedOracle(LifecycleOracle):
    """An oracle that starts no trial when its trainings have had all their epochs, or that would not end in time.

    Args:
        max_time: Duration of the search, over all its sessions; see `keras_bayes.budget.parse_duration`.
        max_epochs: The most epochs of all trainings together, over all sessions; `None` for any number.
        **kwargs: Arguments of `LifecycleOracle`.
    """

    def __init__(self, *, max_time: float | str | None = None, max_epochs: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.max_time = None if max_time is None else parse_duration(max_time)
        self.max_epochs = max_epochs
        self._has_warned = False

    def get_state(self) -> dict[str, Any]:
        """Everything but the trials, as JSON."""
        return {**super().get_state(), "max_epochs": self.max_epochs}

    def _why_finished(self) -> str:
        reason = super()._why_finished()
        if reason:
            return reason
        self._check_counted()
        if self.max_trials is None and self._num_in_vain() >= MAX_IN_VAIN:
            return f"The last {MAX_IN_VAIN} trials have failed before the end of their first epoch."
        if self._has_no_epochs():
            return f"The `max_epochs` of {self.max_epochs} are used up."
        if self._is_time_up():
            return f"No other trial fits into the `max_time` of {format_seconds(self.max_time or 0.0)}."
        return ""

    def _retried_trial(self) -> Trial | None:
        return None if self._has_no_epochs() or self._is_time_up() else super()._retried_trial()

    def _is_time_up(self) -> bool:
        """Whether what is left of `max_time` is too short for another trial."""
        if self.max_time is None:
            return False
        ended = [self.trials[trial_id] for trial_id in self.end_order]
        completed = [trial for trial in ended if trial.status == TrialStatus.COMPLETED]
        durations = [self.timesheet.seconds(trial.trial_id) for trial in completed or ended]
        known = [seconds for seconds in durations if seconds is not None]
        return not fits(self.max_time - self.timesheet.elapsed, known)

    def _has_no_epochs(self) -> bool:
        """Whether `max_epochs` is used up."""
        return self.max_epochs is not None and self.ledger.total().trained >= self.max_epochs

    def _num_in_vain(self) -> int:
        """How many of the last trials failed without an epoch, none of which uses up a budget of epochs."""
        if self.max_epochs is None:
            return 0
        for count, trial_id in enumerate(reversed(self._ended_here)):
            if self.trials[trial_id].status == TrialStatus.COMPLETED or self.ledger.of(trial_id).trained:
                return count
        return len(self._ended_here)

    def _check_counted(self) -> None:
        """Warns, once, of trials that no epoch is known of."""
        if self.max_epochs is None or self._has_warned or not self._ended_here:
            return
        last = self.trials[self._ended_here[-1]]
        if self.proposals.get(last.trial_id, {}).get("source") == "continuation":
            return  # whose training may have had all its epochs before
        if last.status == TrialStatus.COMPLETED and not self.ledger.of(last.trial_id).trained:
            self._has_warned = True
            warnings.warn(
                f"`max_epochs` does not limit this search: trial_{last.trial_id} has completed, but no epoch of it was "
                "logged. Pass `callbacks` on to `model.fit` in your `HyperModel.fit`, and call `super().run_trial` in "
                "your `run_trial`; or else use `max_trials` or `max_time`.",
                KerasBayesWarning,
                stacklevel=2,
            )
