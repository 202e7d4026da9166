"""The command `keras-bayes`: looks into project folders, without Keras and without disturbing a search."""

from __future__ import annotations

import argparse
import csv
import io
import os
import shutil
import sys
import warnings
from datetime import datetime
from pathlib import Path
from typing import Any

import keras_bayes
from keras_bayes import project
from keras_bayes.errors import KerasBayesError, KerasBayesWarning, ProjectError
from keras_bayes.extras import load
from keras_bayes.search_log import SearchLog
from keras_bayes.show.console import best_text, status_text, trials_text
from keras_bayes.tables import trial_columns

ERROR = 2  # exit code, as that of argparse
STDOUT = "-"
MAX_NAMED = 5  # folders in a message


def main(argv: list[str] | None = None) -> int:
    """Runs the command with arguments, by default those of the process; returns its exit code."""
    arguments = _parser().parse_args(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal may lack characters of a name
    try:
        arguments.run(_read(arguments.folder), arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads has seen enough, as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (KerasBayesError, ImportError, OSError) as error:
        _say(f"error: {error}")
        return ERROR
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="keras-bayes", description="Looks into the folder of a search.")
    parser.add_argument("--version", action="version", version=f"keras-bayes {keras_bayes.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Any, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.add_argument("folder", type=Path, metavar="FOLDER", help="the project: directory/project_name")
        added.set_defaults(run=run)
        return added

    command("status", _status, "How a search stands: trials, best result, times, whether it is running.")
    best = command("best", _best, "The best trials, with their hyperparameters.")
    best.add_argument("--top", type=_count, default=1, metavar="N", help="how many, by default 1")
    command("trials", _trials, "All trials, one row each.")
    export = command("export", _export, "All trials in full, for other programs.")
    export.add_argument(
        "--csv", required=True, nargs="?", const=STDOUT, metavar="FILE", help="as CSV; - or nothing: standard output"
    )
    report = command("report", _report, "Writes the report of a search: one HTML file.")
    report.add_argument("--output", type=Path, metavar="FILE", help="by default report.html in FOLDER")
    return parser


def _status(log: SearchLog, arguments: argparse.Namespace) -> None:
    print(status_text(log))


def _best(log: SearchLog, arguments: argparse.Namespace) -> None:
    print(best_text(log, arguments.top, width=_width()))


def _trials(log: SearchLog, arguments: argparse.Namespace) -> None:
    print(trials_text(log, width=_width()))


def _export(log: SearchLog, arguments: argparse.Namespace) -> None:
    text = _csv_text(log)
    if arguments.csv == STDOUT:
        sys.stdout.write(text)
    else:
        project.write_text(Path(arguments.csv), text)


def _report(log: SearchLog, arguments: argparse.Namespace) -> None:
    path = arguments.output or log.folder / "report.html"
    load("keras_bayes.show.report", "viz").write_report(log, path)
    print(path)


def _csv_text(log: SearchLog) -> str:
    """All trials as CSV, with the columns of `keras_bayes.tables.trial_columns`; times as in ISO 8601."""
    columns = trial_columns(log)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in zip(*columns.values(), strict=True):
        writer.writerow([value.isoformat() if isinstance(value, datetime) else value for value in row])
    return out.getvalue().encode("utf-8", "backslashreplace").decode("utf-8")


def _read(folder: Path) -> SearchLog:
    if not folder.is_dir():
        raise ProjectError(f"There is no folder {folder}.")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", KerasBayesWarning)
        try:
            return SearchLog.read(folder)
        except ProjectError as error:
            inner = sorted(path.parent for path in folder.glob(f"*/{project.ORACLE_FILE}"))
            hint = f" Inside it are searches: {', '.join(map(str, inner[:MAX_NAMED]))}." if inner else ""
            raise ProjectError(f"{error}{hint}") from error
        finally:
            for warning in caught:
                _say(f"warning: {warning.message}")


def _say(text: str) -> None:
    """One line on the standard error, whatever a file has put into the text."""
    line = "".join(character if character.isprintable() else " " for character in text)
    print(f"keras-bayes: {line}", file=sys.stderr)


def _width() -> int | None:
    """Characters in a line of the terminal; `None` where the output goes elsewhere."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be an integer of at least 1, received {text!r}")
    return int(text)
