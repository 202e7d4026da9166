"""What a search shows of itself: chooses the view, and tells it what happens."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from keras_bayes.curves import read_curve
from keras_bayes.history import TrialRecord
from keras_bayes.position import Position
from keras_bayes.project import has_weights, trial_folder
from keras_bayes.roles import is_distributed
from keras_bayes.show.live_view import LiveView, can_be_live, is_terminal
from keras_bayes.show.notebook_view import NotebookView, is_notebook
from keras_bayes.show.plain_view import PlainView
from keras_bayes.show.progress import Progress, ShownTrial, progress_of
from keras_bayes.show.summary import summary_lines
from keras_bayes.wording import format_path, loading_line

if TYPE_CHECKING:
    from keras_bayes.lifecycle_oracle import LifecycleOracle

VIEWS = ("auto", "live", "notebook", "plain")


class View(Protocol):
    """Shows a search to the user."""

    def trial_began(self, progress: Progress) -> None: ...
    def trial_moved(self) -> None: ...
    def trial_ended(self, progress: Progress, trial: ShownTrial) -> None: ...
    def search_ended(self, progress: Progress, lines: Sequence[str]) -> None: ...
    def add(self, lines: Sequence[str]) -> None: ...
    def close(self) -> None: ...


class Display:
    """Shows the course of a search, unless `verbose` is 0; as lines of text, or as `shown_in` says.

    Args:
        oracle: The search.
    """

    def __init__(self, oracle: LifecycleOracle) -> None:
        self.oracle = oracle
        self.verbose: int | str = 1
        self.is_summary_shown = False
        self._positions: dict[str, Position] = {}  # how far the running trials of this process have got, by id
        self._view: View = PlainView()

    @contextmanager
    def shown_in(self, view: str) -> Iterator[None]:
        """Shows what happens within the context in one of `VIEWS`, and leaves the terminal in order after it."""
        before, self._view = self._view, self._chosen(view)
        self.is_summary_shown = False
        try:
            yield
        finally:
            self._view.close()
            self._view = before

    def on_trial_begin(self, trial: Any) -> None:
        """A trial starts."""
        self.is_summary_shown = False
        self._positions.pop(trial.trial_id, None)
        if self.verbose:
            self._view.trial_began(self.progress())

    def on_trial_moved(self, trial_id: str, position: Position) -> None:
        """A trial of this process has got on."""
        self._positions[trial_id] = position
        if self.verbose:
            self._view.trial_moved()

    def on_trial_end(self, trial: Any) -> None:
        """A run of a trial ends."""
        if self.verbose:
            records = self.oracle.records()  # once: there may be thousands
            shown = ShownTrial.of(trial.trial_id, records[trial.trial_id], self.oracle.proposals, self.oracle.timesheet)
            self._view.trial_ended(self._progress(records), shown)

    def on_search_end(self, reason: str) -> None:
        """Says why the search ended and what it found, once."""
        if self.is_summary_shown:
            return
        self.is_summary_shown = True
        if self.verbose:
            progress = self.progress().at_end()
            self._view.search_ended(progress, summary_lines(progress, reason, self.oracle.outlook()))

    def show_loading_code(self, tuner: str) -> None:
        """Shows the lines that load the best trial, if there is one, in this process or in another.

        Args:
            tuner: The expression that makes the tuner.
        """
        best = self.oracle.best_trial()
        if self.verbose and best is not None:
            is_kept = has_weights(Path(self.oracle.project_folder), best.trial_id)
            self._view.add([f"  tuner = {tuner}", f"  {loading_line(has_weights=is_kept)}"])

    def progress(self) -> Progress:
        """Where the search stands now."""
        return self._progress(self.oracle.records())

    def _progress(self, records: Mapping[str, TrialRecord]) -> Progress:
        oracle = self.oracle
        running = {trial.trial_id for trial in oracle.ongoing_trials.values()}
        progress = progress_of(
            records,
            oracle.proposals,
            oracle.timesheet,
            moment=time.monotonic(),
            folder=format_path(oracle.project_folder),
            objective=oracle.objective.name,
            direction=oracle.objective.direction,
            max_trials=oracle.max_trials,
            max_time=oracle.max_time,
            max_epochs=oracle.max_epochs,
            ended_epochs=oracle.ledger.total(without=running),
            ended=oracle.end_order,
            running=running,
            num_workers=max(len(oracle.tuner_ids), 1),
        )
        return self.moved_on(progress)

    def moved_on(self, progress: Progress) -> Progress:
        """What has become of a search in which no trial has begun or ended since; does not wait for the oracle."""
        positions: dict[str, Position | None] = {**self._positions}
        if is_distributed():
            positions |= {trial.trial_id: self._position_elsewhere(trial.trial_id) for trial in progress.running}
        epochs = {trial.trial_id: self.oracle.ledger.of(trial.trial_id) for trial in progress.running}
        return progress.at(time.monotonic(), positions, epochs)

    def get_state(self) -> dict[str, Any]:
        """What the host's own display looks for in `oracle.json`; it begins each search anew."""
        return {"search_start": None, "trial_start": {}, "trial_number": {}}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Takes up nothing: what is shown is read from the trials."""

    def _chosen(self, view: str) -> View:
        if view in ("auto", "notebook") and is_notebook():
            return NotebookView(self.moved_on)
        if (view == "auto" and is_terminal()) or (view == "live" and can_be_live()):
            return LiveView(self.moved_on)
        return PlainView()

    def _position_elsewhere(self, trial_id: str) -> Position | None:
        """How far a worker has got, as it writes to the folder that it shares with this process."""
        runs = self.oracle.timesheet.runs.get(trial_id)
        began = runs[-1][0] if runs else 0.0
        curve = read_curve(trial_folder(self.oracle.project_folder, trial_id))
        done = [epoch for epoch in curve if epoch.ended >= began]  # others are those of an earlier run
        if not done:
            return None
        return Position(done[-1].training + 1, done[-1].number + 1, metrics=done[-1].metrics)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_view": PlainView()}  # a copy does not draw
