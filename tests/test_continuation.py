import numpy as np

from keras_bayes.continuation import continued, most_promising, superseded


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

    assert continued(proposals) == {"0": "2", "2": "3"}
    assert superseded(proposals, {"0", "1", "2"}) == {"0"}
    assert superseded(proposals, {"0", "1", "2", "3"}) == {"0", "2"}
