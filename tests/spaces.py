"""Search spaces for tests, in the JSON form of `keras_tuner.HyperParameters.get_config()`.

`real`, `integer`, `choice`, `boolean` and `fixed` write one hyperparameter; `search_spaces` draws whole spaces. What is
legal in them is said a second time here, in exact arithmetic, by `legal_values` and `active_names`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from hypothesis import strategies as st

from keras_bayes.space import Space

Entry = dict[str, Any]
Config = dict[str, Any]

# Positions with six decimals hit the ends and the middle, and stay clear of the last bits of a number, where the
# value of a continuous hyperparameter and its position cannot agree.
positions = st.integers(0, 10**6).map(lambda i: i / 10**6)


def config_of(*entries: Entry) -> Config:
    return {"space": list(entries), "values": {}}


def space_of(*entries: Entry) -> Space:
    return Space.from_config(config_of(*entries))


def real(name: str, low: float, high: float, **options: Any) -> Entry:
    return _entry("Float", name, _number(low, high, **options))


def integer(name: str, low: int, high: int, **options: Any) -> Entry:
    options = {"step": 1 if options.get("sampling", "linear") == "linear" else None} | options
    return _entry("Int", name, _number(low, high, **options))


def choice(name: str, values: Sequence[Any], *, ordered: bool | None = None, **options: Any) -> Entry:
    ordered = not isinstance(values[0], str) if ordered is None else ordered
    return _entry("Choice", name, {"default": values[0], "values": list(values), "ordered": ordered} | options)


def boolean(name: str, **options: Any) -> Entry:
    return _entry("Boolean", name, {"default": False} | options)


def fixed(name: str, value: Any, **options: Any) -> Entry:
    return _entry("Fixed", name, {"value": value} | options)


def when(name: str, *values: Any) -> dict[str, Any]:
    """A condition: the hyperparameter `name` has one of `values`."""
    return {"class_name": "Parent", "config": {"name": name, "values": list(values)}}


def _number(low: float, high: float, **options: Any) -> dict[str, Any]:
    return {"default": None, "min_value": low, "max_value": high, "step": None, "sampling": "linear"} | options


def _entry(kind: str, name: str, config: dict[str, Any]) -> Entry:
    return {"class_name": kind, "config": {"name": name, "conditions": []} | config}


def legal_values(entry: Entry) -> list[Any] | None:
    """All legal values of a hyperparameter, or `None` where they form a continuum."""
    kind, config = entry["class_name"], entry["config"]
    if kind == "Fixed":
        return [config["value"]]
    if kind == "Boolean":
        return [False, True]
    if kind == "Choice":
        return list(config["values"])
    low, high = Decimal(str(config["min_value"])), Decimal(str(config["max_value"]))
    number = int if kind == "Int" else float
    if config["step"] is None:
        if kind == "Float" and low < high:
            return None
        return [number(low + i) for i in range(int(high - low) + 1)]
    step = Decimal(str(config["step"]))
    steps = _multiples(low, high, step) if config["sampling"] == "linear" else _powers(low, high, step)
    if config["sampling"] == "reverse_log":
        steps = [high + low - value for value in steps]
    return sorted(number(value) for value in steps)


def _multiples(low: Decimal, high: Decimal, step: Decimal) -> list[Decimal]:
    return [low + i * step for i in range(int((high - low) / step) + 1)]


def _powers(low: Decimal, high: Decimal, step: Decimal) -> list[Decimal]:
    values = [low]
    while values[-1] * step <= high:
        values.append(values[-1] * step)
    return values


def is_legal(entry: Entry, value: Any) -> bool:
    """Whether a hyperparameter may have a value, up to the rounding of a stepped float."""
    legal = legal_values(entry)
    if legal is None:
        return bool(entry["config"]["min_value"] <= value <= entry["config"]["max_value"])
    if entry["class_name"] == "Float":
        return any(abs(value - other) <= 1e-12 * max(abs(value), 1) for other in legal)
    return value in legal


def active_names(config: Config, values: Mapping[str, Any]) -> set[str]:
    """Names of the hyperparameters whose conditions hold, and hold for the parents that they name."""
    entries = {entry["config"]["name"]: entry["config"] for entry in config["space"]}

    def is_active(name: str) -> bool:
        conditions = [condition["config"] for condition in entries[name]["conditions"]]
        return all(is_active(c["name"]) and values.get(c["name"]) in c["values"] for c in conditions)

    return {name for name in entries if is_active(name)}


@st.composite
def points_of(draw: st.DrawFn, space: Space, num_points: int = 1) -> np.ndarray:
    """Any points of the unit cube, shape (num_points, d)."""
    rows = st.lists(positions, min_size=space.dim, max_size=space.dim)
    return np.array([draw(rows) for _ in range(num_points)], dtype=float).reshape(num_points, space.dim)


@st.composite
def configurations_of(draw: st.DrawFn, config: Config) -> dict[str, Any]:
    """Legal values of the active hyperparameters."""
    values = {}
    for entry in config["space"]:
        legal = legal_values(entry)
        low, high = entry["config"].get("min_value"), entry["config"].get("max_value")
        values[entry["config"]["name"]] = draw(st.floats(low, high) if legal is None else st.sampled_from(legal))
    active = active_names(config, values)
    return {name: value for name, value in values.items() if name in active}


@st.composite
def search_spaces(draw: st.DrawFn, *, is_finite: bool = False, max_entries: int = 5) -> Config:
    """A search space of all kinds of hyperparameter under nested conditions, in any order."""
    entries: list[Entry] = []
    kinds = [_integers, _log_integers, _stepped_reals, _choices, _booleans, _fixed]
    kinds += [] if is_finite else [_reals, _log_reals]
    for i in range(draw(st.integers(1, max_entries))):
        entry = draw(draw(st.sampled_from(kinds))(f"h{i}"))
        entry["config"]["conditions"] = draw(_conditions(entries))
        entries.append(entry)
    return config_of(*draw(st.permutations(entries)))


@st.composite
def _conditions(draw: st.DrawFn, parents: list[Entry]) -> list[dict[str, Any]]:
    """None, or up to two conditions, each on one or more values of an earlier hyperparameter."""
    if not parents or draw(st.booleans()):
        return []
    chosen = draw(st.lists(st.sampled_from(parents), min_size=1, max_size=2, unique_by=id))
    return [
        when(parent["config"]["name"], *draw(st.lists(st.sampled_from(_exact_values(parent)), min_size=1, max_size=3)))
        for parent in chosen
    ]


def _exact_values(entry: Entry) -> list[Any]:
    """Values that a condition can name: those that no rounding touches."""
    config, legal = entry["config"], legal_values(entry)
    if entry["class_name"] != "Float":
        return legal or []
    if legal is not None:
        return [config["min_value"]]
    # The ends of a logarithmic scale are reached up to rounding only: such a condition never holds.
    return [config["min_value"], config["max_value"]] if config["sampling"] == "linear" else [-1.0]


@st.composite
def _integers(draw: st.DrawFn, name: str) -> Entry:
    low, span = draw(st.integers(-50, 50)), draw(st.integers(0, 40))
    entry = integer(name, low, low + span, step=draw(st.integers(1, 7)))
    return draw(_with_default(entry))


@st.composite
def _log_integers(draw: st.DrawFn, name: str) -> Entry:
    low, span = draw(st.integers(1, 20)), draw(st.integers(0, 60))
    sampling = draw(st.sampled_from(["log", "reverse_log"]))
    entry = integer(name, low, low + span, step=draw(st.sampled_from([None, 2, 3])), sampling=sampling)
    return draw(_with_default(entry))


@st.composite
def _stepped_reals(draw: st.DrawFn, name: str) -> Entry:
    """Decimal numbers, whose steps floats do not hit exactly; the largest value is on a step, or is not."""
    if draw(st.booleans()):
        low, step = Decimal(draw(st.integers(-20, 20))) / 10, Decimal(draw(st.integers(1, 30))) / 100
        high = low + step * draw(st.integers(0, 12)) + draw(st.sampled_from([Decimal(0), step / 2]))
        entry = real(name, float(low), float(high), step=float(step))
    else:
        low, step = Decimal(10) ** draw(st.integers(-5, 0)), Decimal(draw(st.sampled_from([2, 10])))
        high = low * step ** draw(st.integers(0, 4)) * draw(st.sampled_from([Decimal(1), Decimal("1.5")]))
        sampling = draw(st.sampled_from(["log", "reverse_log"]))
        entry = real(name, float(low), float(high), step=float(step), sampling=sampling)
    return draw(_with_default(entry))


@st.composite
def _reals(draw: st.DrawFn, name: str) -> Entry:
    low, width = draw(st.integers(-1000, 1000)) / 10, draw(st.integers(0, 1000)) / 10
    return real(name, low, low + width)


@st.composite
def _log_reals(draw: st.DrawFn, name: str) -> Entry:
    low, ratio = 10.0 ** draw(st.integers(-6, 2)), draw(st.sampled_from([1.0, 2.0, 100.0, 10000.0]))
    return real(name, low, low * ratio, sampling=draw(st.sampled_from(["log", "reverse_log"])))


@st.composite
def _choices(draw: st.DrawFn, name: str) -> Entry:
    items = draw(
        st.sampled_from([st.integers(-9, 9), st.integers(-9, 9).map(lambda i: i / 10), st.sampled_from("abcde")])
    )
    values = draw(st.lists(items, min_size=1, max_size=5, unique=True))
    is_ordered = not isinstance(values[0], str) and draw(st.booleans())
    return draw(_with_default(choice(name, values, ordered=is_ordered)))


@st.composite
def _booleans(draw: st.DrawFn, name: str) -> Entry:
    return boolean(name, default=draw(st.booleans()))


@st.composite
def _fixed(draw: st.DrawFn, name: str) -> Entry:
    return fixed(name, draw(st.sampled_from([3, 0.25, "adam", True])))


@st.composite
def _with_default(draw: st.DrawFn, entry: Entry) -> Entry:
    if draw(st.booleans()):
        entry["config"]["default"] = draw(st.sampled_from(legal_values(entry)))
    return entry
