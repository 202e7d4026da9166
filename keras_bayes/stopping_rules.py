"""When to stop a training: frozen rules, each a pure function of its curve so far and of the earlier ones."""

from __future__ import annotations

import math
import numbers
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr

from keras_bayes.arguments import integer
from keras_bayes.arrays import Array
from keras_bayes.loss_curves import LossCurves, draw_in
from keras_bayes.ridge import Prediction, predict_by_ridge
from keras_bayes.wording import count

MIN_EPOCHS = 3  # two hardly rank configurations, and what is stopped has no second chance
MIN_FINISHED = 5  # trainings that nothing stops: what the others are compared with
NUM_WEIGHTS = 4  # of the regression: three features and the mean
# Factor on the odds of becoming the best: the finished trainings were not stopped, so they overstate what one gains
# (examples/benchmarks/stopping_calibration.py).
ODDS = 0.45
SPACING = math.sqrt(3)  # of checkpoints: every other one is a rung of successive halving


@dataclass(frozen=True, slots=True)
class Training:
    """A training under way, as a rule sees it at the end of an epoch.

    Args:
        losses: Its losses so far, the smaller the better, NaN where an epoch has none, shape (t,).
        num_epochs: How many epochs it is to have.
        earlier: The curves of all others.
        expected: Mean and standard deviation of what a model of the hyperparameters expects of its smallest loss.
    """

    losses: Array
    num_epochs: int
    earlier: LossCurves
    expected: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        losses = np.array(self.losses, dtype=float)
        losses.setflags(write=False)
        object.__setattr__(self, "losses", losses)

    @property
    def epoch(self) -> int:
        """How many epochs there have been."""
        return len(self.losses)

    @property
    def best(self) -> float:
        """The smallest loss so far, infinite where there is none."""
        return float(np.fmin.reduce(self.losses, initial=np.inf))

    def passed(self, checkpoints: Iterable[int]) -> int:
        """The last of some epochs, in ascending order, that this one is the first one to see.

        It is the first to see a checkpoint where no epoch since then had a loss. 0 if there is none, where there is no
        loss yet, and at the end of the training.
        """
        seen = np.flatnonzero(~np.isnan(self.losses[:-1]))
        previous = int(seen[-1]) + 1 if len(seen) else 0
        due = [epoch for epoch in checkpoints if previous < epoch <= self.epoch]
        return due[-1] if due and self.epoch < self.num_epochs and self.best < math.inf else 0


Rule = Callable[[Training], str]  # why to stop it; empty to go on


def checkpoints(first: int, spacing: float, num_epochs: int) -> list[int]:
    """Whole numbers nearest to `first`, `first * spacing`, `first * spacing²`, ... below `num_epochs`."""
    count = max(0, math.ceil(math.log(max(num_epochs, 1) / first, spacing)) + 1)
    epochs = (round(first * spacing**i) for i in range(count))
    return [epoch for epoch in dict.fromkeys(epochs) if epoch < num_epochs]


@dataclass(frozen=True, slots=True)
class MedianStopping:
    """Stops what is worse at its best than the median of the finished trainings was on average up to the same epoch.

    Args:
        min_epochs: Epochs that every training has.
        min_finished: Nothing is stopped before so many trainings have finished.

    References:
        Golovin et al. (2017), Google Vizier: A Service for Black-Box Optimization, section 3.2.2.
    """

    min_epochs: int = MIN_EPOCHS
    min_finished: int = MIN_FINISHED

    def __post_init__(self) -> None:
        integer("min_epochs", self.min_epochs, at_least=1)
        integer("min_finished", self.min_finished, at_least=1)

    def __call__(self, training: Training) -> str:
        """Why to stop; empty to go on."""
        is_open = self.min_epochs <= training.epoch < training.num_epochs and training.best < math.inf
        means = training.earlier[training.earlier.is_finished].mean_by(training.epoch)
        means = means[~np.isnan(means)]
        if not is_open or len(means) < self.min_finished or training.best <= np.median(means):
            return ""
        return _stopped(training.epoch, f"worse than the median of {count(len(means), 'finished training')}")


@dataclass(frozen=True, slots=True)
class SuccessiveHalving:
    """Stops at certain epochs, the rungs, what is not among the best 1/`factor` of the trainings that got there.

    Args:
        min_epochs: The first rung; each other one is `factor` times the one before.
        factor: One in so many goes on.
        min_finished: Nothing is stopped before so many trainings have finished.

    References:
        Li et al. (2020), A System for Massively Parallel Hyperparameter Tuning, arXiv:1810.05934.
    """

    min_epochs: int = MIN_EPOCHS
    factor: int = 3
    min_finished: int = MIN_FINISHED

    def __post_init__(self) -> None:
        integer("min_epochs", self.min_epochs, at_least=1)
        integer("factor", self.factor, at_least=2)
        integer("min_finished", self.min_finished, at_least=1)

    def __call__(self, training: Training) -> str:
        """Why to stop; empty to go on."""
        rung = training.passed(checkpoints(self.min_epochs, self.factor, training.num_epochs))
        earlier = training.earlier
        if not rung or earlier.is_finished.sum() < self.min_finished:
            return ""
        losses = earlier[earlier.is_finished | (earlier.lengths >= rung)].best_by(training.epoch)
        losses = losses[~np.isnan(losses)]
        rank, num_kept = 1 + int((losses < training.best).sum()), max(1, (len(losses) + 1) // self.factor)
        if rank <= num_kept:
            return ""
        return _stopped(training.epoch, f"number {rank} of {len(losses) + 1}, of which {num_kept} go on")


@dataclass(frozen=True, slots=True)
class LearnedStopping:
    """Stops what will hardly beat the best, as the finished curves tell.

    At checkpoints, each √3 times the epoch of the one before, a ridge regression on the finished trainings predicts
    the smallest loss from the smallest so far, the current one and the slope; what it misses where a curve is left out
    gives the spread. What the model of a search expects of the configuration is combined with that, each weighted by
    its precision, and the odds are corrected for finished trainings being those that gained most. Where too few
    finished curves have got as far, the rungs of `SuccessiveHalving` decide.

    Args:
        level: A training is stopped if its chance of becoming the best is smaller, all checkpoints together: each has
            an even share of it.
        min_epochs: The first checkpoint.
        min_finished: Nothing is stopped before so many trainings have finished.
    """

    level: float = 0.05
    min_epochs: int = MIN_EPOCHS
    min_finished: int = MIN_FINISHED

    def __post_init__(self) -> None:
        if not isinstance(self.level, numbers.Real) or not 0 < self.level < 1:
            raise ValueError(f"`level` must be a chance between 0 and 1, received {self.level!r}.")
        integer("min_epochs", self.min_epochs, at_least=1)
        integer("min_finished", self.min_finished, at_least=1)

    def __call__(self, training: Training) -> str:
        """Why to stop; empty to go on."""
        epoch, earlier = training.epoch, training.earlier
        looks = checkpoints(self.min_epochs, SPACING, training.num_epochs)
        if not training.passed(looks) or earlier.is_finished.sum() < self.min_finished:
            return ""
        chance = self.chance(training)
        if chance is None:
            return SuccessiveHalving(self.min_epochs, min_finished=self.min_finished)(training)
        level = self.level / len(looks)
        if chance >= level or training.best <= np.nanmin(earlier.best_by(epoch)):  # what leads goes on
            return ""
        return _stopped(epoch, f"its chance of becoming the best is {chance:.2%}, below {level:.2%}")

    def chance(self, training: Training) -> float | None:
        """The chance that a training becomes the best, `None` where too few finished curves tell."""
        earlier, epoch = training.earlier, training.epoch
        is_alike = earlier.is_finished & (earlier.lengths >= epoch) & (earlier.num_epochs >= training.num_epochs)
        finished = earlier[is_alike & ~np.isnan(earlier.best_by(epoch))]
        return chance_of_best(training, finished) if len(finished) > NUM_WEIGHTS else None


def chance_of_best(training: Training, finished: LossCurves) -> float:
    """The chance that the smallest loss of a training will be below that of all earlier ones.

    Args:
        training: The training; it has a loss.
        finished: Curves to learn from, at least five, which have got as far as the training and have a loss by then.
    """
    n, epoch = len(finished), training.epoch
    own = np.full((1, finished.losses.shape[1]), np.nan)
    own[0, :epoch] = training.losses  # the others have got as far
    losses = np.vstack([finished.losses, own])
    curves = LossCurves(losses, np.append(finished.num_epochs, 0), np.append(finished.is_finished, False))  # (n + 1,)
    best, current = _drawn_in(curves.best_by(epoch)), _drawn_in(curves.current_by(epoch))
    slope = np.nan_to_num(current - _drawn_in(curves.current_by((epoch + 1) // 2)))  # none before the first loss
    gains = (best - _drawn_in(curves.best_by(training.num_epochs)))[:n]
    X = np.column_stack([best, current - best, slope])  # (n + 1, 3)
    gain = predict_by_ridge(X[:n], gains, X[n])
    final = Prediction(float(best[n]) - gain.mu, gain.sigma)
    if training.expected is not None:
        final = final.combined(Prediction(*training.expected))
    z = float(training.earlier.best - final.mu) / max(final.sigma, sys.float_info.min)  # may be infinite
    chance = float(stdtr(n - NUM_WEIGHTS, z))
    return ODDS * chance / (1 - chance + ODDS * chance)


def _stopped(epoch: int, why: str) -> str:
    return f"Stopped after {count(epoch, 'epoch')}: {why}."


def _drawn_in(losses: Array) -> Array:
    """With a limit, to which the last one, that of the training itself, does not count."""
    return draw_in(losses, like=losses[:-1])


RULES: dict[str, Rule] = {"auto": LearnedStopping(), "median": MedianStopping(), "halving": SuccessiveHalving()}


def as_rule(stopping: str | Rule, rules: Mapping[str, Rule] = RULES) -> Rule:
    """The rule of a name, or the rule itself.

    Args:
        stopping: The name, or the rule.
        rules: Those that have a name.

    Raises:
        ValueError: It is neither.
    """
    if callable(stopping) and not isinstance(stopping, type):
        return stopping
    if isinstance(stopping, str) and stopping in rules:
        return rules[stopping]
    raise ValueError(
        f"A stopping rule must be {', '.join(map(repr, rules))}, an instance such as "
        f"`keras_bayes.stopping_rules.LearnedStopping(level=0.1)`, or a function, received {stopping!r}."
        + (' `"pause"` is only for `BayesTuner`, which can go on with what is paused.' if stopping == "pause" else "")
    )
