"""What a user tells a search: configurations to run, results from elsewhere."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import keras_tuner as kt
from keras_tuner.engine.trial import TrialStatus

from keras_bayes.admissible import is_among
from keras_bayes.budgeted_oracle import BudgetedOracle
from keras_bayes.configurations import observed, to_run
from keras_bayes.errors import ConfigurationError, KerasBayesError, KerasBayesWarning
from keras_bayes.history import TrialRecord
from keras_bayes.search_log import known_records
from keras_bayes.space import Space
from keras_bayes.warm_start import known_results, known_state
from keras_bayes.wording import count


class SteeredOracle(BudgetedOracle):
    """An oracle that can be told what to try, and what is known already.

    Args:
        warm_start: An earlier search to learn from; see `keras_bayes.warm_start.known_results`.
        **kwargs: Arguments of `BudgetedOracle`.
    """

    def __init__(self, *, warm_start: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._given = [] if warm_start is None else known_results(warm_start, objective=self._objective_parts())
        self._known = list(self._given)  # results from elsewhere
        self._queue: list[dict[str, Any]] = []  # what the user wants to be run next: `values`, `skip_if_tried`

    @property
    def known(self) -> tuple[TrialRecord, ...]:
        """Results from elsewhere."""
        return known_records(self._known)

    def enqueue(self, values: Mapping[str, Any] | kt.HyperParameters, *, skip_if_tried: bool = True) -> bool:
        """Runs a configuration of the user next; it counts as a trial.

        Args:
            values: Hyperparameters; what is left out has its default, or is in the middle of its range.
            skip_if_tried: Whether one that has been tried, here or elsewhere, or is in the queue, is left out, so that
                a program that is started again need not care.

        Returns:
            Whether the configuration was put into the queue.

        Raises:
            ConfigurationError: The values are none of the search space, or not allowed; the message says which.
            ProjectInUseError: Another process is searching in the project.
        """
        self._check_has_folder()
        with self._lock, self.writing():
            configuration = to_run(self._space(), _values(values))
            if not self._is_allowed(configuration):
                raise ConfigurationError(f"`constraint` does not allow {configuration}.")
            if skip_if_tried and not self._is_untried(configuration, [item["values"] for item in self._queue]):
                return False
            self._queue.append({"values": configuration, "skip_if_tried": skip_if_tried})
            return True

    def add_observation(self, values: Mapping[str, Any] | kt.HyperParameters, score: float | None) -> None:
        """Tells a result that was obtained elsewhere; the same one told again changes nothing.

        It counts as no trial and is never the best one, but the model learns from it, and does not propose it again.

        Args:
            values: All active hyperparameters.
            score: Value of the objective; `None`, NaN or an infinite one tells that the training failed.

        Raises:
            ConfigurationError: The values are none of the search space; the message says which.
            ProjectInUseError: Another process is searching in the project.
        """
        self._check_has_folder()
        with self._lock, self.writing():
            state = known_state(observed(self._space(), _values(values)), score)
            if state not in self._known:
                self._known.append(state)

    def get_state(self) -> dict[str, Any]:
        """Everything but the trials, as JSON."""
        return {**super().get_state(), "known": self._known, "queue": self._queue}

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes up a state, and what the constructor was given."""
        super().set_state(state)
        known = list(state.get("known", ()))
        self._known = known + [result for result in self._given if result not in known]
        self._queue = list(state.get("queue", ()))

    def _choose(self, trial_id: str) -> dict[str, Any]:
        if not self.trials:
            self._check_given()
        while self._queue:
            item = self._queue.pop(0)
            space = self._space()
            values = space.complete(item["values"])
            if values not in space:
                message = f"Enqueued {item['values']} was skipped: it lies outside the search space as it is now."
                warnings.warn(message, KerasBayesWarning, stacklevel=2)
            elif not self._is_allowed(values):
                message = f"Enqueued {item['values']} was skipped: `constraint`, as it is now, does not allow it."
                warnings.warn(message, KerasBayesWarning, stacklevel=2)
            elif not item["skip_if_tried"] or self._is_untried(values):
                return {"status": TrialStatus.RUNNING, "values": values, "proposal": {"source": "user"}}
        return super()._choose(trial_id)

    def _why_finished(self) -> str:
        reason = super()._why_finished()
        if reason and self._queue:
            reason += f" Enqueued, but not run: {count(len(self._queue), 'configuration')}."
        return reason

    def _check_has_folder(self) -> None:
        if getattr(self, "_directory", None) is None:
            raise KerasBayesError("The oracle has no project yet: make a tuner with it first.")

    def _known_in(self, space: Space) -> tuple[TrialRecord, ...]:
        """Results from elsewhere; none while they have hyperparameters that a trial may yet find.

        Without these, many of them are one configuration, and all that there seems to be may have been tried.
        """
        has_completed = any(trial.status == TrialStatus.COMPLETED for trial in self.trials.values())
        names = {entry.name for entry in space.entries}
        return self.known if has_completed or all(record.values.keys() <= names for record in self.known) else ()

    def _is_allowed(self, values: Mapping[str, Any]) -> bool:
        """Whether the program's constraint allows these values."""
        hyperparameters = self.get_space()
        hyperparameters.values = dict(values)
        return self.constraint.allows(hyperparameters)

    def _is_untried(self, values: Mapping[str, Any], queued: list[dict[str, Any]] | None = None) -> bool:
        """Whether no trial has these values, here or elsewhere, nor one of those in the queue."""
        tried = [*self._tried_values(), *(record.values for record in self.known)]
        return not is_among(self._space(), values, [*tried, *(queued or ())])

    def _check_given(self) -> None:
        """Warns of given results that teach nothing here."""
        if not self._given:
            return
        space, values = self._space(), [result["values"] for result in self._given]
        names, received = {entry.name for entry in space.entries}, sorted({name for v in values for name in v})
        if names and not any(names & set(v) for v in values):
            raise ConfigurationError(
                f"`warm_start` has other hyperparameters, {received}, than this search, {sorted(names)}."
            )
        missing = [e.name for e in space.parameters if not e.conditions and not any(e.name in v for v in values)]
        if missing:
            message = f"`warm_start` has no values of {missing}, only of {received}: the defaults are assumed."
            warnings.warn(message, KerasBayesWarning, stacklevel=2)
        outside = [found for found in map(space.outside, values) if found]
        if outside:
            name, value = next(iter(outside[0].items()))
            message = (
                f"{len(outside)} of {len(values)} results of `warm_start` lie outside the search space, such as "
                f"{name}={value!r}: left out."
            )
            warnings.warn(message, KerasBayesWarning, stacklevel=2)

    def _space(self) -> Space:
        return Space.from_config(self.hyperparameters.get_config())


def _values(values: Mapping[str, Any] | kt.HyperParameters) -> dict[str, Any]:
    values = values.values if isinstance(values, kt.HyperParameters) else values
    if not isinstance(values, Mapping):
        raise TypeError(f"A configuration is a dictionary of values by name, received {values!r}.")
    return dict(values)
