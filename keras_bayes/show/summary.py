"""What is said of a search when it has ended."""

from __future__ import annotations

from rich.cells import cell_len

from keras_bayes.show.progress import Progress
from keras_bayes.wording import count, format_value

STOPPED = "The search was stopped. Call `search` again to go on with it."


def summary_lines(progress: Progress, reason: str, outlook: str = "") -> list[str]:
    """Why the search ended, what it found, what more trials would bring and where the results are.

    Args:
        progress: The search.
        reason: Why it ended, as a sentence.
        outlook: What is expected of more trials, as a sentence; left out where it is in the reason.
    """
    failed = f", {progress.num_failed} failed" if progress.num_failed else ""
    epochs = f"; {progress.epochs_text}" if progress.epochs_text else ""
    what = reason.partition("\n")[0]  # without the traceback of an error
    lines = [f"{what} {count(progress.num_completed, 'trial')} completed{failed}{epochs}."]
    best = progress.best
    if best is not None:
        lines.append(f"Best {progress.objective}: {best.result} ({progress.name(best)})")
        names = [format_value(name) for name in best.values]
        width = max(map(cell_len, names), default=0)
        values = map(format_value, best.values.values())
        lines += [f"  {padded(name, width)}   {value}" for name, value in zip(names, values, strict=True)]
    if outlook and outlook.rstrip(".") not in reason:
        lines.append(outlook)
    return [*lines, f"Results are in {progress.folder}"]


def padded(text: str, width: int) -> str:
    """A text with spaces behind it that fill so many cells of a terminal; some characters take two."""
    return text + " " * (width - cell_len(text))
