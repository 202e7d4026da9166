"""A search as a machine: whatever happens to it, in whatever order, its promises hold."""

from __future__ import annotations

import copy
import shutil
import tempfile
from pathlib import Path

import keras_tuner as kt
import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from searches import make_oracle

from keras_bayes.space import Space
from tests.spaces import active_names, integer, is_legal, search_spaces

WORKERS = ("anna", "bert", "cleo")
MAX_RETRIES = 1
MAX_DEATHS = 2

losses = st.one_of(st.floats(-1e308, 1e308), st.sampled_from([float("nan"), float("inf"), -float("inf"), 0, 1]))
bounds = st.sampled_from([(1, 3), (1, 1), (2, 4), (3, 9)])


class Search(RuleBasedStateMachine):
    """An oracle beside a plain account of what its trials must be."""

    num_steps = 0

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.num_late = 0  # hyperparameters that came later
        self.found = set()  # those of them that trials have found
        self.statuses, self.scores, self.runs, self.deaths = {}, {}, {}, {}  # by trial
        self.proposed = {}  # values, by trial
        self.given_up = set()  # trials that were waiting and have become useless
        self.running = {}  # trials, by worker
        self.waiting = set()  # trials that run next
        self.losses = {}  # what a running trial has reported

    def teardown(self):
        shutil.rmtree(self.folder)

    @initialize(config=search_spaces(max_entries=3), max_trials=st.sampled_from([None, 3, 30]), seed=st.integers(0, 9))
    def begin(self, config, max_trials, seed):
        self.config, self.arguments = config, {"max_trials": max_trials, "seed": seed}
        self.oracle = self.new_oracle()

    def new_oracle(self):
        declared = [entry for name, entry in self.entries.items() if name not in self.found]
        hyperparameters = kt.HyperParameters.from_config({"space": copy.deepcopy(declared), "values": {}})
        return make_oracle(
            self.folder, hyperparameters=hyperparameters, max_retries_per_trial=MAX_RETRIES, **self.arguments
        )

    @rule(worker=st.sampled_from(WORKERS))
    def create(self, worker):
        trial = self.oracle.create_trial(worker)

        if worker in self.running:
            assert trial is self.running[worker]
            return
        for trial_id in sorted(self.waiting):  # given up on the way to the next one
            if self.oracle.trials[trial_id].status == "FAILED":
                values = self.proposed[trial_id]
                is_deadly = self.deaths.get(trial_id, 0) >= MAX_DEATHS
                assert is_deadly or not self.is_inside(values) or self.key(values) in self.keys(besides=trial_id)
                if not is_deadly or not self.is_inside(values):
                    self.given_up.add(trial_id)
                self.statuses[trial_id] = "FAILED"
                self.waiting.remove(trial_id)
        if trial.status == "STOPPED":
            assert not self.waiting
            assert self.is_spent() or self.is_exhausted()
            return
        assert trial.status == "RUNNING"
        values = trial.hyperparameters.values
        if self.waiting:
            self.waiting.remove(trial.trial_id)
            assert values == self.completed(self.proposed.pop(trial.trial_id))
        else:
            assert int(trial.trial_id) == len(self.statuses)
        assert set(values) == active_names(self.config, values)
        assert self.is_inside(values)
        assert self.key(values) not in self.keys()
        self.proposed[trial.trial_id] = dict(values)
        self.statuses[trial.trial_id] = "RUNNING"
        self.running[worker] = trial
        self.losses.pop(trial.trial_id, None)

    def is_spent(self):
        return self.arguments["max_trials"] is not None and len(self.statuses) >= self.arguments["max_trials"]

    def is_exhausted(self):
        return len(self.keys()) >= len(Space.from_config(self.config).points(10**4))

    def keys(self, besides=None):
        """Configurations of the trials that lie in the space as it is now, and were not given up before they ran."""
        others = {i: values for i, values in self.proposed.items() if i != besides and i not in self.given_up}
        return {self.key(values) for values in others.values() if self.is_inside(values)}

    def is_inside(self, values):
        return all(is_legal(self.entries[name], value) for name, value in self.completed(values).items())

    @property
    def entries(self):
        return {entry["config"]["name"]: entry for entry in self.config["space"]}

    def completed(self, values):
        """The active values among the proposed ones, with the defaults of what has been declared since."""
        complete = {name: values.get(name, default(entry["config"])) for name, entry in self.entries.items()}
        return {name: complete[name] for name in complete if name in active_names(self.config, complete)}

    def key(self, values):
        values = self.completed(values)
        return tuple(
            (name, float(f"{value:.9g}") if type(value) is float else value) for name, value in sorted(values.items())
        )

    @precondition(lambda self: self.running)
    @rule(data=st.data(), loss=losses, step=st.integers(0, 3))
    def update(self, data, loss, step):
        trial = self.running[data.draw(st.sampled_from(sorted(self.running)))]
        self.oracle.update_trial(trial.trial_id, {"loss": loss}, step=step)
        self.losses.setdefault(trial.trial_id, []).append((step, loss))

    @precondition(lambda self: self.running)
    @rule(data=st.data(), loss=losses, what=st.sampled_from(["nothing", "finds", "is killed while it is written down"]))
    def complete(self, data, loss, what):
        worker = data.draw(st.sampled_from(sorted(self.running)))
        trial = copy.deepcopy(self.running.pop(worker))
        if what == "finds":
            name = self.add()
            trial.hyperparameters.Int(name, 1, 3)
            self.found.add(name)
            self.proposed[trial.trial_id][name] = 1
        self.oracle.update_trial(trial.trial_id, {"loss": loss}, step=9)
        reported = [*self.losses.pop(trial.trial_id, []), (9, loss)]
        trial.status = "COMPLETED"
        before = (self.folder / "search" / "oracle.json").read_bytes()
        self.oracle.end_trial(trial)
        self.runs[trial.trial_id] = self.runs.get(trial.trial_id, 0) + 1
        score = lowest(reported)
        if all(np.isfinite(value) for _, value in reported) and np.isfinite(score):
            self.statuses[trial.trial_id] = "COMPLETED"
            self.scores[trial.trial_id] = score
        else:
            self.fail(trial.trial_id)
        if what == "is killed while it is written down":
            (self.folder / "search" / "oracle.json").write_bytes(before)
            self.runs[trial.trial_id] -= 1
            self.kill()

    @precondition(lambda self: self.running)
    @rule(data=st.data(), status=st.sampled_from(["INVALID", "FAILED"]))
    def crash(self, data, status):
        worker = data.draw(st.sampled_from(sorted(self.running)))
        trial = copy.deepcopy(self.running.pop(worker))
        self.losses.pop(trial.trial_id, None)
        trial.status, trial.message = status, "out of memory"
        self.oracle.end_trial(trial)
        self.runs[trial.trial_id] = self.runs.get(trial.trial_id, 0) + 1
        if status == "FAILED":
            self.statuses[trial.trial_id] = "FAILED"
        else:
            self.fail(trial.trial_id)

    def fail(self, trial_id):
        if self.runs[trial_id] <= MAX_RETRIES:
            self.statuses[trial_id] = "INVALID"
            self.waiting.add(trial_id)
        else:
            self.statuses[trial_id] = "FAILED"

    @rule()
    def kill(self):
        for trial in self.running.values():
            self.waiting.add(trial.trial_id)
            self.deaths[trial.trial_id] = self.deaths.get(trial.trial_id, 0) + 1
        self.running, self.losses = {}, {}
        self.oracle = self.new_oracle()
        self.oracle.reload()

    @rule(worker=st.sampled_from(WORKERS))
    def interrupt(self, worker):
        self.oracle.interrupt(worker)
        if worker in self.running:
            trial = self.running.pop(worker)
            self.statuses[trial.trial_id] = "INVALID"
            self.waiting.add(trial.trial_id)
            self.losses.pop(trial.trial_id, None)

    def add(self):
        """Adds a hyperparameter; returns its name."""
        self.num_late += 1
        self.config["space"].append(integer(f"late{self.num_late}", 1, 3))
        return f"late{self.num_late}"

    @rule()
    def enlarge(self):
        self.add()
        self.kill()

    @precondition(lambda self: self.declared_late())
    @rule(data=st.data(), bounds=st.one_of(st.none(), bounds))
    def redeclare(self, data, bounds):
        """Starts the program again with a hyperparameter that has other bounds, or none."""
        name = data.draw(st.sampled_from(self.declared_late()))
        self.config["space"] = [entry for entry in self.config["space"] if entry["config"]["name"] != name]
        if bounds is not None:
            self.config["space"].append(integer(name, *bounds))
        self.kill()

    def declared_late(self):
        return sorted(name for name in self.entries if name.startswith("late") and name not in self.found)

    @invariant()
    def counts_are_right(self):
        type(self).num_steps += 1
        assert {i: trial.status for i, trial in self.oracle.trials.items()} == self.statuses
        assert sorted(map(int, self.statuses)) == list(range(len(self.statuses)))

    @invariant()
    def values_are_python(self):
        for trial in self.oracle.trials.values():
            assert {type(value) for value in trial.hyperparameters.values.values()} <= {int, float, str, bool}

    @invariant()
    def the_best_is_the_smallest_loss(self):
        scores = [self.scores[i] for i, status in self.statuses.items() if status == "COMPLETED"]
        assert [trial.score for trial in self.oracle.get_best_trials(1000)] == sorted(scores)

    @precondition(lambda self: self.statuses)
    @invariant()
    def reload_equals_memory(self):
        twin = self.new_oracle()
        twin.reload()
        assert trial_states(twin) == trial_states(self.oracle)
        ours, theirs = self.oracle.get_state(), twin.get_state()
        assert set(theirs["retry_queue"]) == set(ours["retry_queue"]) | set(ours["ongoing_trials"].values())
        assert theirs["hyperparameters"]["space"] == ours["hyperparameters"]["space"]
        for name in ("retry_queue", "ongoing_trials", "hyperparameters", "display"):
            del ours[name], theirs[name]
        assert theirs == ours


def lowest(reported):
    """The lowest loss; a step that is reported more than once has their mean, as in keras-tuner."""
    return min(np.mean([loss for s, loss in reported if s == step]) for step, _ in reported)


def default(config):
    """What a hyperparameter is in trials that do not know it."""
    return config["default"] if config.get("default") is not None else config.get("value", config.get("min_value"))


def trial_states(oracle):
    return {i: trial.get_state() for i, trial in oracle.trials.items()}


def run(max_examples, num_steps):
    Search.num_steps = 0
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        Search,
        settings=settings(
            max_examples=max_examples, stateful_step_count=num_steps, deadline=None, suppress_health_check=checks
        ),
    )


def test_promises_hold_whatever_happens():
    run(max_examples=15, num_steps=25)


@pytest.mark.slow
def test_promises_hold_for_ten_thousand_steps():
    run(max_examples=400, num_steps=50)

    assert Search.num_steps >= 10**4
