"""A keras-tuner tuner whose files survive, and whose weights do not fill the disk."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import keras_tuner as kt

from keras_bayes import project
from keras_bayes.continuation import PAUSED_FILE
from keras_bayes.errors import KerasBayesError, ProjectError
from keras_bayes.history import loss_sign
from keras_bayes.pause import states_to_keep
from keras_bayes.search_log import SearchLog
from keras_bayes.weights import load_weights
from keras_bayes.wording import failure_reason


class DurableTuner(kt.Tuner):
    """What a tuner writes to the project folder, reads from it and removes there.

    Args:
        oracle: A `DurableOracle`.
        keep_best: Number of trials whose weights stay on disk, the best ones, besides those of paused trainings; `None`
            keeps all.
        **kwargs: Arguments of `keras_tuner.Tuner`.
    """

    def __init__(self, *, oracle: Any, keep_best: int | None, **kwargs: Any) -> None:
        self._writer = oracle.writer
        super().__init__(oracle=oracle, **kwargs)
        self.keep_best = keep_best
        if not self._is_worker() and not self.oracle.trials and project.exists(Path(self.project_dir)):
            self.reload()  # the host looks for a file that is written only after the first trial, under another name
        self._pruned: set[str] = set()  # ended trials whose weights this has removed

    def save(self) -> None:
        """Writes the state of the search and of this tuner."""
        if not self._is_worker():
            self.oracle.save()
        self._writer.write_json(Path(self._get_tuner_fname()), self.get_state())

    @property
    def project_dir(self) -> str:
        """The folder of the search; made if there is none and the disk allows it."""
        return project.made_folder(Path(self.directory) / self.project_name)

    def get_trial_dir(self, trial_id: str) -> str:
        """The folder of a trial; made if there is none and the disk allows it."""
        return project.made_folder(project.trial_folder(Path(self.directory) / self.project_name, trial_id))

    def reload(self) -> None:
        """Takes up the search in the project folder, with the space as the hypermodel declares it now."""
        if not self._is_worker():
            try:
                self._populate_initial_space()
            except KeyError:  # the hypermodel looks up what only the project declares: `hyperparameters=` was left out
                self.oracle.reload()
                self._populate_initial_space()
            else:
                self.oracle.reload()

    def get_best_models(self, num_models: int = 1) -> list[keras.Model]:
        """The best models, best first, with the weights of their best epochs.

        Raises:
            KerasBayesError: No trial has completed, or the weights of one are not on disk.
        """
        with self._results():
            return list(super().get_best_models(num_models))

    def get_best_hyperparameters(self, num_trials: int = 1) -> list[kt.HyperParameters]:
        """The best hyperparameters, best first.

        Raises:
            KerasBayesError: No trial has completed.
        """
        with self._results():
            return list(super().get_best_hyperparameters(num_trials))

    def results_summary(self, num_trials: int = 10) -> None:
        """Prints the best trials; see `keras_tuner.Tuner.results_summary`."""
        with self._own_oracle():
            super().results_summary(num_trials)

    @contextlib.contextmanager
    def _results(self) -> Iterator[None]:
        """Looks at the results of at least one completed trial."""
        with self._own_oracle():
            if not self.oracle.get_best_trials(1):
                failed = [trial for trial in self.oracle.trials.values() if trial.status in ("FAILED", "INVALID")]
                why = f"The last one failed: {failure_reason(failed[-1].message)}" if failed else "Call `search` first."
                raise KerasBayesError(f"No trial in {self.project_dir} has completed yet. {why}")
            yield

    @contextlib.contextmanager
    def _own_oracle(self) -> Iterator[None]:
        """Lets a worker read the shared folder in place of asking the chief, which may have ended."""
        if not self._is_worker():
            yield
            return
        client = self.oracle
        self.oracle = client._oracle
        try:
            self.oracle.reload()
            yield
        finally:
            self.oracle = client

    def load_model(self, trial: Any) -> keras.Model:
        """The model of a trial, with the weights of its best epoch."""
        path = Path(self._get_checkpoint_fname(trial.trial_id))
        model = self._try_build(trial.hyperparameters)
        try:
            load_weights(model, path, build_config=Path(self._get_build_config_fname(trial.trial_id)))
        except ProjectError:
            if path.exists():
                raise
            raise KerasBayesError(  # if they ever were: a search that goes on may just have removed them
                f"The weights of trial_{trial.trial_id} are not on disk: {path}. Either it is not one of the best "
                f"`keep_best` trials, here {self.keep_best} (`None` keeps all), or the disk was full, or your "
                "`HyperModel.fit` did not pass on the `callbacks` that it was given."
            ) from None
        return model

    def on_trial_end(self, trial: Any) -> None:
        """Removes the weights of finished trials that are not among the best, nor may go on."""
        super().on_trial_end(trial)
        trials, proposals = self._trials()  # also those of workers that have died, and of other processes
        ended = {i for i in proposals if i in trials and trials[i].status in ("COMPLETED", "FAILED")}
        found = ended - self._pruned
        is_limited = self.keep_best is not None
        best = {t.trial_id for t in self.oracle.get_best_trials(self.keep_best)} if is_limited else found
        for trial_id in found - self._may_go_on(found, trials, proposals):
            with contextlib.suppress(OSError):  # the next trial tries again
                self._state_file(trial_id).unlink(missing_ok=True)
                if trial_id not in best:
                    Path(self._get_checkpoint_fname(trial_id)).unlink(missing_ok=True)
                    self._pruned.add(trial_id)

    def _may_go_on(
        self, found: Iterable[str], trials: Mapping[str, Any], proposals: Mapping[str, Mapping[str, Any]]
    ) -> set[str]:
        """Those of the found trials that are paused and whose state is kept."""
        paused = [trial_id for trial_id in found if self._state_file(trial_id).exists()]
        sign = loss_sign(self.oracle.objective.direction)
        scores = {i: sign * trials[i].score for i in paused if i in trials and trials[i].score is not None}
        statuses = {trial_id: trial.status for trial_id, trial in trials.items()}
        return states_to_keep(sorted(scores, key=scores.__getitem__), statuses, proposals)

    def _trials(self) -> tuple[Mapping[str, Any], Mapping[str, Mapping[str, Any]]]:
        """What has a status and a score for each trial, and why it was chosen, by id."""
        if not self._is_worker():
            return self.oracle.trials, self.oracle.proposals
        log = SearchLog.read(Path(self.project_dir))
        return {trial.trial_id: trial.record for trial in log.trials}, log.state["proposals"]

    def _state_file(self, trial_id: str) -> Path:
        return project.trial_folder(self.project_dir, trial_id) / PAUSED_FILE
