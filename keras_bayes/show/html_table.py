"""A search as a piece of HTML, in the colours of the page it is part of."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from keras_bayes.show.progress import Progress, ShownTrial
from keras_bayes.wording import format_value

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
        parts.append(_bar(progress.num_ended / progress.max_trials, "min(50em, 100%)"))
    parts += [_running(progress, trial) for trial in progress.running]
    if progress.listed:
        parts.append(_table(progress))
    if progress.last_failure:
        parts.append(f'<div style="color: {RED}; margin: .8em 0 0">{escape(progress.last_failure)}</div>')
    if lines:
        style = "margin: .8em 0 0; background: none; white-space: pre-wrap"
        parts.append(f'<pre style="{style}">{escape(chr(10).join(lines))}</pre>')
    return f'<div style="margin: .5em 0">{"".join(parts)}</div>'


def _bar(fraction: float, width: str) -> str:
    done = f'<div style="width: {fraction:.1%}; height: 100%; background: {GREEN}"></div>'
    style = f"width: {width}; height: .4em; margin: .4em 0; border-radius: .2em; overflow: hidden; background: {GREY}"
    return f'<div style="{style}">{done}</div>'


def _running(progress: Progress, trial: ShownTrial) -> str:
    """Why a trial was chosen, and how far it has got."""
    texts = [f"<b>{progress.name(trial)}</b> &nbsp; {escape(trial.reason)}"]
    position = trial.position
    if position is not None:
        texts.append(f"<div>{escape(position.text)}</div>")
        if position.fraction is not None:
            texts.append(_bar(position.fraction, "20em"))
        if position.metrics:
            texts.append(f'<div style="opacity: .7">last epoch: {escape(progress.last_epoch(position))}</div>')
    return f'<div style="margin: .6em 0 0">{"".join(texts)}</div>'


def _table(progress: Progress) -> str:
    heads = ["", "trial", progress.objective, "time", *map(format_value, progress.names)]
    style = f"{CELL}; font-weight: normal; opacity: .7; border-bottom: 1px solid {GREY}"
    head = "".join(f'<th style="{style}">{escape(text)}</th>' for text in heads)
    rows = "".join(_row(progress, trial) for trial in progress.listed)
    style = "border-collapse: collapse; margin: 0; color: inherit; font-size: inherit"
    return f'<div style="overflow-x: auto; margin: .8em 0 0"><table style="{style}"><tr>{head}</tr>{rows}</table></div>'


def _row(progress: Progress, trial: ShownTrial) -> str:
    cells = "".join(
        f'<td style="{CELL}">{escape(cell)}</td>' for cell in (*progress.cells(trial), *trial.texts(progress.names))
    )
    is_failed = trial.record.score is None and trial not in progress.running
    style = f"color: {GREEN}; font-weight: bold" if progress.is_best(trial) else f"color: {RED}" if is_failed else ""
    return f'<tr style="{style}">{cells}</tr>'
