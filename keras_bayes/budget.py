"""A budget of a search: how much there is, whether another trial fits into the rest, and what is said at its end."""

from __future__ import annotations

import math
import numbers
import re
from collections.abc import Sequence
from statistics import median

UNIT_SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "min": 60.0, "s": 1.0}
TIME_IS_UP = "`max_time` was used up before the end of the training."
EPOCHS_ARE_UP = "`max_epochs` was used up before the end of the training."
USED_UP = (TIME_IS_UP, EPOCHS_ARE_UP)  # why a training was stopped, where it was not for its own sake
_PART = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(d|h|min|m|s)", re.IGNORECASE)


def parse_duration(duration: float | str) -> float:
    """Seconds of a duration: a number of seconds, or numbers with units, such as `"11h30m"`, `"90 min"`, `"45s"`.

    Raises:
        ValueError: It is not above zero, or cannot be read.
    """
    expected = 'a number of seconds above 0, or a string such as "11h30m", "90min" or "45s"'
    if isinstance(duration, str):
        text = duration.strip()
        parts = _PART.findall(text)
        if _PART.sub("", text) == "" and parts:
            seconds = sum(float(number) * UNIT_SECONDS[unit.lower()] for number, unit in parts)
        else:
            raise ValueError(f"`max_time` must be {expected}, received {duration!r}.")
    elif isinstance(duration, numbers.Real) and not isinstance(duration, bool):
        seconds = float(duration)
    else:
        raise TypeError(f"`max_time` must be {expected}, received {duration!r}.")
    if not 0 < seconds < math.inf:
        raise ValueError(f"`max_time` must be {expected}, received {duration!r}.")
    return seconds


def fits(seconds_left: float, durations: Sequence[float]) -> bool:
    """Whether a trial can be expected to end in time: by the median of what earlier ones took, if there are any."""
    return seconds_left > (median(durations) if durations else 0.0)
