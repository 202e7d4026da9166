import keras_tuner as kt
import pytest

from keras_bayes.errors import ProjectError
from keras_bayes.search_log import SearchLog
from tests.host.searches import make_oracle, mixed_loss, mixed_space, run_trial


def finished_search(folder, **arguments):
    oracle = make_oracle(folder, hyperparameters=mixed_space(), max_trials=6, **arguments)
    while run_trial(oracle, mixed_loss):
        pass
    return oracle


def test_the_log_agrees_with_the_oracle(tmp_path):
    oracle = finished_search(tmp_path)

    log = SearchLog.read(tmp_path / "search")

    assert [trial.trial_id for trial in log.trials] == list(oracle.trials)
    assert [trial.record.score for trial in log.trials] == [trial.score for trial in oracle.trials.values()]
    assert [trial.proposal for trial in log.trials] == list(oracle.proposals.values())
    assert (log.objective, log.direction) == ("loss", "min")
    assert log.best.trial_id == oracle.get_best_trials()[0].trial_id
    assert (log.state["seed"], log.state["max_trials"]) == (0, 6)


@pytest.mark.parametrize("alpha", [None, 0.01])
def test_the_log_knows_the_noise_that_the_user_knows(tmp_path, alpha):
    finished_search(tmp_path, alpha=alpha)

    assert SearchLog.read(tmp_path / "search").state["noise_variance"] == alpha


def test_the_log_knows_the_times(tmp_path):
    oracle = finished_search(tmp_path)

    log = SearchLog.read(tmp_path / "search")

    assert len(log.sessions) == 1
    assert 0 < sum(trial.seconds for trial in log.trials) <= log.elapsed <= oracle.timesheet.elapsed


def test_the_observations_are_losses_whichever_way_is_better(tmp_path):
    finished_search(tmp_path, objective=kt.Objective("loss", "max"))

    log = SearchLog.read(tmp_path / "search")

    assert list(log.observations.y) == [-trial.record.score for trial in log.trials]
    assert log.best.record.score == max(trial.record.score for trial in log.trials)


def test_a_folder_of_keras_tuner_is_read(tmp_path):
    oracle = kt.oracles.BayesianOptimizationOracle(
        kt.Objective("accuracy", "max"), max_trials=5, seed=1000, hyperparameters=mixed_space()
    )
    oracle._set_project_dir(str(tmp_path), "search")
    oracle.verbose = 0
    while (trial := oracle.create_trial("tuner0")).status == "RUNNING":
        score = mixed_loss(trial.hyperparameters.values)
        oracle.update_trial(trial.trial_id, {"epochs": 1.0, "accuracy": score})
        trial.status = "COMPLETED"
        oracle.end_trial(trial)
    oracle.save()

    log = SearchLog.read(tmp_path / "search")

    assert (log.objective, log.direction) == ("accuracy", "max")
    assert len(log.trials) == 5
    assert log.trials[0].seconds is None
    assert log.elapsed == 0


def test_where_there_is_no_search_an_error_says_so(tmp_path):
    with pytest.raises(ProjectError, match="There is no search in"):
        SearchLog.read(tmp_path)


def test_reading_changes_nothing_even_where_a_file_is_broken(tmp_path):
    finished_search(tmp_path)
    (tmp_path / "search" / "trial_1" / "trial.json").write_text("{")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    with pytest.warns(UserWarning, match="left out"):
        log = SearchLog.read(tmp_path / "search")

    assert len(log.trials) == 5
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
