"""Searches whose trainings pause: the oracle is driven by hand, with the files that a tuner writes."""

from pathlib import Path

import keras_tuner as kt
import numpy as np
import pytest

from keras_bayes.continuation import MANY_CONTINUATIONS, PAUSED_FILE
from keras_bayes.curves import CURVE_FILE, End, Epoch
from keras_bayes.rungs import rungs
from keras_bayes.search_log import SearchLog
from tests.host.searches import make_oracle, mixed_loss, mixed_space, run_trial, small_space

NUM_EPOCHS = 20
LADDER = rungs(NUM_EPOCHS)


def loss_after(values, epoch):
    """The loss of a training, which falls towards that of its configuration."""
    return mixed_loss(values) + np.exp(-epoch / 5)


def small_loss(values):
    return values["units"] / 256 + (values["activation"] == "tanh") + 0.5 * values["augment"]


def write_curve(folder, losses, stopped):
    lines = [Epoch(0, i, 0.0, 0.0, {"loss": loss}).to_line() for i, loss in enumerate(losses)]
    (folder / CURVE_FILE).write_text("".join(lines) + End(0, NUM_EPOCHS, stopped).to_line())


def run_leg(oracle, loss=loss_after, *, tuner_id="tuner0", is_kept=True):
    """Trains from a rung to the next; returns the trial, or `None` at the end of the search."""
    trial = oracle.create_trial(tuner_id)
    if trial.status == "STOPPED":
        return None
    return finish_leg(oracle, trial, loss, is_kept=is_kept)


def finish_leg(oracle, trial, loss=loss_after, *, is_kept=True):
    folder = Path(oracle.project_folder)
    earlier = oracle.proposals[trial.trial_id].get("continues")
    begun = 0 if earlier is None else len((folder / f"trial_{earlier}" / CURVE_FILE).read_text().splitlines()) - 1
    epochs = next(rung for rung in LADDER if rung > begun)
    losses = [float(loss(trial.hyperparameters.values, epoch)) for epoch in range(1, epochs + 1)]
    stopped = f"Paused after {epochs} epochs." if epochs < NUM_EPOCHS else ""
    write_curve(folder / f"trial_{trial.trial_id}", losses, stopped)
    if stopped and is_kept:
        (folder / f"trial_{trial.trial_id}" / PAUSED_FILE).touch()
    oracle.update_trial(trial.trial_id, {"loss": min(losses)})
    trial.status, trial.message = "COMPLETED", stopped or None
    oracle.end_trial(trial)
    return trial


def pausing_oracle(folder, **arguments):
    arguments = {"hyperparameters": mixed_space(), "max_trials": 60, "can_continue": True} | arguments
    return make_oracle(folder, **arguments)


def run_legs(oracle, num_trials, **options):
    trials = []
    while len(trials) < num_trials and (trial := run_leg(oracle, **options)) is not None:
        trials.append(trial)
    return trials


def continuations(oracle):
    """Which trial goes on with which, in the order in which they were started."""
    return {i: p["continues"] for i, p in oracle.proposals.items() if p["source"] == "continuation"}


def test_a_search_goes_on_with_paused_trainings_and_with_each_once(tmp_path):
    oracle = pausing_oracle(tmp_path)

    run_legs(oracle, 30)

    later = continuations(oracle)
    assert len(later) >= 5
    assert len(set(later.values())) == len(later)
    for trial_id, earlier in later.items():
        assert oracle.trials[trial_id].hyperparameters.values == oracle.trials[earlier].hyperparameters.values
        assert oracle.trials[earlier].message
        assert {"mean", "sd"} < oracle.proposals[trial_id].keys()
    assert any(trial.message is None for trial in oracle.trials.values())  # some have got to their end


def test_new_configurations_are_not_those_of_paused_trainings(tmp_path):
    oracle = pausing_oracle(tmp_path)

    run_legs(oracle, 30)

    later = continuations(oracle)
    new = [tuple(sorted(t.hyperparameters.values.items())) for i, t in oracle.trials.items() if i not in later]
    assert len(set(new)) == len(new)


def test_a_search_that_cannot_continue_does_not(tmp_path):
    oracle = pausing_oracle(tmp_path, can_continue=False)

    run_legs(oracle, 20)

    assert not continuations(oracle)


@pytest.mark.parametrize("direction", ["min", "max"])
@pytest.mark.parametrize("seed", range(3))
def test_the_first_to_go_on_is_the_best_of_those_that_pause(tmp_path, seed, direction):
    sign = 1 if direction == "min" else -1
    oracle = pausing_oracle(tmp_path, seed=seed, objective=kt.Objective("loss", direction))
    trials = []
    while not continuations(oracle):
        trials.append(run_leg(oracle, lambda values, epoch: sign * loss_after(values, epoch)))

    (earlier,) = continuations(oracle).values()

    assert sign * oracle.trials[earlier].score == min(sign * trial.score for trial in trials[:-1])


def loss_where_some_learn_nothing(values, epoch):
    """A loss that begins at the level of chance, falls the later the smaller the learning rate, or not at all."""
    if values["lr"] > 0.03:
        return 0.9
    progress = epoch * values["lr"] / 0.01
    return 0.9 - 0.85 * (1 - 0.1 * mixed_loss(values)) * progress**3 / (1 + progress**3)


def test_what_learns_nothing_is_seldom_trained_to_its_end(tmp_path):
    scores = []
    for seed in range(5):
        oracle = pausing_oracle(tmp_path, project_name=f"search-{seed}", seed=seed)
        trials = run_legs(oracle, 60, loss=loss_where_some_learn_nothing)
        scores += [trial.score for trial in trials if trial.message is None]

    assert len(scores) > 30
    # It is a third where curves count for each leg, and all are in as much doubt.
    assert np.mean(np.array(scores) > 0.7) < 0.2


def test_what_is_behind_waits_without_doubt(tmp_path):
    oracle = pausing_oracle(tmp_path)
    while len(continuations(oracle)) < MANY_CONTINUATIONS:
        run_leg(oracle, loss_where_some_learn_nothing)

    _, _, data, _ = oracle._observe()

    doubt = data.doubt[data.doubt > 0]
    assert np.sum(doubt < 0.02 * doubt.max()) >= 2
    assert np.sum(doubt > 0.2 * doubt.max()) >= 2


def few_configurations(num_configurations):
    hp = kt.HyperParameters()
    hp.Choice("units", [128, 256, 384, 512][:num_configurations], ordered=True)
    return hp


def units_loss(values, epoch):
    return values["units"] + np.exp(-epoch / 5)


@pytest.mark.parametrize("num_configurations", [1, 2, 4])
def test_a_space_of_a_few_configurations_is_trained_to_the_end(tmp_path, num_configurations):
    oracle = pausing_oracle(tmp_path, hyperparameters=few_configurations(num_configurations))

    trials = run_legs(oracle, 60, loss=units_loss)

    assert len(trials) == num_configurations * len(LADDER)
    assert sum(trial.message is None for trial in trials) == num_configurations


@pytest.mark.parametrize(("num_failures", "num_finished"), [(1, 4), (2, 3)])
def test_what_fails_to_go_on_is_tried_once_more(tmp_path, num_failures, num_finished):
    oracle = pausing_oracle(tmp_path, hyperparameters=few_configurations(4))
    failed = []
    while (trial := oracle.create_trial("tuner0")).status != "STOPPED":
        earlier = continuations(oracle).get(trial.trial_id)
        if earlier is not None and len(failed) < num_failures and earlier == (failed or [earlier])[0]:
            failed.append(earlier)
            trial.status, trial.message = "FAILED", "hiccup"
            oracle.end_trial(trial)
        else:
            finish_leg(oracle, trial, units_loss)

    finished = [t for t in oracle.trials.values() if t.status == "COMPLETED" and t.message is None]
    assert len(set(failed)) == 1
    assert len(finished) == num_finished


def test_without_the_state_of_its_training_a_trial_is_not_gone_on_with(tmp_path):
    oracle = pausing_oracle(tmp_path)

    run_legs(oracle, 20, is_kept=False)

    assert not continuations(oracle)


def test_a_continued_search_goes_on_as_it_would_have(tmp_path):
    whole, parts = (pausing_oracle(tmp_path / name) for name in ("whole", "parts"))
    expected = run_legs(whole, 20)

    run_legs(parts, 11)
    again = pausing_oracle(tmp_path / "parts")
    again.reload()
    run_legs(again, 9)

    assert [again.proposals[trial.trial_id] for trial in expected] == [whole.proposals[t.trial_id] for t in expected]
    assert [again.trials[trial.trial_id].hyperparameters.values for trial in expected] == [
        trial.hyperparameters.values for trial in expected
    ]


def test_workers_do_not_go_on_with_one_training_at_once(tmp_path):
    oracle = pausing_oracle(tmp_path)
    run_legs(oracle, 12)

    for _ in range(5):
        trials = [oracle.create_trial(f"tuner{i}") for i in range(4)]
        for trial in trials:
            finish_leg(oracle, trial)

    later = continuations(oracle)
    assert len(set(later.values())) == len(later) > 0


def test_where_everything_was_begun_what_is_paused_is_finished(tmp_path):
    oracle = pausing_oracle(tmp_path, hyperparameters=small_space(), max_trials=1000)

    trials = run_legs(oracle, 1000, loss=lambda values, epoch: small_loss(values) + np.exp(-epoch / 5))

    assert len(trials) == 12 * len(LADDER)
    assert sum(trial.message is None for trial in trials) == 12


def test_the_model_learns_what_a_stopped_training_would_have_become(tmp_path):
    oracle = pausing_oracle(tmp_path)
    run_legs(oracle, 30)

    log = SearchLog.read(Path(oracle.project_folder))
    data, records = log.observations, log.history.records

    later = continuations(oracle)
    assert len(data.y) == len(records) == 30 - len(later)  # what was gone on with is in what came of it
    for y, doubt, record in zip(data.y, data.doubt, records, strict=True):
        if record.message:
            assert y < record.score
            assert doubt > 0
        else:
            assert (y, doubt) == (record.score, 0)
    ends = np.array([mixed_loss(record.values) + np.exp(-NUM_EPOCHS / 5) for record in records])
    is_stopped = data.doubt > 0
    scores = np.array([record.score for record in records])
    assert np.abs(data.y - ends)[is_stopped].mean() < 0.5 * np.abs(scores - ends)[is_stopped].mean()


def test_a_log_says_what_the_search_has_learned(tmp_path):
    oracle = pausing_oracle(tmp_path)
    run_legs(oracle, 50)

    _, _, learned, _ = oracle._observe()

    logged = SearchLog.read(Path(oracle.project_folder)).observations
    np.testing.assert_array_equal(logged.y, learned.y)
    np.testing.assert_array_equal(logged.doubt, learned.doubt)
    assert len(continuations(oracle)) > 2 * MANY_CONTINUATIONS


def test_the_best_trial_is_that_of_the_best_score_not_of_an_expectation(tmp_path):
    oracle = pausing_oracle(tmp_path)
    run_legs(oracle, 30)

    best = oracle.best_trial()

    assert best.score == min(trial.score for trial in oracle.trials.values())


def test_of_equal_trials_the_one_that_went_on_is_the_best(tmp_path):
    oracle = pausing_oracle(tmp_path, hyperparameters=small_space(), max_trials=100)
    run_legs(oracle, 100, loss=lambda values, epoch: small_loss(values))  # no training gets any better

    best, later = SearchLog.read(Path(oracle.project_folder)).best, continuations(oracle)

    assert best.trial_id in later
    assert best.trial_id not in later.values()
    assert oracle.best_trial().trial_id == best.trial_id


def test_trainings_that_a_rule_has_stopped_are_learned_from_as_well(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=mixed_space())
    for number in range(8):
        trial = run_trial(oracle, mixed_loss)
        length = 4 if number % 2 else NUM_EPOCHS
        losses = [loss_after(trial.hyperparameters.values, epoch) for epoch in range(1, length + 1)]
        write_curve(Path(oracle.project_folder) / f"trial_{trial.trial_id}", losses, "hopeless" if number % 2 else "")
        oracle.trials[trial.trial_id].message = "hopeless" if number % 2 else None
        oracle._save_trial(oracle.trials[trial.trial_id])

    doubt = SearchLog.read(Path(oracle.project_folder)).observations.doubt

    np.testing.assert_array_equal(doubt > 0, np.arange(8) % 2 == 1)


def test_a_training_that_was_stopped_and_then_failed_is_a_failure(tmp_path):
    oracle = pausing_oracle(tmp_path)
    run_legs(oracle, 20)
    later = set(continuations(oracle).values())
    failed = next(i for i, t in oracle.trials.items() if t.message and i not in later)
    oracle.trials[failed].status, oracle.trials[failed].score = "FAILED", None
    oracle._save_trial(oracle.trials[failed])

    _, _, learned, _ = oracle._observe()
    logged = SearchLog.read(Path(oracle.project_folder)).observations

    for data in (learned, logged):
        assert np.isnan(data.y).sum() == 1
        assert data.doubt[np.isnan(data.y)] == 0
        assert (data.doubt > 0).any()


def test_a_confidence_bound_cannot_be_divided_by_epochs(tmp_path):
    with pytest.raises(ValueError, match="acquisition"):
        pausing_oracle(tmp_path, acquisition="lcb")


def test_a_warm_start_takes_over_what_a_paused_search_has_learned(tmp_path):
    oracle = pausing_oracle(tmp_path / "earlier")
    run_legs(oracle, 20)
    log = SearchLog.read(Path(oracle.project_folder))

    later = pausing_oracle(tmp_path / "later", warm_start=Path(oracle.project_folder))
    run_leg(later)
    again = pausing_oracle(tmp_path / "later")
    again.reload()

    learned = [(dict(r.values), r.score, r.gain) for r in log.history.records]
    assert any(gain is not None for _, _, gain in learned)
    assert len({str(values) for values, _, _ in learned}) == len(learned) < 20
    for search in (later, again):
        assert [(dict(r.values), r.score, r.gain) for r in search.known] == learned
