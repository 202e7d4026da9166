"""From the accuracies of searches to regrets, ranks, and what they are worth in random trials."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Array = NDArray[np.float64]
NUM_BOOTSTRAP = 2000
NO_RESULT = 1.0  # regret before a trial has completed: that of a typical random configuration


def read_lines(paths: Iterable[str]) -> list[dict[str, Any]]:
    """The lines of files of JSON lines; one that was torn is left out, and a file that is not there has none."""
    texts = [text for path in map(Path, paths) if path.exists() for text in path.read_text().splitlines()]
    return [line for text in texts if (line := _parse(text)) is not None]


def recommended(observed: Sequence[float | None], true: Sequence[float | None]) -> Array:
    """True accuracy, after each trial, of the trial with the best observed one; NaN before the first, shape (n,)."""
    best, value, values = -np.inf, np.nan, []
    for seen, accuracy in zip(observed, true, strict=True):
        if seen is not None and seen > best:
            best, value = seen, accuracy
        values.append(value)
    return np.array(values, dtype=float)


def normalized_regret(values: Array, *, best: float, median: float) -> Array:
    """How far values are from the best, in units of the distance of the median of random ones; shape of `values`."""
    return np.nan_to_num((best - values) / (best - median), nan=NO_RESULT)


def expected_best(accuracies: Array, counts: Sequence[int] | None = None) -> list[tuple[int, float]]:
    """The expected best of n draws with replacement from the accuracies, for growing n."""
    ordered = np.sort(accuracies)
    size = len(ordered)
    if counts is None:
        counts = sorted({*range(1, 51), *np.geomspace(51, size, 60).astype(int).tolist()})
    shares = np.arange(size + 1) / size
    return [(n, float(np.diff(shares**n) @ ordered)) for n in counts]


def random_trials(regret: float, curve: Sequence[tuple[int, float]]) -> int | None:
    """The smallest number of random trials with at most this regret, `None` if the curve never comes so low."""
    return next((n for n, value in curve if value <= regret), None)


def ranks(regrets: Array) -> Array:
    """Ranks, 1 is best and ties share theirs, of optimizers on tasks; shapes (optimizers, tasks)."""
    return rankdata(regrets, axis=0)


def bootstrap_interval(values: Array, *, rng: np.random.Generator) -> tuple[float, float]:
    """95 % interval of the mean over tasks; `values` has shape (tasks,)."""
    draws = rng.integers(len(values), size=(NUM_BOOTSTRAP, len(values)))
    low, high = np.quantile(values[draws].mean(axis=1), [0.025, 0.975])
    return float(low), float(high)


def _parse(text: str) -> dict[str, Any] | None:
    try:
        return dict(json.loads(text))
    except json.JSONDecodeError:  # the process was stopped while it wrote
        return None
