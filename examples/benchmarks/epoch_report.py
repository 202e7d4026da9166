"""Report the benchmark of epochs: regret by epochs spent, in tables of Markdown.

    python examples/benchmarks/epoch_report.py epochs.jsonl

The regret after n epochs is (best - reached) / (best - median), of accuracies after the last epoch without noise:
`best` is the highest that any search recommended, or 20,000 random configurations have; `median` that of 1,000 random
ones. `reached` belongs to the training with the best accuracy observed so far: that of its configuration after all
epochs in the first table, that of the model in hand, after the epoch at which it was observed, in the second.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np
from measuring import print_table
from regret import Array, normalized_regret, read_lines

BUDGETS = (260, 520, 1040, 2600)
BASELINE = "keras_bayes"  # whose final regret the others are to reach with fewer epochs
FINAL, IN_HAND = 2, 3  # columns of `best`, after the epochs spent and the accuracy observed

Line = dict[str, Any]


def reached(best: list[list[float]], column: int, budget: int) -> Array:
    """What a search has reached after 1, ..., `budget` epochs, NaN before its first, shape (budget,)."""
    table = np.array(best, dtype=float)
    row = np.searchsorted(table[:, 0], np.arange(1, budget + 1), side="right") - 1
    return np.where(row < 0, np.nan, table[row, column])


def mean_regrets(lines: list[Line], column: int) -> dict[str, Array]:
    """Mean regret of each search over the tasks on which all have been run, shape (epochs,)."""
    references = {line["task"]: line["reference"] for line in lines if "reference" in line}
    searches = [line for line in lines if "search" in line]
    budget = min((line["budget"] for line in searches), default=0)
    highest = {task: reference["best"] for task, reference in references.items()}
    regrets: dict[str, dict[str, list[Array]]] = defaultdict(lambda: defaultdict(list))
    for line in searches:
        highest[line["task"]] = max([highest[line["task"]], *(row[FINAL] for row in line["best"])])
    for line in searches:
        task = line["task"]
        curve = reached(line["best"], column, budget)
        regret = normalized_regret(curve, best=highest[task], median=references[task]["median"])
        regrets[line["search"]][task].append(regret)
    tasks = [task for task in references if all(task in by_task for by_task in regrets.values())]
    return {
        name: np.mean([np.mean(by_task[task], axis=0) for task in tasks], axis=0)
        for name, by_task in regrets.items()
        if tasks
    }


def rows(regrets: Mapping[str, Array]) -> tuple[list[str], list[list[str]]]:
    """The table: regrets at some budgets, and the share of the epochs with which each is as good as the baseline."""
    length = min((len(curve) for curve in regrets.values()), default=0)
    budgets = [budget for budget in BUDGETS if budget <= length]
    table = []
    for name, curve in sorted(regrets.items(), key=lambda item: item[1][-1]):
        row = [name, *(f"{curve[budget - 1]:.3f}" for budget in budgets)]
        if BASELINE in regrets:
            is_reached = curve <= regrets[BASELINE][-1]
            row.append(f"{(np.argmax(is_reached) + 1) / length:.0%}" if is_reached.any() else "–")
        table.append(row)
    share = [f"epochs to the end of {BASELINE}"] * (BASELINE in regrets)
    return ["search", *(f"regret at {budget}" for budget in budgets), *share], table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", help="what epoch_budget.py has written")
    lines = read_lines(parser.parse_args().files)
    for title, column in (("Recommended configuration", FINAL), ("Model in hand", IN_HAND)):
        print(f"\n### {title}\n")
        print_table(*rows(mean_regrets(lines, column)))


if __name__ == "__main__":
    main()
