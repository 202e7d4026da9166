"""A search as an Optuna study in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from keras_bayes.domains import Value
from keras_bayes.extras import load
from keras_bayes.search_log import LoggedTrial, SearchLog
from keras_bayes.wording import one_line

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution

DIRECTIONS = {"min": "minimize", "max": "maximize"}
STATES = {"COMPLETED": "COMPLETE", "RUNNING": "RUNNING", "FAILED": "FAIL", "INVALID": "WAITING"}
ON_GRID = 1e-8  # steps that a value may lie beside the grid: the tolerance of Optuna's own distributions


def to_study(log: SearchLog) -> optuna.Study:
    """All trials of a search, in a study that Optuna's plots and importances take.

    What a trial did not use is no parameter of it, and neither is a hyperparameter that is fixed. The learning curve
    of the objective becomes the intermediate values where a trial is a single training.
    """
    create_study = load("optuna", "optuna").create_study
    study: optuna.Study = create_study(direction=DIRECTIONS[log.direction], study_name=log.location.name)
    values = [trial.record.used_values for trial in log.trials]
    distributions = {
        item["config"]["name"]: _distribution(item["class_name"], item["config"], values)
        for item in log.hyperparameters["space"]
        if item["class_name"] != "Fixed"
    }
    study.add_trials([_trial(trial, log, distributions) for trial in log.trials])
    return study


def _distribution(kind: str, config: Mapping[str, Any], trials: Sequence[Mapping[str, Value]]) -> BaseDistribution:
    """What Optuna calls the range of a hyperparameter, made wide enough for values of an earlier declaration."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    values: list[Any] = [trial[config["name"]] for trial in trials if config["name"] in trial]
    types = {type(value) for value in values}
    if kind in ("Boolean", "Choice") or not types <= {int, float}:
        choices = (False, True) if kind == "Boolean" else config.get("values", ())
        return CategoricalDistribution(tuple(dict.fromkeys([*choices, *values])))
    low, high = min([config["min_value"], *values]), max([config["max_value"], *values])
    is_log = config["sampling"] == "log"
    step = None if is_log or not _is_grid(low, high, config["step"], values) else config["step"]
    if kind == "Int" and types <= {int}:
        return IntDistribution(low, high, log=is_log, step=step or 1)
    return FloatDistribution(low, high, log=is_log, step=step)


def _is_grid(low: float, high: float, step: float | None, values: Sequence[float]) -> bool:
    """Whether all values lie on a grid as Optuna wants it, which ends with the range."""
    if not step or (Decimal(str(high)) - Decimal(str(low))) % Decimal(str(step)):
        return False
    positions = [(value - low) / step for value in values]
    return all(abs(position - round(position)) < ON_GRID for position in positions)


def _trial(
    trial: LoggedTrial, log: SearchLog, distributions: Mapping[str, BaseDistribution]
) -> optuna.trial.FrozenTrial:
    from optuna.trial import FrozenTrial, TrialState

    state = TrialState[STATES[trial.record.status]]
    params = {name: value for name, value in trial.record.used_values.items() if name in distributions}
    start, end = trial.runs[-1] if trial.runs else (0.0, 0.0)  # Optuna insists on times
    is_single = all(epoch.training == 0 for epoch in trial.curve)
    scores = {epoch.number: log.score_after(epoch) for epoch in trial.curve if is_single}
    curve = {number: score for number, score in scores.items() if score is not None}
    return FrozenTrial(
        number=-1,  # the study gives it another, as below
        trial_id=-1,
        state=state,
        value=trial.record.score,
        datetime_start=datetime.fromtimestamp(start),
        datetime_complete=datetime.fromtimestamp(end) if state.is_finished() else None,
        params=params,
        distributions={name: distributions[name] for name in params},
        user_attrs=_attributes(trial),
        system_attrs={},
        intermediate_values=curve,
    )


def _attributes(trial: LoggedTrial) -> dict[str, Any]:
    """What Optuna has no place for."""
    notes = {
        "trial": trial.trial_id,
        "seconds": trial.seconds,
        "source": trial.proposal.get("source"),
        "predicted_mean": trial.proposal.get("mean"),
        "predicted_sd": trial.proposal.get("sd"),
        "message": one_line(trial.record.message),
    }
    return {name: value for name, value in notes.items() if value is not None}
