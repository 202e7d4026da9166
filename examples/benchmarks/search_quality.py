"""Run the benchmark: every optimizer on every problem, a line of JSON for each search.

    python -m pip install ".[bench]"
    python examples/benchmarks/search_quality.py --yahpo FOLDER --suites lcbench folded --out runs.jsonl
    python examples/benchmarks/search_report.py runs.jsonl --picture regret.png

Searches that are in the file already are skipped: start it again to go on. The surrogates are in the public repository
slds-lmu/yahpo_data; FOLDER is a copy of it, or of its folders lcbench and rbv2_xgboost.

    python examples/benchmarks/search_quality.py --optimizers keras_bayes --set gaussian_process.CAUTION=1

is an ablation: our search with another constant, told apart by its name in the file.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")  # read when numpy is imported

import numpy as np
from measuring import set_constant
from optimizers import CONTESTANTS, SearchEndedError, is_installed, make_optimizer, version_of
from parameters import decode_all
from regret import expected_best, read_lines
from suites import SUITES, Problem, problems

SEED_STEP = 1000  # KerasTuner's searches with neighbouring seeds share most of their trials
TASK_STEP = 10_000  # with one seed for all tasks, one unlucky initial design would be counted once for each
NUM_RANDOM, NUM_MEDIAN = 20_000, 1000  # random configurations that bound the best accuracy, and those of the median


def search(name: str, problem: Problem, seed: int, num_trials: int) -> dict[str, Any]:
    """One search: what its trials observed and what is true, `None` for failures, and the time of each suggestion."""
    optimizer = make_optimizer(name, problem, seed, num_trials)
    observed: list[float | None] = []
    true: list[float | None] = []
    seconds: list[float] = []
    running: deque[tuple[Any, Any]] = deque()

    def finish(handle: Any, values: Any) -> None:
        accuracy = problem.evaluate(values)
        report = problem.report(accuracy, rng=np.random.default_rng([seed, len(true), 1]))
        optimizer.tell(handle, report)
        true.append(_finite(accuracy))
        observed.append(_finite(report))

    for _ in range(num_trials):
        start = time.process_time()
        try:
            running.append(optimizer.ask())
        except SearchEndedError:
            break
        seconds.append(round(time.process_time() - start, 5))
        if len(running) > problem.num_pending:
            finish(*running.popleft())
    while running:
        finish(*running.popleft())
    return {"observed": observed, "true": true, "seconds": seconds}


def reference(problem: Problem) -> dict[str, Any]:
    """What a random search finds: the best accuracy, the median, and what the best of n trials is on average."""
    rng = np.random.default_rng(0)
    points = rng.random((NUM_RANDOM, len(problem.parameters)))
    parameters = problem.parameters
    accuracies = np.array([problem.evaluate(decode_all(parameters, u)) for u in points])
    accuracies = np.where(np.isnan(accuracies), np.nanmin(accuracies), accuracies)  # (NUM_RANDOM,)
    median = float(np.median(accuracies[:NUM_MEDIAN]))
    return {"best": float(accuracies.max()), "median": median, "random": expected_best(accuracies)}


def chosen(args: argparse.Namespace) -> Iterator[tuple[int, str, Problem]]:
    """All searches to make, seed by seed and optimizer by optimizer."""
    suites = [problem for suite in args.suites for problem in problems(suite, args.yahpo)]
    for i in range(args.seeds):
        for name in args.optimizers:
            for problem in suites:
                if not args.tasks or problem.task in args.tasks:
                    yield SEED_STEP * (i + 1), name, problem


def main() -> None:
    args = parse_arguments()
    for assignment in args.set:
        set_constant(assignment)
    lines = read_lines([args.out])
    done = {(r["suite"], r["task"], r["optimizer"], r["seed"]) for r in lines if "optimizer" in r}
    known = {(r["suite"], r["task"]) for r in lines if "reference" in r}
    with open(args.out, "a") as file:
        if file.tell() and not Path(args.out).read_bytes().endswith(b"\n"):
            file.write("\n")  # after a line that was torn
        for seed, name, problem in chosen(args):
            key = {"suite": problem.suite, "task": problem.task}
            if tuple(key.values()) not in known:
                known.add(tuple(key.values()))
                append_line(file, {**key, "reference": reference(problem)})
            label = " ".join([name, *args.set])
            if (*key.values(), label, seed) in done:
                continue
            result = search(name, problem, seed + TASK_STEP * int(problem.task), args.trials)
            append_line(file, {**key, "optimizer": label, "seed": seed, "version": version_of(name), **result})
            best, took = max(x for x in [*result["true"], -math.inf] if x is not None), sum(result["seconds"])
            print(f"{problem.suite} {problem.task} {label} {seed}: {best:.3f} ({took:.1f} s)", flush=True)


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--yahpo", default="yahpo_data", metavar="FOLDER", help="surrogates (default: yahpo_data)")
    parser.add_argument("--suites", nargs="+", choices=SUITES, default=SUITES)
    parser.add_argument("--optimizers", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS))
    parser.add_argument("--tasks", nargs="+", help="some tasks only (default: all)")
    parser.add_argument("--seeds", type=int, default=5, help="number of seeds, 1000 apart (default: 5)")
    parser.add_argument("--trials", type=int, default=50, help="trials of a search (default: 50)")
    parser.add_argument("--set", nargs="+", default=[], metavar="MODULE.NAME=VALUE", help="constants of keras_bayes")
    parser.add_argument("--out", default="runs.jsonl", help="file of results, continued (default: runs.jsonl)")
    args = parser.parse_args()
    missing = [name for name in args.optimizers if not is_installed(name)]
    if missing:
        print(f"Not installed, and left out: {', '.join(missing)}", file=sys.stderr)
    args.optimizers = [name for name in args.optimizers if name not in missing]
    try:
        for suite in args.suites:
            problem = problems(suite, args.yahpo)[0]
            problem.evaluate(decode_all(problem.parameters, [0.5] * len(problem.parameters)))
    except FileNotFoundError as error:
        parser.error(str(error))
    return args


def append_line(file: Any, line: dict[str, Any]) -> None:
    """Writes a line of JSON at once."""
    file.write(json.dumps(line) + "\n")
    file.flush()


def _finite(value: float | None) -> float | None:
    return round(value, 5) if value is not None and math.isfinite(value) else None


if __name__ == "__main__":
    main()
