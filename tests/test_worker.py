import keras_tuner as kt
import pytest

from keras_bayes.worker import MAX_FAILURES, check_health, wait_for_project
from tests.logs import log_of, trial
from tests.spaces import real

LR = real("lr", 1e-4, 1e-1, sampling="log")
ERROR = 'Traceback (most recent call last):\n  File "a.py", line 1, in run\nRuntimeError: the device is unhealthy'
OTHER_ERROR = ERROR.replace("RuntimeError", "ValueError")
OWN = [trial(i, {"lr": 1e-3}, None, message=ERROR) for i in range(2, 2 + MAX_FAILURES)]
IDS = [own.trial_id for own in OWN]
COMPLETED = trial(9, {"lr": 1e-2}, 1.0)
RUNNING = trial(0, {"lr": 1e-2}, None, status="RUNNING")
FAILED = trial(10, {"lr": 1e-2}, None, message=OTHER_ERROR)
FAILED_BEFORE = trial(1, {"lr": 1e-2}, None, message=OTHER_ERROR)


@pytest.mark.parametrize("others", [[COMPLETED], [RUNNING], [RUNNING, FAILED_BEFORE, COMPLETED]])
def test_a_worker_whose_trials_alone_fail_is_told_with_which_error(others):
    with pytest.raises(RuntimeError, match=r"(?s)last 5 trials of this worker, and no others.*device is unhealthy"):
        check_health(IDS, log_of([LR], [*OWN, *others]))


@pytest.mark.parametrize("others", [[], [FAILED], [COMPLETED, FAILED], [FAILED_BEFORE]])
def test_where_others_fail_too_or_there_are_none_the_worker_is_not_blamed(others):
    check_health(IDS, log_of([LR], [*OWN, *others]))


@pytest.mark.parametrize(
    "own", [OWN[1:], [*OWN[1:], trial(2, {"lr": 1e-3}, None, message=OTHER_ERROR)], [*OWN[1:], trial(2, {}, 1.0)]]
)
def test_fewer_failures_or_other_ones_blame_no_worker(own):
    check_health([each.trial_id for each in own], log_of([LR], [*own, RUNNING]))


def test_a_folder_without_a_search_is_not_that_of_the_chief(tmp_path, monkeypatch):
    monkeypatch.setattr("keras_bayes.worker.SHARING_SECONDS", 0.05)

    with pytest.raises(kt.errors.FatalRuntimeError, match="with the same `directory`"):
        wait_for_project(tmp_path)
    (tmp_path / "oracle.json").touch()
    wait_for_project(tmp_path)
