import base64
import gzip
import html
import json
import math
import re

import pytest

from keras_bayes.curves import Epoch
from keras_bayes.history import TrialRecord
from keras_bayes.search_log import LoggedTrial
from keras_bayes.show.report import html_report, write_report
from tests.logs import log_of, random_search, trial
from tests.spaces import boolean, choice, real

HOSTILE = "</script><script>alert(1)</script>\n\u2028" + 5000 * "x"
ENTRIES = [real("lr", 1e-4, 1e-1, sampling="log"), choice("model", ["mlp", "cnn"]), boolean("augment")]
MAX_BYTES = 5_000_000


def loss(values):
    if values["lr"] > 0.03:
        return math.nan
    return (math.log10(values["lr"]) + 2.5) ** 2 + (values["model"] == "mlp")


LOG = random_search(ENTRIES, loss)


@pytest.fixture(scope="module")
def page():
    return html_report(LOG)


def element(html, name):
    (text,) = re.findall(rf'<script type="[a-z/]*" id="{name}">(.*?)</script>', html, re.DOTALL)
    return text


def trials_of(html):
    return json.loads(element(html, "trials"))


def figures_of(html):
    return json.loads(gzip.decompress(base64.b64decode(element(html, "figures"))))


def test_all_trials_are_in_it_as_json(page):
    content = trials_of(page)

    assert (content["objective"], content["direction"]) == ("loss", "min")
    assert content["hyperparameters"] == ["lr", "model", "augment"]
    for found, logged in zip(content["trials"], LOG.trials, strict=True):
        assert found["score"] == logged.record.score
        assert found["values"] == [logged.record.values[name] for name in ("lr", "model", "augment")]
        assert found["status"] == logged.record.status


def test_it_says_what_is_best_and_how_to_load_it(page):
    assert f"<dd>{LOG.best.record.score:.5g}</dd>" in page
    assert f"<td>{LOG.best.record.values['lr']:.5g}</td>" in page
    assert "project_name=&#39;project&#39;" in page
    assert "get_best_hyperparameters()[0]" in page


def test_a_value_that_the_best_trial_has_not_read_is_not_shown():
    record = TrialRecord(0, {"lr": 1e-3, "model": "unread value"}, "COMPLETED", 1.0, unused=frozenset({"model"}))
    entries = [ENTRIES[0], choice("model", ["mlp", "unread value"])]

    page = html_report(log_of(entries, [LoggedTrial("0", record, {}, (), ())]))

    assert ">unread value<" not in page
    assert trials_of(page)["trials"][0]["unused"] == ["model"]


def test_it_says_what_the_model_says_and_what_to_do(page):
    assert "of the differences between" in page
    assert re.search(r"failed trials have &#39;lr&#39; ≥ 0\.0\d+, but only 0 of", page)


def test_each_figure_has_its_place(page):
    places = re.findall(r'data-figure="(\d+)"', page)

    assert [int(place) for place in places] == list(range(len(figures_of(page))))
    assert len(places) == 8  # history, importance, three slices, contour, predictions, parallel coordinates
    assert page.count('class="missing"') == 2  # learning curves and times


def test_it_allows_no_script_but_its_own_and_no_request(page):
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)

    assert policy.startswith("default-src &#39;none&#39;; script-src &#39;sha256-")
    assert "unsafe-eval" not in policy
    assert "http" not in policy
    assert re.findall(r"""<(?:link|img|iframe|script)[^>]*(?:src|href)=""", page) == []


def test_hostile_names_values_and_messages_stay_inert():
    entries = [real(HOSTILE, 0.0, 1.0), choice("model", [HOSTILE, "<img src=x onerror=alert(1)>"])]
    searched = random_search(entries, lambda values: math.nan if values[HOSTILE] > 0.8 else values[HOSTILE])
    trials = [
        trial(t.record.number, dict(t.record.values), t.record.score, message=HOSTILE + "\ud800\x00")
        for t in searched.trials
    ]

    page = html_report(log_of(entries, trials, objective=HOSTILE, state={"seed": HOSTILE}))

    assert page.lower().count("<script") == 4
    assert page.lower().count("</script") == 4
    assert "<img" not in page
    assert "\u2028" not in page
    assert trials_of(page)["hyperparameters"][0] == HOSTILE


def test_numbers_that_are_not_finite_are_null():
    curve = [Epoch(0, 0, 0.0, 1.0, {"loss": math.nan}), Epoch(0, 1, 0.0, 1.0, {"loss": 1.0})]
    proposal = {"source": "model", "mean": math.inf, "sd": math.nan}

    page = html_report(log_of(ENTRIES, [trial(0, {"lr": math.inf}, 1.0, curve=curve, proposal=proposal)]))

    (found,) = trials_of(page)["trials"]
    assert (found["values"], found["proposal"]["mean"]) == ([None], None)


def test_in_a_notebook_the_page_is_shown_in_a_frame_that_holds_it(tmp_path):
    report = write_report(LOG, tmp_path / "search.html")

    (frame,) = re.findall(r'^<iframe srcdoc="([^"]*)" style="[^"]*"></iframe>$', report._repr_html_())
    assert html.unescape(frame) == (tmp_path / "search.html").read_text(encoding="utf-8")


def test_the_file_is_valid_utf_8_even_where_a_name_is_not(tmp_path):
    path = tmp_path / "folder" / "search.html"

    write_report(log_of(ENTRIES, [trial(0, {"lr": 1e-3}, None, message="\ud800 broke")]), path)

    assert "? broke" in path.read_text(encoding="utf-8")
    assert [file.name for file in path.parent.iterdir()] == ["search.html"]


@pytest.mark.parametrize(
    ("trials", "said"),
    [
        ([], "No trial has completed yet"),
        ([trial(0, {"lr": 1e-3}, None, message="it broke")], "Trial 1: it broke"),
        ([trial(0, {"lr": 1e-3}, None, status="RUNNING")], "<dt>running</dt><dd>1</dd>"),
        ([trial(0, {"lr": 1e-3}, 1.0)], "The model needs 3 completed trials in the search space, there are 1."),
    ],
)
def test_a_search_without_much_in_it_has_a_report(trials, said):
    page = html_report(log_of(ENTRIES[:1], trials))

    assert said in page
    assert '<div class="figure"' in page if any(t.record.score is not None for t in trials) else "figure" in page


def test_a_search_space_that_is_none_is_said_to_be_so():
    entries = [real("lr", 0.0, 1.0), choice("lr", ["a", "b"])]

    page = html_report(log_of(entries, [trial(i, {"lr": 0.1 * i}, float(i)) for i in range(4)]))

    assert "The hyperparameter &#39;lr&#39; is declared twice" in page
    assert figures_of(page)[0]["data"][0]["name"] == "best so far"


def test_results_from_elsewhere_are_no_trials():
    known = [TrialRecord(-1, {"lr": 1e-3, "model": "mlp", "augment": True}, "COMPLETED", 0.5)]

    page = html_report(log_of(ENTRIES, LOG.trials, known=known))

    assert len(trials_of(page)["trials"]) == len(LOG.trials)


@pytest.mark.slow
def test_a_large_search_with_long_curves_fits_in_five_megabytes(tmp_path):
    curve = [Epoch(0, i, 0.0, 1.0, {"loss": 1 / (i + 1), "val_loss": 2 / (i + 1)}) for i in range(300)]
    entries = [real(f"hyperparameter_{i}", 0.0, 1.0) for i in range(15)]
    searched = random_search(entries, lambda values: sum(values.values()), num_trials=200)
    options = {"curve": curve, "message": 3000 * "m"}
    records = [trial.record for trial in searched.trials]
    trials = [trial(r.number, dict(r.values), r.score, runs=[(r.number, r.number + 1)], **options) for r in records]

    write_report(log_of(entries, trials, sessions=[(0, 200)]), tmp_path / "search.html")

    assert (tmp_path / "search.html").stat().st_size <= MAX_BYTES
