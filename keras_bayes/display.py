"""What a search prints: one compact block for each trial, and a summary at the end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keras_bayes.lifecycle import LifecycleOracle

MAX_WIDTH = 40  # characters of a name or a value


class Display:
    """Prints the course of a search to the standard output, unless `verbose` is 0.

    Args:
        oracle: The search.
    """

    def __init__(self, oracle: LifecycleOracle) -> None:
        self.oracle = oracle
        self.verbose: int | str = 1
        self.is_summary_shown = False
        self.search_start: datetime | None = None
        self.trial_start: dict[str, datetime] = {}
        self.trial_number: dict[str, int] = {}
        self._began: dict[str, float] = {}
        self._durations: list[float] = []

    def on_trial_begin(self, trial: Any) -> None:
        """Says which trial starts, why, and with which values."""
        now = datetime.now()
        self.search_start = self.search_start or now
        self.trial_start[trial.trial_id] = now
        self.trial_number[trial.trial_id] = list(self.oracle.trials).index(trial.trial_id) + 1
        self._began[trial.trial_id] = time.monotonic()
        self.is_summary_shown = False
        best = self.oracle.best_trial()
        best_values = best.hyperparameters.values if best else {}
        self._print(f"\n{self._name(trial)}: {self._reason(trial.trial_id)}")
        self._print_values(trial.hyperparameters.values, best_values)

    def on_trial_end(self, trial: Any) -> None:
        """Says what came of a trial, which one is best, and how long the rest will take."""
        seconds = time.monotonic() - self._began.pop(trial.trial_id, time.monotonic())
        self._durations.append(seconds)
        best = self.oracle.best_trial()
        parts = [f"{self._name(trial)}: {self._result(trial)} after {format_seconds(seconds)}"]
        if best is not None:
            parts.append(f"best so far {format_value(best.score)} ({self._name(best)})")
        num_left = (self.oracle.max_trials or 0) - len(self.oracle.end_order)
        if num_left > 0:
            left = num_left * sum(self._durations) / len(self._durations)
            parts.append(f"about {format_seconds(left)} left")
        self._print("; ".join(parts))
        if trial.status == "COMPLETED" and trial.message:
            self._print(f"  {trial.message}")

    def on_search_end(self, reason: str) -> None:
        """Says why the search ended and what it found, once."""
        if self.is_summary_shown:
            return
        self.is_summary_shown = True
        statuses = [trial.status for trial in self.oracle.trials.values()]
        num_failed = statuses.count("FAILED")
        failed = f", {num_failed} failed" if num_failed else ""
        self._print(f"\n{reason} {statuses.count('COMPLETED')} trials completed{failed}.")
        best = self.oracle.best_trial()
        if best is not None:
            self._print(f"Best {self.oracle.objective.name}: {format_value(best.score)} ({self._name(best)})")
            self._print_values(best.hyperparameters.values, {})
        self._print(f"Results are in {self.oracle.project_folder}")

    def show_loading_code(self, tuner: str) -> None:
        """Prints the lines that load the best model, in this process or in another."""
        self._print(f"  tuner = {tuner}")
        self._print("  model = tuner.get_best_models()[0]")

    def get_state(self) -> dict[str, Any]:
        """What the host's own display keeps in `oracle.json`."""
        return {
            "search_start": self.search_start and self.search_start.isoformat(),
            "trial_start": {trial_id: start.isoformat() for trial_id, start in self.trial_start.items()},
            "trial_number": self.trial_number,
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Takes up what `get_state` gave."""
        start = state["search_start"]
        self.search_start = datetime.fromisoformat(start) if start else None
        self.trial_start = {i: datetime.fromisoformat(start) for i, start in state["trial_start"].items()}
        self.trial_number = dict(state["trial_number"])

    def _print(self, line: str) -> None:
        if self.verbose:
            print(line, flush=True)

    def _print_values(self, values: Mapping[str, Any], best_values: Mapping[str, Any]) -> None:
        rows = [[format_value(name), format_value(value)] for name, value in values.items()]
        if best_values:
            so_far = [format_value(best_values[name]) if name in best_values else "" for name in values]
            rows = [["", "this trial", "best so far"], *([*row, best] for row, best in zip(rows, so_far, strict=True))]
        widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
            self._print(("  " + "   ".join(cells)).rstrip())

    def _name(self, trial: Any) -> str:
        number = list(self.oracle.trials).index(trial.trial_id) + 1
        return f"Trial {number}/{self.oracle.max_trials}" if self.oracle.max_trials else f"Trial {number}"

    def _reason(self, trial_id: str) -> str:
        proposal = self.oracle.proposals.get(trial_id, {})
        if proposal.get("source") == "model":
            mean, sd = format_value(proposal["mean"]), format_value(proposal["sd"], digits=2)
            return f"chosen by the model, which expects {self.oracle.objective.name} = {mean} ± {sd}"
        return "from the initial design"

    def _result(self, trial: Any) -> str:
        if trial.status == "COMPLETED":
            return f"{self.oracle.objective.name} = {format_value(trial.score)}"
        lines = ((trial.message or "").strip() or "no reason given").splitlines()
        outcome = "to be tried again" if trial.status == "INVALID" else "failed"
        return f"{outcome} ({lines[-1][: 3 * MAX_WIDTH]})"


def format_value(value: Any, digits: int = 5) -> str:
    """A value on one short line."""
    if isinstance(value, float):
        return f"{value:.{digits}g}"
    text = value if isinstance(value, str) and value.isprintable() else repr(value)
    return text if len(text) <= MAX_WIDTH else f"{text[: MAX_WIDTH - 1]}…"


def format_seconds(seconds: float) -> str:
    """A duration, such as `8 s`, `3 min 20 s` or `2 h 05 min`."""
    if seconds < 60:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {seconds:02d} s"
