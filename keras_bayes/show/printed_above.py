"""What a program prints while a live view is on the screen appears above the view."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO, cast

from rich.ansi import AnsiDecoder
from rich.console import Console
from rich.file_proxy import FileProxy
from rich.text import Text


class LineProxy(FileProxy):
    """Prints whole lines on a console, and keeps a line that is not finished, such as a progress bar.

    Rich's own proxy prints an unfinished line each time it is flushed: a progress bar of Keras would fill the screen.

    Args:
        console: The console.
        file: What it stands for.
    """

    def __init__(self, console: Console, file: TextIO) -> None:
        super().__init__(console, file)
        self._console = console
        self._file = file
        self._process = os.getpid()
        self._decoder = AnsiDecoder()
        self._lock = threading.Lock()
        self._unfinished = ""

    @property
    def unfinished(self) -> Text:
        """The line that is not finished yet, as a terminal would show it."""
        return AnsiDecoder().decode_line(_overwritten(self._unfinished))

    def write(self, text: str) -> int:
        if os.getpid() != self._process:  # a child, which does not draw
            return self._file.write(text)
        with self._lock:
            *lines, rest = (self._unfinished + text).split("\n")
            self._unfinished = _overwritten(rest) + "\r" * rest.endswith("\r")
            texts = [self._decoder.decode_line(_overwritten(line)) for line in lines]
        if texts:
            self._console.print(Text("\n").join(texts), soft_wrap=True)
        return len(text)

    def flush(self) -> None:
        self._file.flush()

    def finish(self) -> None:
        """Writes what is left."""
        self._file.write(self._unfinished)
        self._file.flush()


@contextmanager
def printed_above(console: Console) -> Iterator[list[LineProxy]]:
    """Lets what Python writes to the terminal within the context, also by its loggers, go through proxies.

    Args:
        console: The console that draws on the standard output.
    """
    before = sys.stdout, sys.stderr
    to_terminal = [stream for stream in before if stream is sys.stdout or is_tty(stream)]
    proxies = {stream: LineProxy(console, stream) for stream in dict.fromkeys(to_terminal)}
    handlers = {handler: handler.stream for handler in _stream_handlers() if handler.stream in proxies}
    sys.stdout, sys.stderr = (cast(TextIO, proxies.get(stream, stream)) for stream in before)
    for handler, stream in handlers.items():
        handler.setStream(cast(TextIO, proxies[stream]))
    try:
        yield list(proxies.values())
    finally:
        sys.stdout, sys.stderr = before
        for handler, stream in handlers.items():
            if isinstance(handler.stream, LineProxy):  # nobody has given it another one
                handler.setStream(stream)
        for proxy in proxies.values():
            proxy.finish()


def is_tty(stream: object) -> bool:
    """Whether a stream, or what a program uses as one, is a terminal."""
    try:
        return hasattr(stream, "isatty") and bool(stream.isatty())
    except ValueError:  # it is closed
        return False


def _overwritten(line: str) -> str:
    """A line after its carriage returns: what follows the last one, unless nothing does."""
    return line.rstrip("\r").rsplit("\r", 1)[-1].replace("\b", "")


def _stream_handlers() -> list[logging.StreamHandler[TextIO]]:
    loggers = [logging.root, *logging.root.manager.loggerDict.values()]
    handlers = {handler for logger in loggers if isinstance(logger, logging.Logger) for handler in logger.handlers}
    inner = (getattr(handler, "python_handler", handler) for handler in handlers)  # that of absl wraps another
    return [handler for handler in inner if isinstance(handler, logging.StreamHandler)]
