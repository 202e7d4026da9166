"""Broken files: whatever a folder holds, intact trials are kept, and the search goes on or says what is wrong.

`KERAS_BAYES_THOROUGH=1` goes through every byte of every file, and through more mutations.
"""

from __future__ import annotations

import copy
import json
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from searches import make_oracle, mixed_loss, mixed_space, run_search

import keras_bayes
from tests.faults import warned

NUM_TRIALS = 4
STEP, NUM_MUTATIONS = (1, 1000) if os.environ.get("KERAS_BAYES_THOROUGH") else (11, 300)
FILES = ["oracle.json", *(f"trial_0{i}/trial.json" for i in range(NUM_TRIALS))]
every_file = pytest.mark.parametrize("name", FILES)


def make(folder):
    return make_oracle(folder, hyperparameters=mixed_space())


def scores(oracle):
    return {i: trial.score for i, trial in oracle.trials.items() if trial.status == "COMPLETED"}


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A folder with a search of some completed trials and one that was killed, results from elsewhere and a queue."""
    folder = tmp_path_factory.mktemp("original")
    oracle = make(folder)
    oracle.add_observation({"lr": 0.01, "layers": 2, "units": 256, "optimizer": "adam", "augment": True}, 0.5)
    run_search(oracle, mixed_loss, num_trials=NUM_TRIALS - 1)
    oracle.enqueue({"units": 384})
    oracle.create_trial("tuner0")
    oracle.enqueue({"units": 128})
    oracle.release()
    return folder


@pytest.fixture
def project(original, tmp_path, monkeypatch):
    """A copy of it, on a disk that need not be waited for."""
    monkeypatch.setattr("os.fsync", lambda handle: None)
    shutil.copytree(original / "search", tmp_path / "search")
    return tmp_path / "search"


def others(original, name):
    """Completed trials that are not in the file, with their scores."""
    oracle = make(original)
    oracle.reload()
    return {i: score for i, score in scores(oracle).items() if name != f"trial_{i}/trial.json"}


def check(project, name, content, expected):
    """Looks at a project one file of which holds something else."""
    path = project / name
    aside = path.with_name(path.name + ".corrupt")
    path.write_bytes(content)
    oracle = make(project.parent)

    with warned() as messages:
        oracle.reload()
    with warned() as later:
        make(project.parent).reload()

    assert expected.items() <= scores(oracle).items()
    assert later == []
    if messages:
        assert len(messages) == 1
        assert str(path) in messages[0]
        assert aside.read_bytes() == content
        assert not path.exists()
        aside.unlink()
    return bool(messages)


@every_file
@pytest.mark.parametrize("step", [61, pytest.param(STEP, marks=pytest.mark.slow)])
def test_a_file_that_ends_anywhere(project, original, name, step):
    whole = (project / name).read_bytes()
    expected = others(original, name)

    for end in range(0, len(whole), step):
        assert check(project, name, whole[:end], expected), end


@every_file
@pytest.mark.parametrize("step", [67, pytest.param(STEP, marks=pytest.mark.slow)])
def test_a_file_with_a_wrong_byte(project, original, name, step):
    whole = (project / name).read_bytes()
    expected = others(original, name)
    unharmed = others(original, "")

    for i in range(0, len(whole), step):
        damaged = bytearray(whole)
        damaged[i] ^= 1 << i % 8
        try:
            is_broken = check(project, name, bytes(damaged), expected)
        except keras_bayes.KerasBayesError as error:  # the number of the format
            assert str(project / name) in str(error)  # noqa: PT017
            continue
        if not is_broken:
            check(project, name, bytes(damaged), unharmed)


@every_file
def test_a_file_that_is_gone(project, original, name):
    (project / name).unlink()
    oracle = make(project.parent)

    oracle.reload()
    trials = run_search(oracle, mixed_loss, num_trials=3)

    assert others(original, name).items() <= scores(oracle).items()
    assert len(trials) == 3


@every_file
def test_a_search_goes_on_without_an_empty_file(project, original, name):
    (project / name).write_bytes(b"")
    oracle = make(project.parent)

    with warned() as messages:
        trials = run_search(oracle, mixed_loss, num_trials=3)

    assert len(messages) == 1
    assert len({trial.trial_id for trial in trials}) == 3
    assert others(original, name).items() <= scores(oracle).items()


def test_only_who_may_write_sets_a_file_aside(project, original, monkeypatch):
    def refuse(*_):
        raise keras_bayes.errors.ProjectInUseError("another process")

    (project / FILES[1]).write_text("{")
    monkeypatch.setattr("keras_bayes.lock.Claim.take", refuse)

    with warned() as messages:
        oracle = make(project.parent)
        oracle.reload()

    assert (project / FILES[1]).read_text() == "{"
    assert len(messages) == 1
    assert "left out" in messages[0]
    assert len(scores(oracle)) == NUM_TRIALS - 2


def test_a_file_that_cannot_be_opened_is_an_error_with_its_name(project, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)

    with pytest.raises(keras_bayes.KerasBayesError, match=r"trial\.json cannot be read: Permission denied"):
        make(project.parent).reload()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def mutated(draw, content):
    """Real JSON with one entry replaced, removed, doubled or renamed."""
    content = copy.deepcopy(content)
    places = []

    def visit(node):
        for key in node if isinstance(node, dict) else range(len(node)):
            places.append((node, key))
            if isinstance(node[key], (dict, list)):
                visit(node[key])

    visit(content)
    node, key = draw(st.sampled_from(places))
    how = draw(st.sampled_from(["replace", "like", "remove", "rename"]))
    old = node.pop(key)
    if how == "like":  # the right type, perhaps the wrong value
        new = {str: st.text(), int: st.integers(), float: st.floats(), bool: st.booleans()}.get(type(old), json_values)
    else:
        new = json_values
    if isinstance(node, list):
        if how != "remove":
            node.insert(key, draw(new))
    elif how == "rename":
        node[draw(st.text(max_size=8))] = old
    elif how != "remove":
        node[key] = draw(new)
    return content


@pytest.fixture(scope="module")
def contents(original):
    """What the files hold, without their checksums."""
    found = {name: json.loads((original / "search" / name).read_text()) for name in FILES}
    for content in found.values():
        del content["checksum"]
    return found


def check_json(original, name, content):
    """A search in a folder one file of which holds other JSON: an error of the package with the file, or it goes on."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda handle: None)
        project = Path(folder) / "search"
        shutil.copytree(original / "search", project)
        (project / name).write_text(json.dumps(content))
        oracle = make(folder)

        with warned() as messages:
            try:
                oracle.reload()
                run_search(oracle, lambda values: float(len(values)), num_trials=2)
            except keras_bayes.KerasBayesError as error:
                assert str(project) in str(error)  # noqa: PT017
                return

        assert {"00", "02"} <= scores(oracle).keys()
        assert all(str(project / name) in message or "Enqueued" in message for message in messages)


names = st.sampled_from(["oracle.json", "oracle.json", "trial_01/trial.json", "trial_03/trial.json"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=40)
@given(name=names, content=json_values)
def test_no_json_does_more_than_be_set_aside(original, name, content):
    check_json(original, name, content)


@pytest.mark.parametrize("num_examples", [60, pytest.param(NUM_MUTATIONS, marks=pytest.mark.slow)])
def test_no_mutation_of_a_file_does_more_than_that(original, contents, num_examples):
    @settings(max_examples=num_examples)
    @given(data=st.data())
    def check_mutations(data):
        name = data.draw(names)
        check_json(original, name, data.draw(mutated(contents[name])))

    check_mutations()
