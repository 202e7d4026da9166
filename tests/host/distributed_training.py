"""One process of a distributed search that trains tiny models, each stopped where it sees three others' curves."""

from __future__ import annotations

import sys

import keras_bayes
from tests.host.test_tuner import DATA, build_model


def tell(training):
    """Stops with what it was shown."""
    return f"others: {len(training.earlier)}, expected: {training.expected}" if len(training.earlier) >= 3 else ""


if __name__ == "__main__":
    tuner = keras_bayes.BayesTuner(
        build_model, "val_loss", max_trials=6, seed=0, directory=sys.argv[1], project_name="search", stopping=tell
    )
    tuner.search(**DATA, epochs=3)
