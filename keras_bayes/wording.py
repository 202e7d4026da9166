"""Values, durations and reasons in few words."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

MAX_WIDTH = 40  # characters of a name or a value
MAX_REASON_WIDTH = 120  # characters of the reason for a failure
TRACEBACK = "Traceback (most recent call last):"
COLOUR = re.compile(r"\x1b\[[0-9;]*m")  # of a terminal


def format_value(value: Any, digits: int = 5) -> str:
    """A value on one short line."""
    if isinstance(value, float):
        return f"{value:.{digits}g}"
    text = value if isinstance(value, str) and value.isprintable() else repr(value)
    return squeezed(text, MAX_WIDTH)


def format_values(values: Mapping[str, Any]) -> str:
    """Hyperparameters on one line."""
    return ", ".join(f"{format_value(name)}={format_value(value, digits=4)}" for name, value in values.items())


def format_path(path: str | Path) -> str:
    """A path as it is seen from the working directory, if it leads into that."""
    with contextlib.suppress(OSError, ValueError):  # there is none any more, or it leads elsewhere
        return str(Path(path).relative_to(Path.cwd()))
    return str(path)


def format_seconds(seconds: float) -> str:
    """A duration, such as `8 s`, `3 min 20 s` or `2 h 05 min`."""
    if round(seconds) < 60:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {seconds:02d} s"


def of_total(count: int, total: int | None) -> str:
    """Such as `3/20`, or `3` where nobody knows of how many."""
    return f"{count}/{total}" if total else str(count)


def epochs_text(trained: int, saved: int, total: int | None) -> str:
    """Such as `312/2600 (140 saved)`; empty where nobody has asked for a budget and nothing was saved."""
    if not total and not saved:
        return ""
    return of_total(trained, total) + (f" ({saved} saved)" if saved else "")


def choice_reason(proposal: Mapping[str, Any]) -> str:
    """Why a trial was chosen; empty where nobody knows."""
    source = proposal.get("source")
    if source == "model":
        mean, sd = format_value(proposal["mean"], digits=4), format_value(proposal["sd"], digits=2)
        return f"model expects {mean} ± {sd}"
    if source == "continuation":
        trial_id = proposal["continues"]
        return f"continues trial {int(trial_id) + 1 if trial_id.isdecimal() else format_value(trial_id)}"
    return {"design": "initial design", "user": "enqueued by the user"}.get(str(source), "")


def one_line(message: str | None) -> str | None:
    """The error at the end of a traceback, without what is indented, such as stacks; of another text its last line."""
    lines = COLOUR.sub("", message or "").strip().splitlines()
    if TRACEBACK not in lines:
        return lines[-1].strip() if lines else None
    latest = len(lines) - lines[::-1].index(TRACEBACK)
    told = [line for line in lines[latest:] if line[:1].strip() and not line.endswith("(most recent call last):")]
    return " ".join(told) or TRACEBACK


def failure_reason(message: str | None) -> str:
    """What a failed trial has left, in one line of what can be printed."""
    line = one_line(message) or "no reason given"
    text = "".join(character if character.isprintable() else " " for character in line)
    return _shortened(text, MAX_REASON_WIDTH)


def loading_line(*, has_weights: bool) -> str:
    """Python that takes the best model from a tuner, or its hyperparameters where no weights are there."""
    return "model = tuner.get_best_models()[0]" if has_weights else "hp = tuner.get_best_hyperparameters()[0]"


def _shortened(text: str, width: int) -> str:
    """A text of at most `width` characters, without its end."""
    return text if len(text) <= width else f"{text[: width - 1]}…"


def squeezed(text: str, width: int) -> str:
    """The same without its middle: names that belong together begin alike."""
    head = width // 2
    return text if len(text) <= width else f"{text[:head]}…{text[head + 1 - width :]}"


def count(number: int, noun: str) -> str:
    """A number of things, such as `1 trial` or `3 trials`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listed(words: Sequence[str]) -> str:
    """Words in a row, such as `a, b and c`."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
