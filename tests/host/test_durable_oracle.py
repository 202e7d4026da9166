"""Searches that are taken up again: after a kill, with broken files, from another program's folder."""

from __future__ import annotations

import json
import shutil
import uuid
import warnings

import keras_tuner as kt
import numpy as np
import pytest
import tensorflow as tf
from searches import make_oracle, mixed_loss, mixed_space, run_search, run_trial, small_space, values_of

import keras_bayes
from keras_bayes import KerasBayesWarning
from keras_bayes.search_log import SearchLog


def reloaded(folder, **arguments):
    oracle = make_oracle(folder, hyperparameters=mixed_space(), **arguments)
    oracle.reload()
    return oracle


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted")
    return values_of(run_search(make_oracle(folder, hyperparameters=mixed_space(), max_trials=12), mixed_loss))


@pytest.mark.parametrize("stop_after", range(12))
def test_a_resumed_search_repeats_the_uninterrupted_one(tmp_path, uninterrupted, stop_after):
    first = make_oracle(tmp_path, hyperparameters=mixed_space(), max_trials=12)
    run_search(first, mixed_loss, num_trials=stop_after)
    first.create_trial("tuner0")  # killed while this trial runs

    second = reloaded(tmp_path, max_trials=12)
    run_search(second, mixed_loss)

    assert values_of(list(second.trials.values())) == uninterrupted


def test_a_copied_project_goes_on_as_the_original(tmp_path, uninterrupted):
    run_search(make_oracle(tmp_path / "a", hyperparameters=mixed_space(), max_trials=12), mixed_loss, num_trials=7)
    shutil.copytree(tmp_path / "a", tmp_path / "b")

    oracle = reloaded(tmp_path / "b", max_trials=12)
    run_search(oracle, mixed_loss)

    assert values_of(list(oracle.trials.values())) == uninterrupted


def test_trials_are_in_order_after_a_reload(tmp_path):
    run_search(make_oracle(tmp_path, hyperparameters=mixed_space(), max_trials=12), mixed_loss)

    assert list(reloaded(tmp_path, max_trials=12).trials) == [f"{i:02d}" for i in range(12)]


def test_arguments_of_the_constructor_win_over_the_file(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=mixed_space(), seed=7, num_initial_points=6, alpha=1e-3, beta=2.0)
    oracle.save()

    again = reloaded(tmp_path, seed=99, num_initial_points=50, alpha=0.1, beta=9.0)

    assert (again.seed, again.num_initial_points, again.alpha, again.beta) == (99, 50, 0.1, 9.0)


def test_a_drawn_seed_is_kept(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=mixed_space(), seed=None)
    oracle.save()

    assert reloaded(tmp_path, seed=None).seed == oracle.seed


def test_new_bounds_are_obeyed(tmp_path):
    run_search(make_oracle(tmp_path, hyperparameters=mixed_space(), max_trials=8), mixed_loss)
    narrower = kt.HyperParameters()
    narrower.Float("lr", 1e-3, 1e-2, sampling="log")
    narrower.merge(mixed_space(), overwrite=False)
    oracle = make_oracle(tmp_path, hyperparameters=narrower, max_trials=20)
    oracle.reload()

    trials = run_search(oracle, mixed_loss)

    assert len(trials) == 12
    assert all(1e-3 <= values["lr"] <= 1e-2 for values in values_of(trials))


def test_a_completed_trial_is_not_run_again_when_the_search_state_is_older(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=mixed_space())
    trial = oracle.create_trial("tuner0")
    before = (tmp_path / "search" / "oracle.json").read_text()
    oracle.update_trial(trial.trial_id, {"loss": 1.0})
    trial.status = "COMPLETED"
    oracle.end_trial(trial)
    (tmp_path / "search" / "oracle.json").write_text(before)  # killed between the two files

    again = reloaded(tmp_path)

    assert again.create_trial("tuner0").trial_id != trial.trial_id
    assert again.end_order == [trial.trial_id]


def test_a_trial_that_the_search_state_does_not_know_runs(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=mixed_space())
    run_search(oracle, mixed_loss, num_trials=1)
    before = (tmp_path / "search" / "oracle.json").read_text()
    orphan = oracle.create_trial("tuner0")
    (tmp_path / "search" / "oracle.json").write_text(before)

    assert reloaded(tmp_path).create_trial("tuner0").trial_id == orphan.trial_id


def test_why_a_trial_was_chosen_is_known_though_the_search_state_does_not_know_it(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=mixed_space())
    first = run_search(oracle, mixed_loss, num_trials=1)[0]
    oracle.enqueue(first.hyperparameters.values, skip_if_tried=False)
    before = (tmp_path / "search" / "oracle.json").read_text()
    orphan = oracle.create_trial("tuner0")
    (tmp_path / "search" / "oracle.json").write_text(before)

    again = reloaded(tmp_path)

    assert SearchLog.read(tmp_path / "search").trials[1].proposal == {"source": "user"}
    assert again.proposals[orphan.trial_id] == {"source": "user"}
    assert run_trial(again, mixed_loss).trial_id == orphan.trial_id  # though another trial has the same values
    assert again.trials[orphan.trial_id].status == "COMPLETED"


def test_a_trial_that_ends_the_process_twice_has_failed(tmp_path):
    deadly = make_oracle(tmp_path, hyperparameters=mixed_space()).create_trial("tuner0").trial_id
    second = reloaded(tmp_path).create_trial("tuner0").trial_id
    third = reloaded(tmp_path)

    next_trial = third.create_trial("tuner0")

    assert second == deadly
    assert next_trial.trial_id != deadly
    assert third.trials[deadly].status == "FAILED"
    assert "process ended" in third.trials[deadly].message


def test_looking_at_a_killed_search_changes_nothing(tmp_path):
    killed = make_oracle(tmp_path, hyperparameters=mixed_space()).create_trial("tuner0").trial_id
    files = {path: path.read_bytes() for path in tmp_path.rglob("*.json")}

    for _ in range(3):
        reloaded(tmp_path)

    assert {path: path.read_bytes() for path in tmp_path.rglob("*.json")} == files
    assert reloaded(tmp_path).create_trial("tuner0").trial_id == killed


def test_a_waiting_trial_runs_in_the_space_as_it_is_declared_now(tmp_path):
    make_oracle(tmp_path, hyperparameters=mixed_space()).create_trial("tuner0")
    wider = mixed_space()
    wider.Int("late", 1, 9, default=4)
    oracle = make_oracle(tmp_path, hyperparameters=wider)
    oracle.reload()

    trials = run_search(oracle, mixed_loss, num_trials=2)

    assert trials[0].trial_id == "00"
    assert trials[0].hyperparameters.values["late"] == 4


def test_a_waiting_trial_that_the_program_does_not_want_any_more_teaches_nothing(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=mixed_space())
    run_search(oracle, mixed_loss, num_trials=3)
    waiting = oracle.create_trial("tuner0")  # until the process ends
    forbidden = waiting.hyperparameters.values["units"]

    again = reloaded(tmp_path, constraint=lambda hp: hp["units"] != forbidden)
    following = again.create_trial("tuner0")

    assert following.trial_id != waiting.trial_id
    assert again.trials[waiting.trial_id].status == "FAILED"
    _, _, learned, _ = again._observe()
    logged = SearchLog.read(tmp_path / "search").observations
    for data in (learned, logged):
        assert len(data.y) == 3
        assert np.isfinite(data.y).all()
        assert len(data.pending) == 1


def test_asking_a_search_to_stop_is_no_death_of_its_trial(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=mixed_space())
    for _ in range(4):
        oracle.create_trial("tuner0")
        oracle.interrupt("tuner0")
        oracle = reloaded(tmp_path)

    assert oracle.create_trial("tuner0").trial_id == "00"


@pytest.mark.parametrize("file", ["oracle.json", "trial_03/trial.json"])
@pytest.mark.parametrize("content", ["", "{", "[1]", '{"trial_id": "03"}', "\x00\xff"])
def test_a_broken_file_is_set_aside_and_nothing_else_is_lost(tmp_path, file, content):
    run_search(make_oracle(tmp_path, hyperparameters=mixed_space()), mixed_loss, num_trials=6)
    path = tmp_path / "search" / file
    path.write_text(content, encoding="latin-1")

    with pytest.warns(KerasBayesWarning, match="broken"):
        oracle = reloaded(tmp_path)
    trials = run_search(oracle, mixed_loss, num_trials=3)

    assert path.with_name(path.name + ".corrupt").exists()
    assert len(oracle.get_best_trials(100)) >= 8
    assert len({trial.trial_id for trial in trials}) == 3
    assert (file == "oracle.json") or "03" not in {trial.trial_id for trial in trials}


def test_a_search_of_another_kind_is_refused_with_advice(tmp_path):
    other = kt.oracles.RandomSearchOracle(objective=kt.Objective("loss", "min"), hyperparameters=small_space())
    other._set_project_dir(str(tmp_path), "search")
    other.save()

    with pytest.raises(RuntimeError, match="overwrite=True"):
        reloaded(tmp_path)


def keras_tuners_own(folder, max_trials):
    oracle = kt.oracles.BayesianOptimizationOracle(
        objective=kt.Objective("loss", "min"), max_trials=max_trials, hyperparameters=mixed_space(), seed=3
    )
    oracle._set_project_dir(str(folder), "search")
    oracle.verbose = 0
    return oracle


def test_a_project_of_keras_tuner_is_continued(tmp_path):
    with warnings.catch_warnings():  # of keras-tuner itself
        warnings.simplefilter("ignore")
        old = run_search(keras_tuners_own(tmp_path, 8), mixed_loss, num_trials=7)

    oracle = reloaded(tmp_path)
    run_search(oracle, mixed_loss)

    assert values_of(list(oracle.trials.values()))[:7] == values_of(old)
    assert len(oracle.end_order) == 20
    assert oracle.proposals["07"]["source"] == "model"  # the old trials count


def test_keras_tuner_reads_a_project_of_ours(tmp_path):
    ours = make_oracle(tmp_path, hyperparameters=mixed_space())
    run_search(ours, mixed_loss, num_trials=6)

    with warnings.catch_warnings():  # of keras-tuner itself
        warnings.simplefilter("ignore")
        theirs = keras_tuners_own(tmp_path, 8)
        theirs.reload()
        assert len(run_search(theirs, mixed_loss)) == 2

    assert theirs.get_best_trials(1)[0].score <= ours.get_best_trials(1)[0].score


def test_the_files_are_strict_json(tmp_path):
    losses = iter([1.0, float("nan"), float("inf")])
    run_search(make_oracle(tmp_path, hyperparameters=mixed_space()), lambda values: next(losses), num_trials=3)

    def refuse(token):
        raise AssertionError(token)

    for path in (tmp_path / "search").rglob("*.json"):
        json.loads(path.read_text(), parse_constant=refuse)


def test_no_temporary_file_is_left(tmp_path):
    run_search(make_oracle(tmp_path, hyperparameters=mixed_space()), mixed_loss, num_trials=3)

    assert not list(tmp_path.rglob("*.tmp"))


def test_what_a_killed_process_was_writing_is_removed_by_the_next_writer_only(tmp_path):
    run_search(make_oracle(tmp_path, hyperparameters=mixed_space()), mixed_loss, num_trials=2)
    leftovers = [tmp_path / "search" / name for name in (".oracle.json.a-1-2.tmp", "trial_01/.trial.json.a-1-2.tmp")]
    for path in leftovers:
        path.touch()

    oracle = reloaded(tmp_path)
    after_reading = [path.exists() for path in leftovers]
    run_search(oracle, mixed_loss, num_trials=1)

    assert after_reading == [True, True]
    assert [path.exists() for path in leftovers] == [False, False]


def test_under_a_tuner_of_keras_tuner_a_folder_may_be_remote():
    class Tuner(kt.Tuner):
        def run_trial(self, trial, *args, **kwargs):
            return trial.hyperparameters.Float("x", 0.0, 1.0)

    folder = f"ram://{uuid.uuid4().hex}"
    tuner = Tuner(oracle=keras_bayes.BayesOracle(max_trials=5, seed=0), directory=folder, project_name="search")

    tuner.search()

    written = tf.io.gfile.glob(f"{folder}/search/trial_*/trial.json")
    assert len(written) == 5
    for path in written:  # to which `ram://` appends what others would replace
        assert '"status": "COMPLETED"' in tf.io.gfile.GFile(path).read()
