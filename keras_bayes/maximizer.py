"""The search for the best point of an acquisition among the legal points that have not been tried.

Every candidate is legal before it is scored, so what is scored is what will run (Garrido-Merchán &
Hernández-Lobato, 2020, arXiv:1805.03463).
"""

from __future__ import annotations

import functools
from itertools import islice

import numpy as np
import scipy
from numpy.typing import NDArray

from keras_bayes.acquisition import Acquisition
from keras_bayes.admissible import Admissible, any_untried
from keras_bayes.arrays import Array
from keras_bayes.perturbation import perturb
from keras_bayes.space import Space

# Sizes of the search: larger ones cost more than they gain (examples/benchmarks/ABLATIONS.md).
MAX_ENUMERATED = 1024  # a finite space of no more points is scored as a whole
NUM_RANDOM = 384
NUM_PERTURBED = 384
NUM_CENTRES = 5  # best trials that are perturbed
NUM_STARTS = 2
NUM_ROUNDS = 2
NUM_EXCHANGES = 3  # in each round
POLISH_STEPS = 10


def maximize(
    acquisition: Acquisition, space: Space, *, admissible: Admissible, centres: Array, rng: np.random.Generator
) -> Array | None:
    """The best admissible point found, shape (d,), or `None` when there is none, see `any_untried`.

    Args:
        acquisition: The score.
        space: The search space.
        admissible: Which points may come.
        centres: Points near which to look more closely, best first, shape (c, d).
        rng: Source of the candidates.
    """
    centres = _allowed_first(centres, admissible)
    candidates = _candidates(space, centres, rng)
    candidates = candidates[admissible.is_new(candidates)]
    pool = points = _choose_starts(candidates, acquisition, admissible, rng)
    if not len(points):
        return any_untried(space, admissible, near=centres, rng=rng)
    for i in range(NUM_ROUNDS):
        climbed = _climb(acquisition, space, points, admissible)
        if i > 0 and np.array_equal(climbed, points):
            break  # nothing has changed since the last polish
        points = _polish(acquisition, space, climbed)
        is_allowed = np.array([admissible.is_allowed(x) for x in points])
        points = np.where(is_allowed[:, None], points, climbed)
        pool = np.vstack([pool, points])
    pool = pool[admissible.is_new(pool)]
    return np.asarray(pool[np.argmax(acquisition(pool))])


def _allowed_first(centres: Array, admissible: Admissible) -> Array:
    """The first few points that are allowed, or just the first few where none is, shape (c, d)."""
    allowed = list(islice(filter(admissible.is_allowed, centres), NUM_CENTRES))
    return np.array(allowed) if allowed else centres[:NUM_CENTRES]


def _candidates(space: Space, centres: Array, rng: np.random.Generator) -> Array:
    """All points of a small finite space; else random ones and variations of the centres, shape (m, d)."""
    if not space.is_continuous.any():
        points = space.points(MAX_ENUMERATED + 1)
        if len(points) <= MAX_ENUMERATED:
            return points
    anywhere = rng.random((NUM_RANDOM, space.dim))
    return space.snap(np.vstack([anywhere, perturb(space, centres, NUM_PERTURBED, rng=rng)]))


def _choose_starts(
    candidates: Array, acquisition: Acquisition, admissible: Admissible, rng: np.random.Generator
) -> Array:
    """The best allowed candidate, and others drawn in proportion to exp(value), without replacement (Gumbel-max)."""
    values = acquisition(candidates)
    keys = values + rng.gumbel(size=len(values))
    is_allowed = functools.cache(lambda i: admissible.is_allowed(candidates[i]))
    best = filter(is_allowed, np.argsort(-values, kind="stable"))
    keys[list(islice(best, 1))] = np.inf
    starts = filter(is_allowed, np.argsort(-keys, kind="stable"))
    return candidates[list(islice(starts, NUM_STARTS))]


def _climb(acquisition: Acquisition, space: Space, points: Array, admissible: Admissible) -> Array:
    """Each point after a few exchanges, shape (s, d)."""
    for _ in range(NUM_EXCHANGES):
        previous, points = points, _exchange(acquisition, space, points, admissible)
        if np.array_equal(points, previous):
            break
    return points


def _exchange(acquisition: Acquisition, space: Space, points: Array, admissible: Admissible) -> Array:
    """The best of each point and its admissible neighbours, which differ in one discrete coordinate, shape (s, d)."""
    owners, neighbours = _neighbours(space, points)
    values = acquisition(np.vstack([points, neighbours]))
    own, others = np.split(values, [len(points)])
    others[~admissible.is_new(neighbours)] = -np.inf
    best, best_values = points.copy(), own
    for i in np.argsort(others, kind="stable")[::-1]:
        if others[i] > best_values[owners[i]] and admissible.is_allowed(neighbours[i]):
            best[owners[i]], best_values[owners[i]] = neighbours[i], others[i]
    return best


def _neighbours(space: Space, points: Array) -> tuple[NDArray[np.intp], Array]:
    """Legal points that differ in one active discrete coordinate, and in what depends on it; first, from which row."""
    is_active = space.activity(points)
    moves = [
        (row, j, u)
        for j, domain in enumerate(space.domains)
        for row in np.flatnonzero(is_active[:, j])
        for u in domain.neighbours(points[row, j])
    ]
    owners = np.array([row for row, _, _ in moves], dtype=np.intp)
    X = points[owners]
    for x, (_, j, u) in zip(X, moves, strict=True):
        x[j] = u
    return owners, space.snap(X)


def _polish(acquisition: Acquisition, space: Space, points: Array) -> Array:
    """Each point moved uphill along its active continuous coordinates, shape (s, d).

    The points climb together, as one problem: the sum of their scores. A step then costs one call, not `s`.
    """
    is_free = space.is_continuous & space.activity(points)  # (s, d)
    if not is_free.any():
        return points

    bounds = np.tile([0.0, 1.0], (int(is_free.sum()), 1))

    def objective(u: Array) -> tuple[float, Array]:
        X = points.copy()
        X[is_free] = u
        values, gradient = acquisition.value_and_gradient(X)
        return -float(values.sum()), -gradient[is_free]

    result = scipy.optimize.minimize(
        objective, points[is_free], jac=True, method="L-BFGS-B", bounds=bounds,
        options={"maxiter": POLISH_STEPS, "gtol": 1e-2, "ftol": 1e-4},  # in logarithms of the acquisition
    )  # fmt: skip
    polished = points.copy()
    polished[is_free] = result.x
    return space.snap(polished)  # the end of a range may switch another coordinate on
