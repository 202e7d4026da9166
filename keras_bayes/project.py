"""The project folder: every file is replaced as a whole, a broken one is set aside, nothing that is there is lost.

Names and contents are those of keras-tuner: `oracle.json` for the search, `trial_*/trial.json` for each trial. Ours
also carry a checksum, and the search the number of its format.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import uuid
import warnings
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from keras_bayes.busy_files import patiently
from keras_bayes.errors import KerasBayesWarning, ProjectError
from keras_bayes.history import trial_order
from keras_bayes.states import State

Parsed = TypeVar("Parsed")

ORACLE_FILE = "oracle.json"
TRIAL_FILE = "trial.json"  # in the folder of a trial
TRIAL_FILES = f"trial_*/{TRIAL_FILE}"  # pattern of all in a project
FORMAT = 1  # of what is written; raised when an older release would misread it
CHECKSUM = "checksum"
WEIGHTS_SUFFIX = ".weights.h5"  # Keras writes weights to such names only

# What reading the content of a file may raise if it is not what it should be.
BAD_CONTENT = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)

_PROCESS = uuid.uuid4().hex[:8]  # tells the temporary files of this process from those of an earlier one of the same id


def write_text(path: Path, text: str) -> None:
    """Replaces a file: a reader, or a process after a crash, finds the old content or the new one, never a part."""

    def write(temporary: Path) -> None:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)

    replace_by(path, write)


def replace_by(path: Path, write: Callable[[Path], object]) -> None:
    """Replaces a file by what `write` writes to the path it is given, once that is on the disk.

    That it has taken the name is on the disk with the next file of the search: a journal keeps the order. Waiting for
    it each time would take as long again.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    suffix = WEIGHTS_SUFFIX if path.name.endswith(WEIGHTS_SUFFIX) else ""
    temporary = path.with_name(f".{path.name}.{process()}-{threading.get_ident()}.tmp{suffix}")
    try:
        write(temporary)
        _sync(temporary)
        patiently(lambda: os.replace(temporary, path))
    except BaseException:
        with contextlib.suppress(OSError):  # Keras may not have closed it yet; why it was left off tells more
            temporary.unlink(missing_ok=True)
        raise


def remove_leftovers(folder: Path, names: str = "*") -> None:
    """Removes the temporary files of writers that are gone; for the only writer of a folder.

    Args:
        folder: The project.
        names: Pattern of the files that were to be written.
    """
    for pattern in (f".{names}.*-*-*.tmp*", f"trial_*/.{names}.*-*-*.tmp*"):
        for path in folder.glob(pattern):
            if f".{process()}-" not in path.name:
                with contextlib.suppress(OSError):
                    path.unlink()


def process() -> str:
    """What tells this process from others, also on other machines."""
    return f"{_PROCESS}-{os.getpid()}"


def trial_folder(folder: str | Path, trial_id: str) -> Path:
    """The folder of a trial in that of its project."""
    return Path(folder) / f"trial_{trial_id}"


def trial_file(folder: str | Path, trial_id: str) -> Path:
    """The file of a trial in the folder of its project."""
    return trial_folder(folder, trial_id) / TRIAL_FILE


def exists(folder: Path) -> bool:
    """Whether a search has left anything in a folder."""
    return (folder / ORACLE_FILE).is_file() or any(folder.glob(TRIAL_FILES))


def has_weights(folder: Path, trial_id: str) -> bool:
    """Whether the weights of a trial are there."""
    return any(trial_folder(folder, trial_id).glob(f"[!.]*{WEIGHTS_SUFFIX}"))


def peek(path: Path) -> State:
    """What a file holds that another process writes; nothing where there is none, or no object in it."""
    try:
        state = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return state if isinstance(state, dict) else {}


def stamp(folder: Path) -> frozenset[tuple[str, int, int]]:
    """Something that changes whenever a file of the search is written."""
    paths = [folder / ORACLE_FILE, *folder.glob(TRIAL_FILES)]
    stats = [(str(path.relative_to(folder)), path.stat()) for path in paths if path.exists()]
    return frozenset((name, stat.st_ino, stat.st_mtime_ns) for name, stat in stats)


def sealed(state: State) -> str:
    """The JSON of a state with a checksum, by which damage is seen that leaves it JSON."""
    text = json.dumps(state)
    return f'{text[:-1]}, "{CHECKSUM}": "{_checksum(text)}"}}'


def set_aside(path: Path, content: bytes, reason: str) -> None:
    """Renames a broken file, unless it has been written anew in the meantime, and says so."""
    aside = path.with_name(path.name + ".corrupt")
    try:
        if path.read_bytes() == content:
            os.replace(path, aside)
    except OSError:  # a disk that cannot be written
        leave_out(path, content, reason)
    else:
        _warn(f"{path} is broken ({reason}) and was set aside as {aside.name}; the search goes on without it.")


def leave_out(path: Path, content: bytes, reason: str) -> None:
    """Says that a broken file is not read."""
    _warn(f"{path} is broken ({reason}); what it held is left out.")


OnBroken = Callable[[Path, bytes, str], None]


def read_oracle(folder: Path, parse: Callable[[State], Parsed], on_broken: OnBroken = set_aside) -> Parsed | None:
    """The search, or `None` where there is no readable one.

    Args:
        folder: The project.
        parse: Makes of a state what is wanted; raises one of `BAD_CONTENT` if it is none.
        on_broken: Told of a broken file: where it is, what it holds, what is wrong.

    Raises:
        ProjectError: The file is of a later release, or cannot be opened.
    """
    return _read(folder / ORACLE_FILE, parse, on_broken)


def read_trials(folder: Path, parse: Callable[[State], Parsed], on_broken: OnBroken = set_aside) -> dict[str, Parsed]:
    """All readable trials by id, in the order in which they were started; see `read_oracle`."""
    found: dict[str, Parsed] = {}
    for path in folder.glob(TRIAL_FILES):
        trial = _read(path, parse, on_broken)
        if trial is not None:
            found[_trial_id(path)] = trial
    return {trial_id: found[trial_id] for trial_id in sorted(found, key=trial_order)}


def reconcile(oracle: State, statuses: Mapping[str, str]) -> State:
    """The state of a search that agrees with its trials, whatever moment it was interrupted at.

    A trial that was running, or waiting for a retry, waits.

    Args:
        oracle: State of the search, perhaps older than its trials.
        statuses: Status of each trial, by id, in order.
    """
    waiting = [i for i, status in statuses.items() if status in ("RUNNING", "INVALID")]
    return {
        **oracle,
        "ongoing_trials": {},
        "retry_queue": waiting,
        "start_order": _in_order(oracle["start_order"], list(statuses)),
        "end_order": _in_order(oracle["end_order"], [i for i in statuses if i not in waiting]),
        "run_times": {i: times for i, times in oracle["run_times"].items() if i in statuses},
    }


def _in_order(known: list[str], ids: list[str]) -> list[str]:
    """The `ids` in the known order, those that are not in it at the end."""
    wanted, seen = set(ids), set(known)
    return [i for i in dict.fromkeys(known) if i in wanted] + [i for i in ids if i not in seen]


def _check_format(path: Path, state: State) -> None:
    number = state.get("format", 0)  # keras-tuner's own files have none
    if type(number) is int and number > FORMAT:
        raise ProjectError(
            f"{path} has format {number}, written by keras_bayes {state.get('keras_bayes', 'of a later release')}; "
            f"this release reads formats up to {FORMAT}. Update keras_bayes, or use another `project_name`."
        )


def made_folder(folder: Path) -> str:
    """The name of a folder, which is made if there is none and the disk allows it."""
    with contextlib.suppress(OSError):  # whatever is written there fails with a better message
        folder.mkdir(parents=True, exist_ok=True)
    return str(folder)


def _trial_id(path: Path) -> str:
    return path.parent.name.removeprefix("trial_")


def _read(path: Path, parse: Callable[[State], Parsed], on_broken: OnBroken) -> Parsed | None:
    try:
        content = patiently(path.read_bytes)
    except (FileNotFoundError, IsADirectoryError):
        return None
    except OSError as error:
        raise ProjectError(f"{path} cannot be read: {error.strerror or error}.") from error
    try:
        return parse(_state(path, content))
    except BAD_CONTENT as error:
        on_broken(path, content, f"{type(error).__name__}: {error}"[:200])
        return None


def _state(path: Path, content: bytes) -> State:
    state = json.loads(content.decode("utf-8"))
    if not isinstance(state, dict):
        raise TypeError("it is no JSON object")
    if path.name == ORACLE_FILE:
        _check_format(path, state)  # before the checksum, which may be computed in another way
    elif state["trial_id"] != _trial_id(path):
        raise ValueError(f"it holds trial {state['trial_id']!r}")
    checksum = state.pop(CHECKSUM, None)
    if checksum is not None and checksum != _checksum(json.dumps(state)):
        raise ValueError(f"its {CHECKSUM} does not fit; if you have edited the file, remove the entry {CHECKSUM!r}")
    return state


def _checksum(text: str) -> str:
    return f"{zlib.crc32(text.encode()):08x}"


def _sync(path: Path) -> None:
    """Waits until the content of a file is on the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _warn(message: str) -> None:
    warnings.warn(message, KerasBayesWarning, stacklevel=4)
