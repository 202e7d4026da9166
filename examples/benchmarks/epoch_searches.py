"""The contestants of `epoch_budget.py`: each spends epochs until there are none."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import keras_tuner as kt
import numpy as np
from optimizers import NEVER, KerasTuner
from parameters import decode_all
from peers import Optuna
from suites import EPOCHS, Problem
from trainings import Run, Trainings

from keras_bayes import BayesOracle
from keras_bayes.continuation import PAUSED_FILE
from keras_bayes.curves import CURVE_FILE, End, Epoch
from keras_bayes.loss_curves import LossCurves
from keras_bayes.pause import Pause
from keras_bayes.stopping_rules import RULES, Rule, SuccessiveHalving, Training

FACTOR = 3  # of Hyperband and of halving

Spend = Callable[[Trainings, Problem, int], None]  # trainings, problem, seed; ends with `BudgetSpentError`


class Curves:
    """The trainings of a search so far, as a rule sees them."""

    def __init__(self) -> None:
        self._losses = np.empty((0, EPOCHS))
        self._is_finished = np.empty(0, dtype=bool)
        self.earlier = LossCurves(self._losses, np.empty(0, dtype=int), self._is_finished)

    def add(self, losses: list[float], is_finished: bool) -> None:
        row = np.full(EPOCHS, np.nan)
        row[: len(losses)] = losses
        self._losses = np.vstack([self._losses, row])
        self._is_finished = np.append(self._is_finished, is_finished)
        self.earlier = LossCurves(self._losses, np.full(len(self._losses), EPOCHS), self._is_finished)


class Proposer(Protocol):
    """A search that proposes configurations."""

    def ask(self) -> tuple[Any, Mapping[str, Any]]: ...

    def continued(self, handle: Any) -> Any:
        """Handle of the paused training to go on with, `None` for a new one."""

    def tell(self, handle: Any, losses: list[float], stopped: str) -> None:
        """What a training gave, and why it was stopped; empty where it was not."""

    def expected(self, handle: Any) -> tuple[float, float] | None:
        """Mean and standard deviation of the loss that it expects."""


class Random:
    """Draws configurations."""

    def __init__(self, problem: Problem, seed: int) -> None:
        self._parameters = problem.parameters
        self._rng = np.random.default_rng(seed)

    def ask(self) -> tuple[None, Mapping[str, Any]]:
        return None, decode_all(self._parameters, self._rng.random(len(self._parameters)))

    def continued(self, handle: None) -> None:
        return None

    def tell(self, handle: None, losses: list[float], stopped: str) -> None:
        pass

    def expected(self, handle: None) -> None:
        return None


class Ours(KerasTuner):
    """`BayesOracle`, with the files that `BayesTuner` writes."""

    def __init__(self, problem: Problem, seed: int, *, can_continue: bool = False) -> None:
        super().__init__(partial(BayesOracle, can_continue=can_continue), problem, seed, NEVER)

    def continued(self, handle: Any) -> str | None:
        return self._proposal(handle).get("continues")

    def tell(self, handle: Any, losses: list[float], stopped: str) -> None:
        trial = handle[1]
        folder = Path(self._oracle.project_folder) / f"trial_{trial.trial_id}"
        epochs = [Epoch(0, i, 0.0, 0.0, {"val_accuracy": -loss}) for i, loss in enumerate(losses)]
        lines = [item.to_line() for item in (*epochs, End(0, EPOCHS, stopped))]
        (folder / CURVE_FILE).write_text("".join(lines))
        if stopped:
            trial.message = stopped
            (folder / PAUSED_FILE).touch()
        super().tell(handle, -min(losses))

    def expected(self, handle: Any) -> tuple[float, float] | None:
        proposal = self._proposal(handle)
        return (-proposal["mean"], proposal["sd"]) if "mean" in proposal else None

    def _proposal(self, handle: Any) -> dict[str, Any]:
        return dict(self._oracle.proposals[handle[1].trial_id])


def with_rule(
    make: Callable[[Problem, int], Proposer], rule: Rule | None, trainings: Trainings, problem: Problem, seed: int
) -> None:
    """Trains what is proposed for as long as a rule lets it."""
    proposer, curves = make(problem, seed), Curves()
    paused: dict[Any, tuple[Run, list[float]]] = {}
    while True:
        handle, values = proposer.ask()
        run, losses = paused.pop(proposer.continued(handle), None) or (trainings.start(values), [])
        reason = ""
        while run.epoch < EPOCHS and not reason:
            losses.append(-trainings.advance(run))
            if rule is not None:
                reason = rule(Training(np.array(losses), EPOCHS, curves.earlier, proposer.expected(handle)))
        if isinstance(rule, Pause):
            paused[handle[1].trial_id] = run, losses
        else:
            curves.add(losses, is_finished=not reason)
        proposer.tell(handle, losses, reason)


def kt_hyperband(trainings: Trainings, problem: Problem, seed: int) -> None:
    """Hyperband of KerasTuner, which goes on with the training of a trial in the next round."""
    oracle = kt.oracles.HyperbandOracle(
        objective=kt.Objective("val_accuracy", "max"), max_epochs=EPOCHS, factor=FACTOR, hyperband_iterations=NEVER,
        seed=seed, hyperparameters=problem.declare(),
    )  # fmt: skip
    oracle.verbose = 0
    runs = {}
    with tempfile.TemporaryDirectory() as directory:
        oracle._set_project_dir(directory, "search")
        while True:
            trial = oracle.create_trial("tuner0")
            values = trial.hyperparameters.values
            plain = {name: value for name, value in values.items() if not name.startswith("tuner/")}
            run = runs.get(values.get("tuner/trial_id")) or trainings.start(plain)
            runs[trial.trial_id] = run
            accuracies = [trainings.advance(run) for _ in range(values["tuner/epochs"] - run.epoch)]
            oracle.update_trial(trial.trial_id, {"val_accuracy": max(accuracies)})
            trial.status = "COMPLETED"
            oracle.end_trial(trial)


def optuna_tpe(pruner: str, trainings: Trainings, problem: Problem, seed: int) -> None:
    """TPE of Optuna with a pruner; what it stops counts for TPE with what it reported last."""
    from optuna.trial import TrialState

    optimizer = Optuna("TPESampler", problem, seed, NEVER, pruner=pruner)
    while True:
        trial, values = optimizer.ask()
        run, best = trainings.start(values), -np.inf
        while run.epoch < EPOCHS:
            accuracy = trainings.advance(run)
            best = max(best, accuracy)
            trial.report(accuracy, run.epoch)
            if trial.should_prune():
                trial.study.tell(trial, state=TrialState.PRUNED)
                break
        else:
            optimizer.tell(trial, best)


def one_epoch_then_the_best(trainings: Trainings, problem: Problem, seed: int) -> None:
    """Rounds of as many random configurations for one epoch as one has epochs; the best of each is trained to its end.

    Half of the epochs go into first ones.
    """
    proposer = Random(problem, seed)
    while True:
        runs = [trainings.start(proposer.ask()[1]) for _ in range(EPOCHS)]
        best = max(runs, key=trainings.advance)
        while best.epoch < EPOCHS:
            trainings.advance(best)


CONTESTANTS: dict[str, Spend] = {
    "keras_bayes": partial(with_rule, Ours, None),
    **{f"keras_bayes, {name}": partial(with_rule, Ours, rule) for name, rule in RULES.items()},
    "keras_bayes, pause": partial(with_rule, partial(Ours, can_continue=True), Pause()),
    "random": partial(with_rule, Random, None),
    "random, asha": partial(with_rule, Random, SuccessiveHalving(min_finished=1)),
    "random, auto": partial(with_rule, Random, RULES["auto"]),
    "kt.Hyperband": kt_hyperband,
    "optuna-tpe, median": partial(optuna_tpe, "MedianPruner"),
    "optuna-tpe, hyperband": partial(optuna_tpe, "HyperbandPruner"),
    "one epoch, then the best": one_epoch_then_the_best,
}
