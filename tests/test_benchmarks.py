"""What the benchmark computes from the results of searches, without any surrogate."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.append(str(Path(__file__).parents[1] / "examples" / "benchmarks"))

from epoch_report import FINAL, IN_HAND, mean_regrets, reached, rows
from parameters import Parameter, decode_all
from regret import expected_best, normalized_regret, random_trials, read_lines, recommended
from regret_picture import spread
from stopping_calibration import bins, simulate

from keras_bayes.stopping_rules import LearnedStopping

PARAMETERS = (
    Parameter("lr", 1e-4, 1e-1, is_log=True),
    Parameter("layers", 1, 5, is_integer=True),
    Parameter("batch", 16, 512, is_integer=True, is_log=True),
    Parameter("booster", choices=("a", "b", "c")),
)


@given(st.floats(0, 1), st.sampled_from(PARAMETERS))
def test_a_coordinate_of_a_value_decodes_to_the_value(u, parameter):
    value = parameter.decode(u)

    again = parameter.decode(parameter.encode(value))

    assert again == (pytest.approx(value) if parameter.name == "lr" else value)


def test_each_whole_number_is_as_likely_as_the_others():
    counts = np.bincount([PARAMETERS[1].decode(u) for u in (np.arange(1000) + 0.5) / 1000])

    assert counts.tolist() == [0, 200, 200, 200, 200, 200]


def test_a_configuration_holds_what_is_active():
    child = Parameter("depth", 1, 9, is_integer=True, parent="booster", parent_values=("b",))

    assert decode_all((PARAMETERS[3], child), (0.5, 0.0)) == {"booster": "b", "depth": 1}
    assert decode_all((PARAMETERS[3], child), (0.0, 0.0)) == {"booster": "a"}


def test_the_recommended_trial_is_the_best_observed_one():
    values = recommended([None, 3.0, 5.0, 4.0], [None, 3.5, 2.0, 9.0])

    assert values.tolist() == pytest.approx([np.nan, 3.5, 2.0, 2.0], nan_ok=True)


def test_regret_is_zero_at_the_best_and_one_at_the_median_and_without_a_result():
    regret = normalized_regret(np.array([np.nan, 60.0, 80.0, 100.0]), best=100.0, median=60.0)

    assert regret.tolist() == [1.0, 1.0, 0.5, 0.0]


def test_the_expected_best_of_random_draws_is_that_of_a_simulation():
    accuracies = np.random.default_rng(0).normal(size=200)
    draws = np.random.default_rng(1).choice(accuracies, size=(20_000, 7)).max(axis=1)

    ((_, expected),) = expected_best(accuracies, [7])

    assert expected == pytest.approx(draws.mean(), abs=4 * draws.std() / np.sqrt(len(draws)))


def test_a_regret_is_worth_the_fewest_random_trials_that_reach_it():
    curve = [(1, 1.0), (2, 0.6), (3, 0.4)]

    assert [random_trials(regret, curve) for regret in (0.6, 0.5, 0.1)] == [2, 3, None]


def test_a_torn_line_is_left_out(tmp_path):
    path = tmp_path / "runs.jsonl"
    path.write_text('{"seed": 1}\n{"seed": 2}\n{"see')

    assert [line["seed"] for line in read_lines([str(path), str(tmp_path / "missing")])] == [1, 2]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9).map(sorted))
def test_names_are_spread_apart_and_keep_their_order(heights):
    places = spread(np.array(heights), 0.1)

    assert (np.diff(places) >= 0.1 - 1e-9).all()
    assert places.mean() == pytest.approx(np.mean(heights))


BEST = [[2, 0.5, 70.0, 60.0], [4, 0.8, 80.0, 75.0]]  # epochs spent, accuracy observed, final, in hand


def test_what_a_search_has_reached_holds_until_it_reaches_more():
    assert reached(BEST, FINAL, 5).tolist() == pytest.approx([np.nan, 70, 70, 80, 80], nan_ok=True)
    assert reached(BEST, IN_HAND, 3).tolist() == pytest.approx([np.nan, 60, 60], nan_ok=True)


def test_regrets_by_epochs_are_means_over_the_tasks_that_all_searches_have():
    references = [{"task": task, "reference": {"best": 90.0, "median": 60.0}} for task in "ab"]
    other = [[1, 0.9, 90.0, 90.0]]
    runs = [("keras_bayes", "a", BEST), ("keras_bayes", "a", other), ("random", "a", BEST), ("random", "b", other)]
    lines = [{"search": name, "task": task, "budget": 5, "best": best} for name, task, best in runs]

    regrets = mean_regrets([*references, *lines], FINAL)

    assert regrets["random"].tolist() == pytest.approx([1, 2 / 3, 2 / 3, 1 / 3, 1 / 3])
    assert regrets["keras_bayes"].tolist() == pytest.approx([1 / 2, 1 / 3, 1 / 3, 1 / 6, 1 / 6])
    assert rows(regrets)[1] == [["keras_bayes", "80%"], ["random", "–"]]


def test_chances_are_counted_by_tenths():
    found = bins(np.array([0.0, 0.09, 0.55, 1.0]), np.array([False, True, False, True]))

    assert found == [(pytest.approx(0.045), 0.5, 2), (0.55, 0.0, 1), (1.0, 1.0, 1)]


def test_a_run_knows_whether_its_best_was_stopped():
    flat = np.repeat(np.arange(8.0)[:, None], 52, axis=1)
    late = np.vstack([flat, np.append(np.full(51, 50.0), -1.0)[None]])

    assert not simulate(LearnedStopping(), flat).is_best_lost
    assert simulate(LearnedStopping(), late).is_best_lost
