"""What a user should know about a search, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from keras_bayes.arrays import Array
from keras_bayes.declarations import Parameter
from keras_bayes.domains import Category
from keras_bayes.search_log import SearchLog
from keras_bayes.show.calibration import Predictions
from keras_bayes.show.explanation import Explanation
from keras_bayes.show.landscape import NUM_LINE, Landscape
from keras_bayes.wording import count, failure_reason, format_value, listed

MIN_TO_JUDGE = 8  # completed trials below which no sentence about the model is worth anything
EDGE = 0.03  # distance from an end, as a share of the range, that is at the end
MIN_LEVELS = 4  # values of a hyperparameter below which one at an end says nothing
INSIDE = 0.3  # how far from the end, as a share of the range, the scores must be worse: beyond one level of four
NOTABLE = 0.1  # difference between expected scores, in standard deviations of the scores
NEGLIGIBLE = 0.01  # total share below which a hyperparameter does not matter
TRUSTED = 0.5  # share of the variance that the model must explain to be asked about single hyperparameters
MIN_FAILURES = 3
MANY_FAILURES = 0.2  # share of the ended trials
MAX_P_VALUE = 0.01  # of what failures have in common, times the number of things that were looked at


def advice(log: SearchLog, explanation: Explanation | None) -> list[str]:
    """Sentences about what to change, and what not to trust; none where all is well.

    Args:
        log: The search.
        explanation: What its model says, if it has one yet.
    """
    sentences = list(_about_failures(log))
    if explanation is not None and len(explanation.predictions.records) >= MIN_TO_JUDGE:
        sentences += _about_trust(explanation.predictions)
        if explanation.predictions.explained >= TRUSTED:
            sentences += [*_about_ends(explanation.landscape), *_about_what_does_not_matter(explanation)]
    return sentences


def _about_trust(predictions: Predictions) -> Iterator[str]:
    if predictions.explained <= 0:
        yield (
            "The model does not predict this objective (yet): of a trial that it has not seen, it knows no more than "
            "the mean of the others. More trials help, or a less noisy objective: the mean of several executions."
        )


def _about_ends(landscape: Landscape) -> Iterator[str]:
    """Ranges at whose end the best trial is, though the scores still get better towards it."""
    best = landscape.best
    is_active = landscape.space.activity(best[None])[0]
    for j, (parameter, domain) in enumerate(zip(landscape.space.parameters, landscape.space.domains, strict=True)):
        if isinstance(domain, Category) or domain.num_values < MIN_LEVELS or not is_active[j]:
            continue
        ends = domain.snap(np.array([0.0, 1.0]))
        is_high = bool(best[j] > 0.5)
        if abs(best[j] - ends[int(is_high)]) > EDGE or not _improves_to_the_end(landscape, j, is_high):
            continue
        low, high = (format_value(domain.decode(u)) for u in ends)
        end, change, more = ("upper", "raise", "larger") if is_high else ("lower", "lower", "smaller")
        yield (
            f"The best trial has {_quoted(parameter)} = {format_value(domain.decode(best[j]))}, at the {end} end of "
            f"its range from {low} to {high}, and the scores get better towards it. "
            f"Where {more} values make sense, widen the range: {change} its {end} bound."
        )


def _improves_to_the_end(landscape: Landscape, j: int, is_high: bool) -> bool:
    mu = _along(landscape, j)
    mu = mu[::-1] if is_high else mu  # from the end
    return bool(mu.argmin() <= EDGE * NUM_LINE and mu[int(INSIDE * NUM_LINE)] - mu.min() > NOTABLE)


def _about_what_does_not_matter(explanation: Explanation) -> Iterator[str]:
    names = [
        _quoted(parameter)
        for j, parameter in enumerate(explanation.landscape.space.parameters)
        if not parameter.conditions  # one with a condition matters where that is met
        and explanation.importance.total[j] < NEGLIGIBLE
        and np.ptp(_along(explanation.landscape, j)) < NOTABLE
    ]
    if names:
        do, each = ("does", "it") if len(names) == 1 else ("do", "each of them")
        yield (
            f"As far as the model can tell, {listed(names)} {do} not matter (yet): "
            f"{each} decides less than {NEGLIGIBLE:.0%} of the differences between scores."
        )


def _along(landscape: Landscape, j: int) -> Array:
    """Posterior means along coordinate `j` from end to end, through the best trial, shape (`NUM_LINE`,)."""
    X = np.repeat(landscape.best[None], NUM_LINE, axis=0)
    X[:, j] = np.linspace(0, 1, NUM_LINE)
    return landscape.mean(landscape.space.snap(X))


def _about_failures(log: SearchLog) -> Iterator[str]:
    records = [trial.record for trial in log.trials if not trial.record.is_open]
    is_inside, X = log.space.locate([record.values for record in records])
    is_failed = np.array([record.status != "COMPLETED" for record in records], dtype=bool)
    num_failed = int(is_failed.sum())
    if num_failed < MIN_FAILURES:
        return
    common = _in_common(log, X, is_failed[is_inside]) if is_inside.any() else None
    if common is not None:
        yield common
    elif num_failed >= MANY_FAILURES * len(records):
        reasons = Counter(failure_reason(record.message) for record in records if record.status != "COMPLETED")
        ((reason, times),) = reasons.most_common(1)
        yield (f"{num_failed} of {len(records)} trials failed, {count(times, 'time')} with: {reason}")


def _in_common(log: SearchLog, X: Array, is_failed: NDArray[np.bool_]) -> str | None:
    """The range, or the value, of a hyperparameter that best tells failed trials from others, if one does."""
    space = log.space
    is_active = space.activity(X)
    candidates = [
        (j, relation, u)
        for j, domain in enumerate(space.domains)
        for relation in (("=",) if isinstance(domain, Category) else ("≥", "≤"))
        for u in np.unique(X[is_active[:, j], j])
    ]
    if not candidates:
        return None
    is_within = np.array([is_active[:, j] & _relate(X[:, j], relation, u) for j, relation, u in candidates])  # (c, n)
    hits = is_within @ is_failed.astype(int)
    p_values = stats.hypergeom.sf(hits - 1, len(X), is_failed.sum(), is_within.sum(axis=1))
    best = int(p_values.argmin())
    if p_values[best] * len(candidates) > MAX_P_VALUE:
        return None
    j, relation, u = candidates[best]
    value = format_value(space.domains[j].decode(u))
    num_others = int(is_within[best].sum() - hits[best])
    return (
        f"{hits[best]} of {is_failed.sum()} failed trials have {_quoted(space.parameters[j])} {relation} {value}, but "
        f"only {num_others} of {(~is_failed).sum()} completed ones. Leave these values out, or find out why they fail."
    )


def _relate(u: Array, relation: str, bound: float) -> NDArray[np.bool_]:
    return np.asarray(u == bound if relation == "=" else u >= bound if relation == "≥" else u <= bound)


def _quoted(parameter: Parameter) -> str:
    return f"'{format_value(parameter.name)}'"
