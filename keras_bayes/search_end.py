"""When to end a search: pure questions about its trials, and about what the model expects of others."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from dataclasses import dataclass

from keras_bayes.arguments import integer
from keras_bayes.history import TrialRecord
from keras_bayes.wording import count

# Trials that must all have failed with one error, before any succeeds, for the search to be given up.
FIRST_FAILURES = 3
LATER_FAILURES = 10  # the same where one has succeeded before: it may be a region of the space
# Errors that are raised on purpose, or that a smaller model does not have.
NO_MISTAKES = ("FailedTrialError", "MemoryError", "OutOfMemoryError", "ResourceExhaustedError")

# Completed trials beyond one for each hyperparameter before the model is believed that little is to be gained: after
# fewer, its lengthscales are hardly more than their prior. After as many, it expects 1.3 times what ten trials then
# bring (examples/benchmarks/gain_calibration.py).
SPARE_TRIALS = 8


@dataclass(frozen=True, slots=True)
class ExpectedGain:
    """Ends a search once the model expects too little of other trials; for `stop_when`.

    Late in a search the model expects too much, so it ends the search rather too late than too early.

    Args:
        min_gain: Improvement of the best score that `num_trials` trials are worth, in the unit of the objective.
        num_trials: How many trials the gain is expected of.

    Raises:
        ValueError, TypeError: An argument is out of range; the message names it and what came.

    Example:
        ```python
        stop_when = keras_bayes.ExpectedGain(min_gain=0.001, num_trials=10)
        tuner = keras_bayes.BayesTuner(build_model, objective="val_accuracy", max_trials=200, stop_when=stop_when)
        ```
    """

    min_gain: float
    num_trials: int = 10

    def __post_init__(self) -> None:
        is_number = isinstance(self.min_gain, numbers.Real) and not isinstance(self.min_gain, bool)
        if not is_number or not 0 < self.min_gain < math.inf:
            raise ValueError(
                f"`min_gain` must be a finite number above 0, in the unit of the objective, received {self.min_gain!r}."
            )
        integer("num_trials", self.num_trials, at_least=1)

    def reason(self, gain: float | None, objective: str) -> str:
        """Why a gain of `num_trials` trials should end the search; empty where it should not, or is not known."""
        if gain is None or gain >= self.min_gain:
            return ""
        return f"{expectation(gain, self.num_trials, objective)}, less than the {self.min_gain:g} of `stop_when`."


def expectation(gain: float, num_trials: int, objective: str) -> str:
    """What a model expects of more trials, in words: the beginning of a sentence, or all of it."""
    return f"The model expects another {count(num_trials, 'trial')} to improve {objective} by {gain:.2g}"


def can_expect(num_completed: int, num_hyperparameters: int) -> bool:
    """Whether what a model of so many completed trials expects of others may be believed."""
    return num_completed >= num_hyperparameters + SPARE_TRIALS


def too_many_failures(ended: Sequence[TrialRecord], limit: int | None, *, has_worked: bool = False) -> str:
    """Why failures should end the search; empty where they should not.

    Args:
        ended: The trials that have ended since it was taken up, in the order of their ends.
        limit: Failures in a row that the user allows; `None` ends only a program that cannot work.
        has_worked: Whether some trial of the search has completed, be it before.
    """
    if limit is not None:
        is_reached = consecutive_failures(ended) >= limit
        message = ended[-1].message or "" if ended else ""
        return f"Number of consecutive failures exceeded the limit of {limit}.\n{message}" if is_reached else ""
    traceback = repeated_error(ended, LATER_FAILURES if has_worked else FIRST_FAILURES)
    since = " since the search was taken up again" if has_worked else ""
    return f"The first {len(ended)} trials{since} all failed with the same error.\n{traceback}" if traceback else ""


def consecutive_failures(ended: Sequence[TrialRecord]) -> int:
    """How many of the last trials failed in a row."""
    count = 0
    for record in reversed(ended):
        if record.status == "COMPLETED":
            break
        count += 1
    return count


def repeated_error(ended: Sequence[TrialRecord], limit: int) -> str | None:
    """The traceback of an error that all trials so far, `limit` or more, have ended with; else `None`.

    With a mistake in the program every trial fails alike; in a bad region of the space some succeed, or fail in other
    ways. A training that diverged is no error.
    """
    errors = {_error_type(record.message) for record in ended}
    is_repeated = len(ended) >= limit and len(errors) == 1 and None not in errors
    return ended[-1].message if is_repeated else None


def _error_type(message: str | None) -> str | None:
    """Class name of the exception at the end of a traceback."""
    if not message or "Traceback" not in message:
        return None
    lines = message.splitlines()
    last_frame = max((i for i, line in enumerate(lines) if line.startswith("  File ")), default=0)
    raised = [line for line in lines[last_frame + 1 :] if line and not line[0].isspace()]
    name = raised[0].split(":")[0] if raised else None
    return None if name is None or name.endswith(NO_MISTAKES) else name
