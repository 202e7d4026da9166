import numpy as np

from keras_bayes.continuation import MANY_FINISHED, continuations, given_up, in_doubt, most_promising, superseded
from keras_bayes.ridge import Prediction


def log_promise(X):
    """The logarithm of a promise that is the first coordinate."""
    return np.log(X[:, 0])


def test_where_nothing_is_paused_there_is_nothing_to_go_on_with():
    assert most_promising(log_promise, np.array([0.5]), np.empty((0, 1)), np.empty(0)) is None


def test_what_promises_most_for_each_epoch_is_gone_on_with():
    paused, remaining = np.array([[0.2], [0.3], [0.1]]), np.array([0.2, 0.9, 0.9])

    assert most_promising(log_promise, np.array([0.9]), paused, remaining) == 0
    assert most_promising(log_promise, np.array([1.1]), paused, remaining) is None
    assert most_promising(log_promise, None, paused, remaining) == 0


def test_the_earlier_of_two_alike_trainings_is_not_begun_again():
    x = np.array([0.5])

    assert most_promising(log_promise, x, x[None], np.array([0.92])) == 0


def test_a_trial_is_superseded_once_the_one_that_goes_on_with_it_has_completed():
    proposals = {
        "0": {"source": "design"},
        "1": {"source": "model"},
        "2": {"source": "continuation", "continues": "0"},
        "3": {"source": "continuation", "continues": "2"},
    }

    assert continuations(proposals) == [("0", "2"), ("2", "3")]
    assert superseded(proposals, {"0", "1", "2"}) == {"0"}
    assert superseded(proposals, {"0", "1", "2", "3"}) == {"0", "2"}


def test_what_failed_twice_to_go_on_is_given_up():
    proposals = {i: {"source": "continuation", "continues": "0"} for i in "123"}

    assert given_up(proposals, {"1"}) == set()
    assert given_up(proposals, {"1", "3"}) == {"0"}
    assert superseded(proposals, {"2"}) == {"0"}  # whatever came later


def test_forecasts_are_in_the_more_doubt_the_more_trainings_have_gone_on_to_their_end():
    gains = {"0": Prediction(0.5, 0.1)}

    def doubt(num_continuations, **sources):
        proposals = {str(i + 1): {"source": "continuation", "continues": "x"} for i in range(num_continuations)}
        return in_doubt(gains, proposals | sources, proposals.keys() | sources.keys())["0"]

    assert doubt(0) == doubt(MANY_FINISHED) == gains["0"]
    assert doubt(2 * MANY_FINISHED) == Prediction(0.5, 0.2)
    assert doubt(MANY_FINISHED, other={"source": "model"}) == gains["0"]


def test_trainings_that_went_on_but_not_to_their_end_do_not_count():
    gains = {str(i): Prediction(0.5, 0.1) for i in range(10)}
    proposals = {i: {"source": "continuation", "continues": "x"} for i in [*gains, "running"]}

    assert in_doubt(gains, proposals, gains) == gains
