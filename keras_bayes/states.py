"""What the JSON of a search and of its trials must look like, so that nothing unexpected comes out of a file."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

State = dict[str, Any]
Check = Callable[[Any], bool]

# What is said of each trial in `oracle.json` is in its own file too: a kill may come between the two.
OF_TRIALS = {"unread": "unread", "proposals": "proposal"}
SUM_OF_OBJECTIVES = "multi_objective"  # what the host calls a list of objectives
MAX_LEVELS = 1e7  # of a stepped number: no search would have got so far as to write a longer list


def check_trial(state: State) -> State:
    """The state of a trial, as it is; raises a `LookupError`, `TypeError` or `ValueError` unless it is one."""
    _check(state, _TRIAL)
    _check(state, {name: check for name, check in _TOLD.items() if name in state})
    for metric in state["metrics"]["metrics"].values():
        _check(metric, {"direction": lambda direction: direction in ("min", "max"), "observations": _list(_is_object)})
        for observation in metric["observations"]:
            _check(observation, {"value": lambda value: _is_number(value) or _NUMBERS(value), "step": _is_number})
    _check_hyperparameters(state["hyperparameters"])
    return state


def told_of_trials(state: State, trials: Mapping[str, State]) -> dict[str, dict[str, Any]]:
    """What a state of `oracle.json` and the states of the trials say of these: `unread` and `proposals`, each by id."""
    return {
        name: {**state.get(name, {}), **{i: trial[key] for i, trial in trials.items() if key in trial}}
        for name, key in OF_TRIALS.items()
    }


def check_oracle(state: State) -> State:
    """The state of a search, as it is; raises a `LookupError`, `TypeError` or `ValueError` unless it is one.

    What only a Bayesian search writes may be missing, but not be something else.
    """
    _check(state, _ORACLE)
    _check(state, {name: check for name, check in _BAYESIAN.items() if name in state})
    _check_hyperparameters(state["hyperparameters"])
    return state


def check_report(state: State) -> State:
    """What a worker tells of a trial, as it is; raises a `LookupError` or `TypeError` if this is something else."""
    _check(state, {"unread": _TEXTS, "message": _is_text_or_none, "tuner_id": _is_text})
    return state


def _check_hyperparameters(config: Mapping[str, Any]) -> None:
    """Raises a `LookupError`, `TypeError` or `ValueError` unless this is a `HyperParameters.get_config()`."""
    _check(config, {"space": _list(_is_object), "values": _dict(_is_value)})
    for item in config["space"]:
        _check(item, {"class_name": lambda name: name in _HYPERPARAMETERS, "config": _is_object})
        entry = item["config"]
        _check(entry, {"name": _is_text, **_HYPERPARAMETERS[item["class_name"]]})
        if "conditions" in entry:
            _check(entry, {"conditions": _list(_is_object)})
        for condition in entry.get("conditions", ()):
            _check(condition, {"class_name": lambda name: name == "Parent", "config": _is_object})
            _check(condition["config"], {"name": _is_text, "values": lambda values: bool(values) and _VALUES(values)})
        step = entry.get("step")
        if step and (entry["max_value"] - entry["min_value"]) / step > MAX_LEVELS and item["class_name"] == "Float":
            raise ValueError(f"the step {step} of {entry['name']!r} is too small")


def _check(state: Any, checks: Mapping[str, Check]) -> None:
    for name, check in checks.items():
        if name not in state:
            raise LookupError(f"{name!r} is missing")
        if not check(state[name]):
            raise TypeError(f"{name!r} is {str(state[name])[:60]!r}")


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_text_or_none(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_number_or_none(value: Any) -> bool:
    return value is None or _is_number(value)


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is_value(value: Any) -> bool:
    return isinstance(value, (int, float, str, bool))


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _list(check: Check) -> Check:
    return lambda value: isinstance(value, list) and all(map(check, value))


def _dict(check: Check) -> Check:
    return lambda value: isinstance(value, dict) and all(map(check, value.values()))


_NUMBERS, _VALUES, _TEXTS = _list(_is_number), _list(_is_value), _list(_is_text)

_TRIAL: dict[str, Check] = {
    "trial_id": _is_text,
    "hyperparameters": _is_object,
    "metrics": lambda value: _is_object(value) and _dict(_is_object)(value.get("metrics")),
    "score": _is_number_or_none,
    "best_step": _is_number_or_none,
    "status": lambda value: value in ("RUNNING", "INVALID", "COMPLETED", "FAILED"),
    "message": _is_text_or_none,
}

_ORACLE: dict[str, Check] = {
    "ongoing_trials": _dict(_is_text),
    "hyperparameters": _is_object,
    "start_order": _TEXTS,
    "end_order": _TEXTS,
    "run_times": _dict(_is_count),
    "retry_queue": _TEXTS,
    "seed": lambda value: type(value) is int,
    "seed_state": lambda value: type(value) is int,
    "tried_so_far": _TEXTS,
    "id_to_hash": _dict(_is_text_or_none),
    "display": _is_object,
}


def _is_texts(value: Any) -> bool:
    """Whether this is a list of texts, or nothing."""
    return value is None or _TEXTS(value)


def _is_part(value: Any) -> bool:
    """Whether this is the name of a metric and its direction."""
    return isinstance(value, list) and len(value) == 2 and all(map(_is_text_or_none, value))


def _is_known(value: Any) -> bool:
    """Whether this is a result from elsewhere."""
    is_whole = _is_object(value) and _dict(_is_value)(value.get("values")) and _TEXTS(value.get("unread"))
    is_whole = is_whole and ("gain" not in value or _is_pair(value["gain"]))
    return is_whole and (value["score"] is None or (_is_number(value["score"]) and math.isfinite(value["score"])))


def _is_pair(value: Any) -> bool:
    """Whether these are two finite numbers: a start and an end, or a mean and a standard deviation."""
    return _NUMBERS(value) and len(value) == 2 and all(map(math.isfinite, value))


_INTERVALS = _list(_is_pair)


def _is_proposal(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    source = value.get("source")
    is_continued = source != "continuation" or _is_text(value.get("continues"))
    is_expected = source not in ("model", "continuation") or all(_is_number(value.get(i)) for i in ("mean", "sd"))
    return is_continued and is_expected


_TOLD: dict[str, Check] = {"unread": _TEXTS, "proposal": _is_proposal}

_BAYESIAN: dict[str, Check] = {
    "format": _is_count,
    "search_id": _is_text,
    "proposals": _dict(_is_proposal),
    "unread": _dict(_TEXTS),
    "declared": lambda value: _is_object(value) and _TEXTS(value["argument"]) and _is_texts(value["hypermodel"]),
    "objective": lambda value: bool(value) and _list(_is_part)(value),
    "deaths": _dict(_is_count),
    "noise_variance": lambda value: value is None or (_is_number(value) and value > 0),
    "can_continue": lambda value: isinstance(value, bool),
    "known": _list(_is_known),
    "queue": _list(
        lambda item: _is_object(item) and _dict(_is_value)(item.get("values")) and type(item["skip_if_tried"]) is bool
    ),
    "times": lambda value: (
        _is_object(value) and _INTERVALS(value.get("sessions")) and _dict(_INTERVALS)(value.get("runs"))
    ),
}

_NUMBER: dict[str, Check] = {
    "min_value": _is_number,
    "max_value": _is_number,
    "step": _is_number_or_none,
    "sampling": _is_text_or_none,
    "default": _is_number_or_none,
}
_HYPERPARAMETERS: dict[str, dict[str, Check]] = {
    "Float": _NUMBER,
    "Int": {**_NUMBER, "min_value": lambda value: type(value) is int, "max_value": lambda value: type(value) is int},
    "Choice": {"values": lambda value: bool(value) and _VALUES(value), "default": lambda v: v is None or _is_value(v)},
    "Boolean": {"default": lambda value: isinstance(value, bool)},
    "Fixed": {"value": _is_value},
}
