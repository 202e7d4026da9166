import math

import numpy as np
import pytest

from keras_bayes.show.advice import advice
from keras_bayes.show.explanation import Explanation
from tests.logs import log_of, random_search, trial
from tests.spaces import boolean, choice, integer, real, when

ENTRIES = [
    real("lr", 1e-4, 1e-1, sampling="log"),
    real("dropout", 0.0, 0.5),
    integer("layers", 1, 8),
    choice("model", ["mlp", "cnn"]),
]


def inside(values, rng=None):
    """A loss with its optimum inside of all ranges."""
    loss = (
        (math.log10(values["lr"]) + 2.5) ** 2 + 8 * (values["dropout"] - 0.25) ** 2 + 0.1 * (values["layers"] - 4) ** 2
    )
    return loss + 0.3 * (values["model"] == "mlp") + (0.02 * rng.normal() if rng else 0.0)


def towards_the_end(values):
    return inside(values) - 4 * math.log10(values["lr"])


def sentences(log):
    return advice(log, Explanation.of(log))


def about_ends(log):
    return [text for text in sentences(log) if "end of its range" in text]


def searched(loss, **options):
    """A random search that ends with trials around the best point, as a Bayesian one does."""
    log = random_search(ENTRIES, loss, **options)
    best = min(log.trials, key=lambda trial: trial.record.score).record.values
    sharpened = [{**best, "lr": lr} for lr in (0.1, 0.09, 1e-4)]
    extra = [trial(len(log.trials) + i, values, loss(values)) for i, values in enumerate(sharpened)]
    return log_of(ENTRIES, [*log.trials, *extra])


@pytest.mark.parametrize("seed", range(10))
def test_a_search_with_its_optimum_inside_gets_no_advice(seed):
    rng = np.random.default_rng(seed)

    assert sentences(searched(lambda values: inside(values, rng), num_trials=40, seed=seed)) == []


@pytest.mark.parametrize("seed", range(5))
def test_an_optimum_at_the_end_of_a_range_is_noticed(seed):
    (sentence,) = about_ends(searched(towards_the_end, num_trials=40, seed=seed))

    assert "'lr' = 0.1, at the upper end of its range from 0.0001 to 0.1" in sentence
    assert "larger values make sense, widen the range: raise its upper bound" in sentence


def test_the_lower_end_is_told_from_the_upper_one():
    def mirrored(values):
        return towards_the_end({**values, "lr": 1e-5 / values["lr"]})

    (sentence,) = about_ends(searched(mirrored, num_trials=40))

    assert "'lr' = 0.0001, at the lower end" in sentence
    assert "smaller values make sense, widen the range: lower its lower bound" in sentence


def test_a_hyperparameter_that_changes_nothing_is_noticed():
    log = random_search(
        [*ENTRIES[:2], boolean("augment")], lambda values: inside({**values, "layers": 4, "model": "cnn"})
    )

    (sentence,) = sentences(log)

    assert "'augment' does not matter (yet): it decides less than 1%" in sentence


def test_a_hyperparameter_with_a_condition_is_not_said_to_be_idle():
    momentum = real("momentum", 0.0, 1.0, conditions=[when("model", "mlp")])

    assert sentences(random_search([*ENTRIES, momentum], inside, num_trials=60)) == []


def test_an_objective_that_is_noise_is_noticed():
    rng = np.random.default_rng(0)
    found = [sentences(random_search(ENTRIES, lambda values: rng.normal(), seed=seed)) for seed in range(20)]

    assert sum(any("does not predict this objective (yet)" in text for text in texts) for texts in found) >= 6
    assert {text for texts in found for text in texts if "does not predict" not in text} == set()


def test_few_trials_get_no_advice_about_the_model():
    assert sentences(random_search(ENTRIES, towards_the_end, num_trials=6)) == []


def test_the_range_in_which_trials_fail_is_named():
    def diverging(values):
        return math.nan if values["lr"] > 0.03 else inside(values)

    log = random_search(ENTRIES, diverging, num_trials=60)
    failed = [trial.record.values["lr"] for trial in log.trials if trial.record.score is None]

    (sentence,) = [text for text in sentences(log) if "fail" in text]

    assert sentence.startswith(
        f"{len(failed)} of {len(failed)} failed trials have 'lr' ≥ {min(failed):.5g}, but only 0 of"
    )


def test_the_value_with_which_trials_fail_is_named():
    log = random_search(ENTRIES, lambda values: math.nan if values["model"] == "cnn" else inside(values))

    (sentence,) = [text for text in sentences(log) if "fail" in text]

    assert "failed trials have 'model' = cnn, but only 0 of" in sentence


def test_failures_without_a_common_cause_are_told_with_their_message():
    rng = np.random.default_rng(0)
    log = random_search(ENTRIES, lambda values: math.nan if rng.random() < 0.4 else inside(values), num_trials=40)

    (sentence,) = [text for text in sentences(log) if "fail" in text]

    num_failed = sum(trial.record.score is None for trial in log.trials)
    assert sentence == f"{num_failed} of 40 trials failed, {num_failed} times with: it broke"


def test_a_few_failures_without_a_common_cause_are_no_news():
    rng = np.random.default_rng(1)
    log = random_search(ENTRIES, lambda values: math.nan if rng.random() < 0.12 else inside(values), num_trials=40)

    assert 3 <= sum(trial.record.score is None for trial in log.trials) < 8
    assert [text for text in sentences(log) if "fail" in text] == []


def test_a_search_in_which_everything_failed_has_advice_without_a_model():
    log = random_search(ENTRIES, lambda values: math.nan, num_trials=5)

    assert advice(log, None) == ["5 of 5 trials failed, 5 times with: it broke"]


@pytest.mark.parametrize("best", [16, 128])
def test_of_four_levels_the_best_at_either_end_is_noticed(best):
    units = choice("units", [16, 32, 64, 128])
    log = random_search([units, ENTRIES[0]], lambda values: abs(math.log2(values["units"] / best)), num_trials=20)

    (sentence,) = about_ends(log)

    assert f"'units' = {best}, at the {'lower' if best == 16 else 'upper'} end" in sentence
