"""A search as pandas data frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras_bayes.search_log import SearchLog
from keras_bayes.show.extras import load
from keras_bayes.show.tables import Columns, curve_columns, trial_columns

if TYPE_CHECKING:
    import pandas as pd

# Of columns whose type does not depend on the search; `Int64` is pandas' type of integers that may be missing.
DTYPES = {
    **dict.fromkeys(("score", "seconds", "predicted_mean", "predicted_sd"), "float64"),
    **dict.fromkeys(("epochs", "training", "epoch"), "Int64"),
    **dict.fromkeys(("started", "ended"), "datetime64[us, UTC]"),
    **dict.fromkeys(("trial", "status", "source", "message"), "string"),
}


def trials_frame(log: SearchLog) -> pd.DataFrame:
    """One row for each trial; see `keras_bayes.show.tables.trial_columns`."""
    return _frame(trial_columns(log))


def curves_frame(log: SearchLog) -> pd.DataFrame:
    """One row for each epoch; see `keras_bayes.show.tables.curve_columns`."""
    return _frame(curve_columns(log))


def _frame(columns: Columns) -> pd.DataFrame:
    pandas = load("pandas", "viz")
    return pandas.DataFrame({title: _series(pandas, title, values) for title, values in columns.items()})


def _series(pandas: Any, title: str, values: list[Any]) -> pd.Series[Any]:
    if title in DTYPES:
        return pandas.Series(values, dtype=DTYPES[title])
    array = pandas.array(values)  # finds out what it holds: integers, booleans, numbers, texts
    is_float = str(array.dtype) == "Float64" or not len(array.dropna())
    return pandas.Series(values, dtype="float64") if is_float else pandas.Series(array)
