"""Report the benchmark: tables in Markdown and a picture of the regret curves.

    python examples/benchmarks/search_report.py runs.jsonl --picture regret.png

The regret after n trials is (best - recommended) / (best - median): `recommended` is the true accuracy of the trial
that had the best observed one, `best` the highest accuracy that any search or 20,000 random configurations found on
the task, `median` that of 1,000 random ones. 0 is perfect, 1 is no better than one random trial.
"""

from __future__ import annotations

import argparse
import os
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from measuring import print_table
from regret import (
    Array,
    bootstrap_interval,
    normalized_regret,
    random_trials,
    ranks,
    read_lines,
    recommended,
)  # fmt: skip
from regret_picture import draw

BUDGETS, RANK_BUDGETS, TIME_BUDGETS = (10, 20, 30, 50), (20, 50), (20, 50, 100, 200, 500)
WARM_UP = 15  # trials after which suggestions should stay away from a region that fails

Line = dict[str, Any]


class Suite:
    """All searches of one suite.

    Args:
        name: Name of the suite.
        lines: Its lines, searches and references.
        shown: Optimizers to report, all if there are none; the best accuracy is that of all of them in any case.
    """

    def __init__(self, name: str, lines: list[Line], shown: Sequence[str] = ()) -> None:
        self.name = name
        unique = {(line["optimizer"], line["task"], line["seed"]): line for line in lines if "optimizer" in line}
        self._references = {line["task"]: line["reference"] for line in lines if "reference" in line}
        self._best = {task: reference["best"] for task, reference in self._references.items()}
        for search in unique.values():
            self._best[search["task"]] = max([self._best[search["task"]], *filter(None, search["true"])])
        self.searches = [search for search in unique.values() if not shown or search["optimizer"] in shown]
        self.num_trials = min((len(search["true"]) for search in self.searches), default=0)
        self.regrets: dict[str, dict[str, list[Array]]] = defaultdict(lambda: defaultdict(list))
        for search in self.searches:
            curve = self._regret(search["task"], recommended(search["observed"], search["true"]))
            self.regrets[search["optimizer"]][search["task"]].append(curve[: self.num_trials])

    @property
    def optimizers(self) -> list[str]:
        """Names, lowest final regret first."""
        return sorted(self.regrets, key=lambda name: self.mean(name)[-1])

    @property
    def tasks(self) -> list[str]:
        """Tasks on which every optimizer has been run; others are left out."""
        if not self.regrets:
            return []
        return [task for task in self._references if all(task in tasks for tasks in self.regrets.values())]

    def by_task(self, optimizer: str) -> Array:
        """Mean regret over seeds, shape (tasks, trials)."""
        return np.array([np.mean(self.regrets[optimizer][task], axis=0) for task in self.tasks])

    def mean(self, optimizer: str) -> Array:
        """Mean regret over tasks, shape (trials,)."""
        return self.by_task(optimizer).mean(axis=0)

    def ranks(self, num_trials: int) -> dict[str, Array]:
        """Rank on each task of the mean regret, shape (tasks,)."""
        optimizers = self.optimizers
        table = ranks(np.array([self.by_task(name)[:, num_trials - 1] for name in optimizers]))
        return dict(zip(optimizers, table, strict=True))

    def random_curve(self) -> list[tuple[int, float]]:
        """Expected regret of n random trials."""
        curves = [np.array(self._references[task]["random"], dtype=float) for task in self.tasks]  # (counts, 2) each
        regrets = [self._regret(task, curve[:, 1]) for task, curve in zip(self.tasks, curves, strict=True)]
        return list(zip(curves[0][:, 0].astype(int).tolist(), np.mean(regrets, axis=0).tolist(), strict=True))

    def _regret(self, task: str, values: Array) -> Array:
        return normalized_regret(values, best=self._best[task], median=self._references[task]["median"])


def quality_rows(suite: Suite) -> tuple[list[str], list[list[str]]]:
    """The table of regrets and ranks."""
    budgets = [n for n in BUDGETS if n <= suite.num_trials]
    rank_budgets = [n for n in RANK_BUDGETS if n <= suite.num_trials]
    curve, rng = suite.random_curve(), np.random.default_rng(0)
    rows = []
    for name in suite.optimizers:
        mean = suite.mean(name)
        num_seeds = min(len(suite.regrets[name][task]) for task in suite.tasks)
        worth = random_trials(mean[budgets[-1] - 1], curve)
        row = [name, str(num_seeds), *(f"{mean[n - 1]:.3f}" for n in budgets)]
        for n in rank_budgets:
            rank = suite.ranks(n)[name]
            row.append("{:.1f} ({:.1f} – {:.1f})".format(rank.mean(), *bootstrap_interval(rank, rng=rng)))
        rows.append([*row, f"more than {curve[-1][0]:,}" if worth is None else f"{worth:,}"])
    header = ["optimizer", "seeds", *(f"regret at {n}" for n in budgets), *(f"rank at {n}" for n in rank_budgets)]
    return [*header, f"random trials worth {budgets[-1]}"], rows


def behaviour_rows(suite: Suite) -> tuple[list[str], list[list[str]]]:
    """The table of suggestion times and, where trainings fail, of failures."""
    budgets = [n for n in TIME_BUDGETS if n <= suite.num_trials]
    is_failing = suite.name.startswith("failing")
    rows = []
    for name in suite.optimizers:
        searches = [search for search in suite.searches if search["optimizer"] == name]
        times = [np.median([search["seconds"][n - 1] for search in searches]) for n in budgets]
        row = [name, *(f"{seconds:.3f} s" for seconds in times)]
        if is_failing:
            row.append(f"{np.mean([x is None for search in searches for x in search['true'][WARM_UP:]]):.0%}")
        rows.append(row)
    return ["optimizer", *(f"suggestion {n}" for n in budgets), *["failed after the start"] * is_failing], rows


def print_suite(suite: Suite) -> None:
    """All tables of a suite."""
    print(f"\n### {suite.name}\n\nTasks: {', '.join(suite.tasks)}\n")
    print_table(*quality_rows(suite))
    print()
    print_table(*behaviour_rows(suite))


def group(lines: list[Line], optimizers: Sequence[str]) -> dict[str, Suite]:
    """Suites by name."""
    found: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        found[line["suite"]].append(line)
    return {name: Suite(name, members, optimizers) for name, members in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", help="what search_quality.py has written")
    parser.add_argument("--optimizers", nargs="+", default=[], help="some optimizers only (default: all)")
    parser.add_argument("--suites", nargs="+", help="some suites only (default: all)")
    parser.add_argument("--picture", help="file for the picture of the regret curves")
    args = parser.parse_args()
    suites = group(read_lines(args.files), args.optimizers)
    shown = [suite for name, suite in suites.items() if suite.tasks and (not args.suites or name in args.suites)]
    for suite in shown:
        print_suite(suite)
    versions = sorted({search["version"] for suite in shown for search in suite.searches})
    print(f"\n{', '.join(versions)}")
    if args.picture:
        draw({suite.name: {name: suite.by_task(name) for name in suite.optimizers} for suite in shown}, args.picture)


if __name__ == "__main__":
    main()
