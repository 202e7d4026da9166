"""The learning curves in the folders inside a folder; a file that has not changed is not read again."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Generic, TypeVar

from keras_bayes.curves import CURVE_FILE

Parsed = TypeVar("Parsed")
Stamp = tuple[int, int]


class CurveFiles(Generic[Parsed]):
    """What is made of each curve.

    Args:
        folder: A project of a tuner, or any other folder with a folder for each curve.
        parse: Makes something of the curve in a folder.
    """

    def __init__(self, folder: Path, parse: Callable[[Path], Parsed]) -> None:
        self.folder = folder
        self._parse = parse
        self._known: dict[str, tuple[Stamp, Parsed]] = {}  # by the name of a folder

    def read(self, *, without: Collection[str] = ()) -> list[Parsed]:
        """What is made of all, but for those in the folders of some names."""
        try:
            names = sorted(os.listdir(self.folder))
        except OSError:  # nothing has been written yet
            return []
        return [parsed for name in names if name not in without for parsed in self.read_one(name)]

    def read_one(self, name: str) -> list[Parsed]:
        """What is made of the one in the folder of a name, if there is one."""
        try:
            status = os.stat(f"{self.folder}{os.sep}{name}{os.sep}{CURVE_FILE}")
        except OSError:
            return []
        stamp = status.st_mtime_ns, status.st_size
        known = self._known.get(name)
        if known is None or known[0] != stamp:
            known = self._known[name] = stamp, self._parse(self.folder / name)
        return [known[1]]
