"""Choose and tune a scikit-learn classifier with `keras_bayes.BayesOracle` in `keras_tuner.SklearnTuner`.

    python examples/sklearn_tuner.py    # less than a minute on one core

The hyperparameters of a support vector machine and those of a random forest are active only where their model is
chosen. Results stay in `--directory`: a search that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras_tuner as kt
from sklearn.base import ClassifierMixin
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import keras_bayes


def build_model(hp: kt.HyperParameters) -> ClassifierMixin:
    """A classifier, with hyperparameters that depend on which one it is.

    Both scopes are entered in every call, so that the search knows all hyperparameters before its first trial.
    """
    model = hp.Choice("model", ["svm", "forest"])
    with hp.conditional_scope("model", ["svm"]):
        if model == "svm":
            svm = SVC(C=hp.Float("C", 1e-2, 1e3, sampling="log"), gamma=hp.Float("gamma", 1e-5, 1.0, sampling="log"))
            classifier = make_pipeline(StandardScaler(), svm)
    with hp.conditional_scope("model", ["forest"]):
        if model == "forest":
            classifier = RandomForestClassifier(
                n_estimators=hp.Int("n_estimators", 20, 200, step=20),
                max_features=hp.Float("max_features", 0.05, 0.5),
                min_samples_leaf=hp.Int("min_samples_leaf", 1, 20, sampling="log"),
                random_state=0,
            )
    return classifier


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--directory", default="sklearn_tuner_search", help="where results are kept")
    parser.add_argument("--verbose", type=int, default=1)
    args = parser.parse_args()

    x, y = load_digits(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.25, stratify=y, random_state=0)
    oracle = keras_bayes.BayesOracle(objective=kt.Objective("score", "max"), max_trials=args.trials, seed=args.seed)
    oracle.verbose = args.verbose
    tuner = kt.SklearnTuner(
        oracle, build_model, cv=StratifiedKFold(3, shuffle=True, random_state=0),
        directory=args.directory, project_name=f"digits-{args.seed}",
    )  # fmt: skip
    tuner.search(x_train, y_train)

    best = oracle.get_best_trials()[0]
    model = build_model(best.hyperparameters).fit(x_train, y_train)  # the saved one has seen two thirds of the images
    print(f"\nBest of {len(oracle.trials)} trials, accuracy {best.score:.4f} in cross-validation:")
    for name, value in best.hyperparameters.values.items():
        print(f"  {name} = {value}")
    print(f"Accuracy on {len(x_test)} test images: {model.score(x_test, y_test):.4f}")


if __name__ == "__main__":
    main()
