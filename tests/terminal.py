"""A terminal for a program: what it writes, and what is then on the screen."""

from __future__ import annotations

import errno
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pyte

COLUMNS, ROWS = 100, 40


class Screen:
    """What is on a terminal after some output, and above it.

    Args:
        output: Everything that was written to it.
    """

    def __init__(self, output: bytes = b"") -> None:
        self._screen = pyte.HistoryScreen(COLUMNS, ROWS, history=10_000)
        self._stream = pyte.ByteStream(self._screen)
        self.write(output)

    def write(self, output: bytes) -> None:
        """Writes more to it."""
        self._stream.feed(output)

    @property
    def lines(self) -> list[str]:
        above = ["".join(line[column].data for column in range(COLUMNS)) for line in self._screen.history.top]
        return [line.rstrip() for line in (*above, *self._screen.display)]

    @property
    def has_cursor(self) -> bool:
        return not self._screen.cursor.hidden

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def run_in_terminal(program: Path, *arguments: str, is_dumb: bool = False) -> tuple[int, bytes]:
    """Runs a Python program in a terminal; returns its exit code and everything that it wrote."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    environment = {**os.environ, "TERM": "dumb" if is_dumb else "xterm-256color"}
    process = subprocess.Popen(
        [sys.executable, str(program), *arguments],
        stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    output = b"".join(iter(lambda: _read(ours), b""))
    os.close(ours)
    return process.wait(timeout=60), output


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError as error:
        if error.errno == errno.EIO:  # the program has closed its side
            return b""
        raise
