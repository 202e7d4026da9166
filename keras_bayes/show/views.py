"""What a tuner shows of its search: all of it is read from the project folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from keras_bayes.extras import load
from keras_bayes.search_log import SearchLog
from keras_bayes.show.frames import curves_frame, trials_frame
from keras_bayes.show.optuna_study import to_study

if TYPE_CHECKING:
    import optuna
    import pandas as pd

    from keras_bayes.show.plots import Plots
    from keras_bayes.show.report import ReportFile


class Views:
    """Results of a search in the forms that people work with; for a class that has a `project_dir`."""

    project_dir: str

    def search_log(self) -> SearchLog:
        """Everything that is known of the search now, as an immutable value.

        Raises:
            ProjectError: No trial has been started.
        """
        return SearchLog.read(Path(self.project_dir))

    def to_dataframe(self) -> pd.DataFrame:
        """All trials, one row each: hyperparameters, score, status, times, what the model expected."""
        return trials_frame(self.search_log())

    def curves_dataframe(self) -> pd.DataFrame:
        """All learning curves, one row for each epoch."""
        return curves_frame(self.search_log())

    def to_optuna(self) -> optuna.Study:
        """The search as an Optuna study, for Optuna's plots and importances."""
        return to_study(self.search_log())

    @property
    def plot(self) -> Plots:
        """Figures of the search, such as `tuner.plot.history()`; they need plotly."""
        load("plotly", "viz")
        from keras_bayes.show.plots import Plots

        return Plots(self.search_log)

    def report(self, path: str | Path) -> ReportFile:
        """Writes all that is known of the search now as one HTML page, which opens without a network.

        In a notebook, what is returned shows the page.

        Args:
            path: File to write, such as `"search.html"`.

        Raises:
            ProjectError: No trial has been started.
        """
        load("plotly", "viz")
        load("jinja2", "viz")
        from keras_bayes.show.report import write_report

        return write_report(self.search_log(), Path(path))
