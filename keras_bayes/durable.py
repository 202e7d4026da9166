"""A keras-tuner oracle whose state survives: files are replaced as a whole, and a killed search is taken up again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras_tuner as kt
from keras_tuner.engine.trial import Trial

from keras_bayes import project
from keras_bayes.history import trial_order


class DurableOracle(kt.Oracle):
    """What an oracle writes to the project folder and reads from it.

    Args:
        seed: Seed, 0 included; drawn if `None`.
        **kwargs: Arguments of `keras_tuner.Oracle`.
    """

    def __init__(self, *, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)
        self._given_seed = seed
        self.seed = self.seed if seed is None else seed  # the host takes 0 for none
        self.proposals: dict[str, dict[str, Any]] = {}  # why each trial was chosen, by id
        self.unread: dict[str, list[str]] = {}  # hyperparameters that a trial did not look up, by id
        self._deaths: dict[str, int] = {}  # how often a trial was started again after its process had ended, by id
        self._died: set[str] = set()  # waiting trials during which the process ended

    @property
    def project_folder(self) -> str:
        """The folder that holds the search."""
        return str(self._project_dir)

    def trial_states(self) -> list[dict[str, Any]]:
        """What a `TrialRecord` needs of each trial; the whole state, with the space, is slow to write down."""
        return [
            {
                "trial_id": trial.trial_id,
                "hyperparameters": {"values": trial.hyperparameters.values},
                "score": trial.score,
                "status": trial.status,
                "message": trial.message,
                "unread": self.unread.get(trial.trial_id, ()),
            }
            for trial in self.trials.values()
        ]

    def get_state(self) -> dict[str, Any]:
        """Everything but the trials, as JSON."""
        return {**super().get_state(), "proposals": self.proposals, "unread": self.unread, "deaths": self._deaths}

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes up a state; what the constructor was given explicitly stays as it was given."""
        declared = self.hyperparameters
        super().set_state(state)
        names = {hp.name for hp in declared.space}
        declared.merge([hp for hp in self.hyperparameters.space if hp.name not in names])
        self.hyperparameters = declared
        self.seed = self.seed if self._given_seed is None else self._given_seed
        self.proposals = state.get("proposals", {})
        self.unread = state.get("unread", {})
        self._deaths = state.get("deaths", {})

    def save(self) -> None:
        """Writes `oracle.json`."""
        if _is_remote(self.project_folder):
            super().save()
        else:
            project.write_json(Path(self._get_oracle_fname()), self.get_state())

    def reload(self) -> None:
        """Takes up the search in the project folder, whatever moment it was interrupted at.

        Raises:
            RuntimeError: The folder belongs to a search of another kind.
        """
        if _is_remote(self.project_folder):
            super().reload()
            self.trials = dict(sorted(self.trials.items(), key=lambda item: trial_order(item[0])))
            return
        folder = Path(self.project_folder)
        trials = project.read_trials(folder)
        self.trials = {trial_id: Trial.from_state(state) for trial_id, state in trials.items()}
        saved = project.read_oracle(folder)
        if saved is None:  # what the trials know of the space is all there is
            for trial in self.trials.values():
                self.update_space(trial.hyperparameters)
        self._died = {trial_id for trial_id, state in trials.items() if state["status"] == "RUNNING"}
        state = project.reconcile(saved or self.get_state(), trials)
        try:
            self.set_state(state)
        except KeyError as error:
            raise RuntimeError(
                f"The project at {folder} was not written by a Bayesian search ({error} is missing from oracle.json). "
                "Use another `project_name`, or pass `overwrite=True` to start anew."
            ) from error

    def _save_trial(self, trial: Trial) -> None:
        if _is_remote(self.project_folder):
            super()._save_trial(trial)
        else:
            project.write_json(Path(self._get_trial_dir(trial.trial_id)) / "trial.json", trial.get_state())


def _is_remote(folder: str) -> bool:
    return "://" in folder
