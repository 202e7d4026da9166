import errno
import json
import os
import warnings
from pathlib import Path

import pytest

from keras_bayes import project
from keras_bayes.errors import KerasBayesWarning, ProjectError
from keras_bayes.project import (
    ORACLE_FILE,
    exists,
    has_weights,
    read_oracle,
    read_trials,
    reconcile,
    remove_leftovers,
    replace_by,
    sealed,
    write_text,
)
from keras_bayes.states import check_oracle, check_trial

ORACLE = {
    "ongoing_trials": {},
    "hyperparameters": {"space": [], "values": {}},
    "start_order": ["0"],
    "end_order": [],
    "run_times": {"0": 1},
    "retry_queue": [],
    "seed": 7,
    "seed_state": 7,
    "tried_so_far": [],
    "id_to_hash": {},
    "display": {"search_start": None, "trial_start": {}, "trial_number": {}},
}


def write_json(path, content):
    write_text(path, json.dumps(content))


def checked_oracle(state):
    check_oracle(state)
    return state


def checked_trial(state):
    check_trial(state)
    return state


def trial_state(trial_id, status="COMPLETED"):
    return {
        "trial_id": trial_id,
        "hyperparameters": {"space": [], "values": {"units": 3}},
        "metrics": {"metrics": {}},
        "score": 0.5,
        "best_step": 0,
        "status": status,
        "message": None,
    }


def write_trials(folder, *trial_ids):
    for trial_id in trial_ids:
        write_json(folder / f"trial_{trial_id}" / "trial.json", trial_state(trial_id))


def files_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_what_is_written_can_be_read(tmp_path):
    write_json(tmp_path / ORACLE_FILE, ORACLE)

    state = read_oracle(tmp_path, checked_oracle)

    assert state == ORACLE


def test_a_file_is_written_into_a_folder_that_does_not_exist_yet(tmp_path):
    path = tmp_path / "search" / "trial_0" / "trial.json"

    write_json(path, {"größe": 1})

    assert json.loads(path.read_text(encoding="utf-8")) == {"größe": 1}
    assert files_in(path.parent) == ["trial.json"]


def test_a_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / ORACLE_FILE
    write_json(path, {"old": list(range(1000))})
    inode = path.stat().st_ino

    write_json(path, {"new": 1})

    assert json.loads(path.read_text(encoding="utf-8")) == {"new": 1}
    assert path.stat().st_ino != inode
    assert files_in(tmp_path) == [ORACLE_FILE]


def test_content_that_cannot_be_written_leaves_the_old_file_alone(tmp_path):
    path = tmp_path / ORACLE_FILE
    write_json(path, {"old": 1})

    with pytest.raises(TypeError):
        write_json(path, {"new": 1, "broken": object()})

    assert json.loads(path.read_text(encoding="utf-8")) == {"old": 1}
    assert files_in(tmp_path) == [ORACLE_FILE]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_an_interruption_leaves_the_old_file_alone(tmp_path, monkeypatch, step, error):
    path = tmp_path / ORACLE_FILE
    write_json(path, {"old": 1})

    def interrupt(*_):
        raise error

    monkeypatch.setattr(project.os, step, interrupt)
    with pytest.raises(error):
        write_json(path, {"new": 1})
    monkeypatch.undo()

    assert json.loads(path.read_text(encoding="utf-8")) == {"old": 1}
    assert files_in(tmp_path) == [ORACLE_FILE]


def test_content_is_on_the_disk_before_it_takes_the_name(tmp_path, monkeypatch):
    steps, fsync, replace = [], os.fsync, os.replace
    monkeypatch.setattr(project.os, "fsync", lambda handle: (steps.append(os.fstat(handle).st_size), fsync(handle)))
    monkeypatch.setattr(project.os, "replace", lambda *paths: (steps.append("replace"), replace(*paths)))

    write_json(tmp_path / ORACLE_FILE, {"a": 1})

    assert steps == [len('{"a": 1}'), "replace"]


def test_an_empty_folder_holds_no_search(tmp_path):
    (tmp_path / "trial_0").mkdir()

    assert [exists(tmp_path), exists(tmp_path / "missing")] == [False, False]


def test_an_oracle_or_a_trial_is_a_search(tmp_path):
    write_json(tmp_path / "a" / ORACLE_FILE, ORACLE)
    write_trials(tmp_path / "b", "0")

    assert [exists(tmp_path / "a"), exists(tmp_path / "b")] == [True, True]


def test_a_missing_oracle_is_none_without_a_warning(tmp_path):
    state = read_oracle(tmp_path, checked_oracle)

    assert state is None
    assert files_in(tmp_path) == []


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"3", b'"text"', b"{}", b'{"seed": 1}', b"\xff\xfe\x00", b"\x00" * 64],
    ids=repr,
)
def test_a_broken_oracle_is_set_aside(tmp_path, content):
    (tmp_path / ORACLE_FILE).write_bytes(content)

    with pytest.warns(
        KerasBayesWarning, match=r"oracle\.json is broken .* set aside as oracle\.json\.corrupt"
    ) as caught:
        state = read_oracle(tmp_path, checked_oracle)

    assert state is None
    assert len(caught) == 1
    assert files_in(tmp_path) == ["oracle.json.corrupt"]
    assert (tmp_path / "oracle.json.corrupt").read_bytes() == content


def test_a_file_cut_off_at_any_byte_is_set_aside(tmp_path):
    path = tmp_path / "trial_0" / "trial.json"
    write_trials(tmp_path, "0", "1")
    whole = path.read_bytes()

    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            trials = read_trials(tmp_path, checked_trial)

        assert [warning.category for warning in caught] == [KerasBayesWarning]
        assert list(trials) == ["1"]
        assert path.with_name("trial.json.corrupt").read_bytes() == whole[:end]
        assert not path.exists()


def test_what_was_set_aside_is_not_read_again(tmp_path):
    (tmp_path / ORACLE_FILE).write_text("{", encoding="utf-8")
    with pytest.warns(KerasBayesWarning):
        read_oracle(tmp_path, checked_oracle)

    state = read_oracle(tmp_path, checked_oracle)

    assert state is None
    assert files_in(tmp_path) == ["oracle.json.corrupt"]


@pytest.mark.parametrize("key", list(trial_state("0")))
def test_a_trial_that_lacks_an_entry_is_broken(tmp_path, key):
    state = trial_state("0")
    del state[key]
    write_json(tmp_path / "trial_0" / "trial.json", state)

    with pytest.warns(KerasBayesWarning, match=rf"trial\.json is broken .*'{key}'"):
        trials = read_trials(tmp_path, checked_trial)

    assert trials == {}


def test_a_sealed_state_is_read_as_it_was(tmp_path):
    state = {**trial_state("0"), "score": 0.1, "message": 'größe "{}"\n', "1": [1e-300, 1e22, -0.0, 3]}
    write_text(tmp_path / "trial_0" / "trial.json", sealed(state))

    trials = read_trials(tmp_path, checked_trial)

    assert trials == {"0": state}


def test_any_flipped_bit_of_a_sealed_file_is_seen_or_changes_nothing(tmp_path):
    path = tmp_path / "trial_0" / "trial.json"
    write_text(path, sealed(trial_state("0")))
    whole = path.read_bytes()

    num_seen = 0
    for bit in range(0, 8 * len(whole), 3):  # each byte, and each bit of some
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            trials = read_trials(tmp_path, checked_trial)
        num_seen += len(caught)
        for state in trials.values():
            assert trial_state("0").items() <= state.items()

    assert num_seen > 0.9 * 8 / 3 * len(whole)


def test_a_trial_in_the_folder_of_another_is_broken(tmp_path):
    write_json(tmp_path / "trial_1" / "trial.json", trial_state("0"))

    with pytest.warns(KerasBayesWarning, match="it holds trial '0'"):
        trials = read_trials(tmp_path, checked_trial)

    assert trials == {}


def test_a_file_that_was_written_anew_is_not_set_aside(tmp_path):
    path = tmp_path / ORACLE_FILE
    path.write_text("{", encoding="utf-8")
    write_json(path, ORACLE)

    with pytest.warns(KerasBayesWarning):
        project.set_aside(path, b"{", "truncated")

    assert files_in(tmp_path) == [ORACLE_FILE]


def test_a_later_format_is_refused_with_its_release_and_what_to_do(tmp_path):
    write_json(tmp_path / ORACLE_FILE, {"format": 2, "keras_bayes": "9.1.0", "something": "else", "checksum": "new"})

    with pytest.raises(
        ProjectError, match=r"oracle\.json has format 2, written by keras_bayes 9\.1\.0.*Update keras_b"
    ):
        read_oracle(tmp_path, checked_oracle)

    assert files_in(tmp_path) == [ORACLE_FILE]


def test_temporary_files_of_dead_writers_are_removed_and_no_others(tmp_path):
    dead = [
        tmp_path / ".oracle.json.abcd-77-1.tmp",
        tmp_path / "trial_0" / ".checkpoint.weights.h5.abcd-7-1.tmp.weights.h5",
    ]
    others = [tmp_path / f".oracle.json.{project.process()}-1.tmp", tmp_path / ".notes.tmp", tmp_path / "a-b-c.tmp"]
    (tmp_path / "trial_0").mkdir()
    for path in dead + others:
        path.touch()

    project.remove_leftovers(tmp_path)

    assert [path.exists() for path in dead] == [False, False]
    assert [path.exists() for path in others] == [True, True, True]


def test_trials_are_read_in_the_order_of_their_numbers(tmp_path):
    write_trials(tmp_path, "10", "9", "0", "100", "2")

    trials = read_trials(tmp_path, checked_trial)

    assert list(trials) == ["0", "2", "9", "10", "100"]
    assert trials["10"] == trial_state("10")


def oracle_state(**changes):
    state = {"start_order": [], "end_order": [], "ongoing_trials": {}, "retry_queue": [], "run_times": {}, "seed": 7}
    return {**state, **changes}


def trials_of(**statuses):
    """Statuses by id: `t0="RUNNING"` is the running trial "0"."""
    return {name[1:]: status for name, status in statuses.items()}


def test_a_trial_that_was_running_runs_again():
    oracle = oracle_state(start_order=["0", "1"], end_order=["0"], ongoing_trials={"tuner0": "1"})

    state = reconcile(oracle, trials_of(t0="COMPLETED", t1="RUNNING"))

    assert state["retry_queue"] == ["1"]
    assert state["ongoing_trials"] == {}
    assert state["end_order"] == ["0"]


def test_a_trial_that_waits_for_a_retry_keeps_waiting():
    oracle = oracle_state(start_order=["0"], retry_queue=["0"])

    state = reconcile(oracle, trials_of(t0="INVALID"))

    assert state["retry_queue"] == ["0"]
    assert state["end_order"] == []


@pytest.mark.parametrize("status", ["COMPLETED", "FAILED"])
def test_a_trial_that_has_ended_does_not_wait_for_a_retry(status):
    oracle = oracle_state(start_order=["0"], retry_queue=["0"], ongoing_trials={"tuner0": "0"})

    state = reconcile(oracle, trials_of(t0=status))

    assert state["retry_queue"] == []
    assert state["end_order"] == ["0"]


def test_trials_without_a_file_are_forgotten():
    oracle = oracle_state(start_order=["0", "7"], end_order=["7", "0"], retry_queue=["8"], ongoing_trials={"t": "9"})

    state = reconcile(oracle, trials_of(t0="COMPLETED"))

    assert (state["start_order"], state["end_order"]) == (["0"], ["0"])
    assert (state["retry_queue"], state["ongoing_trials"]) == ([], {})


def test_how_often_a_trial_without_a_file_has_run_is_forgotten():
    state = reconcile(oracle_state(run_times={"0": 1, "7": 2}), trials_of(t0="COMPLETED"))

    assert state["run_times"] == {"0": 1}


def test_trials_that_the_oracle_does_not_know_join_the_orders_at_the_end():
    oracle = oracle_state(start_order=["1", "0"], end_order=["1"])

    state = reconcile(oracle, trials_of(t0="COMPLETED", t1="COMPLETED", t2="FAILED", t3="RUNNING"))

    assert state["start_order"] == ["1", "0", "2", "3"]
    assert state["end_order"] == ["1", "0", "2"]


def test_a_trial_that_ended_twice_is_listed_once():
    oracle = oracle_state(start_order=["0", "0"], end_order=["0", "0"])

    state = reconcile(oracle, trials_of(t0="COMPLETED"))

    assert (state["start_order"], state["end_order"]) == (["0"], ["0"])


def test_the_rest_of_the_state_stays():
    oracle = oracle_state(seed=7, extra={"a": 1}, deaths={"0": 1})
    before = json.dumps(oracle)

    state = reconcile(oracle, trials_of(t0="RUNNING"))

    assert (state["seed"], state["extra"], state["deaths"]) == (7, {"a": 1}, {"0": 1})
    assert json.dumps(oracle) == before


def test_a_state_that_fits_its_trials_is_not_changed():
    trials = trials_of(t0="COMPLETED", t1="FAILED", t2="INVALID")
    state = reconcile(oracle_state(), trials)

    again = reconcile(state, trials)

    assert again == state


def test_weights_that_are_being_written_are_not_there_yet(tmp_path):
    path, found = tmp_path / "trial_0" / "checkpoint.weights.h5", []

    def write(temporary):
        temporary.touch()
        found.append(has_weights(tmp_path, "0"))

    replace_by(path, write)

    assert [*found, has_weights(tmp_path, "0")] == [False, True]


def test_a_leftover_that_cannot_be_removed_is_no_reason_to_leave_others(tmp_path):
    (tmp_path / ".oracle.json.ab-1-2.tmp").mkdir()  # which `unlink` refuses, as Windows what is open
    (tmp_path / "trial_0").mkdir()
    (tmp_path / "trial_0" / ".trial.json.ab-1-2.tmp").touch()

    remove_leftovers(tmp_path)

    assert [path.name for path in tmp_path.rglob("*.tmp")] == [".oracle.json.ab-1-2.tmp"]


def test_a_file_that_is_busy_for_a_moment_is_read(tmp_path, monkeypatch):
    write_text(tmp_path / "trial_0" / "trial.json", sealed(trial_state("0")))
    monkeypatch.setattr("keras_bayes.busy_files.PASSING", {errno.EACCES})
    read_bytes, calls = Path.read_bytes, []

    def busy_at_first(path):
        calls.append(path)
        if len(calls) == 1:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", busy_at_first)

    assert list(read_trials(tmp_path, check_trial)) == ["0"]
