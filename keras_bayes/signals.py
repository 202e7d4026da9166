"""A search that is told to end first puts down where it is."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

AGAIN_SECONDS = 0.05  # after which an interruption that Python has ignored comes again


class Terminated(BaseException):
    """The process was asked to end."""


@contextmanager
def interruptible() -> Iterator[Sequence[int]]:
    """Turns SIGTERM into `Terminated` within the context, and ends the process by that signal after it.

    Only where SIGTERM would have ended the process: a program that handles or ignores it, and every thread but the
    main one, stay as they are. Neither it nor `KeyboardInterrupt` is lost where Python ignores exceptions, such as in a
    callback of the garbage collection; where a library turns them into errors of its own, what this yields tells.

    Yields:
        The signals of both kinds that have come so far.
    """
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    try:
        with _insistent(), _noted(received):
            yield received
    finally:
        if signal.SIGTERM in received:
            os.kill(os.getpid(), signal.SIGTERM)


def raise_for(number: int) -> None:
    """Raises what a signal stands for."""
    raise Terminated if number == signal.SIGTERM else KeyboardInterrupt


@contextmanager
def _noted(received: list[int]) -> Iterator[None]:
    """Notes signals that end a program which does nothing about them."""
    owner = os.getpid()

    def interrupt(number: int, frame: Any) -> None:
        if os.getpid() != owner:  # forked in the meantime, such as from a pool that ends its processes by SIGTERM
            signal.signal(number, usual[number])
            os.kill(os.getpid(), number)
            return
        received.append(number)
        raise_for(number)

    usual: dict[int, Any] = {signal.SIGTERM: signal.SIG_DFL, signal.SIGINT: signal.default_int_handler}
    ours = {number: handler for number, handler in usual.items() if signal.getsignal(number) is handler}
    for number in ours:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in ours.items():
            signal.signal(number, handler)


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
