import json
import math
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from keras_bayes.curves import CURVE_FILE, End, Epoch
from keras_bayes.loss_curves import MAX_EPOCHS, CurveArchive, LossCurves

NAN = math.nan
matrices = arrays(float, st.tuples(st.integers(0, 5), st.integers(0, 6)), elements=st.floats(-9, 9) | st.just(NAN))


def curves_of(losses):
    return LossCurves(losses, np.zeros(len(losses), dtype=int), np.ones(len(losses), dtype=bool))


def write(folder, losses, *, training=0, name="val_loss", stopped=None, num_epochs=9):
    """Appends one training to the curve in a folder."""
    folder.mkdir(exist_ok=True)
    metrics = [{} if loss is None else {name: loss} for loss in losses]
    with (folder / CURVE_FILE).open("a") as file:
        file.writelines(Epoch(training, i, 0.0, 1.0, values).to_line() for i, values in enumerate(metrics))
        if stopped is not None:
            file.write(End(training, num_epochs, stopped).to_line())


@given(matrices, st.integers(0, 8))
def test_what_is_known_by_an_epoch_is_what_a_loop_finds(losses, epoch):
    curves = curves_of(losses)
    seen = [[loss for loss in row[:epoch] if not math.isnan(loss)] for row in losses]

    np.testing.assert_allclose(curves.best_by(epoch), [min(row, default=NAN) for row in seen])
    np.testing.assert_allclose(curves.mean_by(epoch), [sum(row) / len(row) if row else NAN for row in seen], atol=1e-12)
    np.testing.assert_allclose(curves.current_by(epoch), [row[-1] if row else NAN for row in seen])


@given(matrices)
def test_lengths_and_the_best_are_what_a_loop_finds(losses):
    curves = curves_of(losses)

    last = [max((i + 1 for i, loss in enumerate(row) if not math.isnan(loss)), default=0) for row in losses]
    assert curves.lengths.tolist() == last
    assert curves.best == min((x for x in losses.flat if not math.isnan(x)), default=math.inf)


def test_the_arrays_cannot_be_changed_and_must_agree():
    losses = np.zeros((2, 3))
    curves = curves_of(losses)
    losses[0, 0] = 7.0

    assert curves.best == 0.0
    with pytest.raises(ValueError, match="read-only"):
        curves.losses[0, 0] = 1.0
    with pytest.raises(ValueError, match="shape"):
        LossCurves(losses, np.zeros(1, dtype=int), np.ones(2, dtype=bool))
    with pytest.raises(ValueError, match="infinite"):
        curves_of(np.array([[math.inf]]))


def test_each_training_of_each_folder_is_a_curve_and_the_longest_is_the_width(tmp_path):
    write(tmp_path / "trial_0", [3.0, 2.0, 1.0], stopped="")
    write(tmp_path / "trial_0", [4.0], training=1, stopped="hopeless")
    write(tmp_path / "trial_1", [5.0, 4.0])

    curves = CurveArchive(tmp_path, {"val_loss": 1.0}).read(without="trial_7")

    np.testing.assert_array_equal(curves.losses, [[3, 2, 1], [4, NAN, NAN], [5, 4, NAN]])
    assert curves.is_finished.tolist() == [True, False, False]
    assert curves.num_epochs.tolist() == [9, 9, 0]


def test_a_metric_of_every_other_epoch_and_one_that_diverges_leave_gaps(tmp_path):
    write(tmp_path / "trial_0", [None, 2.0, None, math.inf, NAN, 1.0])
    write(tmp_path / "trial_1", [NAN, None])

    curves = CurveArchive(tmp_path, {"val_loss": 1.0}).read(without="")

    np.testing.assert_array_equal(curves.losses, [[NAN, 2, NAN, NAN, NAN, 1]])


def test_what_is_maximised_changes_its_sign_and_a_list_of_objectives_is_a_sum(tmp_path):
    metrics = {"val_accuracy": 0.5, "val_loss": 2.0}

    assert CurveArchive(tmp_path, {"val_accuracy": -1.0}).loss(metrics) == -0.5
    assert CurveArchive(tmp_path, {"val_accuracy": -1.0, "val_loss": 1.0}).loss(metrics) == 1.5
    assert math.isnan(CurveArchive(tmp_path, {"auc": -1.0, "val_loss": 1.0}).loss(metrics))


def test_ones_own_folder_is_left_out(tmp_path):
    write(tmp_path / "trial_0", [1.0])
    write(tmp_path / "trial_1", [2.0])

    assert CurveArchive(tmp_path, {"val_loss": 1.0}).read(without="trial_1").losses.tolist() == [[1.0]]


def test_there_are_no_curves_where_there_is_no_folder(tmp_path):
    assert len(CurveArchive(tmp_path / "missing", {"val_loss": 1.0}).read(without="")) == 0


def test_what_others_write_is_seen_at_once_and_what_has_not_changed_is_not_read_again(tmp_path):
    for name in ("trial_0", "trial_1"):
        write(tmp_path / name, [3.0], stopped="")
    archive = CurveArchive(tmp_path, {"val_loss": 1.0})
    archive.read(without="")
    path = tmp_path / "trial_0" / CURVE_FILE
    status = path.stat()
    path.write_text(path.read_text().replace("3.0", "7.0"))  # behind its back
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    write(tmp_path / "trial_1", [2.0], training=1)
    write(tmp_path / "trial_2", [1.0])

    assert archive.read(without="").losses[:, 0].tolist() == [3.0, 3.0, 2.0, 1.0]


def test_a_trial_that_begins_anew_is_read_anew_and_one_that_is_removed_is_forgotten(tmp_path):
    write(tmp_path / "trial_0", [3.0, 2.0])
    write(tmp_path / "trial_1", [1.0])
    archive = CurveArchive(tmp_path, {"val_loss": 1.0})
    archive.read(without="")
    (tmp_path / "trial_0" / CURVE_FILE).write_text(Epoch(0, 0, 0.0, 1.0, {"val_loss": 5.0}).to_line())
    (tmp_path / "trial_1" / CURVE_FILE).unlink()

    assert archive.read(without="").losses.tolist() == [[5.0]]


@pytest.mark.parametrize("number", [-1, MAX_EPOCHS, 10**15])
def test_an_epoch_of_an_absurd_number_is_left_out(tmp_path, number):
    write(tmp_path / "trial_0", [3.0])
    line = json.loads(Epoch(0, 0, 0.0, 1.0, {"val_loss": 1.0}).to_line()) | {"number": number}
    with (tmp_path / "trial_0" / CURVE_FILE).open("a") as file:
        file.write(json.dumps(line) + "\n")

    assert CurveArchive(tmp_path, {"val_loss": 1.0}).read(without="").losses.tolist() == [[3.0]]
