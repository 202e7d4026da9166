import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from keras_bayes.rungs import EARLIEST, FACTOR, MAX_COMPARISONS, rungs

epochs = st.integers(1, 10_000)


@given(num_epochs=epochs)
def test_rungs_ascend_from_the_second_epoch_at_the_earliest_to_the_end(num_epochs):
    found = rungs(num_epochs)

    assert found[-1] == num_epochs
    assert found == sorted(set(found))
    assert found[0] >= min(EARLIEST, num_epochs)
    assert len(found) <= MAX_COMPARISONS + 1


@given(num_epochs=st.integers(20, 10_000))
def test_each_rung_is_about_as_many_times_as_far_as_the_one_before(num_epochs):
    found = np.array(rungs(num_epochs))

    assert (np.abs(np.log(found[1:] / found[:-1]) / np.log(FACTOR) - 1) < 0.25).all()


def test_short_trainings_are_compared_as_well_as_long_ones():
    assert rungs(52) == [4, 9, 22, 52]
    assert rungs(12) == [2, 5, 12]
    assert rungs(5) == [2, 5]
    assert rungs(3) == [3]
