"""A keras-tuner oracle whose state survives: files are replaced as a whole, and a killed search is taken up again."""

from __future__ import annotations

import contextlib
import copy
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import keras_tuner as kt
from keras_tuner.engine.trial import Trial

from keras_bayes import __version__, project
from keras_bayes.arguments import check_project_name
from keras_bayes.curves import read_curve
from keras_bayes.epoch_count import EpochLedger
from keras_bayes.errors import ProjectError, ProjectInUseError, SearchSpaceError
from keras_bayes.history import TrialRecord, trial_order
from keras_bayes.lock import Claim, is_held_here
from keras_bayes.objective import parts
from keras_bayes.resume import ADVICE, Declared, check_objective, of_same_kinds
from keras_bayes.roles import is_distributed
from keras_bayes.space import Space
from keras_bayes.states import OF_TRIALS, check_oracle, check_trial, told_of_trials
from keras_bayes.steady_hyperparameters import SteadyHyperParameters
from keras_bayes.timesheet import Timesheet
from keras_bayes.usage import unnoted
from keras_bayes.writer import Writer


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
        self._ran_on: dict[str, str] = {}  # the worker of each trial that was running when the process ended
        self.timesheet = Timesheet()
        self.writer = Writer()
        self._claim = Claim()
        self._stamp: frozenset[Any] = frozenset()  # of the folder when this last read it, or let go of it

    @property
    def project_folder(self) -> str:
        """The folder that holds the search."""
        return os.path.join(str(self._directory), self._project_name)

    def become_writer(self) -> None:
        """Makes this oracle the only one that writes to its folder, and takes up what others have written there.

        Raises:
            ProjectInUseError: Another process is writing there.
        """
        if _is_remote(self.project_folder):
            return
        folder = Path(self.project_folder)
        try:
            if not self._claim.take(folder):
                return
            project.remove_leftovers(folder, "*.json" if is_distributed() else "*")  # a worker may be saving weights
            has_changed = project.stamp(folder) != self._stamp
        except OSError:  # where there can be no lock, the first file that cannot be written tells
            return
        if has_changed and not self.writer.is_behind:
            try:
                self.reload()
            except ProjectError:  # it is not ours to write to
                self._claim.release(folder)
                raise

    def release(self) -> None:
        """Lets other processes write to the folder."""
        self.timesheet.close()
        folder = Path(self.project_folder)
        if not _is_remote(self.project_folder) and self._claim.is_held(folder):
            self.writer.finish()
            with contextlib.suppress(OSError):
                self._stamp = project.stamp(folder)
            self._claim.release(folder)

    @contextlib.contextmanager
    def searching(self) -> Iterator[None]:
        """Makes this oracle the only one that writes to its folder until what is done in between has ended.

        Raises:
            ProjectInUseError: Another process, another oracle or another thread is searching there.
        """
        self.become_writer()
        is_locked = self._claim.is_held(Path(self.project_folder))
        with self._claim.kept(Path(self.project_folder)):
            try:
                yield
            finally:
                self.release()
                if not is_locked:  # where there can be no lock, `release` has nothing to do
                    self.writer.finish()

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Writes `oracle.json` after what is done in between, on the state of the project as it is now."""
        if _is_remote(self.project_folder):
            yield
            super().save()
            return
        was_writer = self._claim.is_held(Path(self.project_folder))
        self.become_writer()
        try:
            yield
            self.writer.write_state(Path(self.project_folder) / project.ORACLE_FILE, self.get_state())
        finally:
            if not was_writer:
                self.release()

    def trial_states(self) -> list[dict[str, Any]]:
        """What a `TrialRecord` needs of each trial; the whole state, with the space, is slow to write down."""
        return [
            {
                "trial_id": trial.trial_id,
                "hyperparameters": {"values": unnoted(trial.hyperparameters.values)},
                "score": trial.score,
                "status": trial.status,
                "message": trial.message,
                "unread": self.unread.get(trial.trial_id, ()),
            }
            for trial in self.trials.values()
        ]

    def records(self) -> dict[str, TrialRecord]:
        """The trials, by id, in their order."""
        return {state["trial_id"]: TrialRecord.from_state(i, state) for i, state in enumerate(self.trial_states())}

    def get_space(self) -> kt.HyperParameters:
        """A copy of the search space."""
        return SteadyHyperParameters.from_config(self.hyperparameters.get_config())

    def get_state(self) -> dict[str, Any]:
        """Everything but the trials, as JSON."""
        return {
            **super().get_state(),
            "format": project.FORMAT,
            "keras_bayes": __version__,
            "proposals": self.proposals,
            "unread": self.unread,
            "deaths": self._deaths,
            "declared": self._declared.to_state(),
            "objective": self._objective_parts(),
            "times": self.timesheet.to_state(),
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes up a state; what the constructor was given explicitly stays as it was given."""
        now, saved = self.hyperparameters.get_config(), Declared.from_state(state.get("declared"))
        now = of_same_kinds(state["hyperparameters"], now, self._declared.left_out_since(saved), self.project_folder)
        declared = kt.HyperParameters.from_config(now)
        super().set_state(state)
        known = {hp.name for hp in declared.space} | self._declared.removed_since(saved)
        declared.merge([hp for hp in self.hyperparameters.space if hp.name not in known])
        Space.from_config(declared.get_config())
        self.hyperparameters = declared
        self._declared = self._declared.or_as_in(saved, known)
        self.seed = self.seed if self._given_seed is None else self._given_seed
        self.proposals = state.get("proposals", {})
        self.unread = state.get("unread", {})
        self._deaths = state.get("deaths", {})
        if "times" in state:
            self.timesheet.take_up(state["times"])

    def save(self) -> None:
        """Writes `oracle.json`, and what else is not yet on the disk."""
        with self.writing():
            pass

    def reload(self) -> None:
        """Takes up the search in the project folder, whatever moment it was interrupted at.

        Raises:
            ProjectError: The folder belongs to a search of another kind, for another objective or of a later release,
                or a hyperparameter has become another.
        """
        if _is_remote(self.project_folder):
            super().reload()
            self.trials = dict(sorted(self.trials.items(), key=lambda item: trial_order(item[0])))
            return
        folder = Path(self.project_folder)
        stamp = project.stamp(folder)
        trials = project.read_trials(folder, _trial, self._on_broken)
        saved = project.read_oracle(folder, _search, self._on_broken)
        self.trials = {trial_id: found.trial for trial_id, found in trials.items()}
        statuses = {trial_id: trial.status for trial_id, trial in self.trials.items()}
        state = project.reconcile(saved or self.get_state(), statuses)
        waiting = state["retry_queue"] if saved else ()
        unknown = set(trials) - {*(saved or {}).get("end_order", ()), *waiting}
        state["hyperparameters"] = self._space_with(unknown, state["hyperparameters"])
        states = [found.state for found in trials.values()]
        check_objective((saved or {}).get("objective"), states, self._objective_parts(), folder)
        self._died = {trial_id for trial_id, status in statuses.items() if status == "RUNNING"}
        self._ran_on = {i: tuner_id for tuner_id, i in (saved or {}).get("ongoing_trials", {}).items()}
        state |= told_of_trials(state, {trial_id: found.state for trial_id, found in trials.items()})
        try:
            self.set_state(state)
        except KeyError as error:
            raise ProjectError(
                f"The project at {folder} was not written by a Bayesian search ({error} is missing from oracle.json). "
                f"{ADVICE}"
            ) from error
        except SearchSpaceError as error:
            raise ProjectError(f"The space in {folder / project.ORACLE_FILE} cannot be searched: {error}") from error
        for trial_id in self._died:
            for epoch in read_curve(project.trial_folder(folder, trial_id))[-1:]:
                self.timesheet.saw(trial_id, epoch.ended)
        self._stamp = stamp

    def _set_project_dir(self, directory: Any, project_name: Any) -> None:
        check_project_name(project_name)
        super()._set_project_dir(directory, os.fspath(project_name))
        self.ledger = EpochLedger(Path(self.project_folder))

    def _on_broken(self, path: Path, content: bytes, reason: str) -> None:
        """Sets a broken file aside if this process may write, or else only says that there is one."""
        folder = Path(self.project_folder)
        if is_held_here(folder):
            project.set_aside(path, content, reason)
            return
        try:
            self._claim.take(folder)
        except (ProjectInUseError, OSError):
            project.leave_out(path, content, reason)
            return
        project.set_aside(path, content, reason)
        self._claim.release(folder)

    def _space_with(self, trial_ids: set[str], space: dict[str, Any]) -> dict[str, Any]:
        """The space of a project, and what trials have found that its state does not know yet."""
        hyperparameters = kt.HyperParameters.from_config(space)
        for trial_id in sorted(trial_ids, key=trial_order):
            names = {hp.name for hp in hyperparameters.space}
            hyperparameters.merge([hp for hp in self.trials[trial_id].hyperparameters.space if hp.name not in names])
        return dict(hyperparameters.get_config())

    def _objective_parts(self) -> list[list[Any]]:
        """Name and direction of each part of the objective."""
        return [[part.name, part.direction] for part in parts(self.objective)]

    def _save_trial(self, trial: Trial) -> None:
        if _is_remote(self.project_folder):
            super()._save_trial(trial)
        else:
            saved = copy.copy(trial)  # of which a running trial does not look its values up
            saved.hyperparameters = copy.copy(trial.hyperparameters)
            saved.hyperparameters.values = unnoted(trial.hyperparameters.values)
            state = saved.get_state()
            told = {name: getattr(self, attribute) for attribute, name in OF_TRIALS.items()}
            state |= {name: of_all[trial.trial_id] for name, of_all in told.items() if trial.trial_id in of_all}
            self.writer.write_state(project.trial_file(self.project_folder, trial.trial_id), state)


class _SavedTrial(NamedTuple):
    """A trial and what its file holds."""

    trial: Trial
    state: dict[str, Any]


def _trial(state: dict[str, Any]) -> _SavedTrial:
    return _SavedTrial(Trial.from_state(check_trial(state)), state)


def _search(state: dict[str, Any]) -> dict[str, Any]:
    check_oracle(state)
    kt.HyperParameters.from_config(copy.deepcopy(state["hyperparameters"]))  # which changes what it is given
    return state


def _is_remote(folder: str) -> bool:
    return "://" in folder
