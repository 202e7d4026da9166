import os
import shutil

import pytest

from keras_bayes.errors import ProjectError
from keras_bayes.lock import HOLDER_FILE, LOCK_FILE
from keras_bayes.removal import remove_project


@pytest.fixture
def project(tmp_path):
    """A folder with a search and a file of the user."""
    folder = tmp_path / "search"
    (folder / "trial_0").mkdir(parents=True)
    (folder / "oracle.json").write_text("{}")
    (folder / "trial_0" / "trial.json").write_text("{}")
    (folder / "notes.txt").write_text("mine")
    return folder


def names(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith(LOCK_FILE))


def test_a_project_is_removed_with_all_it_holds(project):
    remove_project(project)

    assert names(project) == []


def test_the_lock_stays_since_others_may_wait_for_it(project):
    (project / LOCK_FILE).touch()
    before = (project / LOCK_FILE).stat().st_ino

    remove_project(project)

    assert (project / LOCK_FILE).stat().st_ino == before


def test_what_is_not_there_needs_no_removal(tmp_path):
    remove_project(tmp_path / "search")

    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "leftover", ["trial_00", "tuner0.json", ".oracle.json.ab-1-2.tmp", LOCK_FILE, HOLDER_FILE, "oracle.json.corrupt"]
)
def test_a_search_that_was_killed_at_its_start_is_a_project(tmp_path, leftover):
    if leftover == "trial_00":
        (tmp_path / leftover).mkdir()
    else:
        (tmp_path / leftover).touch()

    remove_project(tmp_path)

    assert names(tmp_path) == []


def test_a_folder_that_is_no_project_is_left_alone_and_the_reason_given(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")

    with pytest.raises(
        ProjectError, match=r"does not remove .*: it holds 'thesis\.tex' and no search\. Remove it your"
    ):
        remove_project(tmp_path)

    assert names(tmp_path) == ["thesis.tex"]


def test_a_link_to_a_project_is_not_followed(tmp_path, project):
    link = tmp_path / "link"
    link.symlink_to(project, target_is_directory=True)

    with pytest.raises(ProjectError, match="it is a link"):
        remove_project(link)

    assert names(project) == ["notes.txt", "oracle.json", "trial_0"]


def test_a_link_to_nothing_is_left_alone(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "missing")

    with pytest.raises(ProjectError, match="it is a link"):
        remove_project(tmp_path / "link")


def test_links_inside_a_project_are_not_followed(tmp_path, project):
    data = tmp_path / "data"
    data.mkdir()
    (data / "train.csv").touch()
    (project / "data").symlink_to(data, target_is_directory=True)
    (project / "trial_0" / "data").symlink_to(data, target_is_directory=True)

    remove_project(project)

    assert names(project) == []
    assert names(data) == ["train.csv"]


def test_a_file_is_no_project(tmp_path):
    (tmp_path / "search").write_text("mine")

    with pytest.raises(ProjectError, match="it is no folder"):
        remove_project(tmp_path / "search")

    assert (tmp_path / "search").read_text() == "mine"


def test_a_disk_that_refuses_is_an_error_with_the_folder(project, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(shutil, "rmtree", refuse)
    monkeypatch.setattr(os, "unlink", refuse)

    with pytest.raises(ProjectError, match=r"search cannot be removed: .*Permission denied"):
        remove_project(project)
