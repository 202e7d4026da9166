"""Where a search stands: what its views show."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from keras_bayes.continuation import best_first
from keras_bayes.domains import Value
from keras_bayes.epoch_count import NO_EPOCHS, EpochCount
from keras_bayes.history import TrialRecord, loss_sign
from keras_bayes.position import Position
from keras_bayes.show.pace import Pace
from keras_bayes.timesheet import Timesheet
from keras_bayes.wording import choice_reason, epochs_text, failure_reason, format_seconds, format_value, of_total

Proposals = Mapping[str, Mapping[str, Any]]  # why each trial was chosen, by id

NUM_RECENT = 5  # trials that have ended and are still listed


@dataclass(frozen=True, slots=True)
class ShownTrial:
    """A trial, as views show it.

    Args:
        trial_id: The host's name of it.
        record: Its values and what came of them.
        reason: Why it was chosen; empty if that is not known.
        seconds: How long it took, or has taken so far; `None` if that is not known.
        position: How far it has got, if it runs and that is known.
        epochs: Those that it has had so far, if it runs.
    """

    trial_id: str
    record: TrialRecord
    reason: str
    seconds: float | None
    position: Position | None = None
    epochs: EpochCount = NO_EPOCHS

    @classmethod
    def of(cls, trial_id: str, record: TrialRecord, proposals: Proposals, timesheet: Timesheet) -> ShownTrial:
        """From what the oracle knows of it."""
        return cls(trial_id, record, choice_reason(proposals.get(trial_id, {})), timesheet.seconds(trial_id))

    @property
    def number(self) -> int:
        """Its number, from 1."""
        return self.record.number + 1

    @property
    def values(self) -> Mapping[str, Value]:
        """Its hyperparameters, without those that it never read."""
        return self.record.used_values

    def texts(self, names: Iterable[str]) -> list[str]:
        """Its values of some hyperparameters, empty where it has none."""
        return [format_value(self.values[name], digits=4) if name in self.values else "" for name in names]

    @property
    def result(self) -> str:
        """Its score, or why there is none."""
        record = self.record
        if record.score is not None:
            return format_value(record.score)
        outcome = "to be tried again" if record.status == "INVALID" else "failed"
        return f"{outcome}: {failure_reason(record.message)}"


@dataclass(frozen=True, slots=True)
class Progress:
    """A moment of a search.

    Args:
        moment: When that is, in seconds on any clock.
        folder: Where its results are.
        objective: Name of the objective.
        max_trials: How many trials there will be at most, if there is a limit.
        max_time: How many seconds it may take, if there is a limit.
        max_epochs: How many epochs all its trainings together may have, if there is a limit.
        num_completed: How many have completed.
        num_failed: How many have failed.
        best: The best one that has completed.
        recent: The last ones that have ended, in the order of their ends.
        running: Those that are running, in the order of their numbers.
        ended_epochs: The epochs of all trials but the running ones.
        elapsed: Seconds that the search has taken, over all the processes that have worked on it.
        pace: How fast it goes, once that is known.
        num_workers: How many trials run at once.
        is_over: Whether the search has ended, or was stopped.
    """

    moment: float
    folder: str
    objective: str
    max_trials: int | None
    max_time: float | None
    max_epochs: int | None
    num_completed: int
    num_failed: int
    best: ShownTrial | None
    recent: tuple[ShownTrial, ...]
    running: tuple[ShownTrial, ...]
    ended_epochs: EpochCount
    elapsed: float
    pace: Pace | None
    num_workers: int
    is_over: bool = False

    @property
    def num_ended(self) -> int:
        """How many trials are over."""
        return self.num_completed + self.num_failed

    @property
    def epochs(self) -> EpochCount:
        """The epochs of all trials."""
        return sum((trial.epochs for trial in self.running), self.ended_epochs)

    @property
    def epochs_text(self) -> str:
        """Such as `epochs 312/2600 (140 saved)`; empty without a budget where nothing was saved."""
        text = epochs_text(self.epochs.trained, self.epochs.saved, self.max_epochs)
        return f"epochs {text}" if text else ""

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the last trial ends, or a budget is used up; `None` where nobody knows, or it is over."""
        if self.is_over:
            return None
        limits = [] if self.max_time is None else [max(self.max_time - self.elapsed, 0.0)]
        if self.max_epochs is not None and self.epochs.trained:
            limits.append(max(self.max_epochs / self.epochs.trained - 1.0, 0.0) * self.elapsed)
        if self.pace is not None and self.max_trials is not None:
            seconds = [trial.seconds or 0.0 for trial in self.running]
            num_waiting = max(self.max_trials - self.num_ended - len(self.running), 0)
            limits.append(self.pace.seconds_left(seconds, num_waiting, max(self.num_workers, len(seconds))))
        return min(limits, default=None)

    def at(self, moment: float, positions: Mapping[str, Position | None], epochs: Mapping[str, EpochCount]) -> Progress:
        """The same search at another moment, when its running trials have got to `positions` and had `epochs`."""
        seconds = moment - self.moment
        running = tuple(
            replace(
                trial,
                seconds=None if trial.seconds is None else trial.seconds + seconds,
                position=positions.get(trial.trial_id),
                epochs=epochs[trial.trial_id],
            )
            for trial in self.running
        )
        return replace(self, moment=moment, running=running, elapsed=self.elapsed + seconds)

    def at_end(self) -> Progress:
        """The same search once it has ended, or was stopped."""
        return replace(self, running=(), is_over=True)

    @property
    def listed(self) -> tuple[ShownTrial, ...]:
        """The best trial, the last ones that have ended, and the running ones."""
        others = (trial for trial in self.recent if not self.is_best(trial))
        return (*([] if self.best is None else [self.best]), *others, *self.running)

    @property
    def facts(self) -> list[str]:
        """How much is done, and how long it has taken and will take."""
        total = f"{of_total(self.num_ended, self.max_trials)} trials"
        failed = [f"{self.num_failed} failed"] if self.num_failed else []
        epochs = [self.epochs_text] if self.epochs_text else []
        left = [f"about {format_seconds(self.seconds_left)} left"] if self.seconds_left else []
        return [total, *failed, *epochs, f"{format_seconds(self.elapsed)} elapsed", *left]

    @property
    def last_failure(self) -> str:
        """Why the last trial that failed did; empty if none of those that are listed has."""
        failed = [trial for trial in self.recent if trial.record.score is None]
        return f"{self.name(failed[-1])} {failed[-1].result}" if failed else ""

    @property
    def names(self) -> list[str]:
        """Hyperparameters of the trials that are listed."""
        return list(dict.fromkeys(name for trial in self.listed for name in trial.values))

    def cells(self, trial: ShownTrial) -> tuple[str, str, str, str]:
        """A mark, the number, the outcome and the time of a trial that is listed."""
        seconds = "" if trial.seconds is None else format_seconds(trial.seconds)
        if trial in self.running:
            return "▶", str(trial.number), "running", seconds
        outcome = "failed" if trial.record.score is None else trial.result
        return "★" * self.is_best(trial), str(trial.number), outcome, seconds

    def last_epoch(self, position: Position) -> str:
        """What the last epoch gave, the objective first; empty if there has been none."""
        metrics = sorted(position.metrics.items(), key=lambda metric: metric[0] != self.objective)
        return ", ".join(f"{format_value(name)} {value:.4g}" for name, value in metrics)

    def is_best(self, trial: ShownTrial) -> bool:
        """Whether this is the best trial."""
        return self.best is not None and trial.trial_id == self.best.trial_id

    def name(self, trial: ShownTrial) -> str:
        """Such as `Trial 3/20`; without the limit where that has been lowered since."""
        is_within = self.max_trials is not None and trial.number <= self.max_trials
        return f"Trial {of_total(trial.number, self.max_trials if is_within else None)}"


def progress_of(
    records: Mapping[str, TrialRecord],
    proposals: Proposals,
    timesheet: Timesheet,
    *,
    moment: float,
    folder: str,
    objective: str,
    direction: str,
    max_trials: int | None,
    max_time: float | None,
    max_epochs: int | None,
    ended_epochs: EpochCount,
    ended: Sequence[str],
    running: Collection[str],
    num_workers: int,
) -> Progress:
    """Where a search stands now.

    Args:
        records: All trials, by id.
        proposals: Why each was chosen, by id.
        timesheet: When they ran.
        moment: The moment, in seconds on any clock.
        folder: Where the results are.
        objective: Name of the objective.
        direction: Which way it is better, `"min"` or `"max"`.
        max_trials: How many trials there will be at most, if there is a limit.
        max_time: How many seconds it may take, if there is a limit.
        max_epochs: How many epochs all its trainings together may have, if there is a limit.
        ended_epochs: The epochs of all trials but the running ones.
        ended: Ids of the trials that are over, in the order of their ends.
        running: Ids of the trials that are running.
        num_workers: How many run at once.
    """

    def shown(trial_id: str) -> ShownTrial:
        return ShownTrial.of(trial_id, records[trial_id], proposals, timesheet)

    sign = loss_sign(direction)
    losses = {trial_id: sign * record.score for trial_id, record in records.items() if record.score is not None}
    failed = [trial_id for trial_id, record in records.items() if record.status == "FAILED"]
    return Progress(
        moment=moment,
        folder=folder,
        objective=objective,
        max_trials=max_trials,
        max_time=max_time,
        max_epochs=max_epochs,
        num_completed=len(losses),
        num_failed=len(failed),
        best=next(map(shown, best_first(losses, proposals)), None),
        recent=tuple(shown(trial_id) for trial_id in ended[-NUM_RECENT:] if trial_id in records),
        running=tuple(sorted((shown(trial_id) for trial_id in running), key=lambda trial: trial.number)),
        ended_epochs=ended_epochs,
        elapsed=timesheet.elapsed,
        pace=Pace.of(timesheet, list(losses) or failed),
        num_workers=num_workers,
    )
