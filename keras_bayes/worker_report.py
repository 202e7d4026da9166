"""What a worker tells of a trial that has ended, for which keras-tuner's messages to the chief have no place."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import NamedTuple

from keras_bayes.project import peek
from keras_bayes.states import check_report
from keras_bayes.writer import Writer

REPORT_FILE = "worker.json"  # in the folder of a trial, which chief and workers share


class WorkerReport(NamedTuple):
    """What came of a trial besides its score.

    Args:
        unread: Hyperparameters that it did not look up.
        message: Why it failed, or ended early.
        tuner_id: Of the worker.
    """

    unread: list[str]
    message: str | None
    tuner_id: str

    def write(self, folder: Path, writer: Writer) -> None:
        """Puts it into the folder of the trial, in place of that of an earlier run."""
        writer.write_json(folder / REPORT_FILE, self._asdict())

    @staticmethod
    def remove(folder: Path) -> None:
        """Takes it out of the folder of a trial that is to run again."""
        with contextlib.suppress(OSError):
            (folder / REPORT_FILE).unlink(missing_ok=True)

    @classmethod
    def read(cls, folder: Path) -> WorkerReport | None:
        """From the folder of the trial; `None` where it is broken, or missing as from keras-tuner's own tuners."""
        try:
            return cls(**check_report(peek(folder / REPORT_FILE)))
        except (LookupError, TypeError):
            return None
