"""Figures of what the model of a search says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from keras_bayes.history import TrialRecord
from keras_bayes.search_log import SearchLog
from keras_bayes.show.calibration import Predictions
from keras_bayes.show.drawing import (
    BAND,
    BLUE,
    GREY,
    ORANGE,
    SKY,
    TEMPLATE,
    axis_layout,
    escaped,
    figure,
    hover,
    plain,
    score_range,
)
from keras_bayes.show.explanation import Explanation
from keras_bayes.show.importance import Importance
from keras_bayes.show.insights import scores_of
from keras_bayes.show.landscape import Band, Contour, Slice

NUM_COLUMNS = 3  # of slices beside each other
MAX_BARS = 20  # hyperparameters whose importance has room


def importance_figure(importance: Importance) -> go.Figure:
    """How much each hyperparameter decides, by itself and together with others."""
    order = importance.order[:MAX_BARS][::-1]
    names = [plain(importance.names[j], width=24) for j in order]
    places = list(range(len(order)))
    traces = [
        go.Bar(
            x=values[order], y=places, orientation="h", name=name, marker={"color": color}, width=width,
            hoverinfo="text", textposition="none",
            hovertext=[f"{names[k]}: {value:.1%} {name}" for k, value in enumerate(values[order])],
        )
        for name, values, color, width in (
            ("with its interactions", importance.total, SKY, 0.7),
            ("by itself", importance.first_order, BLUE, 0.35),
        )
    ]  # fmt: skip
    return figure(
        traces,
        title={"text": escaped(importance.doubt or ""), "font": {"size": 12}},
        barmode="overlay",
        height=150 + 34 * len(order),
        xaxis={
            "title": {"text": "share of the differences"},
            "tickformat": ".0%",
            "rangemode": "tozero",
        },
        yaxis={"tickvals": places, "ticktext": names, "showgrid": False},
    )


def slice_figures(log: SearchLog, explanation: Explanation) -> list[go.Figure]:
    """What the model expects along each hyperparameter, with the trials, on the same scale of scores."""
    span, _ = score_range(scores_of(explanation.landscape.records), log.direction)
    return [
        figure(
            _slice_traces(log, line),
            height=300,
            margin={"l": 55, "r": 10, "t": 20, "b": 50},
            showlegend=False,
            xaxis=_axis_of(line),
            yaxis={"title": {"text": plain(log.objective)}, "range": span},
        )
        for line in explanation.slices
    ]


def slices_figure(log: SearchLog, explanation: Explanation) -> go.Figure:
    """The same in one figure."""
    lines = explanation.slices
    num_columns = min(NUM_COLUMNS, len(lines))
    num_rows = -(-len(lines) // num_columns)
    drawn = make_subplots(
        num_rows, num_columns, shared_yaxes="all", horizontal_spacing=0.04, vertical_spacing=0.28 / num_rows
    )
    for i, line in enumerate(lines):
        place = {"row": i // num_columns + 1, "col": i % num_columns + 1}
        drawn.add_traces(_slice_traces(log, line), rows=place["row"], cols=place["col"])
        drawn.update_xaxes(_axis_of(line), **place)
    drawn.update_yaxes(range=score_range(scores_of(explanation.landscape.records), log.direction)[0])
    drawn.update_yaxes(title={"text": plain(log.objective)}, col=1)
    return drawn.update_layout(template=TEMPLATE, height=60 + 270 * num_rows, showlegend=False)


def _slice_traces(log: SearchLog, line: Slice) -> list[Any]:
    x = [line.axis.place(value) for value in line.values]
    mean, low, high = line.band.mean, line.band.low, line.band.high
    text = [
        f"{plain(line.axis.name)} = {plain(value)}<br>expected {plain(expected)}, from {plain(least)} to {plain(most)}"
        for value, expected, least, most in zip(line.values, mean.tolist(), low.tolist(), high.tolist(), strict=True)
    ]
    if line.axis.scale == "category":
        bar = {"color": BLUE, "symbol": "line-ew", "size": 22, "line": {"color": BLUE, "width": 3}}
        error = _error(line.band) | {"color": SKY, "thickness": 8, "width": 0}
        model = [go.Scatter(x=x, y=mean, mode="markers", marker=bar, error_y=error, text=text, hoverinfo="text")]
    else:
        edge = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
        model = [
            go.Scatter(x=x, y=low, **edge),
            go.Scatter(x=x, y=high, fill="tonexty", fillcolor=BAND, **edge),
            go.Scatter(x=x, y=mean, mode="lines", line={"color": BLUE, "width": 2.5}, text=text, hoverinfo="text"),
        ]
    return [*model, *_trial_dots(log, line)]


def _error(band: Band) -> dict[str, Any]:
    return {"type": "data", "symmetric": False, "array": band.high - band.mean, "arrayminus": band.mean - band.low}


def _trial_dots(log: SearchLog, line: Slice) -> list[Any]:
    x, y = [line.axis.place(value) for value in line.used], scores_of(line.records)
    text = [hover(record, log.objective) for record in line.records]
    best, others = slice(None, 1), slice(1, None)
    return [
        go.Scatter(x=x[rows], y=y[rows], mode="markers", marker=marker, text=text[rows], hoverinfo="text")
        for rows, marker in (
            (others, {"color": GREY, "size": 6, "opacity": 0.75}),
            (best, {"color": ORANGE, "size": 12, "symbol": "star"}),
        )
    ]


def _axis_of(line: Slice) -> dict[str, Any]:
    return axis_layout(line.axis, sorted({*line.values, *line.used}, key=line.axis.place))


def contour_figure(log: SearchLog, contour: Contour) -> go.Figure:
    """What the model expects over two hyperparameters, and how sure it is; the trials as dots, the best as a star."""
    titles = [f"expected {plain(log.objective)}", "standard deviation"]
    drawn = make_subplots(1, 2, subplot_titles=titles, shared_yaxes=True, horizontal_spacing=0.16)
    span, _ = score_range(scores_of(contour.records), log.direction)
    mean = {
        "z": contour.mean,
        "reversescale": log.direction == "min",
        "colorbar": _color_bar(0.44),
        "zmin": span[0],
        "zmax": span[1],
    }
    sd = {"z": contour.sd, "colorbar": _color_bar(1.02)}
    for column, surface in enumerate((mean, sd), start=1):
        drawn.add_traces([_surface(contour, surface), *_marks(log, contour)], rows=1, cols=column)
    drawn.update_xaxes(axis_layout(contour.axes[0], contour.values[0]))
    drawn.update_yaxes(axis_layout(contour.axes[1], contour.values[1]))
    drawn.update_yaxes(title={"text": ""}, col=2)
    return drawn.update_layout(template=TEMPLATE, height=440, margin={"t": 60})


def _color_bar(place: float) -> dict[str, Any]:
    return {"x": place, "thickness": 12, "outlinewidth": 0}


def _surface(contour: Contour, surface: dict[str, Any]) -> Any:
    x, y = ([axis.place(value) for value in values] for axis, values in zip(contour.axes, contour.values, strict=True))
    common = {"x": x, "y": y, "colorscale": "Cividis", "hovertemplate": "%{z:.5g}<extra></extra>", **surface}
    gaps = [1 if axis.values else 0 for axis in contour.axes]
    if any(gaps):
        return go.Heatmap(xgap=gaps[0], ygap=gaps[1], **common)
    return go.Contour(line={"width": 0.5}, ncontours=14, **common)


def _marks(log: SearchLog, contour: Contour) -> list[Any]:
    x, y = ([axis.place(value) for value in used] for axis, used in zip(contour.axes, contour.used, strict=True))
    text = [hover(record, log.objective) for record in contour.records]
    dot = {"color": "white", "size": 7, "line": {"color": "black", "width": 1}}
    star = {"color": ORANGE, "size": 15, "symbol": "star", "line": {"color": "white", "width": 1}}
    common = {"mode": "markers", "showlegend": False}
    return [
        go.Scatter(x=x, y=y, marker=dot, text=text, hoverinfo="text", **common),
        go.Scatter(x=x[:1], y=y[:1], marker=star, hoverinfo="skip", **common),
    ]


def predictions_figure(log: SearchLog, predictions: Predictions) -> go.Figure:
    """Predictions against scores: of the model without the trial, and of the model before the trial."""
    proposed = [trial.record for trial in predictions.proposed]
    span, _ = score_range(scores_of(predictions.records), log.direction)
    line = {"color": GREY, "dash": "dash", "width": 1}
    return figure(
        [
            go.Scatter(x=span, y=span, mode="lines", line=line, name="as predicted", hoverinfo="skip"),
            _predicted("left out", log, predictions.records, predictions.left_out, {"color": BLUE}),
            _predicted("before it ran", log, proposed, predictions.expected, {"color": ORANGE, "symbol": "diamond"}),
        ],
        xaxis={"title": {"text": plain(log.objective)}, "range": span},
        yaxis={"title": {"text": f"{plain(log.objective)}, predicted"}, "range": span},
        height=460,
    )


def _predicted(
    name: str, log: SearchLog, records: Sequence[TrialRecord], band: Band, marker: dict[str, Any]
) -> go.Scatter:
    pairs = zip(records, band.mean.tolist(), strict=True)
    return go.Scatter(
        x=scores_of(records), y=band.mean, mode="markers", name=name, marker={"size": 7, **marker}, opacity=0.75,
        error_y=_error(band) | {"color": marker["color"], "thickness": 1, "width": 0}, showlegend=bool(records),
        text=[hover(record, log.objective, f"predicted {plain(mean)}") for record, mean in pairs], hoverinfo="text",
    )  # fmt: skip
