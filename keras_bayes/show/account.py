"""A search in words, tables and JSON: what a report says besides its figures."""

from __future__ import annotations

import contextlib
import platform
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import keras_bayes
from keras_bayes.project import has_weights
from keras_bayes.search_log import LEFT_OUT, LoggedTrial, SearchLog
from keras_bayes.show.explanation import Explanation
from keras_bayes.states import SUM_OF_OBJECTIVES
from keras_bayes.tables import hyperparameter_names
from keras_bayes.wording import (
    choice_reason,
    count,
    failure_reason,
    format_path,
    format_seconds,
    format_value,
    listed,
    loading_line,
)

UNNAMED = (LEFT_OUT, "score")  # objectives that no user has named
DECISIVE = 0.05  # total share from which on a hyperparameter is named
MAX_NAMED = 4  # hyperparameters in a sentence
MAX_MESSAGE = 2000  # characters at the end of a failure's message
DATE = "%Y-%m-%d at %H:%M"
PACKAGES = ("keras", "keras-tuner", "tensorflow", "numpy", "scipy")


def names_of(log: SearchLog) -> list[str]:
    """All hyperparameters that some trial has a value of, those that the space declares first."""
    used = {name for trial in log.trials for name in trial.record.values}
    return [name for name in hyperparameter_names(log) if name in used]


def lead(log: SearchLog) -> str:
    """What was searched, in a sentence."""
    extreme = "largest" if log.direction == "max" else "smallest"
    num_names, num_trials = count(len(names_of(log)), "hyperparameter"), count(len(log.trials), "trial")
    return f"A search for the {extreme} {format_value(log.objective)} over {num_names}, in {num_trials}."


def facts(log: SearchLog) -> Iterator[tuple[str, str]]:
    """Names and values of the numbers that are asked for first."""
    statuses = [trial.record.status for trial in log.trials]
    if log.best is not None:
        yield f"best {format_value(log.objective)}", format_value(log.best.record.score)
    limit = log.state.get("max_trials")
    yield "trials completed", f"{statuses.count('COMPLETED')} of {limit or len(statuses)}"
    if "RUNNING" in statuses:
        yield "running", str(statuses.count("RUNNING"))
    if "INVALID" in statuses:
        yield "to be tried again", str(statuses.count("INVALID"))
    yield "failed", str(statuses.count("FAILED"))
    budget = log.state.get("max_epochs")
    if budget or log.epochs.saved:
        yield "epochs", f"{log.epochs.trained} of {budget}" if budget else str(log.epochs.trained)
    if log.epochs.saved:
        yield "epochs saved", str(log.epochs.saved)
    if log.elapsed:
        yield "elapsed", format_seconds(log.elapsed)


def best_values(log: SearchLog) -> list[tuple[str, str]]:
    """The best trial, its score and its values; empty while there is none."""
    if log.best is None:
        return []
    record = log.best.record
    values = [(format_value(name), format_value(value)) for name, value in record.used_values.items()]
    return [("trial", str(record.number + 1)), (format_value(log.objective), format_value(record.score)), *values]


def model_sentences(explanation: Explanation) -> list[str]:
    """What the model says of the objective, and of itself."""
    share = max(explanation.predictions.explained, 0.0)
    records = explanation.predictions.records
    num_known = sum(record.number < 0 for record in records)
    trials = [count(len(records) - num_known, "completed trial")] if num_known < len(records) else []
    known = [count(num_known, "result") + " from elsewhere"] if num_known else []
    num_trials = listed([*trials, *known])
    trust = f"The model explains {share:.0%} of the differences between {num_trials}, each predicted from the others."
    importance = explanation.importance
    if importance.doubt is not None:
        return [trust, importance.doubt]
    decisive = [
        f"{format_value(importance.names[j])} ({importance.total[j]:.0%})"
        for place, j in enumerate(importance.order[:MAX_NAMED])
        if place == 0 or importance.total[j] >= DECISIVE
    ]
    return [trust, f"The score is decided most by {listed(decisive)}, interactions included."]


def loading_code(log: SearchLog) -> str:
    """Python that loads the best model, or its hyperparameters where no weights are there; empty without one."""
    if log.best is None:
        return ""
    parts = log.state.get("objective") or [[log.objective, log.direction]]
    objectives = [f"keras_tuner.Objective({name!r}, {direction or 'min'!r})" for name, direction in parts]
    objective = f"[{', '.join(objectives)}]" if len(objectives) > 1 else objectives[0]
    is_named = log.objective not in (*UNNAMED, SUM_OF_OBJECTIVES) or len(parts) > 1
    arguments = [
        "build_model",
        *([f"objective={objective}"] if is_named else []),
        f"directory={format_path(log.location.parent)!r}",
        f"project_name={log.location.name!r}",
    ]
    imports = ["import keras_bayes", *(["import keras_tuner"] if is_named else []), ""]
    call = ["tuner = keras_bayes.BayesTuner(", *(f"    {argument}," for argument in arguments), ")"]
    return "\n".join([*imports, *call, loading_line(has_weights=has_weights(log.folder, log.best.trial_id))])


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of the table of trials: what it shows, and what it is sorted by; empty where there is nothing."""

    text: str
    key: str

    @classmethod
    def of(cls, value: Any) -> Cell:
        """The cell of a value."""
        if value is None:
            return cls("", "")
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return cls(format_value(value), str(value) if is_number else format_value(value))


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table of trials; `kind` is `"best"`, `"failed"` or empty."""

    kind: str
    cells: tuple[Cell, ...]


def headings(log: SearchLog) -> list[str]:
    """Of the table of trials."""
    return ["trial", "status", format_value(log.objective), *map(format_value, names_of(log)), "seconds", "why"]


def rows(log: SearchLog) -> Iterator[Row]:
    """The table of trials."""
    names = names_of(log)
    for trial in log.trials:
        record = trial.record
        kind = "best" if trial is log.best else "failed" if record.status == "FAILED" else ""
        seconds = None if trial.seconds is None else round(trial.seconds, 1)
        values = record.used_values
        why = choice_reason(trial.proposal)
        cells = [record.number + 1, record.status.lower(), record.score, *map(values.get, names), seconds, why]
        yield Row(kind, tuple(map(Cell.of, cells)))


def failures(log: SearchLog) -> Iterator[tuple[str, str]]:
    """What each failed trial comes to, and the end of its message."""
    for trial in log.trials:
        record = trial.record
        if record.status == "FAILED":
            yield f"Trial {record.number + 1}: {failure_reason(record.message)}", (record.message or "")[-MAX_MESSAGE:]


def notes(log: SearchLog) -> Iterator[str]:
    """Where all of this comes from."""
    state = log.state
    version = f"keras_bayes {state['keras_bayes']}" if "keras_bayes" in state else "keras-tuner"
    begun = f", begun on {time.strftime(DATE, time.localtime(log.sessions[0][0]))}" if log.sessions else ""
    seed = format_value(state.get("seed"))
    yield f"A search by {version}{begun}, with the seed {seed}, in {format_path(log.location)}."
    installed = [f"Python {platform.python_version()}", *_releases(PACKAGES)]
    yield (
        f"Report of {time.strftime(DATE)} by keras_bayes {keras_bayes.__version__} with {listed(installed)}. "
        "All trials are in this file as JSON, in the element #trials."
    )


def _releases(packages: Iterable[str]) -> Iterator[str]:
    """The distributions among some that are installed: TensorFlow has several names."""
    for name in packages:
        with contextlib.suppress(metadata.PackageNotFoundError):
            yield f"{name} {metadata.version(name)}"


def as_json(log: SearchLog) -> dict[str, Any]:
    """All trials: the values of each in the order of `hyperparameters`, null where it has none."""
    names = names_of(log)
    return {
        "objective": log.objective,
        "direction": log.direction,
        "hyperparameters": names,
        "trials": [_trial_json(trial, names) for trial in log.trials],
    }


def _trial_json(trial: LoggedTrial, names: list[str]) -> dict[str, Any]:
    record = trial.record
    return {
        "trial_id": trial.trial_id,
        "status": record.status,
        "score": record.score,
        "values": [record.values.get(name) for name in names],
        "unused": sorted(record.unused),
        "message": record.message and record.message[-MAX_MESSAGE:],
        "proposal": dict(trial.proposal),
        "runs": trial.runs,
    }
