import numpy as np
import pytest

from keras_bayes.acquisition import Improvement, log_h
from keras_bayes.admissible import Admissible, anywhere
from keras_bayes.gain import NUM_SAMPLES, expected_gain
from keras_bayes.history import Observations
from keras_bayes.maximizer import maximize
from keras_bayes.surrogate import learn
from tests.spaces import boolean, choice, integer, real, space_of

SPACE = space_of(real("rate", 0.0, 1.0), integer("units", 1, 9), choice("model", ["mlp", "cnn"]))
NOWHERE = np.empty((0, 3))


def observations(num_trials=15, *, scale=1.0, failed=()):
    X = SPACE.snap(np.random.default_rng(0).random((num_trials, 3)))
    y = scale * ((X[:, 0] - 0.3) ** 2 + 0.3 * X[:, 1] + X[:, 2])
    y[list(failed)] = np.nan
    return Observations(X, y, NOWHERE, np.zeros(len(y)))


def gain(data, num_trials, *, space=SPACE, pending=NOWHERE, is_allowed=anywhere, seed=0):
    surrogate = learn(data, space, noise_variance=None)
    admissible = Admissible(np.vstack([data.X, pending]), is_allowed)
    rng = np.random.default_rng(seed)
    return expected_gain(surrogate, space, num_trials=num_trials, pending=pending, admissible=admissible, rng=rng)


def test_the_gain_of_one_trial_is_the_expected_improvement_of_the_next_one():
    data = observations()
    surrogate = learn(data, SPACE, noise_variance=None)
    acquisition = surrogate.acquisition("ei", beta=0.0, pending=NOWHERE)
    rng = np.random.default_rng(0)
    x = maximize(acquisition, SPACE, admissible=Admissible(data.X), centres=surrogate.best_first, rng=rng)

    one = gain(data, 1)

    delta, S = (float(value[0]) for value in Improvement(surrogate.posterior).difference(x[None]))
    improvement = S * np.exp(log_h(np.array(delta / S))[0])
    unit = surrogate.targets.losses_at(np.array([0.0, -1.0])) @ [1, -1]  # the good half is mapped linearly
    assert one == pytest.approx(improvement * unit, rel=6 * S / improvement / np.sqrt(NUM_SAMPLES))
    assert improvement > 0.1 * S  # or the check would be of no use


def test_more_trials_are_expected_to_bring_more():
    data = observations(6)

    gains = [gain(data, num_trials) for num_trials in (1, 3, 10)]

    assert gains[0] * 1.1 < gains[1] * 1.1 < gains[2]


def test_the_gain_is_in_the_unit_of_the_losses():
    assert gain(observations(scale=1000.0), 5) == pytest.approx(1000 * gain(observations(), 5), rel=0.02)  # of the fit


def test_the_same_seed_gives_the_same_gain():
    assert gain(observations(), 5, seed=3) == gain(observations(), 5, seed=3)
    assert gain(observations(), 5, seed=3) == pytest.approx(gain(observations(), 5, seed=4), rel=0.1)


def test_less_is_expected_the_longer_the_search_goes_on():
    data = observations(6)
    gains = []
    for _ in range(4):  # after fifteen trials next to nothing is left to gain
        gains.append(gain(data, 10))
        for _ in range(3):
            surrogate = learn(data, SPACE, noise_variance=None)
            acquisition = surrogate.acquisition("ei", beta=0.0, pending=NOWHERE)
            rng = np.random.default_rng(len(data.y))
            x = maximize(acquisition, SPACE, admissible=Admissible(data.X), centres=surrogate.best_first, rng=rng)
            y = (x[0] - 0.3) ** 2 + 0.3 * x[1] + x[2]
            data = Observations(np.vstack([data.X, x]), np.append(data.y, y), NOWHERE, np.zeros(len(data.y) + 1))

    assert gains == sorted(gains, reverse=True)
    assert gains[-1] < 0.05 * gains[0]


def test_running_trials_are_no_new_ones():
    data = observations()
    surrogate = learn(data, SPACE, noise_variance=None)
    acquisition = surrogate.acquisition("ei", beta=0.0, pending=NOWHERE)
    rng = np.random.default_rng(0)
    next_one = maximize(acquisition, SPACE, admissible=Admissible(data.X), centres=surrogate.best_first, rng=rng)

    assert gain(data, 1, pending=next_one[None]) < gain(data, 1)


def test_no_more_is_expected_than_the_constraint_leaves():
    data = observations()

    assert gain(data, 5, is_allowed=lambda x: x[2] > 0.5) < gain(data, 5)  # the worse model


def test_failures_leave_a_gain():
    assert 0 < gain(observations(failed=[2, 5, 7]), 5) < 10


def test_of_an_exhausted_space_nothing_is_to_be_said():
    space = space_of(boolean("bias"), choice("model", ["a", "b"]))
    X = space.points(10)
    y = np.arange(4.0)

    most, all_of_them = (Observations(X[:n], y[:n], np.empty((0, 2)), np.zeros(n)) for n in (3, 4))

    assert gain(most, 10, space=space, pending=np.empty((0, 2))) >= 0
    assert gain(all_of_them, 10, space=space, pending=np.empty((0, 2))) is None


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_losses_at_the_edge_of_floats_have_a_gain(scale):
    assert gain(observations(scale=scale), 3) >= 0
