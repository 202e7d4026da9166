import numpy as np
import pytest

from keras_bayes.axes import Axis
from keras_bayes.history import TrialRecord
from keras_bayes.show.drawing import ORANGE, axis_layout, hover, notice, plain, ranked_groups, score_range, trial_name

HOSTILE = "<b>bold</b> & <script>alert(1)</script>\n" + 5000 * "x"


def test_a_name_is_one_short_line_without_markup():
    text = plain(HOSTILE)

    assert "<" not in text
    assert "\n" not in text
    assert "&lt;b&gt;" in text
    assert len(text) < 120


def test_a_hover_text_has_the_score_and_some_of_the_values_without_markup():
    values = {HOSTILE: HOSTILE, **{f"x{i}": i for i in range(100)}}

    text = hover(TrialRecord(4, values, "COMPLETED", 0.5), "loss", "a line")

    assert text.startswith("<b>Trial 5</b>: loss = 0.5<br>a line<br>")
    assert "<script" not in text
    assert text.endswith("<br>…")


def test_a_hover_text_has_no_value_that_the_trial_never_read():
    record = TrialRecord(0, {"units": 32, "dropout": 0.5}, "COMPLETED", 0.5, unused=frozenset(["dropout"]))

    assert hover(record, "loss") == "<b>Trial 1</b>: loss = 0.5<br>units = 32"


def test_a_result_from_elsewhere_has_no_number():
    assert trial_name(TrialRecord(-1, {}, "COMPLETED", 0.5)) == "Known result"


def test_a_notice_is_text_and_no_markup():
    (annotation,) = notice("<a href='x'>click</a>").layout.annotations

    assert annotation.text == "&lt;a href='x'&gt;click&lt;/a&gt;"


def test_the_axis_of_a_category_names_its_values():
    layout = axis_layout(Axis("<i>x</i>", "category", ("a", "<b>")), ("a", "<b>"))

    assert layout["title"] == {"text": "&lt;i&gt;x&lt;/i&gt;"}
    assert (layout["tickvals"], layout["ticktext"]) == ([0.0, 1.0], ["a", "&lt;b&gt;"])


def test_the_axis_of_a_logarithmic_scale_is_logarithmic():
    assert axis_layout(Axis("lr", "log", ()), (1e-4, 1e-1))["type"] == "log"
    assert "type" not in axis_layout(Axis("x", "linear", ()), (0.0, 1.0))


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_scores_that_are_far_worse_than_the_rest_leave_the_axis(sign):
    scores = sign * np.array([1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1e6])

    span, num_beyond = score_range(scores, "min" if sign > 0 else "max")

    assert num_beyond == 1
    assert span[0] < scores[:-1].min()
    assert scores[:-1].max() < span[1]
    assert span[1] - span[0] < 5


@pytest.mark.parametrize(
    "scores", [[1.0], [0.0, 0.0], [1.0, 2.0, np.nan], [-1.7e308, 1.7e308], [1.0, 1.0, 1.0, 1.0, 9.0]]
)
def test_a_range_holds_scores_that_are_close_whatever_they_are(scores):
    span, num_beyond = score_range(np.array(scores), "min")

    assert num_beyond == 0
    assert span[0] < np.nanmin(scores) or span[0] == -np.finfo(float).max
    assert np.nanmax(scores) < span[1] or span[1] == np.finfo(float).max
    assert np.isfinite(span).all()


@pytest.mark.parametrize(("direction", "best"), [("min", 1), ("max", 3)])
def test_the_best_trial_is_drawn_last_and_those_without_a_score_first(direction, best):
    groups = ranked_groups(np.array([2.0, 1.0, np.nan, 4.0, 3.0]), direction)

    assert (groups[0].label, groups[0].rows) == ("no score", [2])
    assert (groups[-1].rows, groups[-1].look["line"]["color"]) == ([best], ORANGE)
    assert sorted(row for group in groups for row in group.rows) == list(range(5))


def test_trials_without_any_score_are_one_group():
    (group,) = ranked_groups(np.array([np.nan, np.nan]), "min")

    assert group.rows == [0, 1]


def test_a_logarithmic_axis_holds_integers_of_any_size():
    layout = axis_layout(Axis("n", "log", ()), [1, 2**70])

    assert (layout["type"], layout["dtick"]) == ("log", 1)
