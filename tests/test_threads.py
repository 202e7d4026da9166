import threading

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from keras_bayes.threads import one_blas_thread


def blas_threads():
    np.ones((2, 2)) @ np.ones((2, 2))
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_linear_algebra_runs_on_one_thread_inside_and_as_before_outside():
    with threadpool_limits(2, user_api="blas"):
        with one_blas_thread():
            inside = blas_threads()
        outside = blas_threads()

    assert inside == {1}
    assert outside == {2}


def test_a_decorated_function_runs_on_one_thread():
    with threadpool_limits(2, user_api="blas"):
        assert one_blas_thread()(blas_threads)() == {1}


def test_two_threads_at_once_leave_the_limit_as_it_was():
    inside = []
    barrier = threading.Barrier(2)

    def work():
        barrier.wait()
        for _ in range(50):
            with one_blas_thread():
                inside.append(blas_threads())

    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        workers = [threading.Thread(target=work) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        after = blas_threads()

    assert len(inside) == 100
    assert after == before
