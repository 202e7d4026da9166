"""Writing on a disk that may fail: what cannot be written now is kept, and written when it can be."""

from __future__ import annotations

import json
import threading
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from keras_bayes import project
from keras_bayes.errors import KerasBayesWarning
from keras_bayes.states import State

FILES, WEIGHTS = "files", "weights"
MAX_NAMED = 3  # files in a message


class Writer:
    """Writes the files of one search. A disk that fails costs one warning, not the search.

    A copy starts with nothing to write.
    """

    def __init__(self) -> None:
        self._unsaved: dict[Path, str] = {}  # latest content of each file that is not on the disk, oldest first
        self._failing: set[str] = set()  # what could not be written the last time
        self._lock = threading.RLock()

    @property
    def is_behind(self) -> bool:
        """Whether the disk lacks something."""
        return bool(self._unsaved)

    def write_state(self, path: Path, state: State) -> None:
        """Writes a state with its checksum, now or later."""
        self._write(path, project.sealed(state))

    def write_json(self, path: Path, content: Any) -> None:
        """Writes a file, now or later."""
        self._write(path, json.dumps(content))

    def write_lines(self, path: Path, lines: Sequence[str]) -> None:
        """Writes a file that has grown by the last of its lines, now or later; a first line begins it anew."""
        with self._lock:
            if len(lines) == 1 or path in self._unsaved or not _is_appended(path, lines[-1]):
                self._write(path, "".join(lines))

    def flush(self) -> None:
        """Writes what is not yet on the disk, as far as it goes."""
        with self._lock:
            self._unsaved = {path: text for path, text in self._unsaved.items() if not self._is_written(path, text)}
            if not self._unsaved:
                self._failing.discard(FILES)

    def forget(self, folder: Path) -> None:
        """Leaves out what is not yet on the disk of the files in a folder."""
        with self._lock:
            self._unsaved = {path: text for path, text in self._unsaved.items() if path.parent != folder}

    def finish(self) -> None:
        """Writes what is not yet on the disk; a warning says what is still missing there."""
        self.flush()
        if self._unsaved:
            some = [str(path) for path in list(self._unsaved)[:MAX_NAMED]] + ["…"] * (len(self._unsaved) > MAX_NAMED)
            message = (
                f"Not saved: {', '.join(some)}. Make room on the disk, and call `tuner.save()` before this process "
                "ends, or what is missing is lost."
            )
            warnings.warn(message, KerasBayesWarning, stacklevel=4)

    def save_weights(self, path: Path, save: Callable[[Path], object]) -> bool:
        """Replaces a file of weights by what `save` writes to a path; whether that worked."""
        with self._lock:
            try:
                project.replace_by(path, save)
            except OSError as error:
                self._warn(WEIGHTS, path, error, "The search goes on without these weights; others are written")
                return False
            self._failing.discard(WEIGHTS)
            return True

    def _write(self, path: Path, text: str) -> None:
        with self._lock:
            self._unsaved.pop(path, None)
            self._unsaved[path] = text
            self.flush()

    def _is_written(self, path: Path, text: str) -> bool:
        try:
            project.write_text(path, text)
        except OSError as error:
            self._warn(FILES, path, error, "The search goes on in memory; what is missing is written")
            return False
        return True

    def _warn(self, kind: str, path: Path, error: OSError, consequence: str) -> None:
        if not self._failing & {kind, FILES}:
            reason = error.strerror or str(error)
            message = f"{path} could not be written: {reason}. {consequence} as soon as the disk allows."
            warnings.warn(message, KerasBayesWarning, stacklevel=4)
        self._failing.add(kind)

    def __reduce__(self) -> tuple[type[Writer], tuple[()]]:
        return Writer, ()


def _is_appended(path: Path, line: str) -> bool:
    """Whether a line could be put at the end of a file; a reader may find a part of it."""
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(line)
    except OSError:
        return False
    return True
