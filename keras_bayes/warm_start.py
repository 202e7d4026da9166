"""Results of an earlier search, from its project folder or from a data frame."""

from __future__ import annotations

import math
import numbers
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from keras_bayes.configurations import plain_value
from keras_bayes.domains import Value
from keras_bayes.errors import ProjectError
from keras_bayes.resume import Parts, objective_text
from keras_bayes.ridge import Prediction
from keras_bayes.search_log import SearchLog
from keras_bayes.states import SUM_OF_OBJECTIVES
from keras_bayes.tables import TRIAL_COLUMNS, hyperparameter_of

SCORE = "score"  # column of a data frame; or one that has the name of the objective
STATUS = "status"


def known_results(source: Any, *, objective: Parts) -> list[dict[str, Any]]:
    """What an earlier search has taught, as states of `search_log.known_records`; running trials are left out.

    Of a training that went on in other trials the last one counts, and a stopped one with what it would have gained.

    Args:
        source: A project folder, of `BayesTuner` or of `keras_tuner.BayesianOptimization`, that may be read-only; or a
            `pandas.DataFrame` with a column for each hyperparameter and one for the result, called `score` or as the
            objective. A missing result is that of a failed trial, a missing value that of an inactive hyperparameter.
        objective: Name and direction of each part of the objective.

    Raises:
        ProjectError: The folder holds no search, or one for another objective.
        ValueError, TypeError: The data frame has no column with results, or it is something else.
    """
    if isinstance(source, (str, os.PathLike)):
        return _from_folder(Path(source).expanduser(), objective)
    if hasattr(source, "columns") and hasattr(source, "to_dict"):
        return _from_rows(source.to_dict("records"), list(source.columns), objective)
    raise TypeError(f"`warm_start` must be a project folder or a DataFrame, received {source!r}.")


def _from_folder(folder: Path, objective: Parts) -> list[dict[str, Any]]:
    log = SearchLog.read(folder)
    if not _is_alike(log, objective):
        before = log.state.get("objective", [[log.objective, log.direction]])
        raise ProjectError(
            f"The search in {folder}, to `warm_start` from, is for {objective_text(before)}; "
            f"the objective is now {objective_text(objective)}."
        )
    ended = [record for record in log.history.records if not record.is_open]
    return [known_state(record.values, record.score, record.unused, record.gain) for record in ended]


def _is_alike(log: SearchLog, objective: Parts) -> bool:
    """Whether the scores of a search are those of an objective; what keras-tuner has summed up, nobody knows."""
    if log.objective == SUM_OF_OBJECTIVES:
        saved = log.state.get("objective", objective)
        return len(objective) > 1 and sorted(map(list, saved)) == sorted(map(list, objective))
    return [(log.objective, log.direction)] == [(name, direction or "min") for name, direction in objective]


def _from_rows(rows: list[Mapping[Any, Any]], columns: list[Any], objective: Parts) -> list[dict[str, Any]]:
    name = objective[0][0] if len(objective) == 1 else SUM_OF_OBJECTIVES
    column = next((column for column in (SCORE, name) if column in columns), None)
    if column is None:
        raise ValueError(
            f"`warm_start` needs a column {SCORE!r} or {name!r} with the results, received {list(columns)}."
        )
    results = {column, *TRIAL_COLUMNS} if set(TRIAL_COLUMNS) <= set(columns) else {column}
    ended = [row for row in rows if row.get(STATUS) not in ("RUNNING", "INVALID")]
    return [known_state(_values(row, results), plain_value(row[column])) for row in ended]


def _values(row: Mapping[Any, Any], results: set[str]) -> dict[str, Value]:
    """What can be values of hyperparameters in the columns that are no results."""
    values = {str(name): plain_value(value) for name, value in row.items() if name not in results}
    values |= {hyperparameter_of(name): value for name, value in values.items() if hyperparameter_of(name) != name}
    return {name: value for name, value in values.items() if isinstance(value, int | float | str | bool)}


def known_state(
    values: Mapping[str, Any], score: Any, unread: Iterable[str] = (), gain: Prediction | None = None
) -> dict[str, Any]:
    """A result as JSON; one that is no finite number is that of a failed trial. A stopped training has a `gain`."""
    if score is not None and (isinstance(score, bool) or not isinstance(score, numbers.Real)):
        raise TypeError(f"A score must be a number, or None for a failure, received {score!r} for {dict(values)}.")
    result = math.nan if score is None else float(score)
    state = {"values": dict(values), "score": result if math.isfinite(result) else None, "unread": sorted(unread)}
    return state if gain is None else {**state, "gain": [gain.mu, gain.sigma]}
