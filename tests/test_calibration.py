import numpy as np
import pytest

from keras_bayes.gaussian_process import JITTER, condition
from keras_bayes.show.calibration import leave_one_out, predictions
from keras_bayes.show.landscape import Landscape
from tests.logs import log_of, random_search, trial
from tests.posteriors import posterior
from tests.spaces import real

ENTRIES = [real("a", 0.0, 1.0), real("b", 0.0, 1.0)]


def test_leaving_one_out_equals_conditioning_on_the_others():
    whole = posterior(15, noise_variance=1e-2)

    mu, sigma = leave_one_out(whole)

    for i in range(15):
        others = np.arange(15) != i
        rest = condition(whole.kernel, whole.noise_variance, whole.X[others], whole.y[others])
        assert mu[i] == pytest.approx(rest.predict(whole.X[[i]])[0][0], abs=1e-8)
        # The mean is known to 1 / (1 + 1ᵀK⁻¹1), and weighs by as much as it is not cancelled by the others.
        k = rest.kernel(whole.X[[i]], rest.X)
        ones = np.ones((1, 14))
        weight = 1 - (rest.solve(k) @ ones.T).item()
        variance = rest.predict(whole.X[[i]])[1][0] ** 2 + whole.noise_variance + JITTER
        variance += weight**2 / (1 + (rest.solve(ones) @ ones.T).item())
        assert sigma[i] == pytest.approx(np.sqrt(variance), rel=1e-6)


def test_a_smooth_objective_is_explained_and_noise_is_not():
    smooth = random_search(ENTRIES, lambda values: (values["a"] - 0.3) ** 2 + values["b"])
    rng = np.random.default_rng(0)
    noise = [random_search(ENTRIES, lambda values: rng.normal(), seed=seed) for seed in range(10)]

    assert predictions(smooth, Landscape.of(smooth)).explained > 0.9
    assert np.mean([predictions(log, Landscape.of(log)).explained for log in noise]) < 0.1


def test_equal_scores_leave_nothing_to_explain():
    log = random_search(ENTRIES, lambda values: 1.0)

    assert predictions(log, Landscape.of(log)).explained == 0.0


@pytest.mark.parametrize("direction", ["min", "max"])
def test_predictions_are_in_the_unit_and_the_direction_of_the_objective(direction):
    log = random_search(ENTRIES, lambda values: 1000 * values["a"], direction=direction)

    made = predictions(log, Landscape.of(log))

    scores = np.array([record.score for record in made.records])
    assert np.corrcoef(made.left_out.mean, scores)[0, 1] > 0.95
    assert (made.left_out.low < made.left_out.high).all()


def test_failed_trials_are_not_compared():
    log = random_search(ENTRIES, lambda values: np.nan if values["a"] > 0.8 else values["a"])

    made = predictions(log, Landscape.of(log))

    assert len(made.records) == sum(trial.record.score is not None for trial in log.trials)


def test_what_was_said_before_a_trial_is_kept_where_the_model_said_it():
    trials = [
        trial(0, {"a": 0.1, "b": 0.0}, 1.0, proposal={"source": "design"}),
        trial(1, {"a": 0.2, "b": 0.0}, 2.0),
        trial(2, {"a": 0.3, "b": 0.0}, 3.0, proposal={"source": "model", "mean": 2.5, "sd": 0.5}),
        trial(3, {"a": 0.4, "b": 0.0}, None, proposal={"source": "model", "mean": 2.5, "sd": 0.5}),
    ]
    log = log_of(ENTRIES, trials)

    made = predictions(log, Landscape.of(log))

    assert [trial.record.number for trial in made.proposed] == [2]
    assert (made.expected.mean, made.expected.low, made.expected.high) == (2.5, 2.0, 3.0)
