"""A run of an experiment tracker for each training of a search: Weights & Biases, MLflow."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from keras_bayes.domains import Value
from keras_bayes.errors import KerasBayesWarning
from keras_bayes.extras import load
from keras_bayes.trial_callback import TrialCallback


class Tracker(TrialCallback):
    """Opens a run when the training begins, logs each epoch, and closes the run with the score.

    A tracker that cannot be reached costs no training: a warning says so, and the rest of the run is not logged.
    """

    def on_execution_begin(self, values: dict[str, Value]) -> None:
        self._is_open = self._is_reachable = self._try(lambda: self.open(values))

    def on_execution_epoch(self, epoch: int, metrics: dict[str, float]) -> None:
        if self._is_reachable:  # whatever waits for an answer would do so at each epoch
            self._is_reachable = self._try(lambda: self.log(epoch, metrics))

    def on_execution_end(self, score: float | None) -> None:
        if self._is_open:
            self._try(lambda: self.close(score))

    def _try(self, step: Callable[[], None]) -> bool:
        try:
            step()
        except self.error as error:
            name = type(self).__name__
            warnings.warn(f"{name} cannot log {self.execution.name}: {error}", KerasBayesWarning, stacklevel=3)
            return False
        return True

    @property
    def error(self) -> type[Exception]:
        """What the tracker raises."""
        raise NotImplementedError

    def open(self, values: dict[str, Value]) -> None:
        """Begins the run of `self.execution`."""
        raise NotImplementedError

    def log(self, epoch: int, metrics: dict[str, float]) -> None:
        """Logs an epoch."""
        raise NotImplementedError

    def close(self, score: float | None) -> None:
        """Ends the run, as failed if there is no score."""
        raise NotImplementedError


class WandbRun(Tracker):
    """Logs each training of a search as a run of Weights & Biases, in a group that is called like the search.

    The run has the hyperparameters as `config`, the metrics of each epoch, and `score` in its summary.

    Args:
        project: Project of W&B.
        **arguments: Further arguments of `wandb.init`, such as `entity`, `tags` or `mode`.

    Example:
        ```python
        tuner.search(x, y, epochs=5, callbacks=[keras_bayes.callbacks.WandbRun(project="mnist")])
        ```
    """

    def __init__(self, project: str | None = None, **arguments: Any) -> None:
        super().__init__()
        load("wandb", "wandb")
        self.project = project
        self.arguments = arguments

    @property
    def error(self) -> type[Exception]:
        return load("wandb", "wandb").Error  # type: ignore[no-any-return]

    def open(self, values: dict[str, Value]) -> None:
        execution = self.execution
        named = {"project": self.project, "group": execution.search, "name": execution.name, "config": values}
        # A run of the program around the search stays open.
        self.run = load("wandb", "wandb").init(**{**named, "reinit": "create_new", **self.arguments})

    def log(self, epoch: int, metrics: dict[str, float]) -> None:
        self.run.log(metrics, step=epoch)

    def close(self, score: float | None) -> None:
        if score is not None:
            self.run.summary["score"] = score
        self.run.finish(exit_code=int(score is None))


class MlflowRun(Tracker):
    """Logs each training of a search as a run of MLflow, in an experiment that is called like the search.

    The run has the hyperparameters as parameters, the metrics of each epoch, `score` as one more metric, and the tags
    `search` and `trial`.

    Args:
        experiment: Another name of the experiment.
        tracking_uri: Where MLflow keeps its runs, as in `mlflow.set_tracking_uri`.

    Example:
        ```python
        tuner.search(x, y, epochs=5, callbacks=[keras_bayes.callbacks.MlflowRun()])
        ```
    """

    def __init__(self, experiment: str | None = None, tracking_uri: str | None = None) -> None:
        super().__init__()
        load("mlflow", "mlflow")
        self.experiment = experiment
        self.tracking_uri = tracking_uri

    @property
    def error(self) -> type[Exception]:
        return load("mlflow", "mlflow").exceptions.MlflowException  # type: ignore[no-any-return]

    def open(self, values: dict[str, Value]) -> None:
        execution = self.execution
        name = self.experiment or execution.search
        self.client = load("mlflow", "mlflow").MlflowClient(self.tracking_uri)  # knows no run of the program around
        tags = {"search": execution.search, "trial": execution.trial_id}
        self.run_id = self.client.create_run(self._experiment_id(name), run_name=execution.name, tags=tags).info.run_id
        try:
            for key, value in values.items():
                self.client.log_param(self.run_id, key, value)
        except self.error:
            self.client.set_terminated(self.run_id, "FAILED")
            raise

    def log(self, epoch: int, metrics: dict[str, float]) -> None:
        for key, value in metrics.items():
            self.client.log_metric(self.run_id, key, value, step=epoch)

    def close(self, score: float | None) -> None:
        if score is not None:
            self.client.log_metric(self.run_id, "score", score)
        self.client.set_terminated(self.run_id, "FAILED" if score is None else "FINISHED")

    def _experiment_id(self, name: str) -> str:
        """The experiment of this name, made unless there is one, or another worker makes it at this moment."""
        found = self.client.get_experiment_by_name(name)
        if found is None:
            try:
                return str(self.client.create_experiment(name))
            except self.error:
                found = self.client.get_experiment_by_name(name)
                if found is None:
                    raise
        return str(found.experiment_id)
