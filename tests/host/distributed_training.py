"""One process of a distributed search that trains tiny models, each stopped where it sees three others' curves.

Arguments are the folder and, perhaps, how many epochs all of them may have.
"""

from __future__ import annotations

import sys

import keras_bayes
from tests.host.test_tuner import DATA, build_model


def tell(training):
    """Stops with what it was shown."""
    return f"others: {len(training.earlier)}, expected: {training.expected}" if len(training.earlier) >= 3 else ""


if __name__ == "__main__":
    folder, *max_epochs = sys.argv[1:]
    tuner = keras_bayes.BayesTuner(
        build_model,
        "val_loss",
        max_trials=6,
        max_epochs=int(max_epochs[0]) if max_epochs else None,
        seed=0,
        directory=folder,
        project_name="search",
        stopping=tell,
    )
    tuner.search(**DATA, epochs=3)
