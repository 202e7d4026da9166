"""The command `keras-bayes`, on stored projects and on searches of this process and others."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import shutil
import subprocess
import sys
import time
import types
from pathlib import Path

import keras_tuner as kt
import pytest

from keras_bayes.cli import main
from keras_bayes.lock import HOLDER_FILE, LOCK_FILE
from keras_bayes.search_log import SearchLog
from keras_bayes.show.console import table
from keras_bayes.show.frames import trials_frame
from tests.host.searches import make_oracle, mixed_loss, mixed_space, run_search
from tests.host.test_frames import risky_loss
from tests.host.test_one_writer import other_process  # noqa: F401, a fixture
from tests.host.test_stored_projects import PROJECTS
from tests.stopwatch import children_seconds, least_seconds

every_project = pytest.mark.parametrize("project", PROJECTS, ids=lambda path: path.name)
NASTY = "a\x1b[31m\nb\ud800"  # colours, a new line and half a character


@pytest.fixture
def search(tmp_path):
    """The folder of a search with completed, failed and modelled trials."""
    oracle = make_oracle(tmp_path, hyperparameters=mixed_space())
    run_search(oracle, risky_loss, 8)
    oracle.release()
    return tmp_path / "search"


def lines_of(capsys, *arguments, code=0):
    assert main([str(argument) for argument in arguments]) == code
    return capsys.readouterr().out.splitlines()


def error_of(capsys, *arguments):
    assert main([str(argument) for argument in arguments]) == 2
    out, error = capsys.readouterr()
    assert out == ""
    (line,) = error.splitlines()
    return line


def status_of(capsys, folder):
    return dict(line.split("   ", 1) for line in lines_of(capsys, "status", folder) if not line.startswith(" "))


def found(status, name):
    return status[name].strip()


def files(folder):
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


@every_project
def test_status_tells_how_a_search_stands(project, capsys):
    best = SearchLog.read(project).best

    lines = lines_of(capsys, "status", project)

    text = "\n".join(lines)
    assert "loss, minimised" in text
    assert "5 completed, 2 failed, 1 " in text
    assert f" in trial {best.record.number + 1} (trial_{best.trial_id})" in text
    assert [line.split()[0] for line in lines if line.startswith("  ")] == list(best.record.values)


def test_status_tells_the_budget_and_the_times(search, capsys):
    os.utime(search / "oracle.json", (2e9, 2e9))  # later than all others
    status = status_of(capsys, search)

    assert "of at most 20" in found(status, "trials")
    assert found(status, "elapsed").endswith(" s")
    assert found(status, "last written").startswith(time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(2e9)))


def test_status_tells_whether_a_process_is_searching(tmp_path, search, capsys, request):
    oracle = make_oracle(tmp_path, hyperparameters=mixed_space())
    oracle.reload()
    oracle.create_trial("tuner0")
    oracle.save()
    busy = status_of(capsys, search)
    oracle.release()
    idle, table = status_of(capsys, search), lines_of(capsys, "trials", search)
    process = request.getfixturevalue("other_process")

    elsewhere = status_of(capsys, search)

    assert found(busy, "searching now").startswith(f"yes, process {os.getpid()}")
    assert "1 running" in found(busy, "trials")
    assert found(idle, "searching now") == "no"
    assert "1 interrupted" in found(idle, "trials")
    assert table[-1].split()[2] == "interrupted"
    assert found(elsewhere, "searching now").startswith(f"yes, process {process.pid}")


def test_looking_changes_nothing_and_needs_no_lock_file(search, capsys):
    for name in (LOCK_FILE, HOLDER_FILE):
        (search / name).unlink(missing_ok=True)
    before = files(search)

    for command in ("status", "best", "trials"):
        lines_of(capsys, command, search)
    lines_of(capsys, "export", search, "--csv")

    assert files(search) == before


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can be another user")
def test_a_folder_that_may_only_be_read_is_enough(search, request):
    process = request.getfixturevalue("other_process")
    for path in (search, *search.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    code = """
import os, sys
from keras_bayes.cli import main
main(["status", "."])  # loads what another user may not be allowed to: the standard library of root
os.setuid(65534)
sys.exit(main(["status", "."]))
"""
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=search, env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.count(f"yes, process {process.pid}") == 2


@every_project
def test_best_shows_the_best_trials_side_by_side(project, capsys):
    log = SearchLog.read(project)
    ranked = sorted((t for t in log.trials if t.record.score is not None), key=lambda trial: trial.record.score)

    head, scores, *rows = lines_of(capsys, "best", project, "--top", 3)

    assert head.split() == [word for trial in ranked[:3] for word in ("trial", str(trial.record.number + 1))]
    assert rows[-1].split() == ["folder", *(f"trial_{trial.trial_id}" for trial in ranked[:3])]
    assert [float(score) for score in scores.split()[1:]] == pytest.approx(
        [trial.record.score for trial in ranked[:3]], rel=1e-4
    )
    assert [row.split()[3] for row in rows if row.startswith("optimizer")] == [ranked[2].record.values["optimizer"]]


def test_best_is_the_largest_where_larger_is_better(tmp_path, capsys):
    oracle = make_oracle(tmp_path, hyperparameters=mixed_space(), objective=kt.Objective("loss", "max"))
    best = max(run_search(oracle, mixed_loss, 4), key=lambda trial: trial.score)

    head = lines_of(capsys, "best", tmp_path / "search")[0]

    assert head.split() == ["trial", str(int(best.trial_id) + 1)]


def test_status_counts_what_is_known_from_elsewhere(tmp_path, capsys):
    oracle = make_oracle(tmp_path, hyperparameters=mixed_space())
    oracle.add_observation({"lr": 1e-3, "layers": 2, "units": 128, "optimizer": "adam", "augment": True}, 0.5)
    run_search(oracle, mixed_loss, 1)

    trials = found(status_of(capsys, tmp_path / "search"), "trials")

    assert trials == "1 completed, of at most 20; results from elsewhere: 1"


def test_where_locks_do_not_tell_status_says_so(search, capsys, monkeypatch):
    def lock_descriptor(*_, **__):
        raise OSError("no locks here")

    (search / LOCK_FILE).touch()
    monkeypatch.setattr("filelock.lock_descriptor", lock_descriptor)

    assert found(status_of(capsys, search), "searching now").startswith("not known")


def test_best_of_nothing_says_so(tmp_path, capsys):
    run_search(make_oracle(tmp_path, hyperparameters=mixed_space()), lambda values: 1 / 0, 1)

    assert lines_of(capsys, "best", tmp_path / "search") == ["No trial has completed."]
    assert found(status_of(capsys, tmp_path / "search"), "best") == "-"


def test_trials_shows_a_row_for_each(search, capsys):
    log = SearchLog.read(search)

    head, *rows = lines_of(capsys, "trials", search)

    assert head.split()[:7] == ["trial", "folder", "status", "loss", "expected", "took", "lr"]
    assert [row.split()[:3] for row in rows] == [
        [str(t.record.number + 1), f"trial_{t.trial_id}", t.record.status.lower()] for t in log.trials
    ]
    assert sum("ZeroDivisionError: division by zero" in row for row in rows) == len(
        [trial for trial in log.trials if trial.record.status == "FAILED"]
    )


def test_a_table_that_is_too_wide_goes_on_below():
    columns = [["trial", "0", "1"], ["first", "aaaa", None], ["second", 1.5, True], ["third", 2, "x" * 99]]

    text = table(columns, width=24)

    assert text.splitlines() == [
        "trial   first   second",
        "0       aaaa    1.5",
        "1       -       True",
        "",
        "trial   third",
        "0       2",
        f"1       {'x' * 20}…{'x' * 19}",
    ]
    assert len(table(columns, width=None).splitlines()) == 3


@every_project
def test_the_exported_table_is_that_of_the_data_frame(project, capsys, tmp_path):
    expected = trials_frame(SearchLog.read(project))
    lines_of(capsys, "export", project, "--csv", tmp_path / "trials.csv")

    rows = list(csv.DictReader(io.StringIO("\n".join(lines_of(capsys, "export", project, "--csv", "-")))))

    assert list(rows[0]) == list(expected.columns)
    assert [float(row["score"]) for row in rows if row["score"]] == list(expected["score"].dropna())
    assert [row["augment"] for row in rows] == [str(value) for value in expected["augment"]]
    with (tmp_path / "trials.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.DictReader(file)) == rows


def test_report_is_called_with_the_log_and_the_file(search, tmp_path, capsys, monkeypatch):
    calls = []
    module = types.ModuleType("keras_bayes.show.report")
    module.write_report = lambda log, path: calls.append((log, path))
    monkeypatch.setitem(sys.modules, "keras_bayes.show.report", module)

    by_default = lines_of(capsys, "report", search)
    lines_of(capsys, "report", search, "--output", tmp_path / "mine.html")

    assert [path for _, path in calls] == [search / "report.html", tmp_path / "mine.html"]
    assert all(isinstance(log, SearchLog) and log.folder == search for log, _ in calls)
    assert by_default == [str(search / "report.html")]


def test_names_with_control_characters_do_no_harm(tmp_path, capsys):
    hp = kt.HyperParameters()
    hp.Choice(NASTY, [NASTY, "other"])
    run_search(make_oracle(tmp_path, hyperparameters=hp), lambda values: len(values[NASTY]), 2)
    project = tmp_path / "search"

    for command in ("status", "best", "trials"):
        for line in lines_of(capsys, command, project):
            assert line.isprintable()
    assert main(["export", str(project), "--csv", str(tmp_path / "trials.csv")]) == 0
    with (tmp_path / "trials.csv").open(encoding="utf-8", newline="") as file:
        assert next(csv.reader(file))[1] == "a\x1b[31m\nb\\ud800"


def test_what_is_no_search_is_one_line(tmp_path, search, capsys):
    assert "There is no folder" in error_of(capsys, "status", tmp_path / "nowhere")
    assert f"Inside it are searches: {search}" in error_of(capsys, "best", tmp_path)


def test_a_later_format_is_one_line(tmp_path, capsys):
    project = tmp_path / "search"
    shutil.copytree(PROJECTS[0], project)
    state = json.loads((project / "oracle.json").read_text(encoding="utf-8"))
    (project / "oracle.json").write_text(json.dumps({**state, "format": 99, "keras_bayes": "7\n\x1b[1m"}))

    line = error_of(capsys, "trials", project)

    assert "Update keras_bayes" in line
    assert line.isprintable()


def test_a_broken_trial_is_left_out_with_one_line(search, capsys):
    (search / "trial_03" / "trial.json").write_text("{")

    assert main(["trials", str(search)]) == 0

    out, error = capsys.readouterr()
    assert [line.split()[0] for line in out.splitlines() if "completed" in line][:4] == ["1", "2", "3", "5"]
    assert error.count("\n") == 1
    assert "left out" in error


@pytest.mark.parametrize("top", ["0", "-1", "two"])
def test_a_bad_number_is_refused(top, search, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["best", str(search), f"--top={top}"])

    assert caught.value.code == 2
    assert f"must be an integer of at least 1, received '{top}'" in capsys.readouterr().err


def test_a_missing_package_is_one_line(search, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "keras_bayes.show.report", None)

    assert 'pip install ".[viz]"' in error_of(capsys, "report", search)


def test_the_command_loads_no_keras_and_takes_less_than_a_second(search):
    code = f"""
import sys
from keras_bayes.cli import main
codes = [main([command, {str(search)!r}]) for command in ("status", "best", "trials")]
codes.append(main(["export", {str(search)!r}, "--csv"]))
assert codes == [0] * 4
print({{"keras", "tensorflow", "keras_tuner", "pandas", "sklearn"}} & set(sys.modules), file=sys.stderr)
"""

    def run():
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "set()\n")

    assert least_seconds(run, clock=children_seconds) < 1


def test_who_stops_reading_sees_no_error(search):
    command = f"{sys.executable} -m keras_bayes trials {search} | true"

    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)

    assert done.stderr == ""


def test_in_a_terminal_lines_are_no_longer_than_it(search):
    controller, terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "keras_bayes", "trials", str(search)],
        stdout=terminal,
        env={**os.environ, "COLUMNS": "60"},
    ) as process:
        process.wait()
    text = os.read(controller, 1 << 16).decode()
    os.close(terminal)
    os.close(controller)

    assert max(map(len, text.splitlines())) <= 60
    assert sum(line.startswith("trial ") for line in text.splitlines()) > 1
