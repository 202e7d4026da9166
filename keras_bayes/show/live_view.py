"""A search as a panel that is drawn anew at the bottom of a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from importlib.metadata import version

from rich import get_console
from rich.console import Console, Group, RenderableType
from rich.file_proxy import FileProxy
from rich.live import Live

from keras_bayes.show.panel import SearchPanel
from keras_bayes.show.plain_view import print_lines, start_line
from keras_bayes.show.printed_above import is_tty, printed_above
from keras_bayes.show.progress import Progress, ShownTrial
from keras_bayes.show.summary import STOPPED

Move = Callable[[Progress], Progress]

RICH_RELEASE = tuple(map(int, version("rich").split(".")[:2]))
NESTED_VIEWS = (14, 1)  # first release in which two views share a screen


def is_terminal() -> bool:
    """Whether the standard output is a terminal on which a panel can be drawn."""
    return is_tty(sys.stdout) and can_be_live()


def can_be_live() -> bool:
    """Whether a panel can be drawn: not where something else draws, nor where characters are missing."""
    if RICH_RELEASE < NESTED_VIEWS:  # the program could not draw with rich while the panel is there
        return False
    console = _console()
    is_drawn_on = isinstance(sys.stdout, FileProxy) or console.is_jupyter
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return not is_drawn_on and not console.is_dumb_terminal and encoding.lower().startswith("utf")


class LiveView:
    """Draws a search again and again, below what the program prints.

    Args:
        moved_on: Tells what has become of a search in the meantime.
    """

    def __init__(self, moved_on: Move) -> None:
        self._moved_on = moved_on
        self._screens: list[_Screen] = []  # the one that it draws on, from the first trial to the end of the search

    def trial_began(self, progress: Progress) -> None:
        """Draws the search, below a line that stays."""
        if not self._screens:
            print_lines([start_line(progress)])
            self._screens.append(_Screen(self._moved_on, progress))
        self._draw(progress)

    def trial_moved(self) -> None:
        """Does nothing: the next drawing shows it."""

    def trial_ended(self, progress: Progress, trial: ShownTrial) -> None:
        """Draws the search."""
        self._draw(progress)

    def search_ended(self, progress: Progress, lines: Sequence[str]) -> None:
        """Leaves the last drawing where it is, and prints the summary below."""
        self._draw(progress)
        self._stop()
        print_lines(lines)

    def add(self, lines: Sequence[str]) -> None:
        """Prints more lines."""
        print_lines(lines)

    def close(self) -> None:
        """Stops drawing, and says so if the search has not ended."""
        if self._screens:
            self._draw(self._screens[-1].progress.at_end())
            self._stop()
            print_lines([STOPPED])

    def _stop(self) -> None:
        while self._screens:
            self._screens.pop().close()

    def _draw(self, progress: Progress) -> None:
        for screen in self._screens:
            screen.draw(progress)


class _Screen:
    """The bottom of the terminal, until it is closed; a thread that does not keep the process alive draws on it.

    Args:
        moved_on: Tells what has become of a search in the meantime.
        progress: The search.
    """

    def __init__(self, moved_on: Move, progress: Progress) -> None:
        self._moved_on = moved_on
        self.progress = progress
        self._stack = ExitStack()
        console = _console()
        self._proxies = self._stack.enter_context(printed_above(console))
        self._live = Live(console=console, get_renderable=self._drawing, redirect_stdout=False, redirect_stderr=False)
        self._stack.callback(self._live.stop)
        self._live.start()

    def draw(self, progress: Progress) -> None:
        """Draws the search at once."""
        self.progress = progress
        self._live.refresh()

    def close(self) -> None:
        """Draws it a last time and gives the terminal back."""
        self._stack.close()

    def _drawing(self) -> RenderableType:
        unfinished = [proxy.unfinished for proxy in self._proxies]
        return Group(*(text for text in unfinished if text), SearchPanel(self._moved_on(self.progress)))


def _console() -> Console:
    """The console of the program, or one for a terminal that does not say that it is one."""
    console = get_console()
    return console if console.is_terminal else Console(force_terminal=True)
