"""Figures of what happened in a search."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import numpy as np
import plotly.graph_objects as go

from keras_bayes.search_log import LoggedTrial, SearchLog
from keras_bayes.show.drawing import (
    BLUE,
    GREY,
    ORANGE,
    SKY,
    escaped,
    figure,
    hover,
    plain,
    ranked_groups,
    score_range,
    trial_name,
)
from keras_bayes.show.insights import Curve, Curves, Run, ScoreHistory, Timeline, scores_of
from keras_bayes.wording import choice_reason, count, failure_reason, format_seconds, format_value

OUTCOMES = {"completed": BLUE, "failed": ORANGE, "ran again later": GREY, "to be tried again": GREY, "running": SKY}
MAX_MARKERS = 2000  # points of curves that are marked: a browser draws each of them
MAX_DATED = 6  # sessions whose dates have room
MAX_LANES = 16  # trials at the same time that have room


def history_figure(log: SearchLog, history: ScoreHistory) -> go.Figure:
    """Scores in the order of the trials, with the best so far, and the failures along the axis."""
    numbers = np.array([trial.record.number + 1 for trial in history.trials])
    is_scored = np.isfinite(history.scores)
    span, num_beyond = score_range(history.scores, log.direction)
    scored = [trial for trial in history.trials if trial.record.score is not None]
    failed = [trial for trial in history.trials if trial.record.status == "FAILED"]
    worst = 0.02 if log.direction == "max" else 0.98  # of the height
    better = "the larger the better" if log.direction == "max" else "the smaller the better"
    traces = [
        go.Scatter(
            x=numbers, y=history.best, mode="lines", name="best so far", hoverinfo="skip",
            line={"shape": "hv", "color": ORANGE, "width": 2},
        ),
        go.Scatter(
            x=numbers[is_scored], y=history.scores[is_scored], mode="markers", name="trial", hoverinfo="text",
            marker={"color": BLUE, "size": 8},
            text=[hover(trial.record, log.objective, *_about(trial)) for trial in scored],
        ),
        go.Scatter(
            x=[trial.record.number + 1 for trial in failed], y=[worst] * len(failed), yaxis="y2", mode="markers",
            name="failed", hoverinfo="text", marker={"color": ORANGE, "symbol": "x", "size": 8},
            text=[hover(trial.record, log.objective, *_about(trial)) for trial in failed], showlegend=bool(failed),
        ),
    ]  # fmt: skip
    beyond = f"; {count(num_beyond, 'trial')} beyond the axis (double-click)" if num_beyond else ""
    return figure(
        traces,
        xaxis={"title": {"text": f"trial{beyond}"}, "rangemode": "tozero"},
        yaxis={"title": {"text": f"{plain(log.objective)}, {better}"}, "range": span},
        yaxis2={"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True},
    )


def curves_figure(log: SearchLog, curves: Curves) -> go.Figure:
    """Learning curves, the better trials in stronger colours."""
    values = np.concatenate([values for curve in curves.curves for _, values in curve.trainings])
    mode = "lines+markers" if len(values) <= MAX_MARKERS else "lines"
    traces = []
    for group in ranked_groups(scores_of(curve.trial.record for curve in curves.curves), log.direction):
        x, y, names = _joined([curves.curves[row] for row in group.rows])
        traces.append(
            go.Scatter(
                x=x, y=y, customdata=names, hovertemplate="%{customdata}<br>epoch %{x}: %{y:.5g}<extra></extra>",
                name=group.label, showlegend=bool(group.label), **{**group.look, "mode": mode},
            )
        )  # fmt: skip
    is_objective = curves.metric == log.objective  # of another metric nobody has said which way is better
    span = score_range(values, log.direction)[0] if is_objective else None
    return figure(
        traces, xaxis={"title": {"text": "epoch"}}, yaxis={"title": {"text": plain(curves.metric)}, "range": span}
    )


def _joined(curves: Iterable[Curve]) -> tuple[list[Any], list[Any], list[Any]]:
    """Curves one after the other, with gaps between them: epochs, values, trials."""
    x, y, names = [], [], []
    for curve in curves:
        for epochs, values in curve.trainings:
            x += [*epochs.tolist(), None]
            y += [*(value if np.isfinite(value) else None for value in values.tolist()), None]
            names += [trial_name(curve.trial.record)] * (len(epochs) + 1)
    return x, y, names


def timeline_figure(log: SearchLog, timeline: Timeline) -> go.Figure:
    """When the trials ran, those at the same time above each other."""
    unit, seconds = _unit(timeline.duration)
    traces = []
    for outcome, color in OUTCOMES.items():
        runs = [run for run in timeline.runs if _outcome(run) == outcome]
        traces.append(
            go.Bar(
                base=[run.start / seconds for run in runs], x=[(run.end - run.start) / seconds for run in runs],
                y=[run.lane + 1 for run in runs], width=0.8, orientation="h", name=outcome, showlegend=bool(runs),
                marker={"color": color, "line": {"color": "white", "width": 0.5}}, textposition="none",
                hovertext=[hover(run.trial.record, log.objective, _took(run)) for run in runs], hoverinfo="text",
            )
        )  # fmt: skip
    num_lanes = 1 + max(run.lane for run in timeline.runs)
    pauses = "; pauses are left out" if len(timeline.sessions) > 1 else ""
    drawn = figure(
        traces,
        barmode="overlay",
        legend={"y": 1.2},
        height=190 + 40 * min(num_lanes, MAX_LANES),
        xaxis={"title": {"text": f"{unit} of the search{pauses}"}},
        yaxis={"title": {"text": "at a time"}, "tickvals": list(range(1, num_lanes + 1)), "showgrid": False},
    )
    for start, moment in timeline.sessions:
        drawn.add_vline(x=start / seconds, line={"color": GREY, "dash": "dash", "width": 1})
        if len(timeline.sessions) <= MAX_DATED:
            date = datetime.fromtimestamp(moment).strftime("%Y-%m-%d %H:%M")
            drawn.add_annotation(
                x=start / seconds, y=1, text=date, font={"size": 11}, showarrow=False,
                yref="paper", yanchor="bottom", xanchor="left",
            )  # fmt: skip
    return drawn


def _unit(duration: float) -> tuple[str, int]:
    """Name and seconds of a unit in which a duration is a handy number."""
    return ("hours", 3600) if duration >= 7200 else ("minutes", 60) if duration >= 120 else ("seconds", 1)


def _took(run: Run) -> str:
    return f"took {format_seconds(run.end - run.start)}"


def _outcome(run: Run) -> str:
    if not run.is_last:
        return "ran again later"
    return {"COMPLETED": "completed", "RUNNING": "running", "FAILED": "failed"}.get(
        run.trial.record.status, "to be tried again"
    )


def _about(trial: LoggedTrial) -> list[str]:
    """Why it failed, or what the model had expected of it."""
    if trial.record.status != "COMPLETED":
        return [escaped(failure_reason(trial.record.message))]
    if trial.proposal.get("source") == "continuation":
        return [escaped(choice_reason(trial.proposal))]
    if trial.proposal.get("source") != "model":
        return []
    return [f"the model had expected {plain(trial.proposal['mean'])} ± {format_value(trial.proposal['sd'], digits=2)}"]
