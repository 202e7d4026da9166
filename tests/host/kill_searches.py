"""Kills searches at random moments, and counts what is lost.

python kill_searches.py FOLDER KILLS
"""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import sys
import time
import warnings
from collections import Counter
from pathlib import Path

from searches import make_oracle, mixed_loss, mixed_space

NUM_TRIALS = 20  # of each project; then the next one begins
MAX_LINES = 12  # of a report until a kill: on a slow machine, too, a search gets on
MAX_SECONDS = 0.1  # from there to the kill


def make(folder):
    oracle = make_oracle(folder, hyperparameters=mixed_space(), max_trials=NUM_TRIALS)
    oracle.reload()
    return oracle


def search(folder, report):
    """Runs the search in a folder; says in a pipe which trials began, and which ended."""
    oracle = make(folder)
    while (trial := oracle.create_trial("tuner0")).status == "RUNNING":
        os.write(report, f"began {trial.trial_id} 0\n".encode())
        oracle.update_trial(trial.trial_id, {"loss": mixed_loss(trial.hyperparameters.values)})
        trial.status = "COMPLETED"
        oracle.end_trial(trial)
        os.write(report, f"ended {trial.trial_id} {float(oracle.trials[trial.trial_id].score)!r}\n".encode())


def killed_search(folder, num_lines, seconds):
    """The report of a search in a process of its own, and whether it ended before it was killed.

    The kill comes some seconds after a number of lines of the report.
    """
    read_end, write_end = os.pipe()
    process = os.fork()
    if not process:
        code = 1
        try:
            search(folder, write_end)
            code = 0
        finally:
            os._exit(code)
    os.close(write_end)
    with os.fdopen(read_end) as report:
        lines = list(itertools.islice(report, num_lines))
        time.sleep(seconds)
        os.kill(process, signal.SIGKILL)
        lines += report
    _, status = os.waitpid(process, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise SystemExit("a search failed")
    return [line.split() for line in lines], os.WIFEXITED(status)


def main(folder, num_kills):
    rng = random.Random(0)
    counts = Counter(kills=0, unreadable=0, lost=0, repeated=0, completed=0, leftovers=0, projects=0)
    ended = {}
    while counts["kills"] < num_kills:
        project = folder / str(counts["projects"])
        lines, is_over = killed_search(project, rng.randrange(MAX_LINES), rng.uniform(0, MAX_SECONDS))
        counts["kills"] += not is_over
        for word, trial_id, score in lines:
            counts["repeated"] += word == "began" and trial_id in ended
            if word == "ended":
                ended[trial_id] = float(score)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                trials = make(project).trials
        except Exception as error:  # whatever it is, it is counted
            print(error, file=sys.stderr)
            counts["unreadable"] += 1
            continue
        for trial_id, score in ended.items():
            trial = trials.get(trial_id)
            counts["lost"] += trial is None or (trial.status, trial.score) != ("COMPLETED", score)
        if is_over:
            counts["completed"] += len(ended)
            counts["leftovers"] += len(list(project.rglob("*.tmp*")))
            counts["unreadable"] += len(trials) != NUM_TRIALS
            counts["projects"] += 1
            ended = {}
    print(json.dumps(counts))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
