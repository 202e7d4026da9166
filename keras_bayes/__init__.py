"""Bayesian hyperparameter search for Keras: a drop-in for `keras_tuner.BayesianOptimization`.

`BayesTuner` replaces the tuner in existing code; `BayesOracle` goes wherever keras-tuner takes an oracle; `StopTrial`
ends hopeless trainings in any Keras code.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from keras_bayes.errors import KerasBayesError, KerasBayesWarning

if TYPE_CHECKING:
    from keras_bayes import callbacks, pause, stopping_rules
    from keras_bayes.oracle import BayesOracle
    from keras_bayes.search_end import ExpectedGain
    from keras_bayes.stop_trial import StopTrial
    from keras_bayes.tuner import BayesTuner

__all__ = [
    "BayesOracle",
    "BayesTuner",
    "ExpectedGain",
    "KerasBayesError",
    "KerasBayesWarning",
    "StopTrial",
    "callbacks",
    "pause",
    "stopping_rules",
]
__version__ = "0.1.0"

# Keras takes seconds to import: it is loaded with the first name that needs it.
_LAZY = {
    "BayesOracle": "keras_bayes.oracle",
    "BayesTuner": "keras_bayes.tuner",
    "ExpectedGain": "keras_bayes.search_end",
    "StopTrial": "keras_bayes.stop_trial",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    if name in __all__:
        return import_module(f"keras_bayes.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
