"""A search that is told to end first puts down where it is."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

AGAIN_SECONDS = 0.05  # after which an interruption that Python has ignored comes again

_usual: dict[int, Any] = {}  # the handlers of signals that are noted now
_of_thread = threading.local()  # the mask of signals before a fork


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

    def interrupt(number: int, frame: Any) -> None:
        received.append(number)
        raise_for(number)

    usual: dict[int, Any] = {signal.SIGTERM: signal.SIG_DFL, signal.SIGINT: signal.default_int_handler}
    ours = {number: handler for number, handler in usual.items() if signal.getsignal(number) is handler}
    _usual.update(ours)
    try:
        for number in ours:
            signal.signal(number, interrupt)
        yield
    finally:
        _do_the_usual(ours)


def _do_the_usual(numbers: Iterable[int]) -> None:
    for number in _usual.keys() & numbers:
        signal.signal(number, _usual.pop(number))


def _hold_signals() -> None:
    """Lets signals to a process that is being forked wait, since those that Python handles would be lost."""
    if _usual:
        _of_thread.mask = signal.pthread_sigmask(signal.SIG_BLOCK, _usual)


def _let_signals_come() -> None:
    mask = _of_thread.__dict__.pop("mask", None)
    if mask is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _begin_forked() -> None:
    """A forked process is no search: it may be one of a pool, which ends them by SIGTERM."""
    _do_the_usual(_usual)
    _let_signals_come()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_hold_signals, after_in_parent=_let_signals_come, after_in_child=_begin_forked)


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
