"""The figures of a search: `tuner.plot.history()` and its like."""

from __future__ import annotations

from collections.abc import Callable

import plotly.graph_objects as go

from keras_bayes.errors import MissingDataError
from keras_bayes.search_log import SearchLog
from keras_bayes.show import course_plots, insights, model_plots
from keras_bayes.show.drawing import notice
from keras_bayes.show.explanation import Explanation
from keras_bayes.show.parallel_plot import parallel_figure

Draw = Callable[[SearchLog], go.Figure]


class Plots:
    """Figures of a search, each a `plotly.graph_objects.Figure`.

    A figure whose data there are not (yet) says so. All raise `KerasBayesError` while no trial has completed.

    Args:
        read: Gives all that is known of the search now.
    """

    def __init__(self, read: Callable[[], SearchLog]) -> None:
        self._read = read

    def history(self) -> go.Figure:
        """The score of each trial, the best so far, and the failures."""
        return self._draw(lambda log: course_plots.history_figure(log, insights.score_history(log)))

    def parallel(self) -> go.Figure:
        """Each trial as a line through its values."""
        return self._draw(lambda log: parallel_figure(log, insights.configurations(log)))

    def curves(self) -> go.Figure:
        """The learning curves of the trials."""
        return self._draw(lambda log: course_plots.curves_figure(log, insights.learning_curves(log)))

    def timeline(self) -> go.Figure:
        """When the trials ran."""
        return self._draw(lambda log: course_plots.timeline_figure(log, insights.timeline(log)))

    def importance(self) -> go.Figure:
        """How much each hyperparameter decides, according to the model."""
        return self._draw(lambda log: model_plots.importance_figure(Explanation.of(log).importance))

    def slices(self) -> go.Figure:
        """What the model expects along each hyperparameter, through the best trial."""
        return self._draw(lambda log: model_plots.slices_figure(log, Explanation.of(log)))

    def contour(self, first: str | None = None, second: str | None = None) -> go.Figure:
        """What the model expects over two hyperparameters, through the best trial.

        Args:
            first: A hyperparameter; by default the most important one besides the other.
            second: Another one; likewise.

        Raises:
            ValueError: They are the same, or not in the search space.
        """
        return self._draw(lambda log: model_plots.contour_figure(log, Explanation.of(log).contour(first, second)))

    def predictions(self) -> go.Figure:
        """How well the model predicts trials that it has not seen."""
        return self._draw(lambda log: model_plots.predictions_figure(log, Explanation.of(log).predictions))

    def _draw(self, draw: Draw) -> go.Figure:
        log = self._read()
        insights.check_completed(log)
        try:
            return draw(log)
        except MissingDataError as error:
            return notice(str(error))
