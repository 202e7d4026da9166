"""A search as one output of a notebook's cell, which is saved and exported with it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from keras_bayes.show.html_table import search_html
from keras_bayes.show.progress import Progress, ShownTrial
from keras_bayes.show.summary import STOPPED

Move = Callable[[Progress], Progress]

MIN_SECONDS = 0.5  # between two updates while a trial runs


def is_notebook() -> bool:
    """Whether the program runs in a kernel of IPython, but for Spyder's: its console does not update what it shows."""
    ipython = sys.modules.get("IPython")
    kernel = getattr(ipython.get_ipython(), "kernel", None) if ipython is not None else None
    return kernel is not None and not type(kernel).__module__.startswith("spyder_kernels")


class NotebookView:
    """Shows a search in an output of its own, below which the program prints.

    Args:
        moved_on: Tells what has become of a search in the meantime.
    """

    def __init__(self, moved_on: Move) -> None:
        self._moved_on = moved_on
        self._cell = _Cell()
        self._output: _Output | None = None  # from the first trial on
        self._lines: list[str] = []  # what is said of the search that has ended

    def trial_began(self, progress: Progress) -> None:
        """Shows the search."""
        self._lines = []
        self._show(progress)

    def trial_moved(self) -> None:
        """Shows how far the trials have got, unless it has just been shown."""
        if self._output is not None and time.monotonic() - self._output.updated >= MIN_SECONDS:
            self._show(self._moved_on(self._output.progress))

    def trial_ended(self, progress: Progress, trial: ShownTrial) -> None:
        """Shows the search."""
        self._show(progress)

    def search_ended(self, progress: Progress, lines: Sequence[str]) -> None:
        """Shows the search and its summary."""
        self._lines = [*lines]
        self._show(progress)

    def add(self, lines: Sequence[str]) -> None:
        """Adds lines to the summary."""
        self._lines += lines
        if self._output is not None:
            self._show(self._output.progress)

    def close(self) -> None:
        """Says so if the search has not ended."""
        if self._output is not None and not self._lines:
            self._lines = [STOPPED]
            self._show(self._output.progress.at_end())
        self._cell.close()

    def _show(self, progress: Progress) -> None:
        if self._cell.was_cleared() or self._output is None:
            self._output = _Output(progress, self._lines)
        else:
            self._output.update(progress, self._lines)


class _Cell:
    """Notices when the program clears the outputs of its cell, as callbacks do that plot or print each epoch."""

    def __init__(self) -> None:
        self._is_cleared = False
        self._publisher = sys.modules["IPython"].get_ipython().display_pub
        self._clear = self._publisher.clear_output
        self._publisher.clear_output = self._note

    def was_cleared(self) -> bool:
        """Whether that has happened since the last call."""
        is_cleared, self._is_cleared = self._is_cleared, False
        return is_cleared

    def close(self) -> None:
        """Leaves the notebook as it was."""
        self._publisher.clear_output = self._clear

    def _note(self, *args: Any, **kwargs: Any) -> None:
        self._is_cleared = True
        self._clear(*args, **kwargs)


class _Output:
    """An output of a cell, shown where it is made.

    Args:
        progress: The search.
        lines: What is said below it.
    """

    def __init__(self, progress: Progress, lines: Sequence[str]) -> None:
        self.progress = progress
        self.updated = time.monotonic()
        self._handle = import_module("IPython.display").DisplayHandle()  # which a notebook has
        self._handle.display(_contents(progress, lines), raw=True)

    def update(self, progress: Progress, lines: Sequence[str]) -> None:
        """Replaces what is shown."""
        self.progress = progress
        self.updated = time.monotonic()
        self._handle.update(_contents(progress, lines), raw=True)


def _contents(progress: Progress, lines: Sequence[str]) -> dict[str, Any]:
    """For those who show HTML, and for those who do not."""
    return {"text/html": search_html(progress, lines), "text/plain": "\n".join(lines or progress.facts)}
