"""Reports of searches, opened in a browser."""

import time
from pathlib import Path

import keras_tuner as kt
import pytest

from keras_bayes.search_log import SearchLog
from keras_bayes.show.plots import Plots
from keras_bayes.show.report import html_report, write_report
from tests.host.browser import DESKTOP, PHONE, console, needs_chromium, opened, requests
from tests.host.sample_search import sample_search
from tests.host.test_tuner import make_tuner
from tests.logs import log_of, random_search, trial
from tests.spaces import choice, real
from tests.stopwatch import least_seconds

STORED = sorted((Path(__file__).parent.parent / "projects").glob("*-*"))
HOSTILE = "</script><script>document.title = 'broken'; alert(1)</script><img src=x onerror=alert(1)>"
FIGURES = ["history", "parallel", "importance", "slices", "contour", "curves", "timeline", "predictions"]


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return sample_search(tmp_path_factory.mktemp("sample"))


@pytest.fixture(scope="module")
def large_log(tmp_path_factory):
    return sample_search(tmp_path_factory.mktemp("large"), num_trials=200)


@pytest.fixture(scope="module")
def report(log, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "search.html"
    write_report(log, path)
    return path


@pytest.mark.parametrize("folder", STORED, ids=lambda folder: folder.name)
def test_stored_projects_have_a_report(folder):
    page = html_report(SearchLog.read(folder))

    assert "The model explains" in page
    assert "<dt>running</dt><dd>1</dd>" in page


def test_a_tuner_writes_a_report_and_draws(tmp_path):
    sample_search(tmp_path, num_trials=5)
    tuner = make_tuner(tmp_path, objective=kt.Objective("val_accuracy", "max"))

    tuner.report(tmp_path / "search.html")

    assert "A search for the largest val_accuracy" in (tmp_path / "search.html").read_text(encoding="utf-8")
    assert len(tuner.plot.history().data[0].x) == 5


@pytest.mark.slow
@needs_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_report_is_drawn_without_an_error_or_a_request(report, size, scheme):
    with opened(report, size=size, scheme=scheme) as driver:
        num_figures = driver.execute_script("return document.querySelectorAll('.figure').length")
        num_drawn = driver.execute_script("return document.querySelectorAll('.figure .xaxislayer-above').length")
        widths = driver.execute_script("return [document.scrollingElement.scrollWidth, innerWidth]")
        background = driver.execute_script("return getComputedStyle(document.body).backgroundColor")
        text = driver.execute_script("return getComputedStyle(document.querySelector('.xtitle')).fill")

        assert num_drawn >= num_figures == 13
        assert widths[0] <= widths[1]
        assert (console(driver), requests(driver)) == ([], [])
        assert (background, text) == {
            "light": ("rgb(255, 255, 255)", "rgb(95, 103, 112)"),
            "dark": ("rgb(21, 24, 28)", "rgb(162, 171, 181)"),
        }[scheme]


@pytest.mark.slow
@needs_chromium
def test_the_table_is_sorted_by_a_click_or_a_key_with_empty_cells_last(report, log):
    scores = [f"{trial.record.score:.5g}" for trial in log.trials if trial.record.score is not None]
    num_failed = len(log.trials) - len(scores)
    read = "return [...document.querySelectorAll('.trials tbody tr')].map(row => row.cells[2].textContent)"
    with opened(report) as driver:
        (button,) = driver.find_elements("xpath", "//th/button[text()='val_accuracy']")

        driver.execute_script("arguments[0].click()", button)
        ascending = driver.execute_script(read)
        button.send_keys("\ue007")
        descending = driver.execute_script(read)

        assert ascending == sorted(scores, key=float) + num_failed * [""]
        assert descending == sorted(scores, key=float, reverse=True) + num_failed * [""]
        assert button.find_element("xpath", "..").get_attribute("aria-sort") == "descending"


@pytest.mark.slow
@needs_chromium
def test_hostile_names_run_nothing(tmp_path):
    entries = [real(HOSTILE, 0.0, 1.0), choice("<b>model</b>", [HOSTILE, "javascript:alert(1)"])]
    searched = random_search(entries, lambda values: values[HOSTILE])
    trials = [trial(t.record.number, dict(t.record.values), t.record.score, runs=[(0, 1)]) for t in searched.trials]
    failed = trial(len(trials), {}, None, message=HOSTILE)
    write_report(log_of(entries, [*trials, failed], objective=HOSTILE), tmp_path / "search.html")

    with opened(tmp_path / "search.html") as driver:  # an alert would make each of these an error
        assert driver.title == "project: hyperparameter search"
        assert driver.find_elements("css selector", "img[src='x']") == []
        assert (console(driver), requests(driver)) == ([], [])


@pytest.mark.slow
@needs_chromium
def test_a_search_without_a_result_is_readable(tmp_path):
    log = log_of([real("lr", 0.0, 1.0)], [trial(0, {"lr": 0.5}, None, message="it broke")])
    write_report(log, tmp_path / "search.html")

    with opened(tmp_path / "search.html", size=PHONE) as driver:
        assert "No trial has completed yet." in driver.find_element("tag name", "main").text
        assert console(driver) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_of_two_hundred_trials_takes_less_than_two_seconds(large_log, name):
    figures = []

    def draw():
        figures.append(getattr(Plots(lambda: large_log), name)())

    assert least_seconds(draw, clock=time.process_time) < 2
    assert len(figures[0].data) > 0
