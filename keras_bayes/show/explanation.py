"""All that the model of a search says, learned once."""

from __future__ import annotations

from dataclasses import dataclass

from keras_bayes.errors import MissingDataError
from keras_bayes.search_log import SearchLog
from keras_bayes.show.calibration import Predictions, predictions
from keras_bayes.show.importance import Importance, importance
from keras_bayes.show.landscape import Contour, Landscape, Slice, contour_over, slice_along
from keras_bayes.wording import format_value, listed

MAX_SLICES = 12  # hyperparameters that are shown one by one, the most important ones


@dataclass(frozen=True, slots=True)
class Explanation:
    """What the model of a search says; made by `Explanation.of`.

    Args:
        landscape: What it expects.
        predictions: How far it can be trusted.
        importance: What decides the score.
    """

    landscape: Landscape
    predictions: Predictions
    importance: Importance

    @classmethod
    def of(cls, log: SearchLog) -> Explanation:
        """Learns from all trials.

        Raises:
            MissingDataError: There are too few of them.
        """
        landscape = Landscape.of(log)
        compared = predictions(log, landscape)
        has_failures = not landscape.surrogate.is_feasible.all()  # a failure has no score that something decides
        of_scores = Landscape.of(log, with_failures=False) if has_failures else landscape
        return cls(landscape, compared, importance(of_scores, explained=compared.explained))

    @property
    def names(self) -> tuple[str, ...]:
        """The hyperparameters, in the order of the coordinates."""
        return self.importance.names

    @property
    def slices(self) -> tuple[Slice, ...]:
        """The model along each hyperparameter, the most important first, `MAX_SLICES` at most."""
        slices = (slice_along(self.landscape, j) for j in self.importance.order[:MAX_SLICES])
        return tuple(line for line in slices if line is not None)

    def contour(self, first: str | None = None, second: str | None = None) -> Contour:
        """The model over two hyperparameters.

        Args:
            first: A hyperparameter; by default the most important one besides the other.
            second: Another one; likewise.

        Raises:
            ValueError: They are the same, or not in the search space.
            MissingDataError: There is only one, or no trial has used both.
        """
        if len(self.names) < 2:
            raise MissingDataError("A contour needs two hyperparameters that leave a choice; there is one.")
        given = [name for name in (first, second) if name is not None]
        for name in given:
            if name not in self.names:
                known = listed([repr(format_value(name)) for name in self.names])
                raise ValueError(f"A contour is over two of the hyperparameters {known}; received {name!r}.")
        if len(set(given)) < len(given):
            raise ValueError(f"A contour is over two different hyperparameters; received {first!r} twice.")
        others = [self.names[j] for j in self.importance.order if self.names[j] not in given]
        pair = [name if name is not None else others.pop(0) for name in (first, second)]
        return contour_over(self.landscape, *(self.names.index(name) for name in pair))
