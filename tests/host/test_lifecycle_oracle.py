"""Trials from their creation to their end: metrics, failures, retries, the end of a search."""

from __future__ import annotations

import contextlib
import copy
import json
import socket
import threading
import time
import warnings
from pathlib import Path

import grpc
import keras_tuner as kt
import numpy as np
import pytest
from keras_tuner.engine.trial import Trial
from keras_tuner.src import protos
from keras_tuner.src.distribute.oracle_client import OracleClient
from searches import make_oracle, run_search, run_trial, small_space

import keras_bayes
from keras_bayes import worker
from keras_bayes.chief import serve
from keras_bayes.errors import KerasBayesWarning
from keras_bayes.leases import LEASE_SECONDS
from keras_bayes.worker import Hold, SearchEndedError, connect
from keras_bayes.worker_report import WorkerReport


@pytest.mark.parametrize(
    "number", [0.5, 1, np.float32(0.5), np.int64(2), np.array(0.5), np.array(0.5, dtype="float32")]
)
def test_a_metric_may_be_any_kind_of_number(tmp_path, number):
    oracle = make_oracle(tmp_path, hyperparameters=small_space())

    trial = run_trial(oracle, lambda values: number)

    assert trial.score == float(number)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), np.float32("nan")])
def test_a_loss_that_is_no_number_is_a_failure_with_a_reason(tmp_path, value):
    oracle = make_oracle(tmp_path, hyperparameters=small_space())

    trial = run_trial(oracle, lambda values: value)

    assert trial.status == "FAILED"
    assert trial.score is None
    assert str(float(value)) in trial.message
    assert "'loss'" in trial.message


def test_minus_infinity_is_never_best(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=small_space())
    losses = iter([3.0, -float("inf"), 2.0])

    run_search(oracle, lambda values: next(losses), num_trials=3)

    assert [trial.score for trial in oracle.get_best_trials(3)] == [2.0, 3.0]


def test_a_metric_beside_the_objective_may_be_no_number(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=small_space())
    trial = oracle.create_trial("tuner0")

    oracle.update_trial(trial.trial_id, {"loss": 1.0, "gradient_norm": float("nan")})
    trial.status = "COMPLETED"
    oracle.end_trial(trial)

    assert oracle.trials[trial.trial_id].score == 1.0
    assert "NaN" not in (tmp_path / "search" / f"trial_{trial.trial_id}" / "trial.json").read_text()


def test_a_missing_objective_is_an_error_that_names_it(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=small_space())
    trial = oracle.create_trial("tuner0")

    with pytest.raises(ValueError, match="loss"):
        oracle.update_trial(trial.trial_id, {"accuracy": 1.0})


def test_only_completed_trials_are_among_the_best(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=small_space())
    losses = iter([1.0, float("nan")])
    run_search(oracle, lambda values: next(losses), num_trials=2)
    oracle.create_trial("tuner0")

    assert len(oracle.get_best_trials(10)) == 1


def test_a_retry_after_a_failure_counts_its_own_result(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=small_space(), max_retries_per_trial=1)
    losses = iter([float("nan"), 1.23])

    first = run_trial(oracle, lambda values: next(losses))
    status = first.status
    values = dict(first.hyperparameters.values)
    second = run_trial(oracle, lambda values: next(losses))

    assert status == "INVALID"
    assert (second.status, second.score, second.message) == ("COMPLETED", 1.23, None)
    assert (second.trial_id, second.hyperparameters.values) == (first.trial_id, values)


def test_a_trial_fails_after_its_last_retry(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=small_space(), max_retries_per_trial=2, max_trials=1)

    trials = run_search(oracle, lambda values: float("nan"))

    assert len(trials) == 3
    assert oracle.trials["0"].status == "FAILED"
    assert oracle.end_order == ["0"]


def test_the_old_signature_of_end_trial_works(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=small_space())
    first = oracle.create_trial("tuner0")
    oracle.update_trial(first.trial_id, {"loss": 1.0})

    oracle.end_trial(first.trial_id, "COMPLETED")
    second = oracle.create_trial("tuner0")
    oracle.end_trial(trial_id=second.trial_id, status="FAILED")

    assert oracle.trials[first.trial_id].score == 1.0
    assert oracle.trials[first.trial_id].hyperparameters.values == first.hyperparameters.values
    assert oracle.trials[second.trial_id].status == "FAILED"


def test_failures_do_not_end_a_search_in_which_something_works(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=small_space())
    count = iter(range(100))

    def loss(values):
        if next(count) > 0:
            raise ArithmeticError("out of memory")
        return 1.0

    assert len(run_search(oracle, loss)) == 12


def test_diverging_from_the_start_does_not_end_a_search(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=small_space())

    assert len(run_search(oracle, lambda values: float("inf"))) == 12


def crash(values):
    raise ZeroDivisionError("a mistake in the program")


def test_a_program_that_cannot_work_is_stopped_after_three_trials_with_its_traceback(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=small_space())

    with pytest.raises(RuntimeError, match="a mistake in the program"):
        run_search(oracle, crash)

    assert len(oracle.trials) == 3


def test_a_search_goes_on_after_the_mistake_is_mended(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=small_space())
    with pytest.raises(RuntimeError, match="same error"):
        run_search(oracle, crash)
    again = make_oracle(tmp_path, hyperparameters=small_space())

    again.reload()
    trials = run_search(again, lambda values: 1.0)

    assert len(trials) == 9
    assert {trial.status for trial in trials} == {"COMPLETED"}


def test_a_program_that_cannot_work_any_more_is_stopped_after_ten_trials(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=small_space())
    run_search(oracle, lambda values: 1.0, num_trials=1)
    oracle.release()
    again = make_oracle(tmp_path, hyperparameters=small_space())
    again.reload()

    with again.searching(), pytest.raises(RuntimeError, match=r"(?s)first 10 trials since .* a mistake in the program"):
        run_search(again, crash)

    assert len(again.trials) == 11


def test_a_limit_of_failures_that_the_user_sets_is_kept(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=small_space(), max_consecutive_failed_trials=2)
    losses = iter([1.0, float("nan"), 2.0, float("nan"), float("nan"), 1.0])

    with pytest.raises(RuntimeError, match="limit of 2"):
        run_search(oracle, lambda values: next(losses))

    assert len(oracle.trials) == 5
    assert oracle.ongoing_trials == {}


def test_an_exception_frees_the_lock(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=small_space())
    with pytest.raises(KeyError):
        oracle.update_trial("no such trial", {"loss": 1.0})
    trials = []

    thread = threading.Thread(target=lambda: trials.append(oracle.create_trial("tuner1")))
    thread.start()
    thread.join(timeout=600)

    assert trials


def test_workers_in_threads_share_a_search(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=small_space())

    def work(name):
        while run_trial(oracle, lambda values: values["units"] / 100, tuner_id=name) is not None:
            pass

    threads = [threading.Thread(target=work, args=(f"worker{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=600)

    assert len(oracle.end_order) == len(set(oracle.end_order)) == 12
    assert not oracle.ongoing_trials
    assert not oracle.tuner_ids


def test_no_method_of_the_oracle_warns(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        oracle = make_oracle(tmp_path, hyperparameters=small_space())

        run_search(oracle, lambda values: 1.0, num_trials=2)


def test_a_result_that_arrives_after_a_restart_is_taken(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=small_space())
    trial = oracle.create_trial("worker")
    restarted = make_oracle(tmp_path, hyperparameters=small_space())
    restarted.reload()

    restarted.update_trial(trial.trial_id, {"loss": 4.0})
    trial.status = "COMPLETED"
    restarted.end_trial(trial)

    assert restarted.trials[trial.trial_id].score == 4.0
    assert restarted.create_trial("worker").trial_id != trial.trial_id


def test_a_subclass_may_score_trials_in_its_own_way(tmp_path):
    class Penalised(keras_bayes.BayesOracle):
        @kt.synchronized
        def end_trial(self, trial):
            super().end_trial(trial)

        def score_trial(self, trial):
            super().score_trial(trial)
            trial.score += 10

    oracle = Penalised(objective=kt.Objective("loss", "min"), hyperparameters=small_space(), seed=0)
    oracle._set_project_dir(str(tmp_path), "search")
    oracle.verbose = 0

    with warnings.catch_warnings():  # keras-tuner's decorator asks a thread for its name in an outdated way
        warnings.simplefilter("ignore", DeprecationWarning)
        trial = run_trial(oracle, lambda values: 1.0)

    assert trial.score == 11.0


def test_an_interrupted_trial_runs_first_when_the_search_goes_on(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=small_space())
    run_trial(oracle, lambda values: 1.0)
    interrupted = oracle.create_trial("tuner0")

    oracle.interrupt("tuner0")
    resumed = oracle.create_trial("tuner0")

    assert resumed.trial_id == interrupted.trial_id
    assert resumed.status == "RUNNING"


def test_a_failure_is_forgotten_when_its_trial_is_run_again(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=small_space())
    trial = oracle.create_trial("tuner0")
    oracle.update_trial(trial.trial_id, {"loss": float("nan")})
    oracle.interrupt("tuner0")

    again = run_trial(oracle, lambda values: 1.0)

    assert (again.trial_id, again.status, again.score) == (trial.trial_id, "COMPLETED", 1.0)


def test_three_errors_after_a_success_of_an_earlier_process_do_not_end_the_search(tmp_path):
    run_search(make_oracle(tmp_path, hyperparameters=small_space()), lambda values: 1.0, num_trials=4)
    again = make_oracle(tmp_path, hyperparameters=small_space())
    again.reload()

    def fail(values):
        raise ArithmeticError("out of memory")

    assert len(run_search(again, fail)) == 8


def test_a_late_double_name_fails_its_trial_with_the_reason_and_is_raised(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=small_space())
    trial = oracle.create_trial("tuner0")
    hp = trial.hyperparameters
    for name, value in (("relu", 5), ("tanh", 50)):
        with hp.conditional_scope("activation", [name]):
            hp.Int("depth", 1, value)
    oracle.update_trial(trial.trial_id, {"loss": 1.0})
    trial.status = "COMPLETED"

    with pytest.raises(keras_bayes.KerasBayesError, match="'depth' is declared twice"):
        oracle.end_trial(trial)

    assert "declared twice" in oracle.trials[trial.trial_id].message
    assert oracle.end_order == [trial.trial_id]
    assert oracle.create_trial("tuner0").trial_id != trial.trial_id


def test_a_local_trial_is_never_taken_for_lost(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=small_space())
    first = oracle.create_trial("a")
    oracle.get_trial(first.trial_id)
    oracle._leases._clock = lambda: 1e12

    assert oracle.create_trial("b").trial_id != first.trial_id


def test_an_oracle_can_be_copied(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=small_space())
    run_search(oracle, lambda values: 1.0, num_trials=2)

    twin = copy.deepcopy(oracle)

    assert twin.populate_space("2") == oracle.populate_space("2")
    assert twin.create_trial("tuner0").status == "RUNNING"
    assert len(oracle.trials) == 2


def test_a_message_without_words_is_no_error(tmp_path, capsys):
    oracle = make_oracle(tmp_path, hyperparameters=small_space())
    oracle.verbose = 1
    trial = oracle.create_trial("tuner0")
    trial.status, trial.message = "FAILED", "  \n "

    oracle.end_trial(trial)

    assert "no reason given" in capsys.readouterr().out


def test_a_worker_waits_while_a_leased_trial_may_still_be_lost(tmp_path, monkeypatch):
    monkeypatch.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
    oracle = make_oracle(tmp_path)  # what the first trial finds is all there will be to search
    with oracle.called_by("a"):
        first = oracle.create_trial("a")

    waiting = oracle.create_trial("b").status
    oracle._leases._clock = lambda: 1e12
    again = oracle.create_trial("b")

    assert waiting == "IDLE"
    assert (again.status, again.trial_id) == ("RUNNING", first.trial_id)


def test_nobody_waits_for_a_worker_of_which_no_sign_is_expected(tmp_path, monkeypatch):
    monkeypatch.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
    oracle = make_oracle(tmp_path, hyperparameters=small_space(), max_trials=1)
    oracle.create_trial("a")

    assert oracle.create_trial("b").status == "STOPPED"


def test_a_chief_does_not_end_between_two_trials_of_a_worker_of_which_no_sign_is_expected(tmp_path, monkeypatch):
    monkeypatch.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
    oracle = make_oracle(tmp_path, hyperparameters=small_space())
    trial = oracle.create_trial("a")

    now = time.monotonic() + 1e6
    oracle._workers._clock = lambda: now
    oracle.get_trial(trial.trial_id)  # at its end, as keras-tuner's own tuners do
    oracle.update_trial(trial.trial_id, {"loss": 1.0})
    oracle.end_trial(trial.trial_id)
    oracle.release_lost_trials()

    assert not oracle.ends_abandoned()


@pytest.mark.parametrize("says_who_it_is", [True, False])
def test_a_worker_that_says_who_it_is_is_missed_from_the_start_of_its_trial(tmp_path, monkeypatch, says_who_it_is):
    monkeypatch.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
    oracle = make_oracle(tmp_path, hyperparameters=small_space())
    with oracle.called_by("a") if says_who_it_is else contextlib.nullcontext():
        trial = oracle.create_trial("a")
    if not says_who_it_is:
        oracle.get_trial(trial.trial_id)  # as keras-tuner's own tuners do

    oracle._leases._clock = lambda: 1e12

    assert (oracle.create_trial("b").trial_id == trial.trial_id) is says_who_it_is


@pytest.fixture
def chief(tmp_path, monkeypatch):
    """An oracle of workers, the first of which has a trial."""
    monkeypatch.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
    monkeypatch.setenv("KERASTUNER_TUNER_ID", "chief")
    oracle = make_oracle(tmp_path, hyperparameters=small_space())
    with oracle.called_by("first"):
        oracle.get_trial(oracle.create_trial("first").trial_id)
    return oracle


def asks(oracle, tuner_id, trial_id):
    """What a worker is told when it asks for the trial that it is running."""
    with oracle.called_by(tuner_id):
        return oracle.get_trial(trial_id)


def lose_first(oracle):
    """The first worker falls silent, and another one is given its trial."""
    (trial,) = oracle.trials.values()
    oracle._leases._clock = lambda: time.monotonic() + 1e6
    assert oracle.create_trial("other") is trial
    return trial


def told_by(oracle, tuner_id, trial, status):
    """What a worker tells at the end of a trial, of which the chief has no object but its own."""
    folder = Path(oracle.project_folder) / f"trial_{trial.trial_id}"
    WorkerReport([], None, tuner_id).write(folder, oracle.writer)
    sent = Trial.from_state(trial.get_state())
    sent.status = status
    with oracle.called_by(tuner_id):
        oracle.end_trial(sent)


def test_what_a_lost_worker_was_writing_is_removed(chief):
    (trial,) = chief.trials.values()
    folder = Path(chief.project_folder) / f"trial_{trial.trial_id}"
    unfinished = folder / ".checkpoint.weights.h5.1-2-3.tmp.weights.h5"
    unfinished.touch()

    lose_first(chief)

    assert not unfinished.exists()
    assert (folder / "trial.json").exists()


def test_a_trial_that_has_ended_is_not_ended_again_by_a_worker_that_had_lost_it(chief):
    trial = lose_first(chief)
    chief.update_trial(trial.trial_id, {"loss": 1.0})
    told_by(chief, "other", trial, "COMPLETED")

    chief.update_trial(trial.trial_id, {"loss": 0.5})
    told_by(chief, "first", trial, "FAILED")

    assert (trial.status, trial.score) == ("COMPLETED", 1.0)
    assert trial.metrics.get_best_value("loss") == 1.0


@pytest.mark.parametrize("loss", [0.5, float("nan")])
def test_a_trial_is_ended_by_the_worker_that_has_it_now(chief, loss):
    trial = lose_first(chief)

    with chief.called_by("first"):
        chief.update_trial(trial.trial_id, {"loss": loss})
    told_by(chief, "first", trial, "COMPLETED")
    assert trial.status == "RUNNING"
    assert not trial.metrics.exists("loss")  # or keras-tuner took it for the result of the other one

    chief.update_trial(trial.trial_id, {"loss": 1.0})
    told_by(chief, "other", trial, "COMPLETED")
    assert (trial.status, trial.score) == ("COMPLETED", 1.0)


def test_a_worker_that_has_lost_its_trial_cannot_end_it_also_where_it_has_left_no_report(chief):
    trial = lose_first(chief)
    sent = Trial.from_state(trial.get_state())
    sent.status = "COMPLETED"

    with chief.called_by("first"):
        chief.end_trial(sent)

    assert trial.status == "RUNNING"
    assert list(chief.ongoing_trials) == ["other"]


def test_what_another_worker_has_left_is_not_the_report_of_the_one_that_ends_a_trial(chief):
    trial = lose_first(chief)
    WorkerReport(["units"], "of the first", "first").write(
        Path(chief.project_folder) / f"trial_{trial.trial_id}", chief.writer
    )
    sent = Trial.from_state(trial.get_state())
    sent.status, sent.message = "FAILED", "of the other"

    with chief.called_by("other"):
        chief.end_trial(sent)

    assert (trial.status, trial.message) == ("FAILED", "of the other")
    assert chief.unread[trial.trial_id] == []


def test_a_worker_that_was_only_silent_shows_that_its_trial_has_ended_no_process(chief):
    trial = lose_first(chief)
    assert chief._deaths == {trial.trial_id: 1}
    chief._deaths[trial.trial_id] = 2  # with another one before

    for _ in range(2):
        assert asks(chief, "first", trial.trial_id).status == "STOPPED"

    assert chief._deaths == {trial.trial_id: 1}
    assert asks(chief, "other", trial.trial_id) is trial


def test_what_an_earlier_run_has_reported_does_not_count_for_the_next(chief):
    chief.max_retries_per_trial = 1
    (trial,) = chief.trials.values()
    told_by(chief, "first", trial, "INVALID")
    told_by(chief, "first", trial, "INVALID")  # the same, told twice
    again = chief.create_trial("other")
    chief.update_trial(again.trial_id, {"loss": 1.0})

    sent = Trial.from_state(again.get_state())  # without a report, as of keras-tuner's own tuners
    sent.status = "COMPLETED"
    chief.end_trial(sent)

    assert again is trial
    assert (trial.status, trial.score) == ("COMPLETED", 1.0)


def started_again(folder):
    """The oracle of a chief that takes up the search."""
    oracle = make_oracle(folder, hyperparameters=small_space())
    oracle.reload()
    return oracle


@pytest.mark.parametrize("gives_sign", [True, False])
def test_trials_stay_with_their_workers_when_a_chief_is_started_again_until_these_are_lost(chief, tmp_path, gives_sign):
    (trial,) = chief.trials.values()
    chief.release()

    again = started_again(tmp_path)
    with again.searching():
        assert again.create_trial("other").trial_id != trial.trial_id
        if gives_sign:
            asks(again, "first", trial.trial_id)
            assert again.ongoing_trials["first"].trial_id == trial.trial_id
            assert again._deaths == {}
        assert again.create_trial("third").trial_id != trial.trial_id
        seconds = again.timesheet.seconds(trial.trial_id)
        time.sleep(0.01)
        assert again.timesheet.seconds(trial.trial_id) > seconds

        again._leases._clock = lambda: time.monotonic() + 1e6
        assert again.create_trial("fourth").trial_id == trial.trial_id


@pytest.mark.parametrize("asks_before", [True, False])
def test_a_worker_that_is_there_when_its_chief_comes_back_has_not_died(chief, tmp_path, asks_before):
    (trial,) = chief.trials.values()
    chief.release()

    again = started_again(tmp_path)
    again.max_retries_per_trial = 1
    with again.searching():
        assert not asks_before or asks(again, "first", trial.trial_id).status == "RUNNING"
        told_by(again, "first", trial, "INVALID")

        assert again.create_trial("first").trial_id == trial.trial_id
        assert again._deaths == {}


def test_a_worker_that_is_started_again_with_its_chief_begins_its_trial_anew_but_not_for_ever(chief, tmp_path):
    (trial,) = chief.trials.values()
    chief.release()

    for is_tried_again in (True, False):
        again = started_again(tmp_path)
        with again.searching():
            given = again.create_trial("first")
            again.release()
        assert (given.trial_id == trial.trial_id) is is_tried_again
    assert "The process ended, or fell silent, each time" in again.trials[trial.trial_id].message


def test_a_trial_that_ends_its_worker_each_time_fails_also_where_that_is_started_again_at_once(chief):
    (trial,) = chief.trials.values()
    chief.get_trial(trial.trial_id)
    again = chief.create_trial("first").trial_id
    chief.get_trial(again)
    instead = chief.create_trial("first").trial_id

    assert (again, instead == again) == (trial.trial_id, False)
    assert trial.status == "FAILED"
    assert "The process ended, or fell silent, each time" in trial.message


def test_a_worker_that_asks_twice_before_its_trial_has_begun_gets_the_same_one(chief):
    trial = chief.create_trial("second")

    assert chief.create_trial("second") is trial  # it calls again where the answer was lost
    assert chief._deaths == {}


@pytest.mark.parametrize("verbose", [0, 1])
def test_a_chief_whose_workers_are_gone_says_so_in_any_case(chief, verbose, capsys):
    chief.verbose = verbose
    lost = "All workers are gone"
    assert not chief.ends_abandoned()
    chief.release_lost_trials()
    chief._workers._clock = chief._leases._clock = lambda: time.monotonic() + 1e6
    chief.release_lost_trials()

    with pytest.warns(keras_bayes.KerasBayesWarning, match=lost) if verbose == 0 else contextlib.nullcontext():
        assert chief.ends_abandoned()

    assert (lost in capsys.readouterr().out) == (verbose > 0)


class FailingOnce:
    """The calls of a worker to an oracle, the first of which fails."""

    tuner_id = "late"
    has_failed = False

    def __init__(self, oracle):
        self.oracle = oracle
        self.stub = self

    def GetTrial(self, request, timeout):
        if not self.has_failed:
            self.has_failed = True
            raise grpc.RpcError
        with self.oracle.called_by(self.tuner_id):
            trial = self.oracle.get_trial(request.trial_id)
        return protos.get_service().GetTrialResponse(trial=trial.to_proto())


def test_a_worker_that_was_stopped_asks_until_its_chief_has_answered(chief):
    hold = Hold(FailingOnce(chief), *chief.trials)  # which is the first worker's
    hold.check()  # it has asked a moment ago

    hold._asked -= LEASE_SECONDS
    hold.renew()

    assert hold._client.has_failed
    with pytest.raises(kt.errors.FailedTrialError):
        hold.check()


def test_the_workers_are_dismissed_when_nothing_is_left_and_not_before(chief):
    state = Path(chief.project_folder) / "oracle.json"
    (trial,) = chief.trials.values()
    chief.max_trials = 1
    assert chief.create_trial("second").status == "IDLE"
    chief.update_trial(trial.trial_id, {"loss": 1.0})
    chief.end_trial(trial.trial_id)
    assert not json.loads(state.read_text())["workers_dismissed"]

    assert chief.create_trial("first").status == "STOPPED"
    assert json.loads(state.read_text())["workers_dismissed"]

    chief.max_trials = 2
    assert chief.create_trial("second").status == "RUNNING"
    assert not json.loads(state.read_text())["workers_dismissed"]


def test_another_search_of_a_chief_has_not_dismissed_its_workers(chief):
    chief._are_dismissed = True

    with chief.searching():
        assert not chief.get_state()["workers_dismissed"]


def test_no_worker_is_dismissed_while_one_of_which_no_sign_is_expected_runs_a_trial(tmp_path, monkeypatch):
    monkeypatch.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
    oracle = make_oracle(tmp_path, hyperparameters=small_space(), max_trials=1)
    oracle.create_trial("a")

    assert oracle.create_trial("b").status == "STOPPED"
    oracle.save()

    assert not json.loads((Path(oracle.project_folder) / "oracle.json").read_text())["workers_dismissed"]


def test_a_trial_is_its_workers_until_another_has_it(chief):
    (trial,) = chief.trials.values()

    assert asks(chief, "first", trial.trial_id) is trial
    assert asks(chief, "other", trial.trial_id).status == "STOPPED"

    chief._leases._clock = lambda: time.monotonic() + 1e6
    chief.release_lost_trials()
    assert chief.ongoing_trials == {}
    assert asks(chief, "first", trial.trial_id) is trial  # nobody else has it so far
    assert chief.ongoing_trials == {"first": trial}
    assert chief.tuner_ids == {"first"}
    second = chief.create_trial("other")
    assert second is not trial
    assert asks(chief, "other", trial.trial_id).status == "STOPPED"
    chief.end_trial(second.trial_id, "INVALID")

    now = chief._leases._clock()
    chief._leases._clock = lambda: now + 1e6
    assert chief.create_trial("other") is trial
    asks(chief, "other", trial.trial_id)
    assert asks(chief, "first", trial.trial_id).status == "STOPPED"
    assert asks(chief, "other", trial.trial_id) is trial

    chief.update_trial(trial.trial_id, {"loss": 1.0})
    told_by(chief, "other", trial, "COMPLETED")
    assert asks(chief, "other", trial.trial_id).status == "STOPPED"


def test_a_trial_that_another_worker_has_begun_since_is_not_its_first_workers_again(chief):
    trial = lose_first(chief)
    asks(chief, "other", trial.trial_id)
    now = chief._leases._clock()
    chief._leases._clock = lambda: now + 1e6
    chief.release_lost_trials()
    assert chief.ongoing_trials == {}

    assert asks(chief, "first", trial.trial_id).status == "STOPPED"  # its folder holds what the other one has left
    assert chief.create_trial("first") is trial  # and it was not the trial that kept it from answering
    assert chief._deaths == {trial.trial_id: 1}
    assert asks(chief, "other", trial.trial_id).status == "STOPPED"
    assert chief._deaths == {trial.trial_id: 0}


def test_a_worker_that_only_fell_silent_takes_back_its_own_death_and_no_others(chief):
    trial = lose_first(chief)
    asks(chief, "other", trial.trial_id)
    assert chief._deaths == {trial.trial_id: 1}
    asks(chief, "first", trial.trial_id)
    assert chief._deaths == {trial.trial_id: 0}
    now = chief._leases._clock()
    chief._leases._clock = lambda: now + 1e6
    assert chief.create_trial("third") is trial

    assert asks(chief, "first", trial.trial_id).status == "STOPPED"

    assert chief._deaths == {trial.trial_id: 1}


def test_where_the_first_trial_is_to_find_the_space_the_other_workers_wait_for_it(tmp_path, monkeypatch):
    monkeypatch.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
    oracle = make_oracle(tmp_path, max_trials=3)
    first = oracle.create_trial("a")  # of keras-tuner's own tuners, which give no other sign

    assert oracle.create_trial("b").status == "IDLE"

    oracle.update_trial(first.trial_id, {"loss": 1.0})
    sent = Trial.from_state(first.get_state())
    sent.hyperparameters.Int("units", 1, 9)
    sent.status = "COMPLETED"
    oracle.end_trial(sent)
    assert oracle.create_trial("b").status == "RUNNING"
    assert oracle.create_trial("c").status == "RUNNING"
    assert oracle.create_trial("a").status == "STOPPED"


def test_where_there_is_nothing_to_search_nobody_waits_for_ever(tmp_path, monkeypatch):
    monkeypatch.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
    oracle = make_oracle(tmp_path, max_trials=3)
    trial = oracle.create_trial("a")
    oracle.update_trial(trial.trial_id, {"loss": 1.0})
    oracle.end_trial(trial.trial_id)

    assert oracle.create_trial("a").status == "STOPPED"


def served(oracle, monkeypatch):
    """A chief in a thread."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
    monkeypatch.setenv("KERASTUNER_ORACLE_PORT", str(port))
    return serving(oracle)


def serving(oracle):
    chief = threading.Thread(target=serve, args=(oracle,))
    chief.start()
    return chief


def connected(oracle, monkeypatch, process, tuner_id="worker"):
    """What a worker calls, as if it were another process."""
    monkeypatch.setenv("KERASTUNER_TUNER_ID", tuner_id)
    monkeypatch.setattr("keras_bayes.project.process", lambda: process)
    client = OracleClient(oracle)
    connect(client, Path(oracle.project_folder))
    return client


def test_a_worker_that_searches_again_waits_until_its_chief_does_so_too(tmp_path, monkeypatch):
    oracle = make_oracle(tmp_path, hyperparameters=small_space(), max_trials=1)
    chief = served(oracle, monkeypatch)
    client, again = (connected(oracle, monkeypatch, "one") for _ in range(2))
    other = connected(oracle, monkeypatch, "two", "other")
    trial_id = client.create_trial("worker").trial_id
    assert other.create_trial("other").status == "IDLE"
    oracle.update_trial(trial_id, {"loss": 1.0})
    oracle.end_trial(trial_id, "COMPLETED")
    assert client.create_trial("worker").status == "STOPPED"
    given = []
    asking = threading.Thread(target=lambda: given.append(again.create_trial("worker")))

    asking.start()
    asking.join(1.0)
    assert asking.is_alive()  # the first search is not over for the other worker
    assert other.create_trial("other").status == "STOPPED"
    chief.join()
    oracle.max_trials = 2
    chief = serving(oracle)
    asking.join(30)

    assert given[0].status == "RUNNING"
    oracle.end_trial(given[0].trial_id, "FAILED")
    assert again.create_trial("worker").status == "STOPPED"
    chief.join()


def test_a_chief_warns_of_two_workers_that_call_themselves_the_same(tmp_path, monkeypatch):
    oracle = make_oracle(tmp_path, hyperparameters=small_space(), max_trials=1)
    chief = served(oracle, monkeypatch)
    first, second = (connected(oracle, monkeypatch, process) for process in ("one", "two"))

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("default", KerasBayesWarning)
        trial_id = first.create_trial("worker").trial_id
        assert second.create_trial("worker").trial_id == trial_id  # as after the first has been started again
        assert not caught
        for client in (first, second, first):
            client.get_trial(trial_id)
        oracle.end_trial(trial_id, "FAILED")
        assert first.create_trial("worker").status == "STOPPED"
        chief.join()

    (told,) = caught
    assert "call themselves 'worker'" in str(told.message)


def test_a_worker_takes_no_trial_of_another_search_than_that_in_its_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(worker, "SHARING_SECONDS", 0.5)
    mine, another = (make_oracle(tmp_path / name, hyperparameters=small_space(), max_trials=1) for name in "ab")
    mine.save()
    chief = served(another, monkeypatch)
    client = connected(mine, monkeypatch, "one")

    with pytest.raises(kt.errors.FatalRuntimeError, match=r"chief at 127\.0\.0\.1:\d+ is not in .*/a/search"):
        client.create_trial("worker")

    assert another.trials == {}
    with another.called_by("worker"):
        trial = another.create_trial("worker")  # as a worker of that search with the same id
    hold = Hold(client, trial.trial_id)
    hold.renew()
    assert hold.is_lost
    for ask in (
        lambda: client.update_trial(trial.trial_id, {"loss": 0.0}),
        lambda: client.end_trial(trial),
        client.get_best_trials,
    ):
        with pytest.raises(kt.errors.FailedTrialError):
            ask()

    threading.Timer(
        0.2, lambda: Path(mine.project_folder, "oracle.json").write_text(json.dumps(another.get_state()))
    ).start()
    assert client.create_trial("worker").trial_id == trial.trial_id  # the chief has overwritten that search by this one
    another.update_trial(trial.trial_id, {"loss": 1.0})
    another.end_trial(trial.trial_id)
    assert client.create_trial("worker").status == "STOPPED"
    chief.join()


def test_the_search_of_a_project_stays_the_same_until_it_is_overwritten(tmp_path):
    search = make_oracle(tmp_path, hyperparameters=small_space())
    search.save()
    search.release()

    assert started_again(tmp_path).search_id == search.search_id
    assert make_oracle(tmp_path, hyperparameters=small_space()).search_id != search.search_id


def test_a_worker_learns_from_its_chief_whose_its_trial_is(tmp_path, monkeypatch):
    oracle = make_oracle(tmp_path, hyperparameters=small_space(), max_trials=1)
    chief = served(oracle, monkeypatch)
    client, unheard = (connected(oracle, monkeypatch, process, "wörker") for process in ("one", "two"))
    trial_id = client.create_trial("wörker").trial_id
    hold = Hold(client, trial_id)
    hold.renew()
    hold.check()

    oracle._release("wörker")
    oracle.create_trial("other")
    hold.check()  # it has asked a moment ago
    hold._asked -= LEASE_SECONDS
    with pytest.raises(kt.errors.FailedTrialError, match=f"trial_{trial_id} is not this worker's any more"):
        hold.check()

    oracle.update_trial(trial_id, {"loss": 1.0})
    oracle.end_trial(trial_id, "COMPLETED")
    other = connected(oracle, monkeypatch, "two", "other")
    for worker_client, tuner_id in [(other, "other"), (client, "wörker")]:
        assert worker_client.create_trial(tuner_id).status == "STOPPED"
    chief.join()
    monkeypatch.setattr(worker, "HEARTBEAT_SECONDS", 0.1)
    late = Hold(client, trial_id)
    late.renew()
    assert late.is_lost  # nobody answers, and its search has ended
    with pytest.raises(SearchEndedError):
        client.create_trial("wörker")
    with pytest.raises(SearchEndedError):
        client.stub.GetSpace(protos.get_service().GetSpaceRequest(), timeout=0.01)
    client.stub.look()  # as it does after a search
    hold = Hold(client, trial_id)
    hold.renew()
    assert not hold.is_lost
    with pytest.raises(SearchEndedError):
        unheard.create_trial("late")  # has never asked before, but was there when the search went on

    hold = Hold(connected(oracle, monkeypatch, "three"), trial_id)
    hold.renew()
    assert not hold.is_lost  # its chief, which goes on with that search, is yet to come


def test_who_has_lost_a_trial_does_not_keep_it_from_being_missed(chief):
    trial = lose_first(chief)
    asks(chief, "other", trial.trial_id)
    now = chief._leases._clock()
    chief._leases._clock = lambda: now + 1e6

    asks(chief, "first", trial.trial_id)

    chief.release_lost_trials()
    assert chief.ongoing_trials == {}


def test_what_a_worker_tells_of_a_trial_that_nobody_knows_is_not_heard(chief):
    told = Trial(small_space(), "4000", status="RUNNING")  # of a search that another one has taken the place of

    assert chief.get_trial("4000").status == "STOPPED"
    assert asks(chief, "first", "4000").status == "STOPPED"
    assert chief.update_trial("4000", {"loss": 1.0}).status == "STOPPED"
    told_by(chief, "first", told, "COMPLETED")

    assert "4000" not in chief.trials


def test_a_chief_that_has_ended_with_an_error_may_search_again(chief):
    chief.max_consecutive_failed_trials = 1
    (trial,) = chief.trials.values()
    told_by(chief, "first", trial, "FAILED")
    assert chief.create_trial("first").status == "STOPPED"

    with pytest.raises(RuntimeError, match="exceeded the limit of 1"):
        chief.raise_failure()

    chief.raise_failure()  # there is none any more
    assert chief.create_trial("first").status == "RUNNING"


def test_who_goes_on_without_workers_runs_their_trials_at_once(chief, tmp_path, monkeypatch):
    (trial,) = chief.trials.values()
    chief.release()
    monkeypatch.delenv("KERASTUNER_ORACLE_IP")

    again = started_again(tmp_path)
    with again.searching():
        assert again.create_trial("tuner0").trial_id == trial.trial_id
