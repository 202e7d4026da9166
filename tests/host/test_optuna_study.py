"""Searches as Optuna studies, and what Optuna makes of them."""

import dataclasses
import math

import keras_tuner as kt
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

from keras_bayes.curves import Epoch
from keras_bayes.search_log import SearchLog
from keras_bayes.show.optuna_study import to_study
from tests.host.searches import make_oracle, mixed_loss, mixed_space, run_search
from tests.host.test_frames import EPOCHS, log_of, with_trial
from tests.host.test_stored_projects import PROJECTS

optuna.logging.set_verbosity(optuna.logging.WARNING)


def wide_space():
    hp = kt.HyperParameters()
    hp.Int("log_int", 1, 1000, sampling="log")
    hp.Int("stepped_int", 1, 10, step=4)  # the last step ends at 9
    hp.Int("powers", 4, 64, step=2, sampling="log")
    hp.Float("stepped", 0.0, 0.35, step=0.1)
    hp.Float("whole_steps", 0.0, 0.9, step=0.1)
    hp.Float("log_steps", 1e-4, 1.0, step=10, sampling="log")
    hp.Float("reversed", 0.1, 0.9, sampling="reverse_log")
    hp.Choice("number", [0.5, 0.25])
    hp.Choice("word", ["a", "b"])
    hp.Boolean("flag")
    hp.Fixed("version", 3)
    return hp


def wide_log(folder):
    return log_of(folder, space=wide_space(), loss=lambda values: values["stepped"] + values["reversed"])


def test_the_trials_are_those_of_the_search(tmp_path):
    log = log_of(tmp_path)

    study = to_study(log)

    assert study.direction.name == "MINIMIZE"
    assert [trial.params for trial in study.trials] == [trial.record.values for trial in log.trials]
    assert [trial.value for trial in study.trials] == [trial.record.score for trial in log.trials]
    assert {trial.state for trial in study.trials} == {TrialState.COMPLETE, TrialState.FAIL}
    assert study.best_trial.user_attrs["trial"] == log.best.trial_id
    assert [trial.datetime_start.timestamp() for trial in study.trials] == pytest.approx(
        [trial.runs[-1][0] for trial in log.trials]
    )


def test_every_kind_of_hyperparameter_has_a_distribution_that_holds_its_values(tmp_path):
    log = wide_log(tmp_path)

    study = to_study(log)

    assert [{**trial.params, "version": 3} for trial in study.trials] == [trial.record.values for trial in log.trials]
    assert study.trials[0].distributions == {
        "log_int": IntDistribution(1, 1000, log=True),
        "stepped_int": IntDistribution(1, 10),
        "powers": IntDistribution(4, 64, log=True),
        "stepped": FloatDistribution(0.0, 0.35),
        "whole_steps": FloatDistribution(0.0, 0.9, step=0.1),
        "log_steps": FloatDistribution(1e-4, 1.0, log=True),
        "reversed": FloatDistribution(0.1, 0.9),
        "number": CategoricalDistribution((0.5, 0.25)),
        "word": CategoricalDistribution(("a", "b")),
        "flag": CategoricalDistribution((False, True)),
    }


def test_values_of_an_earlier_declaration_widen_the_distributions(tmp_path):
    log = wide_log(tmp_path)
    values = {"log_int": 2000, "stepped_int": 2.5, "stepped": 0.77, "whole_steps": "off", "word": "c", "flag": True}
    log = with_trial(log, 0, record={"values": values})

    study = to_study(log)

    assert study.trials[0].params == values
    assert study.trials[0].distributions["log_int"].high == 2000
    assert study.trials[0].distributions["stepped_int"] == FloatDistribution(1.0, 10.0)
    assert study.trials[0].distributions["word"].choices == ("a", "b", "c")


def test_what_a_trial_did_not_use_is_no_parameter(tmp_path):
    log = with_trial(log_of(tmp_path), 0, record={"unused": frozenset({"units"})})

    study = to_study(log)

    assert ["momentum" in trial.params for trial in study.trials] == [
        trial.record.values["optimizer"] == "sgd" for trial in log.trials
    ]
    assert ["units" in trial.params for trial in study.trials] == [False] + [True] * (len(log.trials) - 1)


def test_the_curve_of_the_objective_is_that_of_a_single_training(tmp_path):
    twice = (*EPOCHS, dataclasses.replace(EPOCHS[0], training=1))
    diverged = (Epoch(0, 0, 0.0, 1.0, {"loss": math.nan}), Epoch(0, 1, 1.0, 1.0, {"accuracy": 1.0}))
    log = with_trial(with_trial(with_trial(log_of(tmp_path), 0, curve=EPOCHS), 1, curve=twice), 2, curve=diverged)

    trials = to_study(log).trials

    assert trials[0].intermediate_values == {0: 1.0, 1: 0.5}
    assert trials[1].intermediate_values == {}
    assert list(trials[2].intermediate_values) == [0]


def test_a_trial_that_runs_is_running(tmp_path):
    oracle = make_oracle(tmp_path, hyperparameters=mixed_space())
    run_search(oracle, mixed_loss, 2)
    oracle.create_trial("tuner0")

    trial = to_study(SearchLog.read(tmp_path / "search")).trials[-1]

    assert (trial.state, trial.value, trial.datetime_complete) == (TrialState.RUNNING, None, None)


@pytest.mark.parametrize("project", PROJECTS, ids=lambda path: path.name)
def test_a_stored_project_becomes_a_study(project):
    log = SearchLog.read(project)

    study = to_study(log)

    assert len(study.trials) == 8
    assert study.best_value == log.best.record.score


def test_a_score_to_maximise_stays_as_it_is(tmp_path):
    log = log_of(tmp_path, direction="max")

    study = to_study(log)

    assert study.direction.name == "MAXIMIZE"
    assert study.best_value == max(trial.record.score for trial in log.trials if trial.record.score is not None)


@pytest.mark.slow
def test_optuna_tells_what_matters_and_plots_it(tmp_path):
    def loss(values):
        return abs(values["layers"] - 2) + 0.01 * values["augment"]

    log = log_of(tmp_path, loss=loss, num_trials=20)
    log = with_trial(log, 0, curve=EPOCHS)
    study = to_study(log)

    importances = optuna.importance.get_param_importances(study)

    assert next(iter(importances)) == "layers"
    assert set(importances) >= {"lr", "layers", "units", "optimizer", "augment"}
    for plot in (
        optuna.visualization.plot_optimization_history,
        optuna.visualization.plot_param_importances,
        optuna.visualization.plot_parallel_coordinate,
        optuna.visualization.plot_slice,
        optuna.visualization.plot_intermediate_values,
        optuna.visualization.plot_timeline,
    ):
        assert plot(study).data, plot.__name__
    assert optuna.visualization.plot_contour(study, params=["lr", "layers"]).data
