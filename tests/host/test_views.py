"""The views of a tuner, after real trainings."""

import subprocess
import sys

import optuna
import pytest

from tests.host.test_tuner import DATA, make_tuner

pytestmark = pytest.mark.slow


@pytest.fixture
def tuner(tmp_path):
    tuner = make_tuner(tmp_path, max_trials=3)
    tuner.search(epochs=2, **DATA)
    return tuner


def test_the_trials_and_the_curves_of_a_search_agree(tuner):
    trials, curves = tuner.to_dataframe(), tuner.curves_dataframe()

    assert list(trials["epochs"]) == [2, 2, 2]
    assert list(curves.groupby("trial")["val_loss"].min()) == pytest.approx(list(trials["score"]))
    assert (curves.groupby("trial")["seconds"].sum().to_numpy() < trials["seconds"].to_numpy()).all()
    assert list(trials["trial"]) == list(tuner.oracle.trials)


def test_the_study_has_the_curves(tuner):
    optuna.logging.set_verbosity(optuna.logging.WARNING)

    study = tuner.to_optuna()

    assert study.best_value == tuner.search_log().best.record.score
    assert [sorted(trial.intermediate_values) for trial in study.trials] == [[0, 1]] * 3
    assert min(study.best_trial.intermediate_values.values()) == pytest.approx(study.best_value)


def test_the_callbacks_are_found_without_the_packages_they_need():
    code = (
        "import keras_bayes, sys; keras_bayes.callbacks.WandbRun, keras_bayes.callbacks.MlflowRun;"
        "print({'wandb', 'mlflow', 'optuna', 'plotly'} & set(sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "set()\n"
