"""What a user tells an oracle: configurations to run, results from elsewhere, how long it may take."""

import io
import threading
from pathlib import Path

import keras_tuner as kt
import pandas as pd
import pytest

import keras_bayes
from keras_bayes.curves import CURVE_FILE, Epoch
from keras_bayes.errors import ConfigurationError
from keras_bayes.search_log import SearchLog
from keras_bayes.show.account import facts
from keras_bayes.show.frames import trials_frame
from keras_bayes.show.optuna_study import to_study
from tests.host.searches import make_oracle, mixed_loss, mixed_space, run_search, run_trial, small_space, values_of

MINE = {"lr": 0.01, "layers": 2, "units": 256, "optimizer": "adam", "augment": True}
ALSO_MINE = {**MINE, "units": 384}


def searching(folder, space=mixed_space, **arguments):
    return make_oracle(folder, hyperparameters=space(), **arguments)


def restarted(folder, **arguments):
    oracle = searching(folder, **arguments)
    oracle.reload()
    return oracle


def test_what_is_enqueued_runs_next_in_order_and_counts(tmp_path):
    oracle = searching(tmp_path, max_trials=4)
    run_trial(oracle, mixed_loss)

    assert oracle.enqueue(MINE)
    assert oracle.enqueue(ALSO_MINE)
    trials = run_search(oracle, mixed_loss)

    assert values_of(trials[:2]) == [MINE, ALSO_MINE]
    assert len(trials) == 3
    assert [oracle.proposals[trial.trial_id]["source"] for trial in trials] == ["user", "user", "model"]


def test_a_part_of_a_configuration_is_enough(tmp_path):
    oracle = searching(tmp_path)

    oracle.enqueue({"optimizer": "sgd", "momentum": 0.3})

    values = run_trial(oracle, mixed_loss).hyperparameters.values
    assert values["momentum"] == pytest.approx(0.3)
    assert set(values) == {"lr", "layers", "units", "optimizer", "augment", "momentum"}


def test_the_hyperparameters_of_another_search_can_be_enqueued(tmp_path):
    other = searching(tmp_path, project_name="other", max_trials=3)
    run_search(other, mixed_loss)
    best = other.get_best_trials()[0].hyperparameters
    oracle = searching(tmp_path)

    oracle.enqueue(best)

    assert run_trial(oracle, mixed_loss).hyperparameters.values == best.values


def test_what_has_been_tried_or_is_in_the_queue_is_skipped(tmp_path):
    oracle = searching(tmp_path)
    oracle.enqueue(MINE)
    run_trial(oracle, mixed_loss)

    answers = [oracle.enqueue(MINE), oracle.enqueue(ALSO_MINE), oracle.enqueue(ALSO_MINE)]

    assert answers == [False, True, False]
    assert values_of(run_search(oracle, mixed_loss, 2))[0] == ALSO_MINE


def test_what_is_known_from_elsewhere_is_skipped(tmp_path):
    oracle = searching(tmp_path)
    oracle.add_observation(MINE, 0.5)

    assert not oracle.enqueue(MINE)
    assert oracle.enqueue(MINE, skip_if_tried=False)


def test_a_configuration_runs_again_if_the_user_wants_it(tmp_path):
    oracle = searching(tmp_path)
    oracle.enqueue(MINE)
    run_trial(oracle, mixed_loss)

    assert oracle.enqueue(MINE, skip_if_tried=False)

    assert run_trial(oracle, mixed_loss).hyperparameters.values == MINE


def test_a_queued_configuration_that_the_model_has_proposed_meanwhile_is_skipped(tmp_path):
    oracle = searching(tmp_path, small_space, max_trials=100)
    for units in (128, 256, 384):
        oracle.enqueue({"units": units, "activation": "tanh", "augment": True})

    trials = run_search(oracle, lambda values: values["units"])

    assert len(trials) == 12
    assert len({tuple(values.items()) for values in values_of(trials)}) == 12


def test_the_queue_survives_a_restart(tmp_path):
    oracle = searching(tmp_path)
    run_trial(oracle, mixed_loss)
    oracle.enqueue(MINE)

    again = restarted(tmp_path)

    assert values_of(run_search(again, mixed_loss, 1)) == [MINE]


def test_an_enqueued_trial_that_was_interrupted_runs_again(tmp_path):
    oracle = searching(tmp_path)
    oracle.enqueue(MINE)
    run_trial(oracle, mixed_loss)
    oracle.enqueue(MINE, skip_if_tried=False)
    oracle.create_trial("tuner0")
    oracle.release()

    again = restarted(tmp_path)

    assert values_of(run_search(again, mixed_loss, 1)) == [MINE]


def test_what_the_space_no_longer_holds_is_left_out_of_the_queue(tmp_path):
    searching(tmp_path).enqueue(MINE)
    smaller = kt.HyperParameters()
    smaller.Float("lr", 1e-4, 1e-3, sampling="log")

    again = make_oracle(tmp_path, hyperparameters=smaller)
    again.reload()

    with pytest.warns(keras_bayes.KerasBayesWarning, match="Enqueued .* was skipped: it lies outside"):
        trial = run_trial(again, lambda values: values["lr"])
    assert again.proposals[trial.trial_id]["source"] == "design"


def test_an_illegal_configuration_changes_nothing(tmp_path):
    oracle = searching(tmp_path)

    with pytest.raises(ConfigurationError, match="'units' must be one of 128, 256, 384"):
        oracle.enqueue({"units": 100})
    with pytest.raises(ConfigurationError, match="'lr' is missing"):
        oracle.add_observation({"units": 128}, 0.1)

    assert (oracle._queue, oracle.known) == ([], ())


def test_an_observation_teaches_the_model_and_counts_as_no_trial(tmp_path):
    oracle = searching(tmp_path, max_trials=5)
    for units in (128, 256, 384):
        oracle.add_observation({**MINE, "units": units}, mixed_loss({**MINE, "units": units}))

    trials = run_search(oracle, mixed_loss)

    assert len(trials) == 5
    assert {oracle.proposals[trial.trial_id]["source"] for trial in trials} == {"model"}
    assert not any(values in values_of(trials) for values in (MINE, ALSO_MINE))
    assert oracle.get_best_trials()[0] in trials


def test_observations_are_told_once_and_survive_a_restart(tmp_path):
    oracle = searching(tmp_path)
    for _ in range(2):
        oracle.add_observation(MINE, 0.5)
    oracle.add_observation(ALSO_MINE, float("nan"))

    again = restarted(tmp_path)
    again.add_observation(MINE, 0.5)

    assert [(record.score, record.status) for record in again.known] == [(0.5, "COMPLETED"), (None, "FAILED")]


def test_a_restarted_search_with_observations_goes_on_as_if_never_interrupted(tmp_path):
    def steered(folder):
        oracle = searching(folder, max_trials=8)
        oracle.add_observation(MINE, 0.5)
        oracle.enqueue(ALSO_MINE)
        return oracle

    whole = values_of(run_search(steered(tmp_path / "whole"), mixed_loss))
    first = steered(tmp_path / "parts")
    parts = values_of(run_search(first, mixed_loss, 3))
    first.release()
    parts += values_of(run_search(restarted(tmp_path / "parts", max_trials=8), mixed_loss))

    assert parts == whole


@pytest.mark.parametrize("form", ["folder", "frame", "results"])
def test_a_warm_start_begins_where_the_other_search_ended(tmp_path, form):
    other = searching(tmp_path, project_name="other", max_trials=12)
    trials = run_search(other, mixed_loss)
    forms = {
        "folder": tmp_path / "other",
        "frame": pd.DataFrame([{**trial.hyperparameters.values, "score": trial.score} for trial in trials]),
        "results": trials_frame(SearchLog.read(tmp_path / "other")),
    }

    oracle = searching(tmp_path, max_trials=4, warm_start=forms[form])
    mine = run_search(oracle, mixed_loss)

    assert len(mine) == 4
    assert {oracle.proposals[trial.trial_id]["source"] for trial in mine} == {"model"}
    assert not any(values in values_of(trials) for values in values_of(mine))
    assert len(oracle.known) == 12


def test_a_table_in_a_file_is_a_warm_start_with_all_its_values(tmp_path):
    space = kt.HyperParameters()
    space.Choice("norm", ["batch", "None", "layer"])
    space.Float("x", 0, 1)
    other = make_oracle(tmp_path, project_name="other", hyperparameters=space, max_trials=6)
    trials = run_search(other, lambda values: values["x"])
    trials_frame(SearchLog.read(tmp_path / "other")).to_csv(tmp_path / "trials.csv")
    frame = pd.read_csv(tmp_path / "trials.csv", keep_default_na=False, na_values=[""])

    oracle = make_oracle(tmp_path, hyperparameters=space, warm_start=frame)

    assert "None" in frame["norm"].values
    assert [{name: record.values[name] for name in ("norm", "x")} for record in oracle.known] == values_of(trials)


class FoundInside(keras_bayes.BayesTuner):
    """A search whose trials find some, or all, of the hyperparameters."""

    def run_trial(self, trial, *args, **kwargs):
        values = [trial.hyperparameters.get(hp.name) for hp in self.oracle.get_space().space]  # those found before
        return abs(trial.hyperparameters.Float("x", 0, 1) - 0.3) + sum(values)


def flags():
    hp = kt.HyperParameters()
    hp.Boolean("flag")
    return hp


@pytest.mark.parametrize("form", ["folder", "frame"])
@pytest.mark.parametrize("declared", [kt.HyperParameters, flags])
def test_a_warm_start_ends_no_search_whose_trials_have_yet_to_find_hyperparameters(tmp_path, declared, form):
    def make(name, **arguments):
        space = {"hyperparameters": declared(), "directory": str(tmp_path), "project_name": name, "seed": 0}
        return FoundInside(**space, **arguments)

    other = make("other", max_trials=6)
    other.search(verbose=0)
    source = tmp_path / "other" if form == "folder" else other.to_dataframe()

    tuner = make("search", max_trials=4, warm_start=source)
    tuner.search(verbose=0)

    assert [proposal["source"] for proposal in tuner.oracle.proposals.values()] == ["design", *["model"] * 3]


def test_a_warm_start_is_remembered_without_its_source(tmp_path):
    other = searching(tmp_path, project_name="other", max_trials=5)
    run_search(other, mixed_loss)
    run_trial(searching(tmp_path, warm_start=tmp_path / "other"), mixed_loss)

    again = restarted(tmp_path)
    with_source = restarted(tmp_path, warm_start=tmp_path / "other")

    assert len(again.known) == len(with_source.known) == 5


def test_results_outside_the_space_are_left_out_with_a_warning(tmp_path):
    frame = pd.DataFrame([{**MINE, "score": 0.5}, {**MINE, "units": 1000, "score": 0.1}])
    oracle = searching(tmp_path, warm_start=frame)

    with pytest.warns(keras_bayes.KerasBayesWarning, match="1 of 2 results .* outside .* such as units=1000: left out"):
        run_trial(oracle, mixed_loss)


def test_a_search_over_other_hyperparameters_is_no_warm_start(tmp_path):
    oracle = searching(tmp_path, warm_start=pd.DataFrame({"C": [1.0], "score": [0.5]}))

    with pytest.raises(ConfigurationError, match=r"other hyperparameters, \['C'\], than this search"):
        oracle.create_trial("tuner0")


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def timed(oracle, clock, seconds):
    oracle.timesheet._clock = clock

    def loss(values):
        clock.now += seconds
        return mixed_loss(values)

    return loss


def test_no_trial_is_started_that_cannot_end_in_time(tmp_path, capsys):
    oracle, clock = searching(tmp_path, max_time="1m"), Clock()

    trials = run_search(oracle, timed(oracle, clock, 14))

    assert len(trials) == 4
    assert oracle._end_reason == "No other trial fits into the `max_time` of 1 min 00 s."


def test_the_time_of_earlier_sessions_counts(tmp_path):
    oracle, clock = searching(tmp_path, max_time=60), Clock()
    run_search(oracle, timed(oracle, clock, 14), 2)
    oracle.release()
    clock.now += 10_000

    again = restarted(tmp_path, max_time=60)

    assert len(run_search(again, timed(again, clock, 14))) == 2


def test_the_time_of_a_training_that_was_killed_counts_until_its_last_epoch(tmp_path):
    oracle, clock = searching(tmp_path, max_time=60), Clock()
    run_search(oracle, timed(oracle, clock, 14), 1)
    killed = oracle.create_trial("tuner0")
    epochs = [Epoch(0, i, clock.now + 15 * (i + 1), 15.0, {"loss": 0.5}) for i in range(2)]
    curve = tmp_path / "search" / f"trial_{killed.trial_id}" / CURVE_FILE
    curve.write_text("".join(epoch.to_line() for epoch in epochs))
    clock.now += 10_000

    again = restarted(tmp_path, max_time=60)

    assert again.timesheet.elapsed == 14 + 30
    assert again.timesheet.seconds(killed.trial_id) == 30
    assert len(run_search(again, timed(again, clock, 14))) == 1


def test_a_trial_that_waits_to_run_again_stays_waiting_when_the_time_is_up(tmp_path):
    oracle, clock = searching(tmp_path, max_time=60), Clock()
    loss = timed(oracle, clock, 25)
    run_search(oracle, loss, 1)
    waiting = oracle.create_trial("tuner0")
    clock.now += 25
    oracle.interrupt("tuner0")

    assert run_search(oracle, loss) == []
    assert oracle.trials[waiting.trial_id].status == "INVALID"

    oracle.max_time = 1000.0
    assert run_trial(oracle, loss).trial_id == waiting.trial_id


def test_a_budget_that_is_none_is_refused(tmp_path):
    with pytest.raises(ValueError, match="received 'tomorrow'"):
        searching(tmp_path, max_time="tomorrow")


def test_a_search_keeps_to_its_time_while_another_tuner_of_the_process_adds_to_its_queue(tmp_path):
    oracle, clock = searching(tmp_path, max_time=60), Clock()
    loss = timed(oracle, clock, 14)

    def steered_loss(values):
        again = restarted(tmp_path)
        again.enqueue({"lr": 0.05 / (1 + clock.now % 1000)})
        return loss(values)

    assert len(run_search(oracle, steered_loss)) == 4


def test_a_trial_that_waits_to_run_again_is_no_failure(tmp_path):
    oracle = searching(tmp_path)
    run_search(oracle, mixed_loss, 4)
    oracle.create_trial("tuner0")
    oracle.interrupt("tuner0")
    oracle.release()
    log = SearchLog.read(tmp_path / "search")

    sources = (tmp_path / "search", trials_frame(log))
    known = [searching(tmp_path, project_name=f"from_{i}", warm_start=s).known for i, s in enumerate(sources)]

    assert log.observations.num_completed == len(log.observations.y) == 4
    assert len(log.observations.pending) == 1
    assert ("failed", "0") in facts(log)
    assert ("to be tried again", "1") in facts(log)
    assert to_study(log).trials[-1].state.name == "WAITING"
    assert [len(records) for records in known] == [4, 4]


def test_a_warm_start_that_does_not_tell_a_hyperparameter_says_so(tmp_path):
    frame = pd.DataFrame([{**MINE, "score": 0.5}]).drop(columns="lr").assign(learning_rate=0.01)
    oracle = searching(tmp_path, warm_start=frame)

    with pytest.warns(keras_bayes.KerasBayesWarning, match=r"has no values of \['lr'\], only of .*'learning_rate'"):
        run_trial(oracle, mixed_loss)


def test_a_score_or_a_configuration_of_the_wrong_type_is_named(tmp_path):
    oracle = searching(tmp_path)

    with pytest.raises(TypeError, match=r"A score must be a number, or None for a failure, received '0.9'"):
        oracle.add_observation(MINE, "0.9")
    with pytest.raises(TypeError, match="A configuration is a dictionary of values by name, received None"):
        oracle.enqueue(None)


def test_an_oracle_without_a_project_cannot_be_steered_yet():
    oracle = keras_bayes.BayesOracle(kt.Objective("loss", "min"), hyperparameters=mixed_space())

    with pytest.raises(keras_bayes.KerasBayesError, match="make a tuner with it first"):
        oracle.enqueue(MINE)
    with pytest.raises(keras_bayes.KerasBayesError, match="make a tuner with it first"):
        oracle.add_observation(MINE, 0.5)


def test_the_end_of_a_search_tells_what_is_left_in_the_queue(tmp_path):
    oracle = searching(tmp_path, max_trials=1)
    oracle.enqueue(MINE)
    oracle.enqueue(ALSO_MINE)

    assert len(run_search(oracle, mixed_loss)) == 1

    assert oracle._end_reason == "The search is complete. Enqueued, but not run: 1 configuration."


def test_what_is_to_be_gained_may_be_asked_while_a_trial_is_created(tmp_path):
    oracle = searching(tmp_path, max_trials=30)
    run_search(oracle, mixed_loss, 5)
    is_over = threading.Event()
    asking = threading.Thread(target=lambda: [oracle.expected_gain(1) for _ in iter(is_over.is_set, True)], daemon=True)
    searching_on = threading.Thread(target=lambda: run_search(oracle, mixed_loss), daemon=True)

    asking.start()
    searching_on.start()
    searching_on.join(timeout=600)
    is_over.set()

    assert not searching_on.is_alive()
    assert len(oracle.end_order) == 30


@pytest.mark.parametrize("score", [1e-6, 1.0, 1e6])
def test_where_all_scores_are_the_same_there_is_no_gain_to_tell(tmp_path, score):
    oracle = searching(tmp_path)
    run_search(oracle, lambda values: score, 5)

    assert oracle.expected_gain() is None


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_an_output_that_cannot_be_written_ends_no_search(tmp_path, monkeypatch):
    oracle = searching(tmp_path, max_trials=3)
    oracle.verbose = 1
    full = io.TextIOWrapper(io.FileIO("/dev/full", "w"), write_through=True)
    monkeypatch.setattr("sys.stdout", full)

    trials = run_search(oracle, mixed_loss, 2)
    full.detach().close()  # it has nothing left to write
    trials += run_search(oracle, mixed_loss)

    assert len(trials) == 3


def test_what_is_left_out_has_a_legal_value_though_its_default_is_none(tmp_path):
    hp = kt.HyperParameters()
    hp.Float("x", 0, 1)
    hp.Int("units", 32, 512, step=32, default=100)
    hp.Float("dropout", 0, 0.5, step=0.1, default=0.25)
    hp.Float("lr", 1e-4, 1e-2, sampling="log", default=0.1)
    oracle = make_oracle(tmp_path, hyperparameters=hp)
    first = oracle.create_trial("tuner0").hyperparameters.values

    assert oracle.enqueue({"x": 0.3})
    enqueued = oracle.create_trial("tuner1").hyperparameters.values

    assert enqueued == {**first, "x": 0.3}
    assert (enqueued["units"], enqueued["lr"]) == (96, 0.01)


def test_what_was_given_up_and_has_never_run_can_be_enqueued(tmp_path):
    oracle = searching(tmp_path, small_space)
    given_up = oracle.create_trial("tuner0").hyperparameters.values
    oracle.interrupt("tuner0")
    oracle.release()
    forbidding = restarted(tmp_path, space=small_space, constraint=lambda hp: hp.values != given_up)
    forbidding.create_trial("tuner0")
    forbidding.interrupt("tuner0")
    forbidding.release()

    again = restarted(tmp_path, space=small_space)
    assert again.trials["00"].status == "FAILED"
    assert again.enqueue(given_up)
