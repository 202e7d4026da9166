"""Starting anew: a project folder is removed, and nothing that is none."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from keras_bayes import project
from keras_bayes.errors import ProjectError
from keras_bayes.lock import LOCK_FILE, Claim

# What a search leaves before its first file is complete.
OURS = re.compile(
    rf"oracle\.json.*|trial_\w+|(tuner|chief|worker)\w*\.json|{re.escape(LOCK_FILE)}(\.json)?|\..*\.tmp\S*"
)


def remove_project(folder: Path) -> None:
    """Removes what a search has left in a folder; links in it are removed, not followed.

    Raises:
        ProjectError: It is a link, or not the folder of a search, or cannot be removed.
        ProjectInUseError: Another process is writing there.
    """
    if not folder.exists() and not folder.is_symlink():
        return
    reason = _why_not(folder)
    if reason:
        raise ProjectError(
            f"`overwrite=True` does not remove {folder}: {reason}. "
            "Remove it yourself, or use another `directory` or `project_name`."
        )
    claim = Claim()
    try:
        claim.take(folder)
        for path in folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif not path.name.startswith(LOCK_FILE):  # the lock is held, and may be waited for
                path.unlink()
    except OSError as error:
        raise ProjectError(f"{folder} cannot be removed: {error}.") from error
    finally:
        claim.release(folder)


def _why_not(folder: Path) -> str:
    if folder.is_symlink():
        return "it is a link"
    if not folder.is_dir():
        return "it is no folder"
    if project.exists(folder):
        return ""
    others = sorted(path.name for path in folder.iterdir() if not OURS.fullmatch(path.name))
    return f"it holds {others[0]!r} and no search" if others else ""
