"""Files that another process has open for a moment: Windows does not let them be replaced or read meanwhile."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")

# A virus scanner, a folder that is synchronised, or a reader has the file; over NFS, another host has just replaced it.
PASSING = {errno.ESTALE, errno.EACCES} if os.name == "nt" else {errno.ESTALE}
WAITS = (0.01, 0.02, 0.05, 0.1, 0.2)  # seconds


def patiently(action: Callable[[], Result]) -> Result:
    """What an action returns; one that a busy file has refused is tried again for a third of a second."""
    for seconds in WAITS:
        try:
            return action()
        except OSError as error:  # noqa: PERF203
            if error.errno not in PASSING:
                raise
            time.sleep(seconds)
    return action()
