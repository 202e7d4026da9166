"""Weights on disk that are not what they should be."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import keras
import keras_tuner as kt
import numpy as np
import pytest
import tensorflow as tf
from test_tuner import DATA, make_tuner

import keras_bayes
from keras_bayes.weights import load_weights, save_weights

pytestmark = pytest.mark.slow


def test_with_validation_every_few_epochs_the_weights_are_those_of_the_best_one(tmp_path):
    tuner = make_tuner(tmp_path, max_trials=3)

    tuner.search(**DATA, epochs=5, validation_freq=2)

    for trial, model in zip(tuner.oracle.get_best_trials(3), tuner.get_best_models(3), strict=True):
        assert model.evaluate(DATA["x"], DATA["y"], verbose=0) == pytest.approx(trial.score, rel=1e-5)


@pytest.fixture(scope="module")
def tuner(tmp_path_factory):
    """A search with one trial."""
    tuner = make_tuner(tmp_path_factory.mktemp("search"), max_trials=1)
    tuner.search(**DATA)
    return tuner


@pytest.fixture
def weights(tuner):
    """The file of the weights, which is as it was after the test."""
    path = next(Path(tuner.project_dir).glob("trial_*/checkpoint.weights.h5"))
    content = path.read_bytes()
    yield path
    path.write_bytes(content)


def loaded(tuner, path):
    """Whether the model can be loaded; if not, the error is one of the package and names the file."""
    try:
        tuner.get_best_models()
    except keras_bayes.KerasBayesError as error:
        assert str(path) in str(error)  # noqa: PT017
        return False
    return True


def test_a_truncated_file_of_weights_is_an_error_with_its_name(tuner, weights):
    whole = weights.read_bytes()

    for end in range(0, len(whole), len(whole) // 20):
        weights.write_bytes(whole[:end])
        assert not loaded(tuner, weights)


def test_a_damaged_file_of_weights_is_at_most_an_error_with_its_name(tuner, weights):
    whole = weights.read_bytes()

    results = []
    for i in [*range(0, 100, 7), *range(100, len(whole), len(whole) // 40)]:
        damaged = bytearray(whole)
        damaged[i] ^= 255
        weights.write_bytes(damaged)
        results.append(loaded(tuner, weights))

    assert False in results


def test_no_file_of_weights_is_an_error_with_its_name(tuner, weights):
    weights.unlink()

    assert not loaded(tuner, weights)


class CallOnly(keras.Model):
    """A model that does not say how it is built."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(2)

    def call(self, x):
        return self.dense(x)


def test_the_weights_of_a_model_with_a_call_alone_can_be_loaded(tmp_path):
    x = np.ones((3, 4), dtype="float32")
    model, again = CallOnly(), CallOnly()
    expected = model(x)
    build_config = tmp_path / "build_config.json"
    build_config.write_text(json.dumps(model.get_build_config()))
    save_weights(model, tmp_path / "checkpoint.weights.h5")

    load_weights(again, tmp_path / "checkpoint.weights.h5", build_config=build_config)

    np.testing.assert_array_equal(again(x), expected)


class Adversaries(keras.Model):
    """Two networks, two optimizers and no `call`, as a GAN is written: `train_step` calls the networks."""

    def __init__(self, units):
        super().__init__()
        self.generator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(units), keras.layers.Dense(4)])
        self.critic = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])

    def compile(self, rate):
        super().compile()
        self.optimizers = [keras.optimizers.Adam(rate), keras.optimizers.Adam(rate)]

    def train_step(self, data):
        x, _ = data
        noise = tf.random.normal((tf.shape(x)[0], 2), seed=0)
        with tf.GradientTape(persistent=True) as tape:
            real, generated = self.critic(x), self.critic(self.generator(noise))
            losses = [-tf.reduce_mean(generated), tf.reduce_mean(tf.nn.softplus(generated) + tf.nn.softplus(-real))]
        for network, optimizer, loss in zip((self.generator, self.critic), self.optimizers, losses, strict=True):
            optimizer.apply_gradients(zip(tape.gradient(loss, network.weights), network.weights, strict=True))
        return {"gap": losses[1]}


def test_a_model_that_is_never_called_is_saved_and_loaded(tmp_path):
    trained = []

    def build(hp):
        model = Adversaries(hp.Int("units", 2, 8))
        model.compile(hp.Float("lr", 1e-3, 1e-1, sampling="log"))
        return model

    class Notes(keras.callbacks.Callback):
        def on_train_end(self, logs=None):
            trained[:] = self.model.get_weights()

    tuner = make_tuner(tmp_path, build, objective=kt.Objective("gap", "min"), max_trials=1)
    tuner.search(DATA["x"], DATA["y"], verbose=0, callbacks=[Notes()])
    (model,) = tuner.get_best_models()

    assert len(trained) == 6
    for weights, expected in zip(model.get_weights(), trained, strict=True):
        np.testing.assert_array_equal(weights, expected)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"3", b"\xff"])
def test_a_broken_build_config_is_an_error_with_its_name(tmp_path, content):
    path = tmp_path / "build_config.json"
    path.write_bytes(content)
    model = keras.Sequential([keras.layers.Dense(2)])

    with pytest.raises(keras_bayes.KerasBayesError, match=r"build_config\.json is .*broken"):
        load_weights(model, tmp_path / "checkpoint.weights.h5", build_config=path)


def test_a_mount_that_does_not_tell_its_size_gets_weights(tmp_path, monkeypatch):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    nothing = shutil.disk_usage(tmp_path)._replace(total=0, used=0, free=0)
    monkeypatch.setattr("keras_bayes.weights.shutil.disk_usage", lambda path: nothing)

    save_weights(model, tmp_path / "a.weights.h5")

    assert (tmp_path / "a.weights.h5").stat().st_size > 0
