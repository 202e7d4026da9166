"""A search as text: how it stands, its best trials, all its trials."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.cells import cell_len

from keras_bayes import lock, project
from keras_bayes.curves import CURVE_FILE
from keras_bayes.search_log import LoggedTrial, SearchLog
from keras_bayes.show.summary import padded
from keras_bayes.tables import hyperparameter_names
from keras_bayes.wording import epochs_text, format_seconds, format_value, one_line

NONE = "-"  # a cell without a value; an empty one would confuse whoever splits a line at its spaces
GAP = "   "
NOBODY = "no"
WRITTEN = (project.ORACLE_FILE, project.TRIAL_FILES, f"trial_*/{CURVE_FILE}")


def status_text(log: SearchLog) -> str:
    """How the search stands."""
    best, searching = log.best, _searching(log)
    epochs = epochs_text(log.epochs.trained, log.epochs.saved, log.state.get("max_epochs"))
    rows = [
        ("search", str(log.folder)),
        ("objective", f"{format_value(log.objective)}, {log.direction}imised"),
        ("trials", _counts(log, _words(searching))),
        *([("epochs", epochs)] if epochs else []),
        ("best", f"{format_value(best.record.score)} in trial {_number(best)} ({_folder(best)})" if best else NONE),
        *((f"  {format_value(name)}", format_value(value)) for name, value in _values(best).items()),
        ("elapsed", format_seconds(log.elapsed) if log.sessions else "not known"),
        ("last written", _last_written(log)),
        ("searching now", searching),
    ]
    width = max(cell_len(name) for name, _ in rows)
    return "\n".join(f"{padded(name, width)}{GAP}{value}" for name, value in rows)


def best_text(log: SearchLog, num_trials: int, *, width: int | None) -> str:
    """The best trials side by side, the best first; a table of at most `width` characters a line."""
    best = log.best_first[:num_trials]
    if not best:
        return "No trial has completed."
    names = [name for name in hyperparameter_names(log) if any(name in _values(trial) for trial in best)]
    columns: list[list[Any]] = [["", log.objective, *names, "folder"]]
    columns += [
        [f"trial {_number(trial)}", trial.record.score, *map(_values(trial).get, names), _folder(trial)]
        for trial in best
    ]
    return table(columns, width=width)


def trials_text(log: SearchLog, *, width: int | None) -> str:
    """All trials, one row each; a table of at most `width` characters a line."""
    trials, words = log.trials, _words(_searching(log))
    columns: list[list[Any]] = [
        ["trial", *map(_number, trials)],
        ["folder", *map(_folder, trials)],
        ["status", *(words[trial.record.status] for trial in trials)],
        [log.objective, *(trial.record.score for trial in trials)],
        ["expected", *map(_expected, trials)],
        ["took", *(None if trial.seconds is None else format_seconds(trial.seconds) for trial in trials)],
        *([name, *(_values(trial).get(name) for trial in trials)] for name in hyperparameter_names(log)),
    ]
    messages = [one_line(trial.record.message) for trial in trials]
    if any(messages):
        columns.append(["message", *messages])
    return table(columns, width=width)


def table(columns: Sequence[Sequence[Any]], *, width: int | None) -> str:
    """Columns beside each other; what does not fit in `width` characters goes below, with the first column again."""
    cells = [[NONE if value is None else format_value(value) for value in column] for column in columns]
    key, *rest = [[padded(cell, max(map(cell_len, column))) for cell in column] for column in cells]
    blocks: list[list[list[str]]] = [[key]]
    used = cell_len(key[0])
    for column in rest:
        used += len(GAP) + cell_len(column[0])
        if width is not None and used > width and len(blocks[-1]) > 1:
            blocks.append([key])
            used = cell_len(key[0]) + len(GAP) + cell_len(column[0])
        blocks[-1].append(column)
    lines = [[GAP.join(row).rstrip() for row in zip(*block, strict=True)] for block in blocks]
    return "\n\n".join("\n".join(block) for block in lines)


def _number(trial: LoggedTrial) -> int:
    """From 1, as the progress counts."""
    return trial.record.number + 1


def _folder(trial: LoggedTrial) -> str:
    return f"trial_{format_value(trial.trial_id)}"


def _values(trial: LoggedTrial | None) -> dict[str, Any]:
    return trial.record.used_values if trial else {}


def _expected(trial: LoggedTrial) -> str | None:
    if "mean" not in trial.proposal:
        return None
    return f"{format_value(trial.proposal['mean'])} ± {format_value(trial.proposal['sd'], digits=2)}"


def _words(searching: str) -> dict[str, str]:
    """What the statuses of trials mean, given who is searching."""
    running = "interrupted" if searching == NOBODY else "running"
    return {"COMPLETED": "completed", "FAILED": "failed", "RUNNING": running, "INVALID": "to be tried again"}


def _counts(log: SearchLog, words: Mapping[str, str]) -> str:
    statuses = [trial.record.status for trial in log.trials]
    counts = [f"{statuses.count(status)} {word}" for status, word in words.items() if status in statuses]
    limit = f", of at most {log.state['max_trials']}" if log.state.get("max_trials") else ""
    known = f"; results from elsewhere: {len(log.known)}" if log.known else ""
    return (", ".join(counts) or "none") + limit + known


def _last_written(log: SearchLog) -> str:
    moment = max(path.stat().st_mtime for pattern in WRITTEN for path in log.folder.glob(pattern))
    ago = max(0.0, time.time() - moment)
    return f"{datetime.fromtimestamp(moment):%Y-%m-%d %H:%M:%S}, {format_seconds(ago)} ago"


def _searching(log: SearchLog) -> str:
    if "keras_bayes" not in log.state:
        return "not known: keras-tuner wrote this folder, and does not tell"
    try:
        holder = lock.holder(log.folder)
    except OSError:
        return "not known: this file system does not tell"
    return f"yes, {holder}" if holder else NOBODY
