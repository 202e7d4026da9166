"""A disk that fails at a chosen call."""

from __future__ import annotations

import contextlib
import errno
import os
import warnings
from pathlib import Path

from keras_bayes.errors import KerasBayesWarning


@contextlib.contextmanager
def warned():
    """The messages of the package's own warnings, in a list that is complete after the context."""
    messages = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield messages
    messages += [str(warning.message) for warning in caught if warning.category is KerasBayesWarning]


class FaultyDisk:
    """Counts what a writer asks of the disk, and fails where it is told to.

    Args:
        monkeypatch: The fixture of pytest.
        code: Number of the error.
    """

    def __init__(self, monkeypatch, code=errno.EIO):
        self.code = code
        self.num_calls = 0
        self.first, self.last = 0, -1  # calls that fail, from 1
        replace, mkdir, open_file = os.replace, os.mkdir, Path.open
        monkeypatch.setattr(os, "fsync", lambda handle: self.call())
        monkeypatch.setattr(os, "replace", lambda *paths: (self.call(), replace(*paths)))
        monkeypatch.setattr(os, "mkdir", lambda *args, **kwargs: (self.call(), mkdir(*args, **kwargs)))
        monkeypatch.setattr(Path, "open", lambda path, mode="r", **kwargs: self.open(open_file, path, mode, **kwargs))

    def fail(self, first, last=10**9):
        """From now on the calls `first` to `last` fail, counted from the next one."""
        self.num_calls, self.first, self.last = 0, first, last

    def mend(self):
        """From now on no call fails."""
        self.fail(0, -1)

    def call(self):
        self.num_calls += 1
        if self.first <= self.num_calls <= self.last:
            raise OSError(self.code, os.strerror(self.code))

    def open(self, open_file, path, mode, **kwargs):
        if "r" in mode and "+" not in mode:
            return open_file(path, mode, **kwargs)
        self.call()
        return _Writing(open_file(path, mode, **kwargs), self)


class _Writing:
    """A file half of whose content is written when the disk fails."""

    def __init__(self, file, disk):
        self.file, self.disk = file, disk

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.file.close()

    def fileno(self):
        return self.file.fileno()

    def write(self, text):
        self.file.write(text[: len(text) // 2])
        self.disk.call()
        self.file.write(text[len(text) // 2 :])
