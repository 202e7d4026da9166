"""Which configurations the program allows to be trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from keras_bayes.admissible import anywhere
from keras_bayes.arrays import Array
from keras_bayes.domains import Value
from keras_bayes.errors import ConstraintError


class HyperParameters(Protocol):
    """What is needed of `keras_tuner.HyperParameters`."""

    values: dict[str, Value]

    def copy(self) -> HyperParameters: ...


@dataclass(frozen=True, slots=True)
class Constraint:
    """A hard constraint: what it forbids is never proposed.

    Args:
        rule: Whether the values of a `keras_tuner.HyperParameters` may be trained; `None` allows all.
    """

    rule: Callable[[Any], bool] | None = None

    @property
    def exhausted(self) -> str:
        """What a search says that finds no further configuration."""
        if self.rule is None:
            return "Every configuration has been tried."
        return "No further configuration was found that `constraint` allows."

    def allows(self, hyperparameters: HyperParameters) -> bool:
        """Whether the values of `hyperparameters` may be trained.

        Raises:
            ConstraintError: The rule raised, or returned something else than `True` or `False`.
        """
        if self.rule is None:
            return True
        try:
            answer = self.rule(hyperparameters)
        except Exception as error:  # it is the user's program: anything may come
            raise ConstraintError(
                f"`constraint` raised {type(error).__name__}: {error}. It was given {hyperparameters.values}; a "
                "hyperparameter whose condition is not met has no value: ask for it by `hp.values.get(name)`. One that "
                "only `fit` or `run_trial` declares has none before the first trial: pass it in `hyperparameters=`."
            ) from error
        if not isinstance(answer, (bool, np.bool_)):
            raise ConstraintError(
                f"`constraint` must return True or False, received {answer!r} for {hyperparameters.values}."
            )
        return bool(answer)

    def at_points(
        self, decode: Callable[[Array], Mapping[str, Value]], hyperparameters: HyperParameters
    ) -> Callable[[Array], bool]:
        """The same question of points of shape (d,), which `decode` turns into the values of a trial."""
        if self.rule is None:
            return anywhere
        asked = hyperparameters.copy()  # once: it is slow

        def is_allowed(x: Array) -> bool:
            asked.values = dict(decode(x))
            return self.allows(asked)

        return is_allowed
