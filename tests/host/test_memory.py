"""What trainings leave behind in the process."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import weakref
from pathlib import Path

import pytest
import tensorflow as tf

from keras_bayes.memory import release_traced_graphs

pytestmark = pytest.mark.slow

SEARCH = """
import resource
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import keras_bayes
from test_tuner import DATA, build_model

class Watched(keras_bayes.BayesTuner):
    megabytes = []

    def on_trial_end(self, trial):
        super().on_trial_end(trial)
        self.megabytes.append(int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6)

tuner = Watched(build_model, objective="val_loss", max_trials=40, seed=0, directory={folder!r})
tuner.oracle.verbose = 0
tuner.search(**DATA)
print((Watched.megabytes[-1] - Watched.megabytes[4]) / 35)
"""


def squared_with_gradient(x):
    """The square, whose gradient is said to be 10 so that it can be told from the true one."""

    @tf.custom_gradient
    def squared(x):
        return tf.square(x), lambda upstream: 10.0 * upstream

    return squared(x)


def traced(function):
    """The function and a weak reference to its graph."""
    function = tf.function(function)
    graph = function.get_concrete_function(tf.TensorSpec((), tf.float32)).graph
    return function, weakref.ref(graph)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads the memory of the process from /proc")
@pytest.mark.parametrize(("backend", "limit"), [("tensorflow", 1), ("jax", 2)])
def test_forty_trials_add_few_megabytes_each(tmp_path, backend, limit):
    script = SEARCH.format(tests=str(Path(__file__).parent), folder=str(tmp_path))
    environment = os.environ | {"KERAS_BACKEND": backend}

    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert float(done.stdout.split()[-1]) < limit


@pytest.mark.parametrize("of", [squared_with_gradient, tf.nn.silu], ids=["without", "with captured tensors"])
def test_the_graph_of_a_function_that_is_gone_is_freed(of):
    function, graph = traced(of)

    release_traced_graphs()
    del function
    gc.collect()

    assert graph() is None


def test_silu_keeps_its_gradient():
    function, _ = traced(tf.nn.silu)

    release_traced_graphs()
    x = tf.constant(0.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)

    assert float(tape.gradient(y, x)) == 0.5


def test_a_function_that_is_still_there_keeps_its_gradient():
    function, _ = traced(squared_with_gradient)

    release_traced_graphs()
    release_traced_graphs()
    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)

    assert float(y) == 9
    assert float(tape.gradient(y, x)) == 10


def test_a_ragged_result_keeps_its_gradient():
    @tf.custom_gradient
    def ragged(x):
        return tf.RaggedTensor.from_row_lengths(x * tf.ones(3), [1, 2]), lambda upstream: 10.0 * upstream.values[0]

    function, _ = traced(ragged)

    release_traced_graphs()
    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(function(x).values)

    assert float(tape.gradient(y, x)) == 10
