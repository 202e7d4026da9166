"""A search as a piece of HTML, in the colours of the page it is part of."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from keras_bayes.progress import Progress, ShownTrial
from keras_bayes.wording import format_seconds, format_value

GREEN, RED, GREY = "#2e9e63", "#d1495b", "rgba(128, 128, 128, .3)"  # legible on white and on black
CELL = "padding: .2em .8em .2em 0; text-align: left; white-space: nowrap"


def search_html(progress: Progress, lines: Sequence[str]) -> str:
    """How much of a search is done, its running trials, a table of the best and the last ones, and some lines.

    Args:
        progress: The search.
        lines: What is said below the table, such as a summary.
    """
    parts = [f"<div>Best <b>{escape(progress.objective)}</b> &nbsp; {escape(' · '.join(progress.facts))}</div>"]
    if progress.max_trials is not None:
        parts.append(_bar(progress.num_ended / progress.max_trials, "100%"))
    parts += [_running(progress, trial) for trial in progress.running]
    if progress.listed:
        parts.append(_table(progress))
    if lines:
        parts.append(f'<pre style="margin: .8em 0 0; background: none">{escape(chr(10).join(lines))}</pre>')
    return f'<div style="max-width: 60em; margin: .5em 0">{"".join(parts)}</div>'


def _bar(fraction: float, width: str) -> str:
    done = f'<div style="width: {fraction:.1%}; height: 100%; background: {GREEN}"></div>'
    style = f"width: {width}; height: .4em; margin: .4em 0; border-radius: .2em; overflow: hidden; background: {GREY}"
    return f'<div style="{style}">{done}</div>'


def _running(progress: Progress, trial: ShownTrial) -> str:
    """Why a trial was chosen, and how far it has got."""
    texts = [f"<b>{progress.name(trial)}</b> &nbsp; {escape(trial.reason)}"]
    position = trial.position
    if position is not None:
        metrics = " · ".join(f"{escape(name)} {format_value(value, 4)}" for name, value in position.metrics.items())
        texts.append(f"<div>{escape(position.text)} &nbsp; {metrics}</div>")
        if position.fraction is not None:
            texts.append(_bar(position.fraction, "20em"))
    return f'<div style="margin: .6em 0 0">{"".join(texts)}</div>'


def _table(progress: Progress) -> str:
    names = list(dict.fromkeys(name for trial in progress.listed for name in trial.values))
    heads = ["", "trial", progress.objective, "time", *map(format_value, names)]
    head = "".join(f'<th style="{CELL}; font-weight: normal; opacity: .7">{escape(text)}</th>' for text in heads)
    rows = "".join(_row(progress, trial, names) for trial in progress.listed)
    table = f'<table style="border-collapse: collapse; margin: 0"><tr>{head}</tr>{rows}</table>'
    return f'<div style="overflow-x: auto; margin: .8em 0 0">{table}</div>'


def _row(progress: Progress, trial: ShownTrial, names: Sequence[str]) -> str:
    mark, result, style = _outcome(progress, trial)
    seconds = "" if trial.seconds is None else format_seconds(trial.seconds)
    values = [format_value(trial.values[name], 4) if name in trial.values else "" for name in names]
    cells = [mark, str(trial.number), result, seconds, *values]
    return f'<tr style="{style}">' + "".join(f'<td style="{CELL}">{escape(cell)}</td>' for cell in cells) + "</tr>"


def _outcome(progress: Progress, trial: ShownTrial) -> tuple[str, str, str]:
    """Mark, result and style of a row."""
    if trial in progress.running:
        return "▶", "running", ""
    if progress.is_best(trial):
        return "★", trial.result, f"color: {GREEN}; font-weight: bold"
    return "", trial.result, "" if trial.record.score is not None else f"color: {RED}"
