import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_bayes.forecast import expected_gains, forecasts
from keras_bayes.loss_curves import CurveArchive, LossCurves
from keras_bayes.rungs import rungs
from tests.curves import falling, write_curves

NUM_EPOCHS = 52
LENGTHS = rungs(NUM_EPOCHS)


def decaying(num_trainings, *, seed, noise=0.05):
    """Losses that decay to a level of their own, shape (n, 52)."""
    rng = np.random.default_rng(seed)
    level, height = rng.normal(size=(2, num_trainings, 1))
    return level + np.abs(height) * np.exp(-np.arange(NUM_EPOCHS) / 12) + noise * rng.normal(size=(num_trainings, 52))


def stopped_after(losses, lengths):
    """Curves of which only so many epochs are known."""
    known = np.where(np.arange(losses.shape[1]) < np.array(lengths)[:, None], losses, np.nan)
    is_finished = np.array(lengths) == losses.shape[1]
    return LossCurves(known, np.full(len(losses), losses.shape[1]), is_finished)


def some_stopped(num_trainings, *, seed):
    """All losses, and the curves of trainings of which every third one was not stopped."""
    losses = decaying(num_trainings, seed=seed)
    lengths = np.random.default_rng(seed).choice(LENGTHS[:-1], num_trainings)
    lengths[::3] = NUM_EPOCHS
    return losses, stopped_after(losses, lengths)


@given(st.integers(0, 100))
def test_finished_trainings_have_nothing_to_gain_and_stopped_ones_no_loss(seed):
    _, curves = some_stopped(20, seed=seed)

    gains = expected_gains(curves)

    for gain, is_finished in zip(gains, curves.is_finished, strict=True):
        assert gain.mu >= 0
        assert (gain.mu, gain.sigma) == (0, 0) if is_finished else gain.sigma > 0


@given(st.integers(0, 100), st.floats(0.01, 100), st.floats(-100, 100))
def test_scale_and_shift_of_the_losses_are_those_of_the_gains(seed, scale, shift):
    _, curves = some_stopped(15, seed=seed)
    moved = LossCurves(scale * curves.losses + shift, curves.num_epochs, curves.is_finished)

    gains, moved_gains = expected_gains(curves), expected_gains(moved)

    # A shift by 100 costs six places of a noise of .05 scaled by .01.
    np.testing.assert_allclose([g.mu for g in moved_gains], [scale * g.mu for g in gains], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose([g.sigma for g in moved_gains], [scale * g.sigma for g in gains], rtol=1e-5, atol=1e-7)


@given(st.integers(0, 100))
def test_the_order_of_the_trainings_does_not_matter(seed):
    _, curves = some_stopped(15, seed=seed)
    order = np.random.default_rng(seed).permutation(15)

    gains = expected_gains(curves)
    shuffled = expected_gains(LossCurves(curves.losses[order], curves.num_epochs[order], curves.is_finished[order]))

    np.testing.assert_allclose([g.mu for g in shuffled], [gains[i].mu for i in order], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("num_trainings", [10, 20, 40, 80])
def test_what_is_expected_is_nearer_to_the_end_than_what_was_reached(num_trainings):
    errors, spreads, untouched = [], [], []
    for seed in range(800 // num_trainings):
        losses, curves = some_stopped(num_trainings, seed=1000 * seed)
        gains = expected_gains(curves)
        for i in np.flatnonzero(~curves.is_finished):
            reached, end = np.nanmin(curves.losses[i]), losses[i].min()
            errors.append(reached - gains[i].mu - end)
            untouched.append(reached - end)
            spreads.append(gains[i].sigma)

    errors, spreads = np.array(errors), np.array(spreads)
    assert np.mean(errors**2) < 0.5 * np.mean(np.square(untouched))
    rms = np.sqrt(np.mean((errors / spreads) ** 2))
    assert rms == pytest.approx(1, abs=0.25)  # honest, where stopping is by chance


def test_the_later_a_training_was_stopped_the_surer_is_its_end():
    losses = decaying(30, seed=0)
    lengths = [NUM_EPOCHS] * 26 + [4, 9, 22, 52]

    sigmas = [gain.sigma for gain in expected_gains(stopped_after(losses, lengths))[26:]]

    assert sigmas == sorted(sigmas, reverse=True)
    assert sigmas[-1] == 0


def test_the_less_a_training_is_like_those_learned_from_the_less_certain_is_its_end():
    losses = decaying(12, seed=0)
    levels = losses[:10, 3]
    losses[10:, :4] = losses[0, :4] - levels[0] + np.array([[levels.mean()], [levels.min()]])

    usual, unusual = expected_gains(stopped_after(losses, [NUM_EPOCHS] * 10 + [4, 4]))[10:]

    assert unusual.sigma > 1.1 * usual.sigma


def test_one_training_that_went_on_tells_how_much_others_gain():
    fall = np.exp(-np.arange(1, 10) / 5)
    losses = np.full((4, 9), np.nan)
    losses[:3, :3] = np.array([[1.0], [2.0], [3.0]]) + fall[:3]
    losses[3] = 2.5 + fall

    *stopped, finished = expected_gains(LossCurves(losses, np.full(4, 9), np.arange(4) == 3))

    assert finished.mu == 0
    assert [gain.mu for gain in stopped] == pytest.approx([fall[2] - fall[8]] * 3)
    assert all(gain.sigma > 0.3 for gain in stopped)  # one is not many


def test_one_training_that_recovers_from_divergence_promises_the_others_no_wonder():
    losses = np.array([[1.0, np.nan], [2.0, np.nan], [1e30, 3.0]])[:, [0, 0, 0, 1, 1, 1, 1, 1, 1]]

    *stopped, _ = expected_gains(LossCurves(losses, np.full(3, 9), np.arange(3) == 2))

    assert all(0 < gain.mu < 10 for gain in stopped)


def test_what_could_be_told_exactly_so_far_is_not_certain():
    losses = np.repeat(np.arange(1.0, 41)[:, None], NUM_EPOCHS, axis=1)  # nothing is ever gained

    gain = expected_gains(stopped_after(losses, [NUM_EPOCHS] * 39 + [4]))[-1]

    assert gain.mu == 0
    assert 0.001 < gain.sigma / losses[:, 0].std() < 0.02


def test_what_is_far_behind_all_others_gains_no_more_than_they_do():
    losses = decaying(21, seed=0)
    losses[-1] = 1e6

    gain = expected_gains(stopped_after(losses, [NUM_EPOCHS] * 20 + [4]))[-1]

    assert gain.mu < 2 * (losses[:20, :4].min(axis=1) - losses[:20].min(axis=1)).max()


def test_a_training_ahead_of_all_others_does_not_lose_what_it_is_not_expected_to_gain():
    losses = np.zeros((11, NUM_EPOCHS))
    losses[:10, :4] = np.arange(10)[:, None]  # the better, the less there is to gain by the next rung,
    losses[-1, :4] = -3
    losses[:, LENGTHS[1] :] = -1  # and the same afterwards

    gain = expected_gains(stopped_after(losses, [NUM_EPOCHS] * 10 + [4]))[-1]

    assert gain.mu == pytest.approx(1, abs=0.01)


def test_what_a_training_has_gained_since_its_last_rung_is_not_ahead_of_it():
    losses = decaying(30, seed=3, noise=0.0)
    lengths = np.where(np.arange(30) % 2, 40, NUM_EPOCHS)  # rungs are after 22 and 52 epochs
    ahead = losses[:, 39] - losses[:, -1]

    gains = expected_gains(stopped_after(losses, lengths))

    assert sum(gain.mu for gain in gains[1::2]) < 3 * ahead[1::2].sum()  # since the rung it was five times as much


@given(st.integers(0, 100))
def test_between_two_rungs_the_end_is_where_it_was_expected_at_the_first_or_what_was_reached(seed):
    losses = decaying(12, seed=seed, noise=0.2)
    lengths = np.full(12, NUM_EPOCHS)

    at_rung, later = (expected_gains(stopped_after(losses, [length, *lengths[1:]]))[0].mu for length in (22, 40))

    end = losses[0, :22].min() - at_rung
    assert losses[0, :40].min() - later == pytest.approx(min(end, losses[0, :40].min()))


@pytest.mark.parametrize("lengths", [[4], [1], [4, 4], [52], [4, 52], [2, 52, 52]], ids=str)
def test_a_few_trainings_are_enough(lengths):
    gains = expected_gains(stopped_after(decaying(len(lengths), seed=0), lengths))

    assert all(np.isfinite([gain.mu, gain.sigma]).all() for gain in gains)
    assert [gain.sigma > 0 for gain in gains] == [length < NUM_EPOCHS for length in lengths]


def test_no_training_has_no_gains():
    assert expected_gains(LossCurves(np.empty((0, 0)), np.empty(0, dtype=int), np.empty(0, dtype=bool))) == []


def test_trainings_of_unknown_length_and_those_that_ended_early_have_nothing_to_gain():
    losses = decaying(4, seed=0)[:, :9]
    curves = LossCurves(losses, np.array([0, 52, 52, 52]), np.array([False, True, True, False]))

    gains = expected_gains(curves)

    assert [gain.sigma == 0 for gain in gains] == [True, True, True, False]


@pytest.mark.parametrize("frequency", [2, 4])
def test_metrics_of_some_epochs_are_enough(frequency):
    _, curves = some_stopped(20, seed=3)
    sparse = np.where(np.arange(1, NUM_EPOCHS + 1) % frequency, np.nan, curves.losses)

    gains = expected_gains(LossCurves(sparse, curves.num_epochs, curves.is_finished))

    assert np.isfinite([[gain.mu, gain.sigma] for gain in gains]).all()


def test_trainings_of_different_lengths_are_compared_at_the_same_share_of_them():
    long = decaying(20, seed=0, noise=0.0)
    short = long[:, ::4][:, :13]  # the same in a quarter of the epochs
    losses = np.full((40, NUM_EPOCHS), np.nan)
    losses[:20], losses[20:, :13] = long, short
    losses[0, 22:] = losses[20, 5:] = np.nan
    num_epochs = np.array([52] * 20 + [13] * 20)
    is_finished = np.arange(40) % 20 > 0

    gains = expected_gains(LossCurves(losses, num_epochs, is_finished))

    assert gains[0].mu == pytest.approx(gains[20].mu, abs=0.1)


def test_the_last_training_of_a_folder_counts_where_it_was_stopped(tmp_path):
    write_curves(tmp_path / "trial_0", (falling(10), ""))
    write_curves(tmp_path / "trial_1", (falling(10), ""), (falling(4), "hopeless"))
    write_curves(tmp_path / "trial_2", (falling(4), "hopeless"), (falling(10), ""))

    found = forecasts(CurveArchive(tmp_path, {"val_loss": 1.0}))

    assert list(found) == ["trial_1"]
    assert found["trial_1"].remaining == pytest.approx(0.6)


def test_what_is_under_way_teaches_nothing(tmp_path):
    for number in range(6):
        training = (falling(10, 1 + number), "") if number < 4 else (falling(2, 1 + number), "-")
        write_curves(tmp_path / f"trial_{number}", training)
    archive = CurveArchive(tmp_path, {"val_loss": 1.0})
    found = forecasts(archive)

    write_curves(tmp_path / "trial_6", (falling(5, height=0.1), ""), is_over=False)

    assert list(found) == ["trial_4", "trial_5"]
    assert forecasts(archive) == found


def test_a_training_is_behind_where_half_of_those_that_got_as_far_were_better(tmp_path):
    heights = [1.0, 2.0, 3.0, 3.0, 5.0]  # the first one has finished; at its end it is not compared
    for number, height in enumerate(heights):
        write_curves(tmp_path / f"trial_{number}", (falling(2 if number else 10, height), "-" if number else ""))
    write_curves(tmp_path / "trial_5", (falling(4, 9.0), "-"))  # compared with the first one alone

    found = forecasts(CurveArchive(tmp_path, {"val_loss": 1.0}))

    is_behind = {name: forecast.is_behind for name, forecast in found.items()}
    assert is_behind == {f"trial_{i}": behind for i, behind in enumerate((False, False, False, True, True), start=1)}


def test_two_that_are_alike_are_not_behind_each_other(tmp_path):
    for number in range(2):
        write_curves(tmp_path / f"trial_{number}", (falling(2), "-"))

    found = forecasts(CurveArchive(tmp_path, {"val_loss": 1.0}))

    assert not any(forecast.is_behind for forecast in found.values())


def test_what_stopped_before_its_first_rung_is_not_compared(tmp_path):
    for number in range(4):
        write_curves(tmp_path / f"trial_{number}", (falling(2), "-"))
    write_curves(tmp_path / "trial_4", (falling(1, 9.0), "-"))

    assert not forecasts(CurveArchive(tmp_path, {"val_loss": 1.0}))["trial_4"].is_behind
