from hypothesis import given
from hypothesis import strategies as st

from keras_bayes.rungs import FACTOR, rungs

epochs = st.integers(1, 10_000)


@given(num_epochs=epochs, min_epochs=st.integers(1, 20))
def test_rungs_ascend_from_the_smallest_allowed_to_the_end(num_epochs, min_epochs):
    found = rungs(num_epochs, min_epochs)

    assert found[-1] == num_epochs
    assert found == sorted(set(found))
    assert found[0] >= min(min_epochs, num_epochs)


@given(num_epochs=epochs, min_epochs=st.integers(1, 20))
def test_no_further_rung_fits_in_front(num_epochs, min_epochs):
    assert num_epochs / FACTOR ** len(rungs(num_epochs, min_epochs)) < min_epochs


def test_trainings_of_52_epochs_are_compared_after_4_9_and_22():
    assert rungs(52) == [4, 9, 22, 52]
