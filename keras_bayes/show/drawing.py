"""How figures look: one style, readable on light and on dark pages, with colours that the colour-blind tell apart."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from keras_bayes.arrays import Array
from keras_bayes.axes import Axis
from keras_bayes.domains import Value
from keras_bayes.history import TrialRecord, loss_sign
from keras_bayes.wording import MAX_WIDTH, format_value, squeezed

# Okabe & Ito (2008), Color Universal Design
BLUE, SKY, ORANGE, GREEN = "#0072B2", "#56B4E9", "#D55E00", "#009E73"
GREY = "#8c8c8c"
TEXT = "#767676"  # a contrast of at least 4 with white and with black pages
GRID = "rgba(128, 128, 128, 0.25)"
BAND = "rgba(86, 180, 233, 0.25)"  # SKY
RANKS = ("#0072B2", "#3b86b8", "#6699bb", "#8a9fb0", "#a0a3a6")  # colours of the trials, the better ones first
MAX_HOVER_VALUES = 12  # hyperparameters in a hover text
MARGIN = 0.06  # of an axis, on each side
FAR = 3.0  # scores worse than the worse quartile, by this many times its distance from the best, leave the axis

_AXIS = {"gridcolor": GRID, "linecolor": GRID, "zeroline": False, "automargin": True, "title": {"standoff": 8}}
TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif", "size": 13, "color": TEXT},
        "paper_bgcolor": "rgba(0, 0, 0, 0)",
        "plot_bgcolor": "rgba(0, 0, 0, 0)",
        "margin": {"l": 60, "r": 20, "t": 50, "b": 50},
        "xaxis": _AXIS,
        "yaxis": _AXIS,
        "title": {"x": 0, "xref": "paper", "xanchor": "left", "font": {"size": 15}},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "xanchor": "left"},
        "hoverlabel": {"align": "left"},
        "modebar": {"bgcolor": "rgba(0, 0, 0, 0)", "color": GREY, "activecolor": BLUE},
        "colorway": [BLUE, ORANGE, GREEN, SKY],
    }
)


def figure(traces: Sequence[Any] = (), **layout: Any) -> go.Figure:
    """A figure in the style of the package."""
    return go.Figure(list(traces), {"template": TEMPLATE, "height": 420, **layout})


def notice(text: str) -> go.Figure:
    """A figure that says why there is none."""
    blank = figure(xaxis={"visible": False}, yaxis={"visible": False}, height=160)
    return blank.add_annotation(text=escaped(text), showarrow=False, x=0.5, y=0.5, xref="paper", yref="paper")


def plain(value: Any, width: int = MAX_WIDTH) -> str:
    """A name or a value on one short line, in which plotly finds no markup."""
    return escaped(squeezed(format_value(value), width))


def escaped(text: str) -> str:
    """A text in which plotly finds no markup."""
    return html.escape(text, quote=False)


def trial_name(record: TrialRecord) -> str:
    """What a trial is called in a figure; a result from elsewhere is numbered below zero."""
    return f"Trial {record.number + 1}" if record.number >= 0 else "Known result"


def hover(record: TrialRecord, objective: str, *lines: str) -> str:
    """A trial, its score and its values."""
    score = "no score" if record.score is None else f"{plain(objective)} = {plain(record.score)}"
    values = [f"{plain(name)} = {plain(value)}" for name, value in record.used_values.items()]
    more = ["…"] if len(values) > MAX_HOVER_VALUES else []
    return "<br>".join([f"<b>{trial_name(record)}</b>: {score}", *lines, *values[:MAX_HOVER_VALUES], *more])


def axis_layout(axis: Axis, values: Sequence[Value]) -> dict[str, Any]:
    """The layout of the axis of a hyperparameter that has to hold `values`."""
    layout: dict[str, Any] = {"title": {"text": plain(axis.name)}}
    if axis.scale == "category":
        ticks = [axis.place(value) for value in values]
        labels = [plain(value, width=14) for value in values]
        return layout | {"tickvals": ticks, "ticktext": labels, "range": [min(ticks) - 0.5, max(ticks) + 0.5]}
    if axis.scale == "log":
        layout |= {"type": "log", "exponentformat": "power", "dtick": 1 if _num_decades(values) >= 2 else None}
    if axis.values:
        layout |= {"tickvals": list(axis.values), "ticktext": [plain(value) for value in axis.values], "dtick": None}
    return layout


def _num_decades(values: Sequence[Any]) -> float:
    return math.log10(max(values)) - math.log10(min(values))  # of integers of any size


def score_range(scores: Array, direction: str) -> tuple[list[float], int]:
    """The range of an axis on which the good scores are told apart, and how many lie beyond it.

    Args:
        scores: Scores, NaN without one, at least one finite, shape (n,).
        direction: Which way is better.
    """
    sign = loss_sign(direction)
    losses = sign * scores[np.isfinite(scores)]
    best, worse, worst = np.quantile(losses / 4, [0.0, 0.75, 1.0])  # quarters: differences of losses may overflow
    with np.errstate(over="ignore"):  # then all is within
        limit = worst if worse == best else min(worst, worse + FAR * (worse - best))
        margin = MARGIN * (limit - best) or abs(best) * MARGIN or 1.0
        ends = np.nan_to_num(4 * sign * np.array([best - margin, limit + margin]))
    return sorted(ends.tolist()), int((losses > 4 * limit).sum())


@dataclass(frozen=True, slots=True)
class Group:
    """Trials that are drawn as lines of one look.

    Args:
        label: Their name in the legend; empty for none.
        rows: Their indices.
        look: Arguments of a trace.
    """

    label: str
    rows: list[int]
    look: dict[str, Any]


def ranked_groups(scores: Array, direction: str) -> list[Group]:
    """Trials by their rank: those without a score first, the best one last, so that it is on top.

    Args:
        scores: Scores, NaN without one, shape (n,).
        direction: Which way is better.
    """
    order = np.argsort(loss_sign(direction) * scores, kind="stable")  # NaN last
    scored, unscored = np.split(order, [np.isfinite(scores).sum()])
    groups = [Group("no score", unscored.tolist(), _look(GREY, dash="dot"))]
    ranks = list(zip(RANKS, np.array_split(scored[1:], len(RANKS)), strict=True))
    labels = {RANKS[0]: "better trials", RANKS[-1]: "worse trials"}
    groups += [Group(labels.get(color, ""), rows.tolist(), _look(color)) for color, rows in reversed(ranks)]
    groups += [Group("best trial", scored[:1].tolist(), _look(ORANGE) | {"opacity": 1.0})]
    return [group for group in groups if group.rows]


def _look(color: str, dash: str = "solid") -> dict[str, Any]:
    width = 3 if color == ORANGE else 1.2
    line = {"color": color, "width": width, "dash": dash}
    return {"mode": "lines+markers", "opacity": 0.65, "line": line, "marker": {"color": color, "size": 2.5 + width}}
