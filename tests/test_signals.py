"""SIGTERM, in real processes."""

import os
import signal
import subprocess
import sys

import pytest

START = """
import os, signal, sys, threading, time
from keras_bayes.signals import Terminated, interruptible

def terminate():
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.01)

def say(text):
    print(text, flush=True)

"""


def run(code):
    return subprocess.run([sys.executable, "-c", START + code], capture_output=True, text=True, timeout=60, check=False)


def test_the_process_puts_down_what_it_has_and_ends_by_the_signal():
    done = run("""
with interruptible():
    try:
        terminate()
    except BaseException as error:
        say(type(error).__name__)
        raise
say("not reached")
""")

    assert done.stdout.split() == ["Terminated"]
    assert done.returncode == -signal.SIGTERM


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
@pytest.mark.parametrize(("number", "code"), [("SIGTERM", -signal.SIGTERM), ("SIGINT", 7)])
def test_a_process_that_was_forked_in_the_meantime_does_with_signals_what_it_always_does(number, code):
    done = run(f"""
signal.signal(signal.SIGINT, signal.default_int_handler)
with interruptible() as received:
    child = os.fork()
    if child == 0:
        try:
            os.kill(os.getpid(), signal.{number})
            time.sleep(10)
        except KeyboardInterrupt:
            os._exit(7)
        except BaseException:  # as of a task in a pool, which goes on
            os._exit(8)
    say(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    say(received)
""")

    assert done.stdout.split() == [str(code), "[]"], done.stderr
    assert done.returncode == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
def test_a_process_that_is_told_to_end_while_it_is_forked_ends():
    done = run("""
def fork_and_terminate():
    child = os.fork()
    if child == 0:
        signal.alarm(10)  # ends it, if nothing else does
        time.sleep(30)
    os.kill(child, signal.SIGTERM)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def of_a_thread():
    codes = []
    thread = threading.Thread(target=lambda: codes.append(fork_and_terminate()))
    thread.start()
    thread.join()
    return codes[0]

def ended():
    return all(fork() == -signal.SIGTERM for fork in [fork_and_terminate, of_a_thread] * 30)

def masks():
    return signal.pthread_sigmask(signal.SIG_BLOCK, ()), signal.getsignal(signal.SIGTERM)

before = masks()
with interruptible():
    within = masks()
    say(ended())
    assert masks() == within
say(ended())
assert masks() == before
""")

    assert done.stdout.split() == ["True", "True"], done.stderr
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("number", "raised", "code"), [("SIGTERM", "Terminated", -signal.SIGTERM), ("SIGINT", "KeyboardInterrupt", 0)]
)
def test_an_interruption_that_python_ignores_comes_again(number, raised, code):
    done = run(f"""
import weakref
signal.signal(signal.SIGINT, signal.default_int_handler)  # a process in the background ignores it

def collected(reference):
    os.kill(os.getpid(), signal.{number})
    time.sleep(0.01)

class Model:
    pass

with interruptible():
    model = Model()
    reference = weakref.ref(model, collected)
    try:
        del model
        say("ignored")
        time.sleep(10)
        say("not reached")
    except BaseException as error:
        say(type(error).__name__)
assert sys.unraisablehook is sys.__unraisablehook__
""")

    assert done.stdout.split() == ["ignored", raised], done.stderr
    assert done.returncode == code, done.stderr


def test_other_errors_that_python_ignores_are_shown_as_ever():
    done = run("""
class Model:
    def __del__(self):
        raise ValueError("left behind")

with interruptible():
    Model()
say("on")
""")

    assert done.stdout.split() == ["on"]
    assert "left behind" in done.stderr


def test_a_program_that_catches_everything_ends_all_the_same():
    done = run("""
with interruptible():
    try:
        terminate()
    except:
        pass
say("not reached")
""")

    assert (done.stdout, done.returncode) == ("", -signal.SIGTERM)


@pytest.mark.parametrize(
    ("handler", "output", "code"),
    [
        ("lambda *_: sys.exit(3)", ["SystemExit"], 3),
        ("lambda *_: say('handled')", ["handled", "on", "end"], 0),
        ("signal.SIG_IGN", ["on", "end"], 0),
    ],
)
def test_a_program_that_handles_the_signal_itself_keeps_doing_so(handler, output, code):
    done = run(f"""
signal.signal(signal.SIGTERM, {handler})
before = signal.getsignal(signal.SIGTERM)
with interruptible():
    try:
        terminate()
        say("on")
    except BaseException as error:
        say(type(error).__name__)
        raise
assert signal.getsignal(signal.SIGTERM) is before
say("end")
""")

    assert done.stdout.split() == output, done.stderr
    assert done.returncode == code


def test_nothing_remains_after_the_context():
    done = run("""
with interruptible():
    assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
""")

    assert (done.returncode, done.stderr) == (0, "")


def test_another_thread_than_the_main_one_changes_nothing():
    done = run("""
def work():
    with interruptible():
        say(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)

thread = threading.Thread(target=work)
thread.start()
thread.join()
""")

    assert (done.stdout.strip(), done.stderr) == ("True", "")
