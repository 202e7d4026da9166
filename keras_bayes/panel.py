"""A search as a panel of a terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from rich.box import ROUNDED, SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from keras_bayes.progress import Progress, ShownTrial
from keras_bayes.wording import format_seconds, format_value, format_values, shortened

MAX_WIDTH = 110  # characters: wider ones are hard to read
FRAME_WIDTH = 6  # of the border and the padding on both sides
MAX_RESULT_WIDTH = 36  # of a failure, in the table
BAR_WIDTH = 30
NUM_OTHER_LINES = 9  # of the frame, the head and the table

Cells = Callable[[ShownTrial], list[str]]


@dataclass(frozen=True, slots=True)
class SearchPanel:
    """How much of a search is done, its running trials, and a table of the best, the last and the running ones.

    Args:
        progress: The search.
    """

    progress: Progress

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        progress = self._fitting(options.max_height if options.height is None else options.height)
        width = min(options.max_width, MAX_WIDTH)
        parts: list[RenderableType] = [_head(progress)]
        parts += [_running(progress, trial) for trial in progress.running]
        if progress.listed:
            parts.append(_table(console, progress, width - FRAME_WIDTH))
        title = Text.assemble(" best ", (progress.objective, "bold"), " ")
        yield Panel(Group(*parts), title=title, title_align="left", box=ROUNDED, width=width, padding=(1, 2, 0, 2))

    def _fitting(self, height: int) -> Progress:
        """Without the earlier of the last trials, where the terminal is too small for all of them."""
        progress = self.progress
        too_many = max(len(progress.listed) + 2 * len(progress.running) + NUM_OTHER_LINES - height, 0)
        return replace(progress, recent=progress.recent[too_many:])


def _head(progress: Progress) -> RenderableType:
    facts = Text("  ·  ".join(progress.facts))
    if progress.max_trials is None:
        return facts
    grid = Table.grid(padding=(0, 2))
    grid.add_row(ProgressBar(progress.max_trials, progress.num_ended, width=BAR_WIDTH), facts)
    return grid


def _running(progress: Progress, trial: ShownTrial) -> RenderableType:
    """Why a trial was chosen, and how far it has got."""
    first = Text.assemble("\n", (progress.name(trial), "bold cyan"), f"  {trial.reason}", no_wrap=True)
    position = trial.position
    if position is None:
        return first
    metrics = "  ".join(f"{format_value(name)} {format_value(value, 4)}" for name, value in position.metrics.items())
    grid = Table.grid(padding=(0, 2))
    bar = [] if position.fraction is None else [ProgressBar(1.0, position.fraction, width=BAR_WIDTH, style="bar.back")]
    texts = [Text(position.text), Text(metrics, style="dim", no_wrap=True, overflow="ellipsis")]
    grid.add_row(*bar, *texts)
    return Group(first, grid)


def _table(console: Console, progress: Progress, width: int) -> RenderableType:
    """One column for each hyperparameter, or one for all of them where that is too wide."""
    names = list(dict.fromkeys(name for trial in progress.listed for name in trial.values))
    columns = [format_value(name) for name in names]

    def each(trial: ShownTrial) -> list[str]:
        return [format_value(trial.values[name], 4) if name in trial.values else "" for name in names]

    wide = _table_with(progress, columns, each)
    if console.measure(wide, options=console.options.update(max_width=10 * width)).maximum <= width:
        return wide
    return _table_with(progress, ["values"], lambda trial: [format_values(trial.values)])


def _table_with(progress: Progress, columns: Sequence[str], cells: Cells) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1), pad_edge=False, header_style="dim", border_style="dim")
    table.add_column("", no_wrap=True)
    table.add_column("trial", justify="right", no_wrap=True)
    table.add_column(progress.objective, overflow="ellipsis", no_wrap=True)
    table.add_column("time", justify="right", no_wrap=True)
    for column in columns:
        table.add_column(Text(column), overflow="ellipsis")
    for trial in progress.listed:
        mark, result, style = _outcome(progress, trial)
        seconds = "" if trial.seconds is None else format_seconds(trial.seconds)
        row = (mark, str(trial.number), shortened(result, MAX_RESULT_WIDTH), seconds, *cells(trial))
        table.add_row(*map(Text, row), style=style)
    return table


def _outcome(progress: Progress, trial: ShownTrial) -> tuple[str, str, str]:
    """Mark, result and style of a row."""
    if trial in progress.running:
        return "▶", "running", "cyan"
    if progress.is_best(trial):
        return "★", trial.result, "bold green"
    return "", trial.result, "" if trial.record.score is not None else "red"
