"""SIGKILL at random moments. `KERAS_BAYES_KILLS=1000` makes it a long test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("kill_searches.py")


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_search_that_is_killed_at_any_moment_loses_nothing(tmp_path):
    num_kills = int(os.environ.get("KERAS_BAYES_KILLS", "200"))

    done = subprocess.run(
        [sys.executable, SCRIPT, tmp_path, str(num_kills)], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout.splitlines()[-1])
    print(counts)
    assert counts["kills"] == num_kills
    assert counts["completed"] > num_kills / 4  # it got somewhere
    assert {counts[name] for name in ("unreadable", "lost", "repeated", "leftovers")} == {0}, done.stderr
