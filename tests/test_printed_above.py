import io
import logging
import os
import sys
import threading
from contextlib import contextmanager, redirect_stderr, redirect_stdout

import pytest
from rich.console import Console

from keras_bayes.show.printed_above import printed_above


class Terminal(io.StringIO):
    def isatty(self):
        return True


@contextmanager
def drawing(error_output=None):
    """A terminal on which a program draws, and the proxies that it prints to."""
    terminal = Terminal()
    console = Console(force_terminal=True, color_system=None, width=40)
    with redirect_stdout(terminal), redirect_stderr(error_output or terminal), printed_above(console) as proxies:
        yield terminal, *proxies


def test_lines_are_printed_as_they_are():
    lines = ["short", "x" * 100, "[red]no markup[/red]", "", "  1 2.5 'text' :smile:"]

    with drawing() as (terminal, _):
        for line in lines:
            print(line)

    assert terminal.getvalue() == "".join(f"{line}\n" for line in lines)


def test_an_unfinished_line_is_kept_until_it_is_finished():
    with drawing() as (terminal, proxy):
        print("50 %", end="", flush=True)
        print("\b\b\b\b\r100", end="", flush=True)
        shown, before = str(proxy.unfinished), terminal.getvalue()
        print(" %")

    assert (shown, before) == ("100", "")
    assert terminal.getvalue() == "100 %\n"


def test_a_line_is_shown_until_another_takes_its_place():
    with drawing() as (terminal, proxy):
        print("50 %\r", end="")
        shown = str(proxy.unfinished)
        print("100 %\r", end="")

    assert shown == "50 %"
    assert terminal.getvalue().strip() == "100 %"


def print_and_stop():
    with drawing() as (terminal, _):
        print("unfinished", end="")
        raise KeyboardInterrupt(terminal.getvalue)


def test_an_interruption_leaves_everything_as_it_was():
    before = sys.stdout, sys.stderr

    with pytest.raises(KeyboardInterrupt) as caught:
        print_and_stop()

    assert (sys.stdout, sys.stderr) == before
    assert caught.value.args[0]() == "unfinished"


def test_a_child_of_the_process_does_not_draw(monkeypatch):
    with drawing() as (terminal, _):
        monkeypatch.setattr(os, "getpid", lambda: 1)
        print("printed by the child", end="")
        written = terminal.getvalue()

    assert written == "printed by the child"


def test_loggers_print_above_too():
    with redirect_stderr(Terminal()) as terminal:
        logger, handler = logging.getLogger("tests.printed_above"), logging.StreamHandler()
        logger.addHandler(handler)

        with drawing(error_output=terminal) as (_, _, proxy):
            is_redirected = handler.stream is proxy
            logger.warning("careful")

        logger.removeHandler(handler)
    assert is_redirected
    assert handler.stream is terminal


def test_an_error_output_that_goes_elsewhere_is_left_alone():
    file = io.StringIO()

    with drawing(error_output=file) as (terminal, _):
        print("to the file", file=sys.stderr)

    assert file.getvalue() == "to the file\n"
    assert terminal.getvalue() == ""


def test_lines_of_several_threads_stay_whole():
    def talk(name):
        for _ in range(50):
            print(f"{name * 20}\n", end="")

    with drawing() as (terminal, _):
        threads = [threading.Thread(target=talk, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert sorted(terminal.getvalue().splitlines()) == sorted(name * 20 for name in "abcd" for _ in range(50))
