"""Linear algebra on one thread."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager

import scipy
from threadpoolctl import ThreadpoolController


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keeps BLAS to one thread; a context, or a decorator of what runs in it.

    The matrices of a search are too small to share out: at 200 trials, two threads are slower than one, and a
    hundred times slower where they have to wait for a training on the same cores.
    """
    with _controller().limit(limits=1, user_api="blas"):
        yield


@functools.cache  # finding the libraries takes 10 ms, entering the limit .01 ms
def _controller() -> ThreadpoolController:
    scipy.linalg.lapack  # noqa: B018 — loads SciPy's own BLAS, so that it is found
    return ThreadpoolController()
