"""Algorithm 1: observe, model, score, choose.

`BayesOracle` is the last of a chain of classes, each of which teaches a `keras_tuner.Oracle` one thing: what it knows
outlives its process (`durable_oracle`), trials run again (`retrying_oracle`), they begin and end (`lifecycle_oracle`),
time and epochs are limited (`budgeted_oracle`), users have a say (`steered_oracle`), workers may die
(`distributed_oracle`), stopped trainings count and go on (`continuing_oracle`). Besides methods of keras-tuner they
change what begins with an underscore: `_next_trial`, `_retried_trial`, `_choose`, `_why_finished`, `_take_over`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras_tuner as kt
import numpy as np
from keras_tuner.engine.trial import TrialStatus

from keras_bayes.acquisition import ACQUISITIONS, LOGARITHMS
from keras_bayes.admissible import Admissible
from keras_bayes.arguments import check_callable, check_instance, check_one_of, integer, integer_or_none, positive
from keras_bayes.arrays import Array
from keras_bayes.continuing_oracle import ContinuingOracle
from keras_bayes.errors import KerasBayesError
from keras_bayes.gain import expected_gain
from keras_bayes.history import Observations, loss_sign, observe
from keras_bayes.initial_design import NUM_POINTS, initial_design
from keras_bayes.maximizer import maximize
from keras_bayes.search_end import ExpectedGain, can_expect, expectation
from keras_bayes.space import Space
from keras_bayes.surrogate import Surrogate, learn
from keras_bayes.threads import one_blas_thread
from keras_bayes.usage import learn_conditions

OUTLOOK_TRIALS = 10  # of which a summary says what is expected
HOST_ALPHA = 1e-4  # what keras-tuner's own Bayesian search reads from a folder of ours


class BayesOracle(ContinuingOracle):
    """Bayesian optimisation with a Gaussian process, for any tuner of keras-tuner.

    The first trials are an initial design. Each later one is the untried configuration with the highest acquisition
    under a Gaussian process fitted to all trials so far: numbers, steps, ordered and unordered choices, booleans and
    conditions are modelled as what they are, failed trials repel, and running ones count as having turned out as
    expected. Trial i depends on the seed, its number and the trials before it, on nothing else.

    Args:
        objective: Name of a metric, `keras_tuner.Objective`, list of these (summed as in keras-tuner), or `None` when
            `run_trial` or `HyperModel.fit` returns one number to minimise.
        max_trials: Largest number of trials, or `None`.
        num_initial_points: Size of the initial design, at least 2, by default 3. Failed trials do not count towards it.
        alpha: Variance of the noise of the objective, relative to the objective's own variance; learned by default.
        beta: Weight of the standard deviation in `acquisition="lcb"`.
        seed: Seed, 0 included; drawn if `None`.
        hyperparameters: As in `keras_tuner.Oracle`.
        allow_new_entries: As in `keras_tuner.Oracle`.
        tune_new_entries: As in `keras_tuner.Oracle`.
        max_retries_per_trial: As in `keras_tuner.Oracle`.
        max_consecutive_failed_trials: Failures in a row that end the search with an error. By default only a program
            is stopped whose first three trials end with the same error, or the first ten of a search that is taken up
            again and has completed some.
        acquisition: `"ei"` (expected improvement), `"pi"` (probability of improvement) or `"lcb"` (lower confidence
            bound).
        warm_start: An earlier search to learn from, whose trials do not count: its project folder, which may be
            read-only and one of `keras_tuner.BayesianOptimization`, or a `pandas.DataFrame` with a column for each
            hyperparameter and a column `score`, or one named as the objective.
        max_time: Duration of the search, over all its sessions: seconds, or a string such as `"11h30m"`. No trial is
            started that, by the times of the earlier ones, cannot end.
        max_epochs: The most epochs that all trainings of the search together may have, over all its sessions and
            workers; `max_epochs` of `keras_tuner.Hyperband` is another number, that of one training. No trial is
            started when they are used up. They are counted where `BayesTuner` trains.
        constraint: Which configurations may be trained, a function of `keras_tuner.HyperParameters` that returns `True`
            or `False`; no other is ever proposed. It is asked up to some hundred times for each proposal, so it should
            be quick. A hyperparameter whose condition is not met has no value: `hp.values.get("momentum")` is `None`,
            where `hp["momentum"]` raises.
        stop_when: When to end the search before `max_trials`, a `keras_bayes.ExpectedGain`; by default not.
        can_continue: Whether the tuner can go on with a training that was paused: a trial then has the values of an
            earlier one, named by `continues` in its proposal, wherever the epochs that are left there promise more than
            those of a new one. Each such trial counts as one.

    Raises:
        ValueError, TypeError: An argument is out of range; the message names it and what came.

    References:
        Jones, Schonlau & Welch (1998), Efficient Global Optimization of Expensive Black-Box Functions.
    """

    def __init__(
        self,
        objective: Any = None,
        max_trials: int | None = 10,
        num_initial_points: int | None = None,
        alpha: float | None = None,
        beta: float = 2.6,
        seed: int | None = None,
        hyperparameters: kt.HyperParameters | None = None,
        allow_new_entries: bool = True,
        tune_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int | None = None,
        *,
        acquisition: str = "ei",
        warm_start: Any = None,
        max_time: float | str | None = None,
        max_epochs: int | None = None,
        constraint: Callable[[kt.HyperParameters], bool] | None = None,
        stop_when: ExpectedGain | None = None,
        can_continue: bool = False,
    ) -> None:
        check_one_of("acquisition", acquisition, ACQUISITIONS)
        check_callable("constraint", constraint)
        check_instance("stop_when", stop_when, ExpectedGain)
        if can_continue and acquisition not in LOGARITHMS:
            raise ValueError(
                f'`stopping="pause"` needs an `acquisition` of {" or ".join(map(repr, LOGARITHMS))}, '
                f"received {acquisition!r}."
            )
        super().__init__(
            objective=objective,
            max_trials=integer_or_none("max_trials", max_trials, at_least=1),
            hyperparameters=hyperparameters,
            allow_new_entries=allow_new_entries,
            tune_new_entries=tune_new_entries,
            seed=integer_or_none("seed", seed, at_least=0),
            max_retries_per_trial=integer("max_retries_per_trial", max_retries_per_trial, at_least=0),
            max_consecutive_failed_trials=integer_or_none(
                "max_consecutive_failed_trials", max_consecutive_failed_trials, at_least=1
            ),
            warm_start=warm_start,
            max_time=max_time,
            max_epochs=integer_or_none("max_epochs", max_epochs, at_least=1),
            constraint=constraint,
            can_continue=can_continue,
        )
        self.num_initial_points = integer_or_none("num_initial_points", num_initial_points, at_least=2)
        self.alpha = None if alpha is None else positive("alpha", alpha)
        self.beta = positive("beta", beta)
        self.acquisition = acquisition
        self.stop_when = stop_when

    @one_blas_thread()
    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Chooses the values of the next trial.

        Args:
            trial_id: Unused: the trial's number is how many there are.

        Returns:
            `status`, `"RUNNING"` or, when none is left, `"STOPPED"`; `values`, the active
            hyperparameters; and `proposal`: the `source`, `"design"`, `"model"` or `"continuation"`, and in the latter
            cases the `mean` and the standard deviation `sd` that the model expects of the objective; with
            `"continuation"` also `continues`, the trial to go on with.
        """
        declared, space, data, admissible = self._observe()
        rng = np.random.default_rng([self.seed, len(self.trials)])
        num_points = self.num_initial_points or NUM_POINTS

        surrogate = x = None
        if data.num_completed < num_points:
            index = len(self.trials)
            x = initial_design(
                space, admissible=admissible, index=index, num_points=num_points, seed=self.seed, rng=rng
            )
        if x is None and data.num_completed:  # nothing of the design is to come
            surrogate = learn(data, space, noise_variance=self.alpha)
            acquisition = surrogate.acquisition(
                self.acquisition, beta=self.beta, pending=data.pending, is_allowed=admissible.is_allowed
            )
            x = maximize(acquisition, space, admissible=admissible, centres=surrogate.best_first, rng=rng)
            continuation = self._continuation(acquisition, x, space, data)
            if continuation is not None:
                return continuation.response(self._proposal(surrogate, continuation.x))

        if x is None:  # nothing admissible is left
            return {"status": TrialStatus.STOPPED, "values": None}
        proposal = self._proposal(surrogate, x)
        return {"status": TrialStatus.RUNNING, "values": declared.complete(space.decode(x)), "proposal": proposal}

    def expected_gain(self, num_trials: int = 10) -> float | None:
        """How much better the best score is expected to get with `num_trials` other trials.

        Args:
            num_trials: How many trials are asked about.

        Returns:
            The gain by what the model knows now, in the unit of the objective and not below zero; `None` as long as
            there is no model, where there is no other trial, and where all scores are the same.
        """
        return self._gain(integer("num_trials", num_trials, at_least=1))

    def _gain(self, num_trials: int, *, is_believed: bool = False) -> float | None:
        """The same; with `is_believed` also `None` as long as too few trials have completed to trust the model."""
        with self._lock, one_blas_thread():  # in this order, as a trial is created
            _, space, data, admissible = self._observe()
            if data.num_completed < (self.num_initial_points or NUM_POINTS):
                return None
            if is_believed and not can_expect(data.num_completed, space.dim):
                return None
            surrogate = learn(data, space, noise_variance=self.alpha)
            rng = np.random.default_rng([self.seed, len(self.trials)])
            return expected_gain(
                surrogate, space, num_trials=num_trials, pending=data.pending, admissible=admissible, rng=rng
            )

    def outlook(self) -> str:
        """What the model expects of more trials, in a sentence; empty where it cannot tell, or trials are but legs."""
        if self.can_continue:
            return ""
        try:
            gain = self._gain(OUTLOOK_TRIALS, is_believed=True)
        except (KerasBayesError, np.linalg.LinAlgError):  # a summary does not fail for it
            return ""
        return "" if gain is None else f"{expectation(gain, OUTLOOK_TRIALS, self.objective.name)}."

    def get_state(self) -> dict[str, Any]:
        """Everything but the trials, as JSON, with what keras-tuner's own Bayesian search looks for."""
        arguments = {
            "max_trials": self.max_trials,
            "num_initial_points": self.num_initial_points,
            "alpha": HOST_ALPHA if self.alpha is None else self.alpha,
            "noise_variance": self.alpha,
            "beta": self.beta,
        }
        return {**super().get_state(), **arguments}

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes up the state of a Bayesian search, also of keras-tuner's; the arguments stay as given."""
        state["num_initial_points"]  # a KeyError tells that another kind of search wrote it
        super().set_state(state)

    def _why_finished(self) -> str:
        return super()._why_finished() or self._reason_to_stop()

    def _reason_to_stop(self) -> str:
        """What `stop_when` has to say, unless the user wants something to be run; empty if the search should go on.

        However much is known from elsewhere, a search has a result of its own before it ends.
        """
        rule = self.stop_when
        if rule is None or self._queue or self.best_trial() is None:
            return ""
        return rule.reason(self._gain(rule.num_trials, is_believed=True), self.objective.name)

    def _observe(self) -> tuple[Space, Space, Observations, Admissible]:
        """The space as declared, the space as used, what was learned in it, and what may be proposed."""
        declared = Space.from_config(self.hyperparameters.get_config())
        history = self._history()
        space = learn_conditions(declared, history.records)
        data = observe(history.after(self._known_in(declared)), space, direction=self.objective.direction)
        is_allowed = self.constraint.at_points(lambda x: declared.complete(space.decode(x)), self.hyperparameters)
        return declared, space, data, Admissible(data.tried, is_allowed)

    def _proposal(self, surrogate: Surrogate | None, x: Array) -> dict[str, Any]:
        if surrogate is None:
            return {"source": "design"}
        mean, sd = surrogate.expect(x)
        return {"source": "model", "mean": loss_sign(self.objective.direction) * mean, "sd": sd}
