"""A figure of all values that were tried."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import plotly.graph_objects as go

from keras_bayes.arrays import Array
from keras_bayes.domains import Value
from keras_bayes.history import loss_sign
from keras_bayes.search_log import SearchLog
from keras_bayes.show.drawing import GREY, figure, plain, ranked_groups, trial_name
from keras_bayes.show.insights import Configurations

UNUSED = -0.15  # where lines pass a hyperparameter that is not active
JITTER = 0.05  # width over which lines through the same value are spread
MARGIN = 0.06  # above and below the axes
LABEL_WIDTH, NAME_WIDTH = 12, 16  # characters


def parallel_figure(log: SearchLog, tried: Configurations) -> go.Figure:
    """Each trial as a line through its values, on the scales that are searched, to the rank of its score."""
    heights = np.column_stack([_heights(tried), _ranks(tried.scores, log.direction)])  # (n, d + 1)
    traces = []
    for group in ranked_groups(tried.scores, log.direction):
        points = [point for row in group.rows for point in _line(log, tried, row, heights[row])]
        x, y, text = zip(*points, strict=True)
        traces.append(
            go.Scatter(
                x=x, y=y, text=text, hoverinfo="text", name=group.label, showlegend=bool(group.label), **group.look
            )
        )
    names = [*(axis.name for axis in tried.axes), log.objective]
    return figure(
        traces,
        height=460,
        annotations=[_label(x, y, text) for x, y, text in _labels(log, tried)],
        xaxis={
            "tickvals": list(range(len(names))),
            "ticktext": [f"<b>{plain(name, width=NAME_WIDTH)}</b>" for name in names],
            "range": [-0.25, len(names) - 0.4],
            "gridcolor": GREY,
        },
        yaxis={"visible": False, "range": [UNUSED - MARGIN, 1 + 1.5 * MARGIN]},
        margin={"l": 20, "r": 20, "t": 50, "b": 60},
    )


def _label(x: float, y: float, text: str) -> dict[str, Any]:
    shift = {"xanchor": "left", "xshift": 3, "yanchor": "bottom", "yshift": 2}  # beside the axis, above the lines
    return {"x": x, "y": y, "text": text, "font": {"size": 11}, "showarrow": False, **shift}


def _heights(tried: Configurations) -> Array:
    """Where the lines pass the axes of the hyperparameters, shape (n, d)."""
    n = len(tried.X)
    spread = JITTER * (np.arange(n) / max(n - 1, 1) - 0.5)
    is_short = np.array([bool(axis.values) for axis in tried.axes], dtype=bool)
    return np.where(np.isfinite(tried.X), tried.X, UNUSED) + np.where(is_short, spread[:, None], 0.0)


def _ranks(scores: Array, direction: str) -> Array:
    """1 for the best score, 0 for the worst, NaN without one, shape (n,)."""
    ranks = np.full(len(scores), np.nan)
    rows = np.flatnonzero(np.isfinite(scores))
    order = rows[np.argsort(-loss_sign(direction) * scores[rows], kind="stable")]
    ranks[order] = (np.arange(len(order)) + 1) / max(len(order), 1)
    return ranks


Vertex = tuple[int | None, float | None, str | None]


def _line(log: SearchLog, tried: Configurations, row: int, heights: Array) -> Iterator[Vertex]:
    """The vertices of the line of a trial, each with its text, and a gap."""
    record = tried.trials[row].record
    score = "" if record.score is None else f"<br>{plain(log.objective)} = {plain(record.score)}"
    for j, (axis, domain) in enumerate(zip(tried.axes, tried.domains, strict=True)):
        value = f"= {plain(domain.decode(tried.X[row, j]))}" if np.isfinite(tried.X[row, j]) else "is not active"
        yield j, float(heights[j]), f"<b>{trial_name(record)}</b><br>{plain(axis.name)} {value}{score}"
    if score:
        yield len(tried.axes), float(heights[-1]), f"<b>{trial_name(record)}</b>{score}"
    yield None, None, None


def _labels(log: SearchLog, tried: Configurations) -> Iterator[tuple[int, float, str]]:
    """What the heights at the axes stand for."""
    for j, (axis, domain) in enumerate(zip(tried.axes, tried.domains, strict=True)):
        u = domain.positions(len(axis.values)) if axis.values else domain.snap(np.array([0, 0.5, 1]))
        yield from ((j, float(height), plain(_rounded(domain.decode(height)), width=LABEL_WIDTH)) for height in u)
        if np.isnan(tried.X[:, j]).any():
            yield j, UNUSED, "not active"
    scores = tried.scores[np.isfinite(tried.scores)]
    best, worst = (scores.max(), scores.min()) if log.direction == "max" else (scores.min(), scores.max())
    yield len(tried.axes), 1.0, f"best {plain(_rounded(float(best)))}"
    yield len(tried.axes), 1 / len(scores), f"worst {plain(_rounded(float(worst)))}"


def _rounded(value: Value) -> Value:
    return float(f"{value:.4g}") if isinstance(value, float) else value
