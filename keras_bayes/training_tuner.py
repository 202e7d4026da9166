"""How a tuner trains a trial: what watches the training, ends it early and keeps its results."""

from __future__ import annotations

import functools
import math
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras

from keras_bayes.budget import EPOCHS_ARE_UP
from keras_bayes.callbacks import BestWeights, CurveLog, Deadline, EpochLimit, PositionReport, TunerHooks
from keras_bayes.curves import CURVE_FILE
from keras_bayes.durable_tuner import DurableTuner
from keras_bayes.errors import KerasBayesWarning
from keras_bayes.hparams_log import HParamsLog
from keras_bayes.pause import Pause
from keras_bayes.pausing import (
    BuiltModel,
    LostStateError,
    PausedTraining,
    PausingLog,
    Resumption,
    check_fit,
    second_training,
)
from keras_bayes.position import Position
from keras_bayes.project import trial_folder
from keras_bayes.quiet import quiet
from keras_bayes.results import plain_results, with_curve
from keras_bayes.search_log import read_states
from keras_bayes.stop_trial import RuleStop, expected_loss
from keras_bayes.stopping_rules import Rule
from keras_bayes.timesheet import Timesheet
from keras_bayes.trial_callback import Execution, execute
from keras_bayes.usage import read_alike


class TrainingTuner(DurableTuner):
    """A tuner that logs, limits and shows its trainings.

    Args:
        oracle: A `BayesOracle`.
        rule: What ends a hopeless training, if anything does.
        **kwargs: Arguments of `DurableTuner`.
    """

    def __init__(self, *, oracle: Any, rule: Rule | None, **kwargs: Any) -> None:
        self._max_time, self._max_epochs = oracle.max_time, oracle.max_epochs
        super().__init__(oracle=oracle, **kwargs)
        self._rule = rule
        self._built: BuiltModel | None = None  # of the last trial, if it may have paused
        self._log: CurveLog | None = None  # of the trial that is running
        self._ledger, self._archive = oracle.ledger, oracle.archive  # also of a worker, whose chief has its own

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Lets a `run_trial` of a subclass return any kind of number."""
        super().__init_subclass__(**kwargs)
        if "run_trial" in vars(cls):
            run_trial = cls.run_trial

            @functools.wraps(run_trial)
            def returning_plain_results(self: TrainingTuner, trial: Any, *args: Any, **kwargs: Any) -> Any:
                return plain_results(run_trial(self, trial, *args, **kwargs), self.oracle.objective)

            cls.run_trial = returning_plain_results

    def on_trial_begin(self, trial: Any) -> None:
        """Begins a curve."""
        super().on_trial_begin(trial)
        self._log = None

    def on_search_end(self) -> None:
        """Lets the last model go."""
        super().on_search_end()
        self._built = self._log = None

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
        """Builds and trains a model, `executions_per_trial` times; see `keras_tuner.Tuner.run_trial`."""
        if trial.message and isinstance(self._rule, Pause):  # a `run_trial` of a subclass has called this before
            raise second_training(trial.message)
        kwargs = kwargs if self._is_worker() else quiet(self.hypermodel, args, kwargs)
        proposal = self._proposal(trial)
        continues = proposal.get("continues")
        if continues is None:
            return self._execute(trial, proposal, self._rule, None, *args, **kwargs)
        check_fit(self.hypermodel.fit)
        paused = PausedTraining.read(continues, trial_folder(self.project_dir, continues))
        try:
            paused.check_files()
            then = {**kwargs, "initial_epoch": paused.num_epochs}
            return self._execute(trial, proposal, self._rule, paused, *args, **then)
        except LostStateError as error:
            warnings.warn(
                f"The training of trial_{trial.trial_id} cannot go on with trial_{continues}, and begins anew: "
                f"{error}.",
                KerasBayesWarning,
                stacklevel=2,
            )
        self._log = None
        rule = self._rule.after(paused.num_epochs) if isinstance(self._rule, Pause) else self._rule
        return self._execute(trial, proposal, rule, None, *args, **kwargs)

    def _execute(
        self,
        trial: Any,
        proposal: Mapping[str, Any],
        rule: Rule | None,
        paused: PausedTraining | None,
        *args: Any,
        **kwargs: Any,
    ) -> list[Any]:
        """Trains models of a trial, or goes on with a training of another one."""
        if self._built is not None and (paused is None or paused.trial_id != self._built.trial_id):
            self._built = None  # two models at once may be more than there is memory for
        objective = self.oracle.objective
        earlier = () if paused is None else paused.curve
        given = keras.tree.flatten(kwargs.pop("callbacks", None) or [])  # as `fit` takes them: several, one or none
        curve_log = self._curve_log(trial, proposal, rule, paused)
        limit = EpochLimit(self._max_epochs, self._ledger, curve_log, trial_id=trial.trial_id)
        own_callbacks = [*self._own_callbacks(trial, paused, curve_log), limit]

        def train(callbacks: list[Any]) -> Any:
            results = self._build_and_fit_model(trial, *args, callbacks=callbacks, **kwargs)
            return with_curve(results, earlier, curve_log.epochs, objective)

        results = []
        for execution in range(self.executions_per_trial):
            if execution and limit.is_reached:
                trial.message = EPOCHS_ARE_UP
                break
            callbacks = [_with_own_backup(c, trial.trial_id, execution) for c in self._deepcopy_callbacks(given)]
            self._configure_tensorboard_dir(callbacks, trial, execution)
            results.append(execute(train, [*callbacks, *own_callbacks], self._execution(trial, execution), objective))
            curve_log.close()
            if curve_log.stopped:
                trial.message = curve_log.stopped
                break
        return results

    def _own_callbacks(
        self, trial: Any, paused: PausedTraining | None, curve_log: CurveLog
    ) -> list[keras.callbacks.Callback]:
        """What watches the trainings of a trial, in the order in which it is told of them."""
        best_weights = BestWeights(self.oracle.objective, self._get_checkpoint_fname(trial.trial_id), self._writer)
        resumption = []
        if paused is not None:
            weights = Path(self._get_checkpoint_fname(paused.trial_id))
            best_weights.take_over(weights, [epoch.metrics for epoch in paused.curve])
            resumption = [Resumption(paused, build_config=Path(self._get_build_config_fname(paused.trial_id)))]
        report = PositionReport(lambda position: self._report(trial, position))
        deadline = Deadline(self._deadline(), curve_log)
        return [*resumption, TunerHooks(self, trial), best_weights, curve_log, deadline, report]

    def _report(self, trial: Any, position: Position) -> None:
        """Shows how far a training has got."""
        if not self._is_worker():  # of which the chief reads the curves
            self.oracle.display.on_trial_moved(trial.trial_id, position)

    def _curve_log(
        self, trial: Any, proposal: Mapping[str, Any], rule: Rule | None, paused: PausedTraining | None
    ) -> CurveLog:
        """What logs the trainings of a trial: one for all, where `run_trial` of a subclass calls this for each fold."""
        path = Path(self.get_trial_dir(trial.trial_id)) / CURVE_FILE
        if self._log is not None and self._log.path == path:
            return self._log
        earlier: dict[str, Any] = {}
        if paused is not None:
            earlier = {"earlier": paused.curve, "earlier_plan": paused.planned_epochs}
        if rule is None:
            self._log = CurveLog(path, self._writer, **earlier)
        else:
            expected = expected_loss(proposal, self.oracle.objective)
            kind = PausingLog if isinstance(rule, Pause) else RuleStop
            self._log = kind(path, self._writer, rule=rule, archive=self._archive, expected=expected, **earlier)
        return self._log

    def _proposal(self, trial: Any) -> Mapping[str, Any]:
        """Why a trial was chosen."""
        proposals = self._shared_state()["proposals"] if self._is_worker() else self.oracle.proposals
        return dict(proposals.get(trial.trial_id, {}))

    def _deadline(self) -> float:
        """When the search has to end, in seconds since 1970."""
        if self._max_time is None:
            return math.inf
        if not self._is_worker():
            return float(self.oracle.timesheet.deadline(self._max_time))
        times = Timesheet()
        times.take_up(self._shared_state()["times"])
        return times.deadline(self._max_time)

    def _shared_state(self) -> Mapping[str, Any]:
        """What the chief has written of the search."""
        return read_states(Path(self.project_dir))[0]

    def _execution(self, trial: Any, number: int) -> Execution:
        return Execution(
            search=self.project_name,
            trial_id=trial.trial_id,
            number=number,
            num_executions=self.executions_per_trial,
            objective=self.oracle.objective.name,
            values=trial.hyperparameters.values,
        )

    def _build_and_fit_model(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
        hp = trial.hyperparameters
        built, self._built = self._built, None  # whoever fails with it leaves none to try again with
        model = self._try_build(hp) if built is None else built.model
        if built is not None:
            read_alike(hp.values, built.values)
        results = self.hypermodel.fit(hp, model, *args, **kwargs)
        if isinstance(self._rule, Pause):
            self._built = BuiltModel(trial.trial_id, model, hp.values)
        self._writer.write_json(Path(self._get_build_config_fname(trial.trial_id)), model.get_build_config())
        return results

    def _configure_tensorboard_dir(self, callbacks: list[Any], trial: Any, execution: int = 0) -> None:
        # The host does so with the TensorFlow backend only, and imports TensorBoard whether or not it is needed.
        for board in [callback for callback in callbacks if type(callback).__name__ == "TensorBoard"]:
            board.log_dir = self._get_tensorboard_dir(board.log_dir, trial.trial_id, execution)
            callbacks.append(HParamsLog(board.log_dir))


def _with_own_backup(callback: keras.callbacks.Callback, trial_id: str, execution: int) -> keras.callbacks.Callback:
    """A callback; a backup in a folder of its own, so that no trial goes on with one of another that has failed."""
    if type(callback) is not keras.callbacks.BackupAndRestore:
        return callback
    folder = os.path.join(callback.backup_dir, trial_id, f"execution{execution}")
    return keras.callbacks.BackupAndRestore(
        folder, callback.save_freq, callback.double_checkpoint, callback.delete_checkpoint
    )
