"""The regret curves of the benchmark as a picture, a panel for each suite."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from regret import Array

OURS = "keras_bayes"
COLOURS = {  # ours stands out; of the peers, kin have kindred colours
    OURS: "#d1495b",
    "random": "#9a9a9a",
    "keras-tuner": "#e8a33d",
    "optuna-tpe": "#7fb3d5",
    "optuna-gp": "#2e6f9e",
    "bayesian-optimization": "#b08bbf",
    "scikit-optimize": "#6c4a8e",
    "ax": "#2a9d8f",
    "botorch": "#8ab17d",
}
DASHED = ("random", "optuna-tpe", "bayesian-optimization", "botorch")
COLUMNS, PANEL = 2, (5.6, 4.2)  # inches
START = 5  # trials before the first point: nobody has learnt anything yet
FLOOR = 0.005  # smaller regrets are drawn here: the axis is logarithmic
LABEL_GAP = 0.055  # between names at the right edge, of the height of a panel


def draw(suites: Mapping[str, Mapping[str, Array]], path: str) -> None:
    """Writes the picture.

    Args:
        suites: For each suite, for each optimizer, the regrets, shape (tasks, trials).
        path: File to write.
    """
    import matplotlib.pyplot as plt  # not needed by the tables

    columns = min(COLUMNS, len(suites))
    rows = math.ceil(len(suites) / columns)
    figure, axes = plt.subplots(rows, columns, figsize=(PANEL[0] * columns, PANEL[1] * rows), squeeze=False)
    for axis, (name, regrets) in zip(axes.flat, suites.items(), strict=False):
        _draw_panel(axis, name, regrets)
    for axis in axes.flat[len(suites) :]:
        axis.set_axis_off()
    for axis in axes[:, 0]:
        axis.set_ylabel("mean normalised regret")
    figure.tight_layout(w_pad=2.5, h_pad=2.5)
    figure.savefig(path, dpi=160, facecolor="white")
    plt.close(figure)


def _draw_panel(axis: Any, suite: str, regrets: Mapping[str, Array]) -> None:
    ends = {}
    for optimizer, by_task in regrets.items():
        mean = np.maximum(by_task.mean(axis=0), FLOOR)  # (trials,)
        trials = np.arange(1, len(mean) + 1)[START - 1 :]
        is_ours = optimizer == OURS
        style = {"color": COLOURS.get(optimizer, "#555555"), "lw": 3.0 if is_ours else 1.6, "zorder": 3 + is_ours}
        axis.plot(trials, mean[START - 1 :], "--" if optimizer in DASHED else "-", **style)
        ends[optimizer] = mean[-1]
    num_tasks, num_trials = next(iter(regrets.values())).shape
    axis.set_yscale("log")
    axis.set_xlim(START, num_trials)
    axis.set_title(f"{suite}, {num_tasks} tasks", loc="left", fontweight="bold", fontsize=11)
    axis.set_xlabel("trials")
    ticks = [tick for tick in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0) if _is_inside(axis, tick)]
    axis.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axis.minorticks_off()
    axis.grid(axis="y", color="#e6e6e6", lw=0.8)
    axis.spines[["top", "right"]].set_visible(False)
    _label_ends(axis, ends)


def _is_inside(axis: Any, value: float) -> bool:
    low, high = axis.get_ylim()
    return low <= value <= high


def _label_ends(axis: Any, ends: Mapping[str, float]) -> None:
    """Writes names beside the ends of the curves, far enough from each other."""
    low, high = np.log(axis.get_ylim())
    names = sorted(ends, key=lambda name: ends[name])
    heights = np.array([(np.log(ends[name]) - low) / (high - low) for name in names])
    for name, height, place in zip(names, heights, spread(heights, LABEL_GAP), strict=True):
        colour, weight = COLOURS.get(name, "#555555"), "bold" if name == OURS else "normal"
        line = {"arrowstyle": "-", "color": colour, "lw": 0.8, "shrinkA": 2, "shrinkB": 0, "relpos": (0, 0.5)}
        axis.annotate(
            name, (1.0, height), (1.05, place), xycoords="axes fraction", textcoords="axes fraction", va="center",
            color=colour, fontweight=weight, fontsize=9, arrowprops=line, annotation_clip=False,
        )  # fmt: skip


def spread(heights: Array, gap: float) -> Array:
    """Heights, ascending, moved as little as needed to be `gap` apart; shapes (n,)."""
    offsets = gap * np.arange(len(heights))
    blocks: list[list[float]] = []
    for height in heights - offsets:  # isotonic regression: neighbours that are too close share their mean
        blocks.append([height])
        while len(blocks) > 1 and np.mean(blocks[-2]) > np.mean(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    return np.concatenate([np.full(len(block), np.mean(block)) for block in blocks]) + offsets
