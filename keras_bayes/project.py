"""The project folder: every file is replaced as a whole, a broken one is set aside, nothing that is there is lost.

Names and contents are those of keras-tuner: `oracle.json` for the search, `trial_*/trial.json` for each trial.
"""

from __future__ import annotations

import json
import os
import threading
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keras_bayes.errors import KerasBayesWarning
from keras_bayes.history import trial_order

State = dict[str, Any]

ORACLE_FILE = "oracle.json"


def write_json(path: Path, content: Any) -> None:
    """Replaces a file: a reader, or a process after a crash, finds the old content or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            json.dump(content, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def exists(folder: Path) -> bool:
    """Whether a search has left anything in a folder."""
    return (folder / ORACLE_FILE).is_file() or any(folder.glob("trial_*/trial.json"))


def read_oracle(folder: Path) -> State | None:
    """The state of the search, or `None` where there is no readable one."""
    return _read_json(folder / ORACLE_FILE, {"hyperparameters"})


def read_trials(folder: Path) -> dict[str, State]:
    """The states of all readable trials, in the order in which they were started."""
    required = {"trial_id", "hyperparameters", "metrics", "score", "best_step", "status", "message"}
    states = [_read_json(path, required) for path in folder.glob("trial_*/trial.json")]
    found = {state["trial_id"]: state for state in states if state is not None}
    return {trial_id: found[trial_id] for trial_id in sorted(found, key=trial_order)}


def reconcile(oracle: State, trials: Mapping[str, State]) -> State:
    """The state of a search that agrees with its trials, whatever moment it was interrupted at.

    A trial that was running, or waiting for a retry, waits.

    Args:
        oracle: State of the search, perhaps older than its trials.
        trials: States of the trials, by id, in order.
    """
    waiting = [i for i, trial in trials.items() if trial["status"] in ("RUNNING", "INVALID")]
    return {
        **oracle,
        "ongoing_trials": {},
        "retry_queue": waiting,
        "start_order": _in_order(oracle["start_order"], list(trials)),
        "end_order": _in_order(oracle["end_order"], [i for i in trials if i not in waiting]),
    }


def _in_order(known: list[str], ids: list[str]) -> list[str]:
    """The `ids` in the known order, those that are not in it at the end."""
    return [i for i in dict.fromkeys(known) if i in ids] + [i for i in ids if i not in known]


def _read_json(path: Path, required: set[str]) -> State | None:
    """The object in a file; a file that holds none is set aside as `*.corrupt`."""
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:  # not JSON, or not even text
        content = None
    if isinstance(content, dict) and required <= content.keys():
        return content
    aside = path.with_name(path.name + ".corrupt")
    os.replace(path, aside)
    warnings.warn(
        f"{path} is broken and was set aside as {aside.name}; the search goes on without it.",
        KerasBayesWarning,
        stacklevel=2,
    )
    return None
