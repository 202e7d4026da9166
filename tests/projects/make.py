"""Makes the stored projects of this release, which every later release must open.

python tests/projects/make.py

Each is a folder with the files of a search and `expected.json`, what a reader must find in them. A release adds its own
and leaves those of earlier ones alone.
"""

from __future__ import annotations

import json
import shutil
import sys
import warnings
from pathlib import Path

import keras_tuner as kt

import keras_bayes
from keras_bayes.lock import HOLDER_FILE, LOCK_FILE

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER.parent / "host"))

from searches import make_oracle, mixed_loss, mixed_space, run_search, run_trial  # noqa: E402


def main() -> None:
    """Makes a project of this package and one of keras-tuner."""
    ours = make_oracle(FOLDER, project_name=f"keras_bayes-{keras_bayes.__version__}", hyperparameters=mixed_space())
    theirs = kt.oracles.BayesianOptimizationOracle(
        objective=kt.Objective("loss", "min"), max_trials=20, seed=0, hyperparameters=mixed_space()
    )
    theirs._set_project_dir(str(FOLDER), f"keras_tuner-{kt.__version__}")
    theirs.verbose = 0
    for oracle in (ours, theirs):
        folder = Path(oracle._project_dir)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        with warnings.catch_warnings():  # of keras-tuner itself
            warnings.simplefilter("ignore")
            store(oracle, folder)


def store(oracle: kt.Oracle, folder: Path) -> None:
    """Runs trials of every kind, the last of which is still running."""
    run_search(oracle, mixed_loss, num_trials=5)
    run_trial(oracle, lambda values: 1 / 0)
    run_trial(oracle, lambda values: float("nan"))
    oracle.create_trial("tuner0")
    for name in (LOCK_FILE, HOLDER_FILE):
        (folder / name).unlink(missing_ok=True)
    expected = {
        trial_id: {"status": trial.status, "score": trial.score, "values": trial.hyperparameters.values}
        for trial_id, trial in sorted(oracle.trials.items())
    }
    (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
