"""A search as lines of text, for a log file."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence

from keras_bayes.show.progress import Progress, ShownTrial
from keras_bayes.wording import count, format_seconds, format_values


class PlainView:
    """Prints a line where a search begins and one for each trial that ends."""

    def __init__(self) -> None:
        self._has_begun = False

    def trial_began(self, progress: Progress) -> None:
        """Says what is searched for, once."""
        if not self._has_begun:
            self._has_begun = True
            print_lines([start_line(progress)])

    def trial_moved(self) -> None:
        """Says nothing."""

    def trial_ended(self, progress: Progress, trial: ShownTrial) -> None:
        """Says what came of a trial."""
        print_lines([trial_line(progress, trial)])

    def search_ended(self, progress: Progress, lines: Sequence[str]) -> None:
        """Prints the summary."""
        self._has_begun = False
        print_lines(["", *lines])

    def add(self, lines: Sequence[str]) -> None:
        """Prints more lines."""
        print_lines(lines)

    def close(self) -> None:
        """Leaves everything as it is."""


def start_line(progress: Progress) -> str:
    """What is searched for, and where the results are."""
    if progress.num_ended:
        ended = f"{progress.num_ended} of {progress.max_trials} trials have ended"
        so_far = ended if progress.max_trials else f"{count(progress.num_ended, 'trial')} so far"
        return f"Going on with the search in {progress.folder}: {so_far}"
    total = count(progress.max_trials, "trial") if progress.max_trials else "any number of trials"
    return f"Searching for the best {progress.objective} in {total}; results go to {progress.folder}"


def trial_line(progress: Progress, trial: ShownTrial) -> str:
    """What came of a trial, which one is best, how long the rest will take, and the values of the trial."""
    is_completed = trial.record.score is not None
    result = f"{progress.objective} = {trial.result}" if is_completed else trial.result
    parts = [result if trial.seconds is None else f"{result} after {format_seconds(trial.seconds)}"]
    if is_completed and trial.record.message:
        parts.append(trial.record.message.rstrip("."))
    if progress.best is not None:
        parts.append(f"best so far {progress.best.result} ({progress.name(progress.best)})")
    if progress.epochs_text:
        parts.append(progress.epochs_text)
    if progress.seconds_left:
        parts.append(f"about {format_seconds(progress.seconds_left)} left")
    if trial.values:
        parts.append(format_values(trial.values))
    return f"{progress.name(trial)}: {'; '.join(parts)}"


def print_lines(lines: Sequence[str]) -> None:
    """Prints what the encoding of the output can express of some lines; a search does not end where that fails."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    with contextlib.suppress(OSError, ValueError):  # a full disk, a closed stream
        for line in lines:
            print(line.encode(encoding, "replace").decode(encoding))
            getattr(sys.stdout, "flush", lambda: None)()
