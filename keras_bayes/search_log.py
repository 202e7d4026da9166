"""All that a project folder tells of a search, in one immutable value; read without Keras, also while it runs."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_bayes import project
from keras_bayes.continuation import best_first, in_doubt, superseded, trial_forecasts
from keras_bayes.curves import End, Epoch, read_log
from keras_bayes.epoch_count import NO_EPOCHS, EpochCount, EpochLedger
from keras_bayes.errors import ProjectError
from keras_bayes.history import History, Observations, TrialRecord, loss_sign, observe
from keras_bayes.loss_curves import CurveArchive
from keras_bayes.ridge import Prediction
from keras_bayes.space import Space
from keras_bayes.states import SUM_OF_OBJECTIVES, check_oracle, check_trial, told_of_trials
from keras_bayes.usage import learn_conditions

State = Mapping[str, Any]
LEFT_OUT = "default_objective"  # what the host calls an objective that was left out


@dataclass(frozen=True, slots=True)
class LoggedTrial:
    """One trial, with what was noted beside its result.

    Args:
        trial_id: The host's name of it.
        record: Its values and what came of them.
        proposal: Why it was chosen: `source` is `"design"`, `"model"`, `"user"` or `"continuation"`, nothing where it
            is not known; `mean` and `sd` are what the model expected of the objective, `continues` is the trial whose
            training is gone on with.
        runs: Start and end of each run, in seconds since 1970; of a run under way, when it was last seen.
        curve: The epochs of its last run.
        stopped: Why a training of its last run was stopped, the last one of these; empty where none was.
    """

    trial_id: str
    record: TrialRecord
    proposal: Mapping[str, Any]
    runs: tuple[tuple[float, float], ...]
    curve: tuple[Epoch, ...]
    stopped: str = ""

    @property
    def seconds(self) -> float | None:
        """How long its last run took; `None` where it is not known."""
        return self.runs[-1][1] - self.runs[-1][0] if self.runs else None


@dataclass(frozen=True, slots=True)
class SearchLog:
    """A search, as its project folder tells it.

    Args:
        folder: The project.
        objective: Name of the objective.
        direction: Which way it is better, `"min"` or `"max"`.
        hyperparameters: The space, as in `HyperParameters.get_config()`.
        trials: All trials, in the order in which they were started.
        known: Results from elsewhere that the search has been told.
        sessions: Start and end of each process that worked on it, in seconds since 1970.
        state: Everything else in `oracle.json`, such as `seed`, `max_trials` and `keras_bayes`, the version.
        epochs: How many epochs its trainings have had, and how many they were spared by `stopping`.
    """

    folder: Path
    objective: str
    direction: str
    hyperparameters: State
    trials: tuple[LoggedTrial, ...]
    known: tuple[TrialRecord, ...]
    sessions: tuple[tuple[float, float], ...]
    state: State
    epochs: EpochCount = NO_EPOCHS

    @classmethod
    def read(cls, folder: Path) -> SearchLog:
        """Reads a project of ours, or of keras-tuner's own Bayesian search; broken files are left out with a warning.

        Raises:
            ProjectError: There is no search, or one of a later release, or a file cannot be opened.
        """
        state, states = read_states(folder)
        name, direction = _objective(state, list(states.values()))
        proposals = state["proposals"]
        objective = state.get("objective") or [[name, direction]]
        gains = _gains(folder, objective, states, proposals, can_continue=state.get("can_continue", False))
        history = History.from_states(
            {**trial, "unread": state["unread"].get(i, ()), "gain": gains.get(i)} for i, trial in states.items()
        )
        trials = tuple(_logged(folder, i, record, state) for i, record in zip(states, history.records, strict=True))
        known = known_records(state.get("known", ()))
        sessions = _intervals(state.get("times", {}).get("sessions", ()))
        epochs = EpochLedger(folder).total()
        return cls(folder, name, direction, state["hyperparameters"], trials, known, sessions, state, epochs)

    @property
    def location(self) -> Path:
        """The folder with its name and its parents, which `.` does not tell."""
        return Path(os.path.abspath(self.folder))

    @property
    def space(self) -> Space:
        """The search space, with the conditions that the trials have shown."""
        return learn_conditions(Space.from_config(self.hyperparameters), self._own_history.records)

    @property
    def history(self) -> History:
        """What a model learns from: results from elsewhere, and the trials that no completed one has gone on with."""
        return self._own_history.after(self.known)

    @property
    def _own_history(self) -> History:
        left_out = self._superseded
        return History(tuple(trial.record for trial in self.trials if trial.trial_id not in left_out)).telling()

    @property
    def observations(self) -> Observations:
        """The same as losses, the smaller the better."""
        return observe(self.history, self.space, direction=self.direction)

    @property
    def best(self) -> LoggedTrial | None:
        """The best completed trial, if there is one."""
        return next(iter(self.best_first), None)

    @property
    def best_first(self) -> list[LoggedTrial]:
        """The completed trials, the best first, without those that another one goes on with and are not better."""
        sign, trials = loss_sign(self.direction), {trial.trial_id: trial for trial in self.trials}
        losses = {i: sign * trial.record.score for i, trial in trials.items() if trial.record.score is not None}
        return [trials[i] for i in best_first(losses, self._proposals)]

    @property
    def _superseded(self) -> set[str]:
        completed = {trial.trial_id for trial in self.trials if trial.record.status == "COMPLETED"}
        return superseded(self._proposals, completed)

    @property
    def _proposals(self) -> dict[str, State]:
        return {trial.trial_id: trial.proposal for trial in self.trials}

    def score_after(self, epoch: Epoch) -> float | None:
        """The objective after an epoch, `None` where that does not tell; of several objectives keras-tuner's sum."""
        if self.objective in epoch.metrics or self.objective != SUM_OF_OBJECTIVES:
            return epoch.metrics.get(self.objective)
        parts = [(loss_sign(direction), name) for name, direction in self.state.get("objective", ())]
        if not parts or any(name not in epoch.metrics for _, name in parts):
            return None
        return sum(sign * epoch.metrics[name] for sign, name in parts)

    @property
    def elapsed(self) -> float:
        """Seconds that it has taken so far."""
        return sum(end - start for start, end in self.sessions)


def read_states(folder: Path) -> tuple[State, Mapping[str, State]]:
    """What `oracle.json` holds, completed by what the trials tell, and the states of the trials, by id.

    Raises:
        ProjectError: There is no search, or one of a later release, or a file cannot be opened.
    """
    state = project.read_oracle(folder, check_oracle, project.leave_out)
    if state is None:
        raise ProjectError(f"There is no search in {folder}: it has no readable {project.ORACLE_FILE}. Check the path.")
    states = project.read_trials(folder, check_trial, project.leave_out)
    return {**state, **told_of_trials(state, states)}, states


def known_records(states: Sequence[State]) -> tuple[TrialRecord, ...]:
    """Records of results from elsewhere, whose `score` is `None` for a failure; they are numbered below zero.

    A `gain` is the mean and the standard deviation of what a stopped training would have gained.
    """
    return tuple(
        TrialRecord(
            number=i - len(states),
            values=state["values"],
            status="FAILED" if state["score"] is None else "COMPLETED",
            score=state["score"],
            unused=frozenset(state["unread"]),
            gain=Prediction(*state["gain"]) if "gain" in state else None,
        )
        for i, state in enumerate(states)
    )


def _logged(folder: Path, trial_id: str, record: TrialRecord, state: State) -> LoggedTrial:
    lines = read_log(project.trial_folder(folder, trial_id))
    reasons = [line.stopped for line in lines if isinstance(line, End) and line.stopped]
    return LoggedTrial(
        trial_id,
        record,
        proposal=state["proposals"].get(trial_id, {}),
        runs=_intervals(state.get("times", {}).get("runs", {}).get(trial_id, ())),
        curve=tuple(line for line in lines if isinstance(line, Epoch)),
        stopped=reasons[-1] if reasons else "",
    )


def _gains(
    folder: Path,
    objective: Sequence[Sequence[str]],
    trials: Mapping[str, State],
    proposals: Mapping[str, State],
    *,
    can_continue: bool,
) -> dict[str, Prediction]:
    """How much better the trials that were stopped would have become."""
    completed = {i: trial["message"] for i, trial in trials.items() if trial["status"] == "COMPLETED"}
    archive = CurveArchive(folder, {name: loss_sign(direction) for name, direction in objective})
    found = trial_forecasts(archive, proposals, completed)
    return in_doubt(found, proposals, completed, can_continue=can_continue)


def _intervals(intervals: Sequence[Sequence[float]]) -> tuple[tuple[float, float], ...]:
    return tuple((start, end) for start, end in intervals)


def _objective(state: State, trials: Sequence[State]) -> tuple[str, str]:
    """Name and direction of the objective; keras-tuner does not say, but its scores are those of one metric."""
    parts = state.get("objective")
    if parts is not None:
        (name, direction), *others = parts
        return (SUM_OF_OBJECTIVES, "min") if others else (name, direction or "min")
    scored = [trial for trial in trials if trial["status"] == "COMPLETED"]
    names = [name for trial in scored for name in trial["metrics"]["metrics"]]
    for name in dict.fromkeys(names):
        metrics = [trial["metrics"]["metrics"].get(name) for trial in scored]
        if all(metric and _is_score(metric, trial["score"]) for metric, trial in zip(metrics, scored, strict=True)):
            return name, metrics[0]["direction"] or "min"
    return SUM_OF_OBJECTIVES if names else "score", "min"


def _is_score(metric: State, score: float) -> bool:
    """Whether some observation of a metric is the score of its trial."""
    values = [value for observation in metric["observations"] for value in _values(observation["value"])]
    means = [sum(_values(o["value"])) / len(_values(o["value"])) for o in metric["observations"] if _values(o["value"])]
    return any(math.isclose(value, score) for value in (*values, *means))


def _values(value: Any) -> list[float]:
    return value if isinstance(value, list) else [value]
