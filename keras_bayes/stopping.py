"""When to end a search: pure questions about its trials."""

from __future__ import annotations

from collections.abc import Sequence

from keras_bayes.history import TrialRecord

# Trials that must all have failed with one error, before any succeeds, for the search to be given up.
FIRST_FAILURES = 3
# Errors that are raised on purpose, or that a smaller model does not have.
NO_MISTAKES = ("FailedTrialError", "MemoryError", "OutOfMemoryError", "ResourceExhaustedError")


def too_many_failures(ended: Sequence[TrialRecord], limit: int | None) -> str:
    """Why failures should end the search; empty where they should not.

    Args:
        ended: The trials that have ended, in the order of their ends.
        limit: Failures in a row that the user allows; `None` ends only a program that cannot work.
    """
    if limit is not None:
        is_reached = consecutive_failures(ended) >= limit
        message = ended[-1].message or "" if ended else ""
        return f"Number of consecutive failures exceeded the limit of {limit}.\n{message}" if is_reached else ""
    traceback = repeated_error(ended, FIRST_FAILURES)
    return f"The first {len(ended)} trials all failed with the same error.\n{traceback}" if traceback else ""


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

    It tells a mistake in the program from a region of the space where trainings fail: the latter leaves other trials
    alone, or fails in more than one way. A training that diverged is no error.
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
