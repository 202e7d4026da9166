"""Rules that stop trainings: a contract for all of them, references for each."""

import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_bayes.loss_curves import LossCurves
from keras_bayes.stopping_rules import (
    MIN_FINISHED,
    NUM_WEIGHTS,
    ODDS,
    RULES,
    LearnedStopping,
    MedianStopping,
    SuccessiveHalving,
    Training,
    as_rule,
    chance_of_best,
    checkpoints,
)

NUM_EPOCHS = 27
every_rule = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
seeds = st.integers(0, 10_000)


def draw(seed, num_curves=20, num_epochs=NUM_EPOCHS, noise=0.01):
    """Curves that fall from about 1 to a level of their own, shape (n, T)."""
    rng = np.random.default_rng(seed)
    end, start, rate = rng.uniform(0.1, 0.5, num_curves), rng.uniform(0.8, 1.2, num_curves), rng.uniform(0.1, 0.5)
    epochs = np.arange(num_epochs)
    losses = end[:, None] + (start - end)[:, None] * np.exp(-rate * epochs)
    return losses + noise * rng.standard_normal(losses.shape)


def finished(losses):
    return LossCurves(losses, np.full(len(losses), losses.shape[1]), np.ones(len(losses), dtype=bool))


def stops_at(rule, losses, earlier, *, num_epochs=NUM_EPOCHS, expected=None):
    """The epoch after which a training is stopped, `None` where it never is."""
    for epoch in range(1, len(losses) + 1):
        if not math.isnan(losses[epoch - 1]) and rule(Training(losses[:epoch], num_epochs, earlier, expected)):
            return epoch
    return None


# ---------------------------------------------------------------------------------------------- all rules
@every_rule
def test_a_hopeless_training_is_stopped_early_and_the_reason_is_a_sentence(rule):
    earlier = finished(draw(0))
    hopeless = 2.0 + draw(1, 1)[0]

    epoch = stops_at(rule, hopeless, earlier)

    assert epoch <= 3
    reason = rule(Training(hopeless[:epoch], NUM_EPOCHS, earlier))
    assert reason.startswith("Stopped after 3 epochs")
    assert reason.endswith(".")


@every_rule
@given(seeds, st.integers(0, 60))
def test_what_is_best_at_every_epoch_is_never_stopped(rule, seed, num_curves):
    earlier = draw(seed, num_curves)
    best = earlier.min(axis=0, initial=2.0) - 0.001

    assert stops_at(rule, best, finished(earlier)) is None


@every_rule
@given(seeds, st.integers(0, MIN_FINISHED - 1))
def test_the_first_few_are_never_stopped_whatever_was_stopped_or_runs(rule, seed, num_finished):
    losses = draw(seed, 40)
    is_finished = np.arange(40) < num_finished
    earlier = LossCurves(losses, np.full(40, NUM_EPOCHS), is_finished)

    assert stops_at(rule, draw(seed + 1, 1)[0] + 5.0, earlier) is None


@every_rule
@given(seeds)
def test_a_rule_is_pure(rule, seed):
    earlier, losses = finished(draw(seed)), draw(seed + 1, 1)[0]
    training = Training(losses[:9], NUM_EPOCHS, earlier)

    assert rule(training) == rule(training)
    with pytest.raises(ValueError, match="read-only"):
        training.losses[0] = 0.0


@every_rule
@given(seeds, st.floats(0.01, 100), st.floats(-50, 50))
def test_the_unit_and_the_zero_of_the_losses_do_not_matter(rule, seed, scale, shift):
    earlier, losses = draw(seed), draw(seed + 1, 1)[0]

    assert stops_at(rule, losses * scale + shift, finished(earlier * scale + shift)) == stops_at(
        rule, losses, finished(earlier)
    )


@every_rule
@given(seeds)
def test_the_order_of_the_earlier_curves_does_not_matter(rule, seed):
    earlier, losses = draw(seed), draw(seed + 1, 1)[0]

    assert stops_at(rule, losses, finished(earlier[::-1])) == stops_at(rule, losses, finished(earlier))


@pytest.mark.parametrize("rule", [MedianStopping(), SuccessiveHalving()])  # to a learned one it may promise a fall
@given(seeds, st.floats(0.0, 1.0))
def test_what_is_worse_at_every_epoch_is_stopped_no_later(rule, seed, gap):
    earlier, losses = finished(draw(seed)), draw(seed + 1, 1)[0]

    assert (stops_at(rule, losses + gap, earlier) or math.inf) <= (stops_at(rule, losses, earlier) or math.inf)


@every_rule
def test_nothing_is_stopped_at_its_last_epoch(rule):
    earlier = finished(draw(0, num_epochs=3))

    assert not rule(Training(np.full(3, 9.0), 3, earlier))
    assert rule(Training(np.full(3, 9.0), 4, finished(draw(0))))


@every_rule
@given(seeds)
def test_a_training_without_any_finite_loss_is_not_stopped(rule, seed):
    assert not rule(Training(np.full(9, math.nan), NUM_EPOCHS, finished(draw(seed))))


@every_rule
@pytest.mark.parametrize("every", [2, 5])
def test_a_loss_of_every_few_epochs_is_enough(rule, every):
    earlier, hopeless, best = draw(0), draw(1, 1)[0] + 2.0, draw(0).min(axis=0) - 0.1
    for losses in (earlier, hopeless[None], best[None]):
        losses[:, np.arange(NUM_EPOCHS) % every != every - 1] = math.nan

    assert 3 <= stops_at(rule, hopeless, finished(earlier)) <= 2 * every
    assert stops_at(rule, best, finished(earlier)) is None


@every_rule
def test_trainings_that_diverged_do_not_hide_the_rest(rule):
    earlier = np.vstack([draw(0), 1e9 * draw(1, 4)])

    assert stops_at(rule, draw(2, 1)[0] + 2.0, finished(earlier)) == 3
    assert stops_at(rule, draw(0).min(axis=0), finished(earlier)) is None


@every_rule
def test_trainings_that_ended_early_by_themselves_count_with_what_they_reached(rule):
    earlier = draw(0, 30)
    earlier[::2, 12:] = math.nan

    assert stops_at(rule, draw(1, 1)[0] + 2.0, finished(earlier)) == 3
    assert stops_at(rule, np.fmin.reduce(earlier) - 0.01, finished(earlier)) is None


@every_rule
@pytest.mark.slow
def test_a_rule_takes_less_than_a_millisecond_with_200_curves_of_52_epochs(rule):
    earlier, losses = finished(draw(0, 200, 52)), draw(1, 1, 52)[0]
    trainings = [Training(losses[:epoch], 52, earlier) for epoch in range(1, 53)]
    seconds = []

    for _ in range(5):
        began = time.process_time()
        for training in trainings:
            rule(training)
        seconds.append((time.process_time() - began) / 52)

    assert min(seconds) < 1e-3


# ---------------------------------------------------------------------------------------------- median
@given(seeds, st.integers(3, NUM_EPOCHS - 1))
def test_the_median_rule_is_that_of_vizier(seed, epoch):
    earlier, losses = draw(seed), draw(seed + 1, 1)[0]
    averages = [sum(row[:epoch]) / epoch for row in earlier]

    is_stopped = bool(MedianStopping()(Training(losses[:epoch], NUM_EPOCHS, finished(earlier))))

    assert is_stopped == (min(losses[:epoch]) > np.median(averages))


def test_the_median_is_that_of_finished_trainings():
    good, bad = draw(0, 6), draw(1, 30) + 5.0
    earlier = LossCurves(np.vstack([good, bad]), np.full(36, NUM_EPOCHS), np.arange(36) < 6)

    assert stops_at(MedianStopping(), draw(2, 1)[0] + 2.0, earlier) == 3


# ---------------------------------------------------------------------------------------------- halving
def test_the_rungs_are_powers_of_the_factor_below_the_last_epoch():
    assert checkpoints(3, 3, 52) == [3, 9, 27]
    assert checkpoints(3, 3, 27) == [3, 9]
    assert checkpoints(3, 3, 3) == checkpoints(3, 3, 2) == checkpoints(3, 3, 0) == []
    assert checkpoints(1, 2, 10) == [1, 2, 4, 8]
    assert checkpoints(3, math.sqrt(3), 52) == [3, 5, 9, 16, 27, 47]


@given(seeds, st.sampled_from([2, 3, 4]), st.integers(4, 30))
def test_asynchronous_halving_keeps_the_best_of_each_rung(seed, factor, num_curves):
    """By brute force: trainings one after another, each stopped as the rule says."""
    rule, all_losses = SuccessiveHalving(factor=factor), draw(seed, num_curves)
    rungs: dict[int, list[float]] = {epoch: [] for epoch in checkpoints(3, factor, NUM_EPOCHS)}
    ends: list[int] = []
    for losses in all_losses:
        table = [
            np.append(row[:end], [math.nan] * (NUM_EPOCHS - end)) for row, end in zip(all_losses, ends, strict=False)
        ]
        is_finished = np.array(ends, dtype=int) == NUM_EPOCHS
        earlier = LossCurves(np.array(table).reshape(-1, NUM_EPOCHS), np.full(len(ends), NUM_EPOCHS), is_finished)
        expected = NUM_EPOCHS
        for rung, reached in rungs.items():
            reached.append(min(losses[:rung]))
            num_kept = max(1, len(reached) // factor)
            if is_finished.sum() >= MIN_FINISHED and reached[-1] > sorted(reached)[num_kept - 1]:
                expected = rung
                break

        ends.append(stops_at(rule, losses, earlier) or NUM_EPOCHS)

        assert ends[-1] == expected


@given(seeds)
def test_halving_sees_ranks_only(seed):
    earlier, losses = draw(seed), draw(seed + 1, 1)[0]

    assert stops_at(SuccessiveHalving(), np.exp(5 * losses), finished(np.exp(5 * earlier))) == stops_at(
        SuccessiveHalving(), losses, finished(earlier)
    )


# ---------------------------------------------------------------------------------------------- learned
@given(seeds, st.integers(0, NUM_WEIGHTS))
def test_where_too_few_finished_curves_have_got_as_far_the_rungs_decide(seed, num_long):
    losses = draw(seed, 20)
    losses[num_long:, 8:] = math.nan  # ended early by themselves
    training = Training(draw(seed + 1, 1)[0][:9], NUM_EPOCHS, finished(losses))

    assert LearnedStopping()(training) == SuccessiveHalving()(training)


def test_shorter_trainings_do_not_tell_where_a_longer_one_ends():
    losses = draw(0, 40, 9)
    training = Training(draw(1, 1)[0][:5] + 0.3, 100, finished(losses))

    assert LearnedStopping()(training) == SuccessiveHalving()(training)


@given(seeds)
def test_a_lower_level_stops_no_earlier(seed):
    earlier, losses = finished(draw(seed)), draw(seed + 1, 1)[0]

    cautious, bold = (stops_at(LearnedStopping(level), losses, earlier) or math.inf for level in (0.01, 0.3))

    assert cautious >= bold


def test_small_chances_come_true_and_large_ones_are_not_understated():
    """1,000 trainings, each against 12 finished ones, in ten bins of equal size by the chance of beating the best."""
    chances, outcomes = [], []
    for seed in range(1000):
        losses = draw(seed, 13, noise=0.05)
        earlier = finished(losses[1:])
        chances.append(chance_of_best(Training(losses[0, :5], NUM_EPOCHS, earlier), earlier))
        outcomes.append(losses[0].min() < losses[1:].min())

    for part in np.array_split(np.argsort(chances), 10):
        stated, observed = np.mean(np.take(chances, part)), np.mean(np.take(outcomes, part))
        margin = 3 * math.sqrt((stated * (1 - stated) + 0.01) / len(part))
        assert observed < stated + margin
        assert stated > 0.3 or stated < observed + margin


def test_what_the_search_expects_is_taken_into_account():
    earlier = finished(draw(0, noise=0.05))
    losses = np.sort(draw(0, noise=0.05), axis=0)[10]
    best = earlier.best

    good, bad = ((best - 0.05, 0.02), (best + 0.5, 0.02))
    promising, plain, poor = (
        chance_of_best(Training(losses[:5], NUM_EPOCHS, earlier, expected), earlier) for expected in (good, None, bad)
    )

    assert poor < plain < promising


def test_the_odds_are_below_those_of_finished_trainings_which_gained_most():
    earlier = finished(draw(0, noise=0.05))
    as_good_as_the_best = (earlier.best, 1e-9)  # so sure that nothing else counts

    chance = chance_of_best(Training(draw(1, 1)[0, :5], NUM_EPOCHS, earlier, as_good_as_the_best), earlier)

    assert chance / (1 - chance) == pytest.approx(ODDS, rel=1e-6)
    assert ODDS < 1


@pytest.mark.parametrize("unit", [1e-200, 1.0, 1e5, 1e100])
def test_a_training_that_cannot_be_told_from_its_peers_goes_on(unit):
    flat = finished(np.full((20, NUM_EPOCHS), 0.5 * unit))

    assert stops_at(LearnedStopping(), np.full(NUM_EPOCHS, 0.5 * unit), flat) is None
    assert stops_at(LearnedStopping(), np.full(NUM_EPOCHS, 0.6 * unit), flat) == 3


# ---------------------------------------------------------------------------------------------- choosing one
def test_a_rule_is_given_by_name_or_itself():
    rule = SuccessiveHalving(factor=4)

    assert as_rule("auto") == LearnedStopping()
    assert as_rule(rule) is rule


@pytest.mark.parametrize("stopping", ["hyperband", 3, True, ["auto"], SuccessiveHalving])
def test_what_is_no_rule_is_refused(stopping):
    with pytest.raises(ValueError, match=r"'auto', 'median', 'halving'.*received"):
        as_rule(stopping)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: LearnedStopping(level=0), "`level` must be a chance"),
        (lambda: LearnedStopping(level=1.5), "`level` must be a chance"),
        (lambda: LearnedStopping(level="5 %"), "`level` must be a chance"),
        (lambda: LearnedStopping(min_epochs=0), "`min_epochs`"),
        (lambda: SuccessiveHalving(factor=1), "`factor`"),
        (lambda: MedianStopping(min_finished=0), "`min_finished`"),
    ],
)
def test_an_argument_out_of_range_is_named(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_one_epoch_is_counted_in_the_singular():
    rule = MedianStopping(min_epochs=1, min_finished=1)

    reason = rule(Training(np.array([2.0]), NUM_EPOCHS, finished(np.ones((1, NUM_EPOCHS)))))

    assert reason == "Stopped after 1 epoch: worse than the median of 1 finished training."
