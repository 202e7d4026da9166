"""Signs of life, with a clock that the tests turn."""

from __future__ import annotations

import threading
import time

from keras_bayes.leases import HEARTBEAT_SECONDS, STOP_SECONDS, Leases, ListeningClock, Periodic


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_who_was_heard_of_and_then_no_more_is_lost():
    clock = Clock()
    leases = Leases(30, clock)
    leases.hear("trial")

    clock.now = 29
    assert leases.is_held("trial")
    assert not leases.is_lost("trial")

    clock.now = 31
    assert leases.is_lost("trial")
    assert not leases.is_held("trial")


def test_who_never_gave_a_sign_is_not_missed():
    clock = Clock()
    leases = Leases(30, clock)

    clock.now = 1e9

    assert not leases.is_lost("trial")


def test_a_sign_of_life_renews_the_lease():
    clock = Clock()
    leases = Leases(30, clock)
    leases.hear("trial")
    clock.now = 20
    leases.hear("trial")

    clock.now = 45

    assert leases.is_held("trial")


def test_who_is_forgotten_is_not_missed():
    clock = Clock()
    leases = Leases(30, clock)
    leases.hear("trial")
    leases.forget("trial")

    clock.now = 100

    assert not leases.is_lost("trial")


def test_while_a_process_does_not_listen_nobody_is_lost():
    clock = Clock()
    listened = ListeningClock(clock)
    leases = Leases(30, listened)
    leases.hear("trial")

    clock.now = 1e6  # it was stopped all the while
    listened.tick()
    assert leases.is_held("trial")
    assert listened() == HEARTBEAT_SECONDS

    for _ in range(26):
        clock.now += 1
        listened.tick()
    assert leases.is_lost("trial")


def test_a_periodic_call_that_waits_for_another_process_is_left_to_itself():
    is_called, go_on = threading.Event(), threading.Event()

    def call():
        is_called.set()
        go_on.wait(60)

    periodic = Periodic(call)
    is_called.wait()
    began = time.monotonic()
    periodic.stop()
    assert time.monotonic() - began < STOP_SECONDS + 10
    go_on.set()


def test_a_periodic_call_comes_again_until_it_is_stopped():
    before = set(threading.enumerate())
    calls = []
    is_enough = threading.Event()

    def call():
        calls.append(1)
        if len(calls) >= 3:
            is_enough.set()

    periodic = Periodic(call, seconds=0.01)
    is_enough.wait()
    periodic.stop()

    assert set(threading.enumerate()) <= before


def test_a_periodic_call_comes_at_once_where_it_is_told_to():
    called = threading.Semaphore(0)
    periodic = Periodic(called.release, seconds=600)
    assert called.acquire(timeout=60)

    periodic.call_now()

    assert called.acquire(timeout=60)
    assert not called.acquire(timeout=0.1)  # and not again and again
    periodic.stop()
