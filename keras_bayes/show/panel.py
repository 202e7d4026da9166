"""A search as a panel of a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rich.box import HORIZONTALS, SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, Group, OverflowMethod, RenderableType, RenderResult
from rich.padding import Padding
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from keras_bayes.show.progress import Progress, ShownTrial
from keras_bayes.wording import format_value, format_values

MAX_WIDTH = 100  # characters: wider ones are hard to read
BAR_WIDTH = 30


@dataclass(frozen=True, slots=True)
class SearchPanel:
    """How much of a search is done, its running trials, and a table of the best, the last and the running ones.

    Args:
        progress: The search.
    """

    progress: Progress

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        options = options.update(width=min(options.max_width, MAX_WIDTH))
        for panel in self._panels(console, options):
            if len(console.render_lines(panel, options)) <= console.height:
                break
        yield panel

    def _panels(self, console: Console, options: ConsoleOptions) -> Iterator[Panel]:
        """Lower and lower ones: first without the earlier of the last trials, then without the ends of long lines."""
        recent = self.progress.recent
        for i in range(len(recent) + 1):
            progress = replace(self.progress, recent=recent[i:])
            yield _panel(progress, console, options, overflow="fold")
        yield _panel(progress, console, options, overflow="ellipsis")


def _panel(progress: Progress, console: Console, options: ConsoleOptions, *, overflow: OverflowMethod) -> Panel:
    """The panel, in which values too long for a line go on in the next one, or end in an ellipsis."""

    def values(text: str, style: str = "") -> Text:
        return Text(text, style=style, overflow=overflow, no_wrap=overflow == "ellipsis")

    width = options.max_width
    table = _table(progress)
    fits = console.measure(table, options=options.update(max_width=10 * width)).maximum <= width - 2
    parts = _head(progress, _wrapped(progress.facts, width - 2))
    for trial in progress.running:
        parts += [*_running(progress, trial), *([] if fits else [values(format_values(trial.values))]), Text()]
    parts += [table if fits else _narrow_table(progress), Text()]
    if not fits and progress.best is not None:
        name = progress.name(progress.best)
        parts.append(values(f"★ {name}: {format_values(progress.best.values)}", style="green"))
    if progress.last_failure:
        parts.append(values(progress.last_failure, style="red"))
    title = Text.assemble("best ", (progress.objective, "bold"))
    return Panel(
        Group(*parts), title=title, title_align="left", box=HORIZONTALS, border_style="dim", width=width, padding=0
    )


def _wrapped(facts: Sequence[str], width: int) -> list[str]:
    """Lines of facts, none of which is torn apart unless it is wider than a line."""
    whole = [fact.replace(" ", "\xa0") for fact in facts]
    return [line.replace("\xa0", " ") for line in textwrap.wrap(" · ".join(whole), width)]


def _head(progress: Progress, facts: Sequence[str]) -> list[RenderableType]:
    text = Text("\n".join(facts))
    if progress.max_trials is None:
        return [text, Text()]
    fraction = progress.num_ended / progress.max_trials
    bar = ProgressBar(1.0, fraction, complete_style="green", finished_style="green")
    return [text, Padding(bar, (0, 0, 1, 0))]


def _running(progress: Progress, trial: ShownTrial) -> list[RenderableType]:
    """Why a trial was chosen, and how far it has got."""
    lines: list[RenderableType] = [Text.assemble((progress.name(trial), "bold cyan"), f"  {trial.reason}")]
    position = trial.position
    if position is None:
        return lines
    grid = Table.grid(padding=(0, 2))
    bar = ProgressBar(1.0, position.fraction or 0.0, width=BAR_WIDTH, complete_style="cyan", finished_style="cyan")
    grid.add_row(*([] if position.fraction is None else [bar]), Text(position.text))
    lines.append(grid)
    if position.metrics:
        text = f"last epoch: {progress.last_epoch(position)}"
        lines.append(Text(text, style="dim", no_wrap=True, overflow="ellipsis"))
    return lines


def _table(progress: Progress) -> Table:
    """A column for each hyperparameter."""
    table = _empty_table(progress)
    for name in progress.names:
        table.add_column(Text(format_value(name)), no_wrap=True)
    for trial in progress.listed:
        _add_row(table, progress, trial, trial.texts(progress.names))
    return table


def _narrow_table(progress: Progress) -> Table:
    """One column for the values of all hyperparameters, as far as there is room for them."""
    table = _empty_table(progress)
    table.add_column("values", ratio=1)
    for trial in progress.listed:
        _add_row(table, progress, trial, [format_values(trial.values)])
    return table


def _empty_table(progress: Progress) -> Table:
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="dim", border_style="dim")
    table.add_column("", no_wrap=True)
    table.add_column("trial", justify="right", no_wrap=True)
    table.add_column(Text(progress.objective), no_wrap=True)
    table.add_column("time", justify="right", no_wrap=True)
    return table


def _add_row(table: Table, progress: Progress, trial: ShownTrial, values: Sequence[str]) -> None:
    cells = (Text(cell, no_wrap=True, overflow="ellipsis") for cell in (*progress.cells(trial), *values))
    style = "" if trial.record.score is not None else "red"
    style = "cyan" if trial in progress.running else "bold green" if progress.is_best(trial) else style
    table.add_row(*cells, style=style)
