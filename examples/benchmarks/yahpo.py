"""YAHPO Gym's surrogates: what a neural network learnt of the results of hundreds of thousands of trainings.

Pfisterer et al. (2022), arXiv:2109.03670. The files are in the public repository slds-lmu/yahpo_data.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

HOME = "https://github.com/slds-lmu/yahpo_data"
LCBENCH = (
    "epoch", "batch_size", "learning_rate", "momentum", "weight_decay", "num_layers", "max_units", "max_dropout",
)  # fmt: skip
XGBOOST = (
    "nrounds", "eta", "gamma", "lambda", "alpha", "subsample", "max_depth", "min_child_weight", "colsample_bytree",
    "colsample_bylevel", "rate_drop", "skip_drop", "trainsize", "repl",
)  # fmt: skip


@dataclass(frozen=True)
class Scenario:
    """How a surrogate is asked; the orders are those of `yahpo_gym/benchmarks/` in slds-lmu/yahpo_gym.

    Args:
        name: Folder of its files.
        numbers: Names of the inputs `x_cont`.
        categories: Names of the inputs `x_cat`.
        output: Column of the target.
        percent: Per cent in one unit of the target.
    """

    name: str
    numbers: tuple[str, ...]
    categories: tuple[str, ...]
    output: int
    percent: float

    def accuracy(self, folder: str, values: Mapping[str, Any]) -> float:
        """Accuracy in per cent; a number that is missing since its condition is not met is 0, as in YAHPO Gym."""
        return float(self.accuracies(folder, [values])[0])

    def accuracies(self, folder: str, batch: Sequence[Mapping[str, Any]]) -> NDArray[np.float64]:
        """`accuracy` of each of n configurations, shape (n,)."""
        codes, session = _open(folder, self.name)
        x_cat = [[codes[name][str(values[name])] for name in self.categories] for values in batch]
        x_cont = [[values.get(name, 0) for name in self.numbers] for values in batch]
        feed = {"x_cat": np.array(x_cat, np.int32), "x_cont": np.array(x_cont, np.float32)}
        return self.percent * np.asarray(session.run(None, feed)[0], dtype=float)[:, self.output]


LCBENCH_SCENARIO = Scenario("lcbench", LCBENCH, ("OpenML_task_id",), output=1, percent=1.0)
XGBOOST_SCENARIO = Scenario(
    "rbv2_xgboost", XGBOOST, ("task_id", "booster", "num.impute.selected.cpo"), output=0, percent=100.0
)


def read_space(folder: str, scenario: str) -> dict[str, Any]:
    """`config_space.json` of a scenario."""
    return json.loads(_file(folder, scenario, "config_space.json").read_text())


@cache
def _open(folder: str, scenario: str) -> tuple[dict[str, dict[str, int]], Any]:
    import onnxruntime  # not needed by suites without a surrogate

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    codes = json.loads(_file(folder, scenario, "encoding.json").read_text())
    return codes, onnxruntime.InferenceSession(str(_file(folder, scenario, "model.onnx")), options)


def _file(folder: str, scenario: str, name: str) -> Path:
    path = Path(folder, scenario, name)
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is missing. Get the folder {scenario} of the public repository slds-lmu/yahpo_data ({HOME}) "
            "and pass the folder that contains it as --yahpo FOLDER."
        )
    return path
