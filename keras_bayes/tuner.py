"""`BayesTuner`: a `BayesOracle`, and the trainings of Keras models."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import keras_tuner as kt

from keras_bayes.arguments import check_names, check_one_of, check_project_name, integer_or_none
from keras_bayes.chief import serve
from keras_bayes.display import VIEWS
from keras_bayes.memory import release_compiled_steps, release_traced_graphs
from keras_bayes.objective import objective_code
from keras_bayes.oracle import BayesOracle
from keras_bayes.pause import Pause
from keras_bayes.quiet import is_left_open
from keras_bayes.removal import remove_project
from keras_bayes.results import is_no_result
from keras_bayes.roles import address, is_chief
from keras_bayes.search_end import ExpectedGain
from keras_bayes.show.views import Views
from keras_bayes.signals import interruptible, raise_for
from keras_bayes.stopping_rules import RULES, Rule, as_rule
from keras_bayes.usage import ReadValues
from keras_bayes.wording import format_path
from keras_bayes.worker_tuner import WorkerTuner

UNTITLED = "untitled_project"  # what the host calls a project without a name
IDLE_SECONDS = 2.0  # between two questions of a worker that has nothing to do


class BayesTuner(Views, WorkerTuner):
    """Bayesian hyperparameter search for Keras models: `keras_tuner.BayesianOptimization`, in fewer trainings.

    Args:
        hypermodel: `keras_tuner.HyperModel`, or a function `hp -> keras.Model`; may be left out by a subclass with a
            `run_trial` of its own.
        objective: Name of a metric, such as `"val_accuracy"`, a `keras_tuner.Objective`, a list of these, or `None` if
            `HyperModel.fit` or `run_trial` returns one number to minimise.
        max_trials: Largest number of trials; `None` for no limit.
        num_initial_points: Trials before the model proposes, at least 2, by default 3.
        alpha: Variance of the noise of the objective, relative to its own; learned by default.
        beta: Weight of the standard deviation in `acquisition="lcb"`.
        seed: Seed, 0 included; drawn if `None`.
        hyperparameters: As in `keras_tuner.Oracle`, and so are the three arguments that follow.
        tune_new_entries: Whether hyperparameters are searched that are not in *hyperparameters*.
        allow_new_entries: Whether there may be such.
        max_retries_per_trial: How often a failed trial runs again.
        max_consecutive_failed_trials: Failures in a row that end the search with an error; by default only a broken
            program ends it, see `BayesOracle`.
        acquisition: `"ei"` (expected improvement), `"pi"` (probability of improvement) or `"lcb"` (lower confidence
            bound).
        warm_start: An earlier search to learn from: its project folder, or a `pandas.DataFrame` with a column for each
            hyperparameter and a column `score`.
        max_time: Duration of the search, over all its sessions: seconds, or a string such as `"11h30m"`. A running
            training then stops after an epoch, and its best one counts.
        max_epochs: The most epochs of all trainings together; `search(epochs=...)` is the limit of one training. The
            training that uses them up ends with that epoch, and its best one counts. A search may exceed them by one
            epoch for each other worker, and for each further training that a `HyperModel.fit` begins, such as those of
            folds.
        keep_best: Number of trials whose weights stay on disk, the best ones, besides those of paused trainings; `None`
            keeps all.
        constraint: Which configurations may be trained: a function of `keras_tuner.HyperParameters` that returns `True`
            or `False`.
        stop_when: When to end the search before `max_trials`, a `keras_bayes.ExpectedGain`; by default not.
        progress: How a search is shown: `"live"`, a panel at the bottom of a terminal; `"notebook"`, an output of the
            cell; `"plain"`, a line for each trial; `"auto"`, what fits the place. Where `search` is told a `verbose`,
            Keras prints what it says, and the lines are plain unless it is 0.
        stopping: Rule that ends hopeless trainings by the curves of the others: `"auto"`, `"median"`, `"halving"`, one
            of `keras_bayes.stopping_rules`, or a function of a `keras_bayes.stopping_rules.Training`. The score of a
            trial that was stopped is what it has reached. By default every training has all its epochs. `"pause"`, or
            a `keras_bayes.pause.Pause`, pauses each training at certain epochs and continues the most promising ones,
            each as a trial of its own: the model is rebuilt if need be, its weights and its optimizer are restored, and
            callbacks see the number of the epoch. A `HyperModel.fit` must pass its `**kwargs` on to `model.fit`, and
            train once.
        **kwargs: Arguments of `keras_tuner.Tuner`: `directory`, `project_name`, `overwrite`, `executions_per_trial`,
            `max_model_size`, `optimizer`, `loss`, `metrics`, `distribution_strategy`, `tuner_id`.

    Example:
        ```python
        tuner = keras_bayes.BayesTuner(build_model, objective="val_accuracy", max_trials=20, seed=0)
        tuner.search(x, y, epochs=5, validation_data=(x_val, y_val))
        model = tuner.get_best_models()[0]
        ```
    """

    def __init__(
        self,
        hypermodel: Any = None,
        objective: Any = None,
        max_trials: int | None = 10,
        num_initial_points: int | None = None,
        alpha: float | None = None,
        beta: float = 2.6,
        seed: int | None = None,
        hyperparameters: kt.HyperParameters | None = None,
        tune_new_entries: bool = True,
        allow_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int | None = None,
        *,
        acquisition: str = "ei",
        warm_start: Any = None,
        max_time: float | str | None = None,
        max_epochs: int | None = None,
        keep_best: int | None = 3,
        constraint: Callable[[kt.HyperParameters], bool] | None = None,
        stop_when: ExpectedGain | None = None,
        progress: str = "auto",
        stopping: str | Rule | None = None,
        **kwargs: Any,
    ) -> None:
        check_names(kwargs, kt.Tuner.__init__, BayesTuner.__init__)  # before anything is overwritten
        rule = _rule(stopping)
        can_continue = isinstance(rule, Pause)
        if can_continue and kwargs.get("executions_per_trial", 1) > 1:
            raise ValueError(
                'A trial with `stopping="pause"` has one training, received '
                f"`executions_per_trial={kwargs['executions_per_trial']}`. Leave it at 1, or use another rule, such as "
                '`stopping="auto"`.'
            )
        oracle = BayesOracle(
            objective=objective,
            max_trials=max_trials,
            num_initial_points=num_initial_points,
            alpha=alpha,
            beta=beta,
            seed=seed,
            hyperparameters=hyperparameters,
            tune_new_entries=tune_new_entries,
            allow_new_entries=allow_new_entries,
            max_retries_per_trial=max_retries_per_trial,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
            acquisition=acquisition,
            warm_start=warm_start,
            max_time=max_time,
            max_epochs=max_epochs,
            constraint=constraint,
            stop_when=stop_when,
            can_continue=can_continue,
        )
        keep_best = integer_or_none("keep_best", keep_best, at_least=1)
        check_one_of("progress", progress, VIEWS)
        if stopping is not None and objective is None:
            raise ValueError(
                "`stopping` needs an `objective` that is a metric of each epoch, such as 'val_loss', received None."
            )
        if "://" in str(kwargs.get("directory")):
            raise ValueError(
                f"`directory` must be a path of a file system, not a URL, received {str(kwargs['directory'])!r}."
            )
        if hypermodel is None and type(self).run_trial is BayesTuner.run_trial:
            raise ValueError("`hypermodel` must be a model-building function or a HyperModel, received None.")
        if kwargs.get("project_name") is not None:  # the host takes an empty one for none
            check_project_name(kwargs["project_name"])
        directory = Path(kwargs.get("directory") or ".").expanduser().absolute()
        kwargs["directory"] = str(directory)  # where it stays when a notebook changes its working directory
        self._objective = "" if objective is None else f"objective={objective_code(objective)}, "
        if kwargs.pop("overwrite", False) and not self._is_worker():
            remove_project(directory / (kwargs.get("project_name") or UNTITLED))
        super().__init__(oracle=oracle, rule=rule, keep_best=keep_best, hypermodel=hypermodel, **kwargs)
        self._progress = progress
        self._is_waiting = False  # between asking for a trial and getting one
        self._signals: Sequence[int] = ()  # that have told this search to end

    def search(self, *fit_args: Any, **fit_kwargs: Any) -> None:
        """Runs the search, or goes on with one that was interrupted; see `keras_tuner.Tuner.search`.

        Raises:
            KerasBayesError: Another process, tuner or thread is searching in the same project.
        """
        if self._is_worker():
            if fit_kwargs.get("verbose") != 0:
                print(f"{self.tuner_id} asks the chief at {address()} for trials, once it is there.", flush=True)
            with self._working():
                self._search(*fit_args, **fit_kwargs)
            return
        view = self._progress if is_left_open(fit_args, fit_kwargs) else "plain"
        with interruptible() as self._signals, self.oracle.display.shown_in(view), self.oracle.searching():
            self._search(*fit_args, **fit_kwargs)

    def _search(self, *fit_args: Any, **fit_kwargs: Any) -> None:
        self._is_waiting = False
        try:
            if is_chief():
                self.oracle.verbose = fit_kwargs.get("verbose", self.oracle.verbose)
                self.save()
                serve(self.oracle)
            else:
                super().search(*fit_args, **fit_kwargs)
        except BaseException:  # a trial that was given up on purpose runs again, and is none that died
            if not self._is_worker():
                self.oracle.interrupt(self.tuner_id)
            raise
        else:
            if is_chief():
                self.oracle.raise_failure()

    def on_search_end(self) -> None:
        """Says how to load the best model."""
        super().on_search_end()
        if type(self) is BayesTuner and not self._is_worker():
            place = f"directory={format_path(self.directory)!r}, project_name={self.project_name!r}"
            self.oracle.display.show_loading_code(f"keras_bayes.BayesTuner(build_model, {self._objective}{place})")

    def enqueue(self, values: Mapping[str, Any] | kt.HyperParameters, *, skip_if_tried: bool = True) -> bool:
        """Runs a configuration of the user next; see `BayesOracle.enqueue`.

        A worker's call does nothing: its chief runs the same script.
        """
        return not self._is_worker() and self.oracle.enqueue(values, skip_if_tried=skip_if_tried)

    def add_observation(self, values: Mapping[str, Any] | kt.HyperParameters, score: float | None) -> None:
        """Tells a result obtained elsewhere; see `BayesOracle.add_observation`. A worker's call does nothing."""
        if not self._is_worker():
            self.oracle.add_observation(values, score)

    def pre_create_trial(self) -> None:
        """Waits a little where the last answer was that there may be a trial later."""
        super().pre_create_trial()
        if self._is_waiting:
            time.sleep(IDLE_SECONDS)
        self._is_waiting = True

    def _try_run_and_update_trial(self, trial: Any, *fit_args: Any, **fit_kwargs: Any) -> None:
        """Runs a trial while its reads are noted."""
        self._is_waiting = False
        num_signals = len(self._signals)
        values = trial.hyperparameters.values = ReadValues(trial.hyperparameters.values)
        try:
            super()._try_run_and_update_trial(trial, *fit_args, **fit_kwargs)
        except kt.errors.FatalError as error:
            if not is_no_result(error) or not self.oracle.get_best_trials(1):
                raise  # a program that has never worked
            trial.status, trial.message = "INVALID", traceback.format_exc()
        finally:
            release_traced_graphs()
            if keras.backend.backend() == "jax":
                release_compiled_steps()
        if trial.status == "INVALID" and len(self._signals) > num_signals:  # a library has made it an error of its own
            raise_for(self._signals[-1])
        if trial.status != "COMPLETED":
            values.read.clear()  # who was stopped halfway says nothing of what is not read
        self._report_trial(trial, sorted(values.unread))


def _rule(stopping: str | Rule | None) -> Rule | None:
    """The rule of `stopping`; only a tuner can go on with what is paused."""
    return None if stopping is None else as_rule(stopping, {**RULES, "pause": Pause()})
