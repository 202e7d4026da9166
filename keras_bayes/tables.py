"""A search as named columns: what a data frame, a CSV file and the command line show of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any

from keras_bayes.search_log import LoggedTrial, SearchLog
from keras_bayes.wording import one_line

Columns = dict[str, list[Any]]  # all of the same length; None where there is no value

RESULTS = (
    *("score", "status", "seconds", "started", "epochs"),
    *("source", "predicted_mean", "predicted_sd", "message"),
)
TRIAL_COLUMNS = ("trial", *RESULTS)
HP = "hp."  # prefix of a hyperparameter that is called like another column
EPOCH = ("trial", "training", "epoch", "seconds", "ended")


def trial_columns(log: SearchLog) -> Columns:
    """One row for each trial: `trial`, its id, the hyperparameters, and `RESULTS`.

    A hyperparameter is empty where it was inactive or the trial never read it. One that is called like another column
    has the prefix `hp.`.
    """
    names = hyperparameter_names(log)
    values = [trial.record.used_values for trial in log.trials]
    titles = _titles(names, TRIAL_COLUMNS, prefix=HP)
    return {
        "trial": [trial.trial_id for trial in log.trials],
        **{title: [row.get(name) for row in values] for name, title in zip(names, titles, strict=True)},
        **_transposed(RESULTS, map(_results, log.trials)),
    }


def curve_columns(log: SearchLog) -> Columns:
    """One row for each epoch: `EPOCH` and all metrics; one that is called like another column has the prefix `metric.`.

    `training` and `epoch` count from 0.
    """
    rows = [(trial.trial_id, epoch) for trial in log.trials for epoch in trial.curve]
    names = tuple(dict.fromkeys(name for _, epoch in rows for name in epoch.metrics))
    titles = _titles(names, EPOCH, prefix="metric.")
    return {
        **_transposed(EPOCH, ((i, e.training, e.number, e.seconds, _moment(e.ended)) for i, e in rows)),
        **{title: [e.metrics.get(name) for _, e in rows] for name, title in zip(names, titles, strict=True)},
    }


def hyperparameter_names(log: SearchLog) -> tuple[str, ...]:
    """All names, those that the space declares first."""
    declared = [item["config"]["name"] for item in log.hyperparameters["space"]]
    return tuple(dict.fromkeys([*declared, *(name for trial in log.trials for name in trial.record.values)]))


def hyperparameter_of(title: str) -> str:
    """The name of the hyperparameter in a column of `trial_columns`."""
    name = title
    while name.startswith(HP):
        name = name.removeprefix(HP)
    return name if name in TRIAL_COLUMNS else title


def _results(trial: LoggedTrial) -> tuple[Any, ...]:
    record, proposal = trial.record, trial.proposal
    started = _moment(trial.runs[-1][0]) if trial.runs else None
    return (
        *(record.score, record.status, trial.seconds, started, len(trial.curve) or None),
        *(proposal.get("source"), proposal.get("mean"), proposal.get("sd"), one_line(record.message)),
    )


def _transposed(titles: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> Columns:
    columns: Columns = {title: [] for title in titles}
    for row in rows:
        for title, value in zip(titles, row, strict=True):
            columns[title].append(value)
    return columns


def _titles(names: tuple[str, ...], reserved: tuple[str, ...], *, prefix: str) -> tuple[str, ...]:
    """A title for each name, none of them reserved and none like another."""
    taken = {*names, *reserved}
    titles = []
    for name in names:
        title = name
        if name in reserved:
            while title in taken:
                title = prefix + title
            taken.add(title)
        titles.append(title)
    return tuple(titles)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)
