"""Linear algebra on one thread."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import scipy
from threadpoolctl import ThreadpoolController

_turn = threading.RLock()  # a limit is taken back by whoever set it, or the number before it is forgotten


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keeps BLAS to one thread; a context, or a decorator of what runs in it, one at a time in a process.

    The matrices of a search are too small to share out, and threads that wait for each other take their cores from
    the trainings: with two of them, beside other work on two cores, a suggestion after 50 trials took .2 s instead of
    .02 s, one after 200 trials 10 s instead of .04 s.
    """
    with _turn, _controller().limit(limits=1, user_api="blas"):
        yield


@functools.cache  # finding the libraries takes 10 ms, entering the limit .01 ms
def _controller() -> ThreadpoolController:
    scipy.linalg.lapack  # noqa: B018 — loads SciPy's own BLAS, so that it is found
    return ThreadpoolController()
