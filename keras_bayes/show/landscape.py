"""What the model of a search expects of configurations, in the unit and the direction of the objective."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keras_bayes.arrays import Array
from keras_bayes.axes import Axis
from keras_bayes.domains import Category, Coordinate, Value
from keras_bayes.errors import MissingDataError
from keras_bayes.history import TrialRecord, loss_sign
from keras_bayes.search_log import SearchLog
from keras_bayes.space import Space
from keras_bayes.surrogate import Surrogate, learn
from keras_bayes.threads import one_blas_thread

MIN_COMPLETED = 3  # completed trials without which a model says nothing
NUM_LINE = 61  # values along a slice, at most
NUM_GRID = 31  # values along each side of a contour, at most
CHUNK = 2048  # points whose covariances with the data are in memory at a time


@dataclass(frozen=True, slots=True)
class Band:
    """Expected scores, each with a band of one standard deviation.

    The band is that of the model which proposes trials: away from the data it is twice as wide as what fits the scores
    best (`gaussian_process.CAUTION`), because that is how far off its proposals turned out to be. It does not hold the
    noise of a training, and ends at the worst score so far.

    Args:
        mean: Expected scores, shape (m,).
        low: Lower ends, shape (m,).
        high: Upper ends, shape (m,).
    """

    mean: Array
    low: Array
    high: Array


@dataclass(frozen=True, slots=True)
class Landscape:
    """The model of a search; made by `Landscape.of`.

    Args:
        space: The search space.
        surrogate: The model.
        records: The ended trials it has learned from, in the order of its rows, shape (n,).
        sign: -1 where a score is to be maximised, else 1.
    """

    space: Space
    surrogate: Surrogate
    records: tuple[TrialRecord, ...]
    sign: float

    @classmethod
    @one_blas_thread()
    def of(cls, log: SearchLog, *, with_failures: bool = True) -> Landscape:
        """Learns from all ended trials, beyond `MAX_OBSERVATIONS` from the best and the latest.

        Args:
            log: The search.
            with_failures: Whether failed trials count as worse than all others, or not at all.

        Raises:
            MissingDataError: Fewer than `MIN_COMPLETED` trials have completed.
        """
        space, data = log.space, log.observations
        if data.num_completed < MIN_COMPLETED:
            raise MissingDataError(
                f"The model needs {MIN_COMPLETED} completed trials in the search space, there are {data.num_completed}."
            )
        if not space.dim:
            raise MissingDataError("The search space leaves nothing to choose, so there is nothing to model.")
        records = log.history.records
        is_inside, _ = space.locate([record.values for record in records])
        ended = [record for record, is_in in zip(records, is_inside, strict=True) if is_in and not record.is_open]
        rows = np.arange(len(ended)) if with_failures else np.flatnonzero(np.isfinite(data.y))
        surrogate = learn(data.at(rows), space, noise_variance=log.state.get("noise_variance"))
        return cls(space, surrogate, tuple(ended[row] for row in rows[surrogate.rows]), loss_sign(log.direction))

    @property
    def X(self) -> Array:
        """Points of the trials, shape (n, d)."""
        return self.surrogate.posterior.X

    @one_blas_thread()
    def mean(self, X: Array) -> Array:
        """Posterior means at the points (m, d), in the model's own unit: the smaller the better, shape (m,)."""
        posterior = self.surrogate.posterior
        chunks = (X[i : i + CHUNK] for i in range(0, len(X), CHUNK))
        return np.concatenate([posterior.mean_of(posterior.kernel(chunk, posterior.X)) for chunk in chunks])

    @one_blas_thread()
    def expect(self, X: Array) -> Band:
        """What is expected at the points (m, d)."""
        return self.scores(*self.surrogate.posterior.predict(X))

    def scores(self, mu: Array, sigma: Array) -> Band:
        """Predictions in the model's own unit, both of shape (m,), as scores."""
        better, mean, worse = (
            self.sign * self.surrogate.targets.losses_at(mu + shift * sigma) for shift in (-1.0, 0.0, 1.0)
        )
        return Band(mean, np.minimum(better, worse), np.maximum(better, worse))

    @property
    def best(self) -> Array:
        """The point of the best trial, shape (d,)."""
        return np.asarray(self.X[self._best_first[0]])

    def completed_with(self, *coordinates: int) -> tuple[list[TrialRecord], Array]:
        """Completed trials in which these coordinates are active, the best first, and their points, shape (k, d)."""
        order = self._best_first
        order = order[self.surrogate.is_feasible[order]]
        X = self.X[order]
        rows = np.flatnonzero(self.space.activity(X)[:, list(coordinates)].all(axis=1))
        return [self.records[row] for row in order[rows]], X[rows]

    @property
    def _best_first(self) -> NDArray[np.intp]:
        """Rows of the trials by their scores; results from elsewhere are behind those of the search, failures last."""
        losses = np.array([math.inf if r.score is None else self.sign * r.score for r in self.records])
        is_known = np.array([record.number < 0 for record in self.records])
        return np.lexsort((losses, is_known, np.isinf(losses)))

    def values(self, records: Sequence[TrialRecord], j: int) -> tuple[Value, ...]:
        """What trials have at coordinate `j`: the default where it was declared later."""
        parameter = self.space.parameters[j]
        return tuple(record.values.get(parameter.name, parameter.default) for record in records)


@dataclass(frozen=True, slots=True)
class Slice:
    """The model along one hyperparameter, through the best trial in which it is active.

    Args:
        axis: The hyperparameter.
        values: Its values, ascending or in the order of their declaration, k of them.
        band: What is expected with each of them and all else as in that trial, k of each.
        records: The completed trials in which it is active, the best first.
        used: Its values in these.
    """

    axis: Axis
    values: tuple[Value, ...]
    band: Band
    records: tuple[TrialRecord, ...]
    used: tuple[Value, ...]


def slice_along(landscape: Landscape, j: int) -> Slice | None:
    """The slice along coordinate `j`; `None` if it was active in no completed one.

    A hyperparameter that becomes active along the way is in the middle of its range.
    """
    space = landscape.space
    records, points = landscape.completed_with(j)
    if not records:
        return None
    domain = space.domains[j]
    u = _line(domain, points[0, j], NUM_LINE)
    X = np.repeat(points[:1], len(u), axis=0)
    X[:, j] = u
    values = tuple(domain.decode(position) for position in u)
    band = landscape.expect(space.snap(X))
    return Slice(Axis.of(space.parameters[j]), values, band, tuple(records), landscape.values(records, j))


@dataclass(frozen=True, slots=True)
class Contour:
    """The model over two hyperparameters, through the best trial in which both are active.

    Args:
        axes: The hyperparameters.
        values: The k values of the first and the m of the second.
        mean: Expected scores, NaN where one of the two is not active, shape (m, k).
        sd: Their standard deviations, half the width of the band, shape (m, k).
        records: The completed trials in which both are active, the best first.
        used: The values of the first and of the second in these.
    """

    axes: tuple[Axis, Axis]
    values: tuple[tuple[Value, ...], tuple[Value, ...]]
    mean: Array
    sd: Array
    records: tuple[TrialRecord, ...]
    used: tuple[tuple[Value, ...], tuple[Value, ...]]


def contour_over(landscape: Landscape, i: int, j: int) -> Contour:
    """The contour over two different coordinates; see `slice_along`.

    Raises:
        MissingDataError: They were never active together.
    """
    space = landscape.space
    records, points = landscape.completed_with(i, j)
    if not records:
        names = " and ".join(repr(space.parameters[k].name) for k in (i, j))
        raise MissingDataError(f"No completed trial has used both {names}.")
    domains = (space.domains[i], space.domains[j])
    lines = [_line(domain, points[0, k], NUM_GRID) for domain, k in zip(domains, (i, j), strict=True)]
    grid = np.stack(np.meshgrid(*lines), axis=-1)  # (m, k, 2)
    X = np.broadcast_to(points[0], (*grid.shape[:2], space.dim)).copy()
    X[..., [i, j]] = grid
    X = space.snap(X.reshape(-1, space.dim))  # (m k, d)
    is_active = space.activity(X)[:, [i, j]].all(axis=1)
    band = landscape.expect(X)
    mean, sd = (
        np.where(is_active, values, np.nan).reshape(grid.shape[:2])
        for values in (band.mean, band.high / 2 - band.low / 2)
    )
    first, second = (tuple(domain.decode(u) for u in line) for domain, line in zip(domains, lines, strict=True))
    axes = (Axis.of(space.parameters[i]), Axis.of(space.parameters[j]))
    used = (landscape.values(records, i), landscape.values(records, j))
    return Contour(axes, (first, second), mean, sd, tuple(records), used)


def _line(domain: Coordinate, anchor: float, limit: int) -> Array:
    """Legal positions from end to end, through that of the anchor, ascending."""
    is_category = isinstance(domain, Category)
    u = domain.positions(limit) if is_category else domain.snap(np.linspace(0, 1, limit))
    return np.unique([*u, anchor])
