import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import keras_bayes

# A module imports only from those before it.
ORDER = [
    # what all others use
    "errors",
    "arrays",
    "busy_files",
    "threads",
    "arguments",
    "wording",
    "extras",
    # curves of trainings, and what they tell
    "curves",
    "curve_files",
    "timesheet",
    "budget",
    "position",
    "epoch_count",
    "domains",
    "loss_curves",
    "ridge",
    "rungs",
    "forecast",
    # a search space, and points in it
    "declarations",
    "axes",
    "space",
    "configurations",
    "history",
    "perturbation",
    "admissible",
    "constraint",
    "usage",
    # the model of a search, and what it proposes
    "kernels",
    "outcome",
    "gaussian_process",
    "acquisition",
    "continuation",
    "initial_design",
    "maximizer",
    "surrogate",
    "search_end",
    "gain",
    # the project on the disk
    "states",
    "resume",
    "project",
    "search_log",
    "tables",
    "warm_start",
    "lock",
    "removal",
    "writer",
    "worker_report",
    # what a search shows, and what it looks like afterwards
    "frames",
    "optuna_study",
    "insights",
    "landscape",
    "calibration",
    "importance",
    "explanation",
    "advice",
    "drawing",
    "course_plots",
    "parallel_plot",
    "model_plots",
    "plots",
    "account",
    "report",
    "views",
    "pace",
    "progress",
    "summary",
    "plain_view",
    "panel",
    "printed_above",
    "live_view",
    "html_table",
    "notebook_view",
    # rules, and what a process is to others
    "signals",
    "stopping_rules",
    "pause",
    "roles",
    "leases",
    "memory",
    # the oracle: each of its classes is the base of the next
    "objective",
    "display",
    "steady_hyperparameters",
    "durable_oracle",
    "retrying_oracle",
    "lifecycle_oracle",
    "budgeted_oracle",
    "steered_oracle",
    "distributed_oracle",
    "continuing_oracle",
    "oracle",
    # trainings: weights and callbacks
    "weights",
    "trial_callback",
    "trackers",
    "hparams_log",
    "callbacks",
    "stop_trial",
    "training_state",
    "pausing",
    "results",
    "quiet",
    # the tuner: each of its classes is the base of the next
    "chief",
    "worker",
    "durable_tuner",
    "training_tuner",
    "worker_tuner",
    "tuner",
    # the command
    "console",
    "cli",
    "__main__",
]
CORE = ORDER[: ORDER.index("objective")]
HOSTS = ("keras", "keras_tuner", "tensorflow")

PACKAGE = Path(keras_bayes.__file__).parent
ROOT = PACKAGE.parent
SOURCES = sorted(PACKAGE.rglob("*.py"))
MODULES = {path.stem: path for path in SOURCES if path.stem != "__init__"}
FOLDERS = ("keras_bayes", "keras_bayes.show")
every_source = pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)


def run(code, *options):
    return subprocess.run(
        [sys.executable, *options, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


def is_type_checking(node):
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def imported_modules(tree):
    """Full names of all modules that a tree imports, at any depth, except for type checking."""
    names, nodes = set(), [tree]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = "keras_bayes" if node.level else node.module
            inside = f".{node.module}" if node.level and node.module else ""
            names |= {f"{base}{inside}.{alias.name}" for alias in node.names} if base in FOLDERS else {base}
            names |= {node.module} if not node.level else set()
        nodes += node.orelse if is_type_checking(node) else ast.iter_child_nodes(node)
    return names


def test_every_module_has_a_place_in_the_order():
    names = [path.stem for path in SOURCES if path.stem != "__init__"]

    assert sorted(names) == sorted(ORDER)  # no name twice, in whatever folder


@every_source
def test_imports_point_down(path):
    allowed = ORDER if path.stem == "__init__" else ORDER[: ORDER.index(path.stem)]

    names = imported_modules(ast.parse(path.read_text(encoding="utf-8")))

    inner = {part for name in names if name.startswith("keras_bayes.") for part in name.split(".")[1:3]}
    assert inner & set(ORDER) <= set(allowed)


def test_what_is_shown_is_known_to_those_only_who_show_it():
    trees = {path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES if path.parent == PACKAGE}

    importers = {
        name for name, tree in trees.items() if any(m.startswith("keras_bayes.show") for m in imported_modules(tree))
    }

    assert importers == {"display", "tuner", "cli"}


@pytest.mark.parametrize("name", CORE)
def test_the_core_imports_no_keras(name):
    names = imported_modules(ast.parse(MODULES[name].read_text(encoding="utf-8")))

    assert not {module.split(".")[0] for module in names} & set(HOSTS)


def test_imports_for_type_checking_only_do_not_count():
    tree = ast.parse("from keras_bayes.errors import A\nif TYPE_CHECKING:\n    from keras_bayes.tuner import B")

    names = imported_modules(tree)

    assert names == {"keras_bayes.errors"}


def test_imports_inside_functions_and_relative_ones_count():
    tree = ast.parse("def f():\n    import keras\n    from . import tuner\n    from .oracle import A")

    names = imported_modules(tree)

    assert names == {"keras", "keras_bayes.tuner", "keras_bayes.oracle.A"}


def test_the_core_runs_without_loading_keras():
    paths = (MODULES[name].relative_to(ROOT).with_suffix("") for name in CORE)
    imports = "; ".join(f"import {'.'.join(path.parts)}" for path in paths)

    result = run(f"import sys; {imports}; print(*sorted({{m.split('.')[0] for m in sys.modules}}))")

    assert result.returncode == 0, result.stderr
    assert not set(result.stdout.split()) & set(HOSTS)
    assert "keras_bayes" in result.stdout.split()


def test_importing_the_package_gives_no_warning_and_loads_no_keras():
    result = run("import keras_bayes, sys; print(*sorted({m.split('.')[0] for m in sys.modules}))", "-W", "error")

    assert (result.returncode, result.stderr) == (0, "")
    assert not set(result.stdout.split()) & {*HOSTS, "numpy", "scipy"}


def test_the_public_names_are_few_and_sorted():
    names = keras_bayes.__all__

    assert names == sorted(names)
    assert len(names) <= 10
    assert dir(keras_bayes) == names


def test_modules_of_the_public_are_there_before_any_other_name_is_used():
    result = run("import keras_bayes; print(keras_bayes.pause.Pause(), keras_bayes.stopping_rules.MedianStopping())")

    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("Pause(min_epochs=1) MedianStopping(")


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'keras_bayes' has no attribute 'BayesianTuner'"):
        keras_bayes.BayesianTuner  # noqa: B018


@every_source
def test_a_source_file_is_short(path):
    num_lines = len(path.read_text(encoding="utf-8").splitlines())

    assert num_lines < 300


@pytest.mark.parametrize("folder", ["keras_bayes", "tests", "examples"])
def test_no_file_names_a_place_on_one_machine(folder):
    places = re.compile(r"(?<![\w.)}])/(?:home|root|tmp|Users|work)\b")

    found = [
        f"{path.relative_to(ROOT)}: {line}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if places.search(line)
    ]

    assert found == []
