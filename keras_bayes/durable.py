"""A keras-tuner oracle whose state survives: files are replaced as a whole, and a killed search is taken up again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras_tuner as kt
from keras_tuner.engine.trial import Trial

from keras_bayes import project
from keras_bayes.history import trial_order
from keras_bayes.resume import Declared, check_kinds, check_objective


class SteadyHyperParameters(kt.HyperParameters):
    """Hyperparameters whose missing values are the defaults.

    keras-tuner draws them, without a seed, while it looks for what a hypermodel declares under which condition; a
    program that is started again could then declare something else.
    """

    def ensure_active_values(self) -> None:
        """Drops inactive values and fills in the missing active ones."""
        for hp in self.space:
            if self.is_active(hp):
                self.values.setdefault(hp.name, hp.default)
            else:
                self.values.pop(hp.name, None)


class DurableOracle(kt.Oracle):
    """What an oracle writes to the project folder and reads from it.

    Args:
        seed: Seed, 0 included; drawn if `None`.
        **kwargs: Arguments of `keras_tuner.Oracle`.
    """

    def __init__(self, *, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)
        self._declared = Declared(frozenset(hp.name for hp in self.hyperparameters.space))
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

    def get_space(self) -> kt.HyperParameters:
        """A copy of the search space."""
        return SteadyHyperParameters.from_config(self.hyperparameters.get_config())

    def get_state(self) -> dict[str, Any]:
        """Everything but the trials, as JSON."""
        return {
            **super().get_state(),
            "proposals": self.proposals,
            "unread": self.unread,
            "deaths": self._deaths,
            "declared": self._declared.to_state(),
            "objective": self._objective_parts(),
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes up a state; what the constructor was given explicitly stays as it was given."""
        declared = self.hyperparameters
        super().set_state(state)
        saved = Declared.from_state(state.get("declared"))
        known = {hp.name for hp in declared.space} | self._declared.removed_since(saved)
        declared.merge([hp for hp in self.hyperparameters.space if hp.name not in known])
        self.hyperparameters = declared
        self._declared = self._declared.or_as_in(saved)
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
            ProjectError: The folder belongs to a search for another objective, or a hyperparameter has become another.
        """
        if _is_remote(self.project_folder):
            super().reload()
            self.trials = dict(sorted(self.trials.items(), key=lambda item: trial_order(item[0])))
            return
        folder = Path(self.project_folder)
        trials = project.read_trials(folder)
        self.trials = {trial_id: Trial.from_state(state) for trial_id, state in trials.items()}
        saved = project.read_oracle(folder)
        state = project.reconcile(saved or self.get_state(), trials)
        waiting = state["retry_queue"] if saved else ()
        unknown = set(trials) - {*(saved or {}).get("end_order", ()), *waiting}
        state["hyperparameters"] = self._space_with(unknown, state["hyperparameters"])
        check_objective((saved or {}).get("objective"), trials.values(), self._objective_parts(), folder)
        check_kinds(state["hyperparameters"]["space"], self.hyperparameters.get_config()["space"], folder)
        self._died = {trial_id for trial_id, trial in trials.items() if trial["status"] == "RUNNING"}
        unread = {trial_id: trial["unread"] for trial_id, trial in trials.items() if "unread" in trial}
        state["unread"] = {**state.get("unread", {}), **unread}
        try:
            self.set_state(state)
        except KeyError as error:
            raise RuntimeError(
                f"The project at {folder} was not written by a Bayesian search ({error} is missing from oracle.json). "
                "Use another `project_name`, or pass `overwrite=True` to start anew."
            ) from error

    def _space_with(self, trial_ids: set[str], space: dict[str, Any]) -> dict[str, Any]:
        """The space of a project, and what trials have found that its state does not know yet."""
        hyperparameters = kt.HyperParameters.from_config(space)
        for trial_id in sorted(trial_ids, key=trial_order):
            names = {hp.name for hp in hyperparameters.space}
            hyperparameters.merge([hp for hp in self.trials[trial_id].hyperparameters.space if hp.name not in names])
        return dict(hyperparameters.get_config())

    def _objective_parts(self) -> list[list[Any]]:
        """Name and direction of each part of the objective."""
        return [[part.name, part.direction] for part in getattr(self.objective, "objectives", [self.objective])]

    def _save_trial(self, trial: Trial) -> None:
        if _is_remote(self.project_folder):
            super()._save_trial(trial)
        else:
            state = trial.get_state()
            if trial.trial_id in self.unread:  # once more, since a kill may come before `oracle.json` is written
                state["unread"] = self.unread[trial.trial_id]
            project.write_json(Path(self._get_trial_dir(trial.trial_id)) / "trial.json", state)


def _is_remote(folder: str) -> bool:
    return "://" in folder
