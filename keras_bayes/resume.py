"""What a program may change between two runs of a search, and what it may not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from keras_bayes.errors import ProjectError
from keras_bayes.states import SUM_OF_OBJECTIVES

State = Mapping[str, Any]
Parts = Sequence[Sequence[Any]]  # name and direction of each part of an objective

ADVICE = "Use another `project_name`, or pass `overwrite=True` to start anew."
FIXED = "Fixed"  # a range of one value: to fix a hyperparameter, or to free it, changes its bounds only


@dataclass(frozen=True, slots=True)
class Declared:
    """Which hyperparameters a program declares before its first trial.

    Args:
        argument: Names in `hyperparameters=`.
        hypermodel: Names that building the hypermodel declares, `None` where it has not been built.
    """

    argument: frozenset[str] = frozenset()
    hypermodel: frozenset[str] | None = None

    @property
    def names(self) -> frozenset[str]:
        return self.argument | (self.hypermodel or frozenset())

    def also(self, names: Iterable[str]) -> Declared:
        """With more names that building the hypermodel declares."""
        return Declared(self.argument, (self.hypermodel or frozenset()) | frozenset(names))

    def removed_since(self, earlier: Declared) -> frozenset[str]:
        """Names that an earlier run declared where this one, looking at the same place, does not.

        What only trials have found is not among them: nobody knows yet whether a trial will find it again.
        """
        if not self.names:  # this run declares nothing: the project says what there is to search
            return frozenset()
        comparable = earlier.argument if self.hypermodel is None else earlier.names
        return comparable - self.names

    def left_out_since(self, earlier: Declared) -> frozenset[str]:
        """Names that an earlier run was given in `hyperparameters=`, and this one is not."""
        return earlier.argument - self.argument

    def or_as_in(self, earlier: Declared, now: Collection[str]) -> Declared:
        """With what an earlier run knew where this one has not looked, and what stays as it was given there.

        Args:
            earlier: The earlier run.
            now: Names that the program declares itself, or has removed.
        """
        argument = self.argument if self.names else earlier.argument
        staying = (self.left_out_since(earlier) & self.names).difference(now)
        return Declared(argument | staying, earlier.hypermodel if self.hypermodel is None else self.hypermodel)

    def to_state(self) -> dict[str, list[str] | None]:
        """As JSON."""
        hypermodel = None if self.hypermodel is None else sorted(self.hypermodel)
        return {"argument": sorted(self.argument), "hypermodel": hypermodel}

    @classmethod
    def from_state(cls, state: State | None) -> Declared:
        """From `to_state`; nothing where a project does not say."""
        if state is None:
            return cls()
        hypermodel = state["hypermodel"]
        return cls(frozenset(state["argument"]), None if hypermodel is None else frozenset(hypermodel))


def of_same_kinds(saved: State, declared: State, left_out: Collection[str], folder: object) -> dict[str, Any]:
    """The space as the program declares it now, without what stays of another kind, as it is in the project.

    Args:
        saved: The space in the project, as in `HyperParameters.get_config()`.
        declared: The space as the program declares it now.
        left_out: Names whose kind stays; see `Declared.left_out_since`.
        folder: The project, for the message.

    Raises:
        ProjectError: Another hyperparameter is of another kind than in the project; the message names it and both.
    """
    kinds = {item["config"]["name"]: item["class_name"] for item in saved["space"]}
    kept = []
    for item in declared["space"]:
        name, now = item["config"]["name"], item["class_name"]
        before = kinds.get(name, now)
        if before == now or FIXED in (before, now):
            kept.append(item)
        elif name not in left_out:
            raise ProjectError(
                f"The hyperparameter {name!r} is of type {before} in the project at {folder}, and now of type {now}. "
                f"Give it another name. Or else: {ADVICE}"
            )
    return {**declared, "space": kept}


def check_objective(saved: Parts | None, trials: Iterable[State], now: Parts, folder: object) -> None:
    """Raises if the trials of a project have been judged by another objective.

    Args:
        saved: Name and direction of each part of the objective in the project; `None` if it does not say.
        trials: States of its trials, whose metrics tell if nothing else does.
        now: Name and direction of each part of the objective as it is now.
        folder: The project, for the message.

    Raises:
        ProjectError: Says what was optimised and what is to be.
    """
    completed = [state["metrics"]["metrics"] for state in trials if state["status"] == "COMPLETED"]
    if [direction for _, direction in now] == ["max"] and any(SUM_OF_OBJECTIVES in metrics for metrics in completed):
        before = "the sum of a list of objectives"  # also of one, whose score keras-tuner negates
    elif saved is None:
        before = _differing_metrics([metrics for metrics in completed if metrics], now)
    else:
        before = objective_text(saved) if sorted(map(list, saved)) != sorted(map(list, now)) else ""
    if before:
        raise ProjectError(
            f"The project at {folder} holds a search for {before}; the objective is now {objective_text(now)}. {ADVICE}"
        )


def _differing_metrics(known: Sequence[State], now: Parts) -> str:
    """What trials have reported, if none of them can have been judged by the objective."""
    directions = {name: metric["direction"] for metrics in known for name, metric in metrics.items()}
    fits = all(name in directions and directions[name] in (None, direction) for name, direction in now)
    return "" if fits or not directions else objective_text(sorted(directions.items()))


def objective_text(parts: Parts) -> str:
    """An objective in a message."""
    return " and ".join(f"{direction or 'best'} {name!r}" for name, direction in parts)
