"""Run the benchmark of epochs: every search on every task, a line of JSON for each.

    python -m pip install ".[bench]"
    python examples/benchmarks/epoch_budget.py --yahpo FOLDER --out epochs.jsonl
    python examples/benchmarks/epoch_report.py epochs.jsonl

All have the same number of epochs and may end a training early. Searches that are in the file already are skipped:
start it again to go on. FOLDER is a copy of the public repository slds-lmu/yahpo_data, or of its folder lcbench.

    python examples/benchmarks/epoch_budget.py --searches "keras_bayes, pause" --set surrogate.DOUBT_FACTOR=1

is an ablation: our search with another constant, told apart by its name in the file.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")  # read when numpy is imported

from epoch_searches import CONTESTANTS
from measuring import set_constant
from regret import read_lines
from search_quality import SEED_STEP, TASK_STEP, append_line, reference
from suites import EPOCHS, LCBENCH_TASKS, Problem, problems
from trainings import BudgetSpentError, Trainings

import keras_bayes

BUDGET = 50 * EPOCHS


def search(name: str, problem: Problem, *, folder: str, budget: int, seed: int) -> Trainings:
    """One search, to the end of its budget."""
    trainings = Trainings(folder, problem.task, budget=budget, seed=seed)
    try:
        CONTESTANTS[name](trainings, problem, seed + TASK_STEP * int(problem.task))
    except BudgetSpentError:
        return trainings
    raise RuntimeError(f"{name} ended after {trainings.spent} of {budget} epochs.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--yahpo", default="yahpo_data", metavar="FOLDER", help="surrogates (default: yahpo_data)")
    parser.add_argument("--searches", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS))
    parser.add_argument("--tasks", nargs="+", choices=LCBENCH_TASKS, default=LCBENCH_TASKS)
    parser.add_argument("--seeds", type=int, default=5, help="number of seeds, 1000 apart (default: 5)")
    parser.add_argument("--epochs", type=int, default=BUDGET, help=f"epochs of a search (default: {BUDGET})")
    parser.add_argument("--set", nargs="+", default=[], metavar="MODULE.NAME=VALUE", help="constants of keras_bayes")
    parser.add_argument("--out", default="epochs.jsonl", help="file of results, continued (default: epochs.jsonl)")
    args = parser.parse_args()
    for assignment in args.set:
        set_constant(assignment)
    by_task = {problem.task: problem for problem in problems("lcbench", args.yahpo)}
    lines = read_lines([args.out])
    done = {(line["search"], line["task"], line["seed"], line["budget"]) for line in lines if "search" in line}
    known = {line["task"] for line in lines if "reference" in line}
    with open(args.out, "a") as file:
        if file.tell() and not Path(args.out).read_bytes().endswith(b"\n"):
            file.write("\n")  # after a line that was torn
        for task in args.tasks:
            if task not in known:
                append_line(file, {"task": task, "reference": reference(by_task[task])})
        chosen = [
            (SEED_STEP * (i + 1), t, name) for i in range(args.seeds) for t in args.tasks for name in args.searches
        ]
        for seed, task, name in chosen:
            label = " ".join([name, *args.set])
            key = {"search": label, "task": task, "seed": seed, "budget": args.epochs}
            if tuple(key.values()) in done:
                continue
            start = time.process_time()
            best = search(name, by_task[task], folder=args.yahpo, budget=args.epochs, seed=seed).best
            seconds = round(time.process_time() - start, 1)
            append_line(file, {**key, "version": keras_bayes.__version__, "seconds": seconds, "best": best})
            print(f"{task} {seed} {label}: {best[-1][2]:.3f} ({seconds} s)", flush=True)


if __name__ == "__main__":
    main()
