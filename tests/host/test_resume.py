"""Searches that go on with a program that has changed.

`KERAS_BAYES_THOROUGH=1` kills each search at each of its trials, instead of at every fourth.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import keras_tuner as kt
import pytest
from searches import make_oracle, mixed_loss, mixed_space, run_search, run_trial, small_space, values_of

import keras_bayes
from keras_bayes.history import History, observe
from keras_bayes.space import Space
from keras_bayes.usage import ReadValues

SCRIPT = Path(__file__).with_name("resumed_search.py")
STEP = 1 if os.environ.get("KERAS_BAYES_THOROUGH") else 4


def numbers(*names, low=1, high=9):
    hp = kt.HyperParameters()
    for name in names:
        hp.Int(name, low, high, default=low + 1)
    return hp


def total(values):
    return float(sum(values.values()))


def resumed(folder, hyperparameters=None, **arguments):
    oracle = make_oracle(folder, hyperparameters=hyperparameters, **arguments)
    oracle.reload()
    return oracle


def observations(oracle):
    space = Space.from_config(oracle.hyperparameters.get_config())
    return observe(History.from_states(oracle.trial_states()), space, direction="min"), space


def test_old_trials_inside_new_bounds_count_and_the_others_do_not(tmp_path):
    old = values_of(run_search(make_oracle(tmp_path, hyperparameters=numbers("a")), total, num_trials=7))

    data, space = observations(resumed(tmp_path, numbers("a", low=3, high=20)))

    assert [space.decode(x) for x in data.X] == [values for values in old if values["a"] >= 3]
    assert 0 < len(data.X) < 7


def test_a_trial_that_waits_outside_the_new_bounds_fails_with_the_reason(tmp_path):
    waiting = make_oracle(tmp_path, hyperparameters=numbers("a")).create_trial("tuner0")

    oracle = resumed(tmp_path, numbers("a", low=100, high=200))
    first = oracle.create_trial("tuner0")

    assert 100 <= first.hyperparameters.values["a"] <= 200
    assert first.trial_id != waiting.trial_id
    assert oracle.trials[waiting.trial_id].status == "FAILED"
    assert "outside the search space" in oracle.trials[waiting.trial_id].message


def test_a_new_hyperparameter_has_its_default_in_old_trials(tmp_path):
    run_search(make_oracle(tmp_path, hyperparameters=numbers("a")), total, num_trials=5)

    data, space = observations(resumed(tmp_path, numbers("a", "b")))

    assert len(data.X) == 5
    assert {space.decode(x)["b"] for x in data.X} == {2}


def test_a_removed_hyperparameter_is_dropped(tmp_path):
    run_search(make_oracle(tmp_path, hyperparameters=numbers("a", "b")), total, num_trials=5)

    oracle = resumed(tmp_path, numbers("a"))
    data, _ = observations(oracle)

    assert data.X.shape == (5, 1)
    assert set(run_trial(oracle, total).hyperparameters.values) == {"a"}


def test_a_removed_hyperparameter_does_not_come_back(tmp_path):
    first = make_oracle(tmp_path, hyperparameters=numbers("a", "b"))
    run_search(first, total, num_trials=2)
    first.create_trial("tuner0")  # killed while it runs
    run_search(resumed(tmp_path, numbers("a")), total, num_trials=3)

    again = resumed(tmp_path, numbers("a"))

    assert [hp.name for hp in again.hyperparameters.space] == ["a"]


def test_a_program_declares_the_same_each_time_it_is_started(tmp_path):
    def build(hp):
        kind = hp.Choice("kind", ["a", "b"])
        with hp.conditional_scope("kind", ["b"]):
            depth = hp.Int("depth", 1, 5)
            for i in range(0 if kind == "a" else depth):
                hp.Int(f"units_{i}", 1, 9)
            deep = hp.Boolean("deep")
            with hp.conditional_scope("deep", [True]):
                hp.Int("late", 1, 9) if deep else None
        return kt.HyperModel()

    def declared(i):
        tuner = keras_bayes.BayesTuner(build, objective="val_loss", directory=str(tmp_path), project_name=str(i))
        return [hp.name for hp in tuner.oracle.hyperparameters.space]

    first, *others = (declared(i) for i in range(5))

    assert first == ["kind", "depth", "deep", "units_0", "late"]
    assert others == [first] * 4


def find(oracle, name):
    """Runs a trial that finds a hyperparameter of its own."""
    trial = oracle.create_trial("tuner0")
    trial.hyperparameters.Int(name, 1, 9)
    oracle.update_trial(trial.trial_id, {"loss": 1.0})
    trial.status = "COMPLETED"
    oracle.end_trial(trial)


def test_a_hyperparameter_that_only_trials_find_stays(tmp_path):
    find(make_oracle(tmp_path, hyperparameters=numbers("a")), "found")

    for _ in range(2):  # once from the first run, once from the second
        oracle = resumed(tmp_path, numbers("a"))
        oracle.save()

    assert [hp.name for hp in oracle.hyperparameters.space] == ["a", "found"]


def test_a_program_that_declares_nothing_takes_the_space_of_the_project(tmp_path):
    run_search(make_oracle(tmp_path, hyperparameters=numbers("a", "b")), total, num_trials=3)

    for _ in range(2):
        oracle = resumed(tmp_path)
        oracle.save()

    assert [hp.name for hp in oracle.hyperparameters.space] == ["a", "b"]


def test_what_another_tuner_has_built_is_not_taken_for_removed(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=numbers("a"))
    oracle.update_space(numbers("a", "built"))  # as a tuner does before its first trial, but not when it resumes
    run_search(oracle, total, num_trials=3)

    for _ in range(2):
        oracle = resumed(tmp_path, numbers("a"))
        oracle.save()

    assert [hp.name for hp in oracle.hyperparameters.space] == ["a", "built"]


def test_what_was_built_and_is_no_longer_is_dropped(tmp_path):
    oracle = make_oracle(tmp_path)
    oracle.update_space(numbers("a", "built"))
    run_search(oracle, total, num_trials=3)

    oracle = make_oracle(tmp_path)
    oracle.update_space(numbers("a"))
    oracle.reload()

    assert [hp.name for hp in oracle.hyperparameters.space] == ["a"]


def test_what_a_trial_found_last_before_a_kill_is_known(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=numbers("a"))
    before = (oracle.save(), (tmp_path / "search" / "oracle.json").read_text())[1]
    find(oracle, "found")
    (tmp_path / "search" / "oracle.json").write_text(before)  # killed between the two files

    oracle = resumed(tmp_path, numbers("a"))

    assert [hp.name for hp in oracle.hyperparameters.space] == ["a", "found"]


def other(kind):
    hp = small_space()
    hp._space = [entry for entry in hp.space if entry.name != "units"]
    del hp._hps["units"]
    kind(hp)
    return hp


@pytest.mark.parametrize(
    ("declare", "kind"),
    [
        (lambda hp: hp.Int("units", 1, 500), "Int"),
        (lambda hp: hp.Float("units", 1, 500), "Float"),
        (lambda hp: hp.Boolean("units"), "Boolean"),
    ],
)
def test_a_changed_type_is_an_error_that_names_it(tmp_path, declare, kind):
    run_search(make_oracle(tmp_path, hyperparameters=small_space()), lambda values: 1.0, num_trials=2)
    files = {path: path.read_bytes() for path in tmp_path.rglob("*.json")}

    with pytest.raises(keras_bayes.KerasBayesError, match=f"'units' is of type Choice .* now of type {kind}") as raised:
        resumed(tmp_path, other(declare))

    assert "overwrite=True" in str(raised.value)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.json")} == files


def test_what_was_given_in_place_of_what_a_model_declares_stays_when_it_is_left_out(tmp_path):
    class Formula(keras_bayes.BayesTuner):
        def run_trial(self, trial, *args, **kwargs):
            return self.hypermodel.build(trial.hyperparameters)

    def build(hp):
        return hp.Choice("rate", [1e-2, 1e-3]) + hp.Int("units", 1, 9)

    given = kt.HyperParameters()
    given.Float("rate", 1e-5, 1e-1, sampling="log")
    place = {"directory": str(tmp_path), "seed": 0, "max_trials": 9}
    Formula(build, hyperparameters=given, tune_new_entries=False, **place).search(verbose=0)

    for _ in range(2):
        tuner = Formula(build, **place)
        assert len(tuner.oracle.trials) == 9
        kinds = {hp.name: type(hp).__name__ for hp in tuner.oracle.hyperparameters.space}
        assert kinds == {"rate": "Float", "units": "Int"}
        assert tuner.get_best_hyperparameters()[0].get("rate") not in (1e-2, 1e-3)
        tuner.oracle.save()
    given_again = kt.HyperParameters()
    given_again.Choice("rate", [1e-2, 1e-3])
    with pytest.raises(keras_bayes.KerasBayesError, match="'rate' is of type Float in the project"):
        Formula(build, hyperparameters=given_again, **place)


def test_a_hyperparameter_may_be_fixed_and_freed_again(tmp_path):
    old = values_of(run_search(make_oracle(tmp_path, hyperparameters=small_space()), total_units, num_trials=6))

    oracle = resumed(tmp_path, other(lambda hp: hp.Fixed("units", 128)))
    fixed = values_of(run_search(oracle, total_units))
    freed = values_of(run_search(resumed(tmp_path, small_space()), total_units))

    assert {values["units"] for values in fixed} == {128}
    assert len({json.dumps(values, sort_keys=True) for values in old + fixed + freed}) == 12


def total_units(values):
    return float(values["units"])


@pytest.mark.parametrize(
    ("objective", "words"),
    [
        (kt.Objective("accuracy", "max"), ["min 'loss'", "max 'accuracy'"]),
        (kt.Objective("loss", "max"), ["min 'loss'", "max 'loss'"]),
        ([kt.Objective("loss", "min"), kt.Objective("accuracy", "max")], ["min 'loss' and max 'accuracy'"]),
        (None, ["min 'loss'", "'default_objective'"]),
    ],
)
def test_another_objective_is_an_error_that_says_which_and_what_to_do(tmp_path, objective, words):
    run_search(make_oracle(tmp_path, hyperparameters=small_space()), lambda values: 1.0, num_trials=2)

    with pytest.raises(keras_bayes.KerasBayesError) as raised:
        resumed(tmp_path, small_space(), objective=objective)

    assert all(word in str(raised.value) for word in [*words, "project_name", "overwrite=True", "search"])


def test_the_order_of_several_objectives_does_not_matter(tmp_path):
    parts = [kt.Objective("loss", "min"), kt.Objective("accuracy", "max")]
    make_oracle(tmp_path, hyperparameters=small_space(), objective=parts).save()

    oracle = resumed(tmp_path, small_space(), objective=parts[::-1])

    assert oracle.create_trial("tuner0").status == "RUNNING"


@pytest.mark.parametrize("objective", [kt.Objective("accuracy", "max"), kt.Objective("loss", "max")])
@pytest.mark.parametrize("is_file_lost", [False, True])
def test_a_project_that_does_not_say_its_objective_is_judged_by_its_metrics(tmp_path, objective, is_file_lost):
    run_search(make_oracle(tmp_path, hyperparameters=small_space()), lambda values: 1.0, num_trials=2)
    path = tmp_path / "search" / "oracle.json"
    state = json.loads(path.read_text())
    del state["objective"], state["checksum"]  # as keras-tuner writes it
    if is_file_lost:
        path.unlink()
    else:
        path.write_text(json.dumps(state))

    with pytest.raises(keras_bayes.KerasBayesError, match="a search for min 'loss'"):
        resumed(tmp_path, small_space(), objective=objective)

    assert len(resumed(tmp_path, small_space()).trials) == 2


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1000, 21000, 1000))
def test_killed_at_any_trial_and_resumed_a_search_suggests_the_same(tmp_path, seed):
    arguments = {"hyperparameters": mixed_space(), "seed": seed, "max_trials": 12}
    whole = values_of(run_search(make_oracle(tmp_path / "whole", **arguments), mixed_loss))

    for stop_after in range(seed // 1000 % STEP, 12, STEP):
        folder = tmp_path / str(stop_after)
        killed = make_oracle(folder, **arguments)
        run_search(killed, mixed_loss, num_trials=stop_after)
        killed.create_trial("tuner0")
        oracle = make_oracle(folder, **arguments)
        oracle.reload()
        run_search(oracle, mixed_loss)
        assert values_of(list(oracle.trials.values())) == whole


def test_what_a_trial_did_not_read_is_known_after_a_kill_between_two_files(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=numbers("a", "b"))
    trial = oracle.create_trial("tuner0")
    before = (tmp_path / "search" / "oracle.json").read_text()
    trial.hyperparameters.values = ReadValues(trial.hyperparameters.values)
    oracle.update_trial(trial.trial_id, {"loss": float(trial.hyperparameters.values["a"])})
    trial.status = "COMPLETED"
    oracle.end_trial(trial)
    (tmp_path / "search" / "oracle.json").write_text(before)

    assert resumed(tmp_path, numbers("a", "b")).unread == {trial.trial_id: ["b"]}


def search_in_a_process(folder, last=-1):
    command = [sys.executable, SCRIPT, folder, "1", "12", str(last)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_processes_that_are_killed_and_a_copied_folder_go_on_as_one_process_would(tmp_path):
    whole = search_in_a_process(tmp_path / "whole")
    killed = search_in_a_process(tmp_path / "first", last=7)
    shutil.copytree(tmp_path / "first", tmp_path / "copied")
    shutil.rmtree(tmp_path / "first")

    resumed = search_in_a_process(tmp_path / "copied")

    assert (whole.returncode, killed.returncode, resumed.returncode) == (0, -9, 0), resumed.stderr
    assert resumed.stdout.splitlines()[-1] == whole.stdout.splitlines()[-1]
    assert len(json.loads(whole.stdout.splitlines()[-1])) == 12


@pytest.mark.parametrize(("direction", "is_refused"), [("max", True), ("min", False)])
def test_scores_that_keras_tuner_has_negated_are_not_taken_for_others(tmp_path, direction, is_refused):
    objective = kt.Objective("quality", direction)
    hosts = kt.oracles.BayesianOptimizationOracle([objective], max_trials=2, hyperparameters=small_space(), seed=0)
    hosts._set_project_dir(str(tmp_path), "search")
    hosts.verbose = 0
    for _ in range(2):
        trial = hosts.create_trial("tuner0")
        summed = 0.25 if direction == "min" else -0.25
        hosts.update_trial(trial.trial_id, {"quality": 0.25, "multi_objective": summed})  # as its tuners do
        trial.status = "COMPLETED"
        hosts.end_trial(trial)
    hosts.save()

    oracle = make_oracle(tmp_path, objective=[objective], hyperparameters=small_space())
    if is_refused:
        words = "holds a search for the sum of a list of objectives; the objective is now max 'quality'"
        with pytest.raises(keras_bayes.KerasBayesError, match=words):
            oracle.reload()
    else:
        oracle.reload()
        assert oracle.best_trial().score == 0.25


def test_of_waiting_trials_that_have_become_equal_one_runs(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=numbers("a"))
    for worker in ("tuner0", "tuner1"):
        oracle.create_trial(worker)
    for worker in ("tuner0", "tuner1"):
        oracle.interrupt(worker)
    oracle.release()

    again = resumed(tmp_path, numbers("b"))
    run_search(again, lambda values: 1.0, num_trials=1)

    first, second = again.trials.values()
    assert sorted([first.status, second.status]) == ["COMPLETED", "FAILED"]
