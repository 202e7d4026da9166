"""Hyperparameters of any name."""

from __future__ import annotations

import json

import keras_tuner as kt
import pytest
from searches import make_oracle, run_search, values_of

import keras_bayes

NAMES = [
    "größe 学习率 🙂",
    "a/b\\c",
    "../../outside",
    "two\nlines\r\n\t",
    "<script>alert(1)</script>",
    "nul\0",
    "",
    " ",
    "trial.json",
    "%s {} {0} $HOME",
    "'\"`",
    "x" * 5000,
    "\u202eright to left",
]


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_a_name_may_be_anything_and_is_no_file_name(tmp_path, capsys, name):
    def space():
        hp = kt.HyperParameters()
        hp.Float(name, 0, 1)
        hp.Choice("parent", ["on", "off"])
        with hp.conditional_scope("parent", ["on"]):
            hp.Choice(f"{name} of a child", [name, "another"])
        return hp

    oracle = make_oracle(tmp_path / "folder", hyperparameters=space(), max_trials=7, num_initial_points=3)
    oracle.verbose = 1
    before = values_of(run_search(oracle, lambda values: values[name]))
    again = make_oracle(tmp_path / "folder", hyperparameters=space(), max_trials=7)
    again.reload()

    files = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    folders = {path.name for path in tmp_path.rglob("*") if path.is_dir()}
    assert values_of(list(again.trials.values())) == before
    assert len({json.dumps(value, sort_keys=True) for value in before}) == 7
    assert files == {".lock", ".lock.json", "oracle.json", "trial.json"}
    assert folders == {"folder", "search", *(f"trial_{i}" for i in range(7))}
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in lines) < 300
    assert not any(set(line) & {"\0", "\r", "\u202e"} for line in lines)


def test_a_tuner_finds_strange_names_in_trials(tmp_path):
    class Strange(keras_bayes.BayesTuner):
        def run_trial(self, trial, *args, **kwargs):
            return sum(trial.hyperparameters.Float(name, 0, 1) for name in NAMES)

    tuner = Strange(max_trials=6, seed=0, directory=str(tmp_path))
    tuner.search(verbose=0)

    assert set(tuner.get_best_hyperparameters()[0].values) == set(NAMES)
