"""A search as pandas data frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from keras_bayes.extras import load
from keras_bayes.search_log import SearchLog
from keras_bayes.tables import Columns, curve_columns, trial_columns

if TYPE_CHECKING:
    import pandas as pd

# Types of columns that do not depend on the search; `Int64` is pandas' type of integers that may be missing.
TRIAL_DTYPES = {
    **dict.fromkeys(("score", "seconds", "predicted_mean", "predicted_sd"), "float64"),
    **dict.fromkeys(("trial", "status", "source", "message"), "string"),
    "epochs": "Int64",
    "started": "datetime64[us, UTC]",
}
EPOCH_DTYPES = {
    **dict.fromkeys(("training", "epoch"), "Int64"),
    "trial": "string",
    "seconds": "float64",
    "ended": "datetime64[us, UTC]",
}


def trials_frame(log: SearchLog) -> pd.DataFrame:
    """One row for each trial; see `keras_bayes.tables.trial_columns`."""
    return _frame(trial_columns(log), TRIAL_DTYPES)


def curves_frame(log: SearchLog) -> pd.DataFrame:
    """One row for each epoch; see `keras_bayes.tables.curve_columns`."""
    return _frame(curve_columns(log), EPOCH_DTYPES)


def _frame(columns: Columns, dtypes: Mapping[str, str]) -> pd.DataFrame:
    pandas = load("pandas", "viz")
    return pandas.DataFrame({title: _series(pandas, values, dtypes.get(title)) for title, values in columns.items()})


def _series(pandas: Any, values: list[Any], dtype: str | None) -> pd.Series[Any]:
    if dtype is not None:
        return pandas.Series(values, dtype=dtype)
    array = pandas.array(values)  # finds out what it holds: integers, booleans, numbers, texts
    is_float = str(array.dtype) == "Float64" or not len(array.dropna())
    return pandas.Series(values, dtype="float64") if is_float else pandas.Series(array)
