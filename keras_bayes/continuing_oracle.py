"""Trainings that were stopped: what each would have become, and which of them to go on with."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from keras_tuner.engine.trial import Trial, TrialStatus

from keras_bayes.acquisition import Acquisition
from keras_bayes.arrays import Array
from keras_bayes.continuation import (
    PAUSED_FILE,
    given_up,
    in_doubt,
    most_promising,
    superseded,
    trial_forecasts,
)
from keras_bayes.distributed_oracle import DistributedOracle
from keras_bayes.forecast import Forecast
from keras_bayes.history import History, Observations, loss_sign
from keras_bayes.loss_curves import CurveArchive
from keras_bayes.objective import signs
from keras_bayes.project import trial_folder
from keras_bayes.space import Space


class Continuation(NamedTuple):
    """A trial to go on with, and its point, shape (d,)."""

    trial: Trial
    x: Array

    def response(self, proposal: dict[str, Any]) -> dict[str, Any]:
        """What `populate_space` answers."""
        proposal = {**proposal, "source": "continuation", "continues": self.trial.trial_id}
        return {"status": TrialStatus.RUNNING, "values": dict(self.trial.hyperparameters.values), "proposal": proposal}


class ContinuingOracle(DistributedOracle):
    """An oracle that learns from stopped trainings and can go on with paused ones.

    Args:
        can_continue: Whether the tuner can go on with a paused training.
        **kwargs: Arguments of `DistributedOracle`.
    """

    def __init__(self, *, can_continue: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.can_continue = can_continue
        self.archive = CurveArchive(Path(), {})

    def get_state(self) -> dict[str, Any]:
        """Everything but the trials, as JSON."""
        return {**super().get_state(), "can_continue": self.can_continue}

    def _set_project_dir(self, directory: Any, project_name: Any) -> None:
        super()._set_project_dir(directory, project_name)
        self.archive = CurveArchive(Path(self.project_folder), signs(self.objective))

    def _history(self) -> History:
        """The trials but those that others have gone on with; the stopped ones with what they would have become."""
        states = self.trial_states()
        completed = {state["trial_id"] for state in states if state["status"] == TrialStatus.COMPLETED}
        left_out = superseded(self.proposals, completed)
        gains = in_doubt(self._forecasts(), self.proposals, completed, can_continue=self.can_continue)
        told = (
            {**state, "gain": gains.get(state["trial_id"])} for state in states if state["trial_id"] not in left_out
        )
        return History.from_states(told).telling()

    def _continuation(
        self, acquisition: Acquisition, x: Array | None, space: Space, data: Observations
    ) -> Continuation | None:
        """The paused trial that promises more per epoch than the new point `x` of shape (d,), if there is one."""
        if not self.can_continue:
            return None
        forecasts = self._forecasts()
        failed = {i for i, trial in self.trials.items() if trial.status == TrialStatus.FAILED}
        taken = superseded(self.proposals, self.trials.keys() - failed) | given_up(self.proposals, failed)
        trials = [self.trials[i] for i in forecasts if i not in taken and self._is_paused(i)]
        is_inside, X = space.locate([trial.hyperparameters.values for trial in trials])
        trials = [trial for trial, is_in in zip(trials, is_inside, strict=True) if is_in]
        remaining = np.array([forecasts[trial.trial_id].remaining for trial in trials])
        row = most_promising(acquisition, x, X, remaining)
        if row is not None and data.doubt[np.isfinite(data.y)].all():  # an improvement is then one over the leader
            row = int(np.argmin([self._expected_loss(trial, forecasts) for trial in trials]))
        return None if row is None else Continuation(trials[row], X[row])

    def _expected_loss(self, trial: Trial, forecasts: dict[str, Forecast]) -> float:
        """What the training of a paused trial is expected to end with."""
        return float(loss_sign(self.objective.direction) * trial.score - forecasts[trial.trial_id].gain.mu)

    def _forecasts(self) -> dict[str, Forecast]:
        """What the stopped trials would have become, by their ids."""
        completed = {i: t.message for i, t in self.trials.items() if t.status == TrialStatus.COMPLETED}
        return trial_forecasts(self.archive, self.proposals, completed)

    def _is_paused(self, trial_id: str) -> bool:
        """Whether the state of its training is on the disk."""
        return (trial_folder(self.project_folder, trial_id) / PAUSED_FILE).exists()
