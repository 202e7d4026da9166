from dataclasses import replace

import numpy as np
import pytest

from keras_bayes.acquisition import ACQUISITIONS, Feasible
from keras_bayes.admissible import Admissible, anywhere
from keras_bayes.history import Observations
from keras_bayes.maximizer import maximize
from keras_bayes.surrogate import MAX_OBSERVATIONS, learn
from tests.spaces import choice, integer, real, space_of

SPACE = space_of(real("rate", 0.0, 1.0), integer("units", 1, 9), choice("model", ["mlp", "cnn"]))
NOWHERE = np.empty((0, 3))


def loss(X):
    """A smooth loss with its minimum at rate 0.3, whose level depends on the model, shape (n,)."""
    return (X[:, 0] - 0.3) ** 2 + X[:, 2]


def observations(num_trials=20, *, failed=(), scale=1.0, shift=0.0, num_pending=0):
    rng = np.random.default_rng(0)
    X = SPACE.snap(rng.random((num_trials, 3)))
    y = scale * (loss(X) + shift)
    y[list(failed)] = np.nan
    return Observations(X, y, SPACE.snap(rng.random((num_pending, 3))), np.zeros(len(y)))


def surrogate(data, noise_variance=None):
    return learn(data, SPACE, noise_variance=noise_variance)


def test_losses_are_expected_in_their_own_unit():
    data = observations(30, scale=1000.0, shift=5.0)
    model = surrogate(data)

    expected = [model.expect(x) for x in data.X]

    # Predictions leave a tenth of the standard deviation of the losses unexplained at most, the worst ones aside.
    good = data.y <= np.median(data.y)
    errors = np.array([mean for mean, _ in expected]) - data.y
    assert np.abs(errors[good]).max() < 0.1 * data.y.std()
    assert all(0 < sd < data.y.std() for _, sd in expected)


@pytest.mark.parametrize("name", ACQUISITIONS)
def test_unit_and_origin_of_the_losses_change_no_score(name):
    X = SPACE.snap(np.random.default_rng(1).random((20, 3)))
    models = [surrogate(observations(scale=scale, shift=shift)) for scale, shift in [(1.0, 0.0), (1e4, -3.0)]]

    scores = [model.acquisition(name, beta=2.0, pending=np.empty((0, 3)))(X) for model in models]

    np.testing.assert_allclose(scores[0], scores[1], rtol=0, atol=1e-4)  # the precision of the fit


def test_trials_come_best_first_and_failed_ones_last():
    data = observations(10, failed=[2, 7])

    best_first = surrogate(data).best_first

    completed = np.flatnonzero(np.isfinite(data.y))
    order = [*completed[np.argsort(data.y[completed])], 2, 7]
    np.testing.assert_array_equal(best_first, data.X[order])


def judged_against(model, *, pending=NOWHERE, is_allowed=anywhere, name="ei"):
    """The point that an improvement is judged against."""
    acquisition = model.acquisition(name, beta=2.0, pending=pending, is_allowed=is_allowed)
    improvement = getattr(acquisition, "acquisition", acquisition)
    return improvement.posterior.X[improvement.incumbent]


@pytest.mark.parametrize("name", ["ei", "pi"])
def test_an_improvement_is_judged_against_the_best_allowed_trial(name):
    model = surrogate(observations(12))
    best_first = model.posterior.X[np.argsort(model.posterior.mean_at_data)]

    def is_none_of_three(x):
        return bool((x != best_first[:3]).any(axis=1).all())

    for is_allowed, place in [(anywhere, 0), (is_none_of_three, 3), (lambda x: False, 0)]:
        incumbent = judged_against(model, is_allowed=is_allowed, name=name)
        np.testing.assert_array_equal(incumbent, best_first[place])
    bound, free = (
        model.acquisition(name, beta=2.0, pending=NOWHERE, is_allowed=f) for f in (is_none_of_three, anywhere)
    )
    X = SPACE.snap(np.random.default_rng(3).random((20, 3)))
    assert (bound(X) > free(X)).all()


def test_an_improvement_is_judged_against_what_has_ended_by_itself_if_anything_has():
    data = observations(12, failed=[3])
    best = int(np.nanargmin(data.y))
    finished = (best + 1) % 12 if (best + 1) % 12 != 3 else 4
    all_stopped = np.where(np.isfinite(data.y), 0.1, 0.0)
    one_finished = np.where(np.arange(12) == finished, 0.0, all_stopped)

    for doubt, incumbent in [(all_stopped, best), (one_finished, finished)]:
        model = surrogate(replace(data, doubt=doubt))
        np.testing.assert_array_equal(judged_against(model), data.X[incumbent])
        running = SPACE.snap(np.array([[0.9, 0.9, 0.9]]))
        np.testing.assert_array_equal(judged_against(model, pending=running), data.X[incumbent])


def test_a_running_trial_is_judged_against_where_the_best_is_expected_of_it():
    model = surrogate(observations(10))
    candidates = SPACE.snap(np.random.default_rng(5).random((500, 3)))
    running = candidates[np.argmin(model.posterior.predict(candidates)[0])][None]

    assert model.posterior.predict(running)[0][0] < model.posterior.mean_at_data.min()
    np.testing.assert_array_equal(judged_against(model, pending=running), running[0])


@pytest.mark.parametrize("name", ACQUISITIONS)
def test_a_search_without_failures_has_the_plain_acquisition(name):
    model = surrogate(observations())

    acquisition = model.acquisition(name, beta=2.0, pending=np.empty((0, 3)))

    X = SPACE.snap(np.random.default_rng(1).random((20, 3)))
    np.testing.assert_array_equal(acquisition(X), ACQUISITIONS[name](model.posterior, 2.0)(X))


def test_failures_repel():
    data = observations(20, failed=[3, 4, 5])
    model = surrogate(data)

    acquisition = model.acquisition("ei", beta=2.0, pending=np.empty((0, 3)))

    assert isinstance(acquisition, Feasible)
    bonus = acquisition(data.X) - acquisition.acquisition(data.X)
    assert bonus[[3, 4, 5]].max() < bonus[model.is_feasible].min()


@pytest.mark.parametrize("failed", [[], [3]])
@pytest.mark.parametrize("name", ["ei", "lcb"])
def test_a_running_trial_makes_its_surroundings_less_attractive(name, failed):
    data = observations(12, failed=failed)
    model = surrogate(data)
    x = SPACE.encode({"rate": 1.0, "units": 1, "model": "mlp"})[None]  # a corner, where the model is not sure

    scores = [model.acquisition(name, beta=2.0, pending=pending)(x)[0] for pending in (np.empty((0, 3)), x)]

    assert scores[1] < scores[0] - 0.1


def test_known_noise_reaches_the_process():
    data = observations()

    model = surrogate(data, noise_variance=0.03)

    assert model.posterior.noise_variance == pytest.approx(0.03)


def test_categories_reach_the_process():
    model = surrogate(observations())

    np.testing.assert_array_equal(model.posterior.kernel.is_categorical, [False, False, True])


def test_of_very_many_trials_the_best_and_the_latest_count():
    num_trials = MAX_OBSERVATIONS + 5
    y = np.arange(num_trials, dtype=float)
    y[num_trials // 3] = -1.0
    data = Observations(
        SPACE.snap(np.random.default_rng(0).random((num_trials, 3))), y, np.empty((0, 3)), np.zeros(len(y))
    )

    model = surrogate(data)

    assert len(model.posterior.X) == len(model.targets.y) == len(model.is_feasible) == MAX_OBSERVATIONS
    np.testing.assert_array_equal(model.best_first[0], data.X[num_trials // 3])


def test_a_few_trials_of_the_acquisition_lead_to_the_optimum():
    X, y = observations(6).X, observations(6).y
    rng = np.random.default_rng(0)

    for _ in range(10):
        data = Observations(X.copy(), y.copy(), np.empty((0, 3)), np.zeros(len(y)))
        model = surrogate(data)
        acquisition = model.acquisition("ei", beta=2.0, pending=data.pending)
        x = maximize(acquisition, SPACE, admissible=Admissible(data.tried), centres=model.best_first, rng=rng)
        X, y = np.vstack([X, x]), np.append(y, loss(x[None]))

    values = SPACE.decode(X[np.argmin(y)])
    assert values["model"] == "mlp"
    assert values["rate"] == pytest.approx(0.3, abs=0.03)


def test_one_completed_trial_is_enough():
    model = surrogate(observations(3, failed=[0, 2]))

    scores = model.acquisition("ei", beta=2.0, pending=np.empty((0, 3)))(SPACE.points(50))

    assert np.isfinite(scores).all()
