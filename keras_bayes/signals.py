"""A search that is told to end by SIGTERM first puts down where it is."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

AGAIN_SECONDS = 0.05  # after which an interruption that Python has ignored comes again


class Terminated(BaseException):
    """The process was asked to end."""


@contextmanager
def sigterm_raises() -> Iterator[None]:
    """Turns SIGTERM into `Terminated` within the context, and ends the process by that signal after it.

    Only where SIGTERM would have ended the process: a program that handles or ignores it, and every thread but the
    main one, stay as they are. Neither it nor `KeyboardInterrupt` is lost where Python ignores exceptions, such as in a
    callback of the garbage collection.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    with _insistent():
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            with _raised():
                yield
        else:
            yield


@contextmanager
def _raised() -> Iterator[None]:
    received: list[int] = []

    def terminate(number: int, frame: Any) -> None:
        received.append(number)
        raise Terminated

    signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if received:
            os.kill(os.getpid(), signal.SIGTERM)


@contextmanager
def _insistent() -> Iterator[None]:
    before = sys.unraisablehook

    def interrupt_again(ignored: Any) -> None:
        if issubclass(ignored.exc_type, Terminated | KeyboardInterrupt):
            number = signal.SIGTERM if issubclass(ignored.exc_type, Terminated) else signal.SIGINT
            threading.Timer(AGAIN_SECONDS, _interrupt, (number,)).start()  # now it would be ignored, too
        else:
            before(ignored)

    sys.unraisablehook = interrupt_again
    try:
        yield
    finally:
        sys.unraisablehook = before


def _interrupt(number: int) -> None:
    if os.name == "nt":  # where `os.kill` ends a process at once
        signal.raise_signal(number)
    else:
        os.kill(os.getpid(), number)  # wakes the main thread, too
