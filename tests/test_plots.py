import json
import math
from dataclasses import replace

import numpy as np
import pytest

from keras_bayes.curves import Epoch
from keras_bayes.errors import KerasBayesError
from keras_bayes.show.explanation import Explanation
from keras_bayes.show.plots import Plots
from tests.logs import log_of, random_search, trial
from tests.spaces import boolean, choice, integer, real, when

HOSTILE = "</script><script>alert(1)</script>\n" + 5000 * "x"
ENTRIES = [
    real("lr", 1e-4, 1e-1, sampling="log"),
    choice("model", ["mlp", "cnn"]),
    integer("filters", 8, 64, conditions=[when("model", "cnn")]),
]
OF_THE_MODEL = ["importance", "slices", "contour", "predictions"]
ALL = ["history", "parallel", "curves", "timeline", *OF_THE_MODEL]


def loss(values):
    if values["lr"] > 0.03:
        return math.nan
    return (math.log10(values["lr"]) + 2.5) ** 2 + (values["model"] == "mlp")


LOG = random_search(ENTRIES, loss)


def plots(log=LOG):
    return Plots(lambda: log)


def traces(figure, **properties):
    return list(figure.select_traces(properties))


def text_of(figure):
    return " ".join(annotation.text for annotation in figure.layout.annotations)


def test_the_history_shows_each_score_the_best_so_far_and_the_failures():
    figure = plots().history()

    scores = [trial.record.score for trial in LOG.trials]
    (shown,) = traces(figure, name="trial")
    assert list(shown.y) == [score for score in scores if score is not None]
    assert list(shown.x) == [i + 1 for i, score in enumerate(scores) if score is not None]
    (best,) = traces(figure, name="best so far")
    assert best.y[-1] == min(shown.y)
    (failed,) = traces(figure, name="failed")
    assert list(failed.x) == [i + 1 for i, score in enumerate(scores) if score is None]
    assert "it broke" in failed.text[0]
    assert set(failed.y) == {0.98}  # where the bad scores are


def test_failures_stand_where_the_bad_scores_are():
    log = random_search(ENTRIES, loss, direction="max")

    (failed,) = traces(plots(log).history(), name="failed")

    assert set(failed.y) == {0.02}


def test_the_history_tells_with_which_trial_one_goes_on():
    proposal = {"source": "continuation", "continues": "00", "mean": 1.0, "sd": 0.1}
    trials = [trial(0, {"lr": 1e-3}, 1.0), trial(1, {"lr": 1e-3}, 0.9, proposal=proposal)]

    figure = plots(log_of(ENTRIES, trials)).history()

    texts = [text for trace in figure.data for text in trace.text or ()]
    assert ["continues trial 1" in text for text in texts] == [False, True]


def test_scores_beyond_the_axis_of_the_history_are_counted():
    trials = [trial(i, {"lr": 1e-3}, float(i)) for i in range(1, 9)]

    figure = plots(log_of(ENTRIES, [*trials, trial(9, {"lr": 1e-3}, 1e9)])).history()

    assert figure.layout.xaxis.title.text == "trial; 1 trial beyond the axis (double-click)"


def test_the_parallel_lines_pass_the_positions_of_the_values():
    figure = plots().parallel()

    (best,) = traces(figure, name="best trial")
    x = LOG.space.encode(LOG.best.record.values)
    assert best.y[0] == pytest.approx(x[0])
    assert best.y[3] == 1.0
    assert "lr = " in best.text[0]
    num_lines = sum(list(trace.x).count(None) for trace in figure.data)
    assert num_lines == len(LOG.trials)


def test_a_value_that_is_not_active_says_so():
    (shown,) = [trace for trace in plots().parallel().data if trace.name == "best trial"]
    inactive = plots(log_of(ENTRIES, [trial(0, {"lr": 1e-3, "model": "mlp"}, 1.0)])).parallel()

    assert "filters is not active" in inactive.data[0].text[2]
    assert "is not active" not in " ".join(text for text in shown.text if text)


def test_curves_show_the_metric_of_each_epoch_and_a_gap_after_each_training():
    curve = [Epoch(t, i, 0.0, 1.0, {"loss": 10.0 * t + i}) for t in range(2) for i in range(3)]

    (best,) = plots(log_of(ENTRIES, [trial(0, {"lr": 1e-3}, 1.0, curve=curve)])).curves().data

    assert best.x == (1, 2, 3, None, 1, 2, 3, None)
    assert best.y == (0, 1, 2, None, 10, 11, 12, None)


def test_an_epoch_without_a_finite_loss_is_a_gap():
    curve = [Epoch(0, i, 0.0, 1.0, {"loss": value}) for i, value in enumerate([1.0, math.nan, math.inf])]

    (best,) = plots(log_of(ENTRIES, [trial(0, {"lr": 1e-3}, 1.0, curve=curve)])).curves().data

    assert best.y == (1.0, None, None, None)


def test_the_timeline_has_a_bar_for_each_run():
    trials = [
        trial(0, {"lr": 1e-3}, 1.0, runs=[(0, 10), (20, 50)]),
        trial(1, {"lr": 1e-3}, None, runs=[(50, 60)]),
        trial(2, {"lr": 1e-3}, None, status="RUNNING", runs=[(60, 70)]),
        trial(3, {"lr": 1e-3}, None, status="INVALID", runs=[(70, 75)]),
    ]

    figure = plots(log_of(ENTRIES, trials, sessions=[(0, 75)])).timeline()

    bars = {trace.name: (trace.base, trace.x) for trace in figure.data}
    assert bars == {
        "completed": ((20.0,), (30.0,)),
        "failed": ((50.0,), (10.0,)),
        "ran again later": ((0.0,), (10.0,)),
        "to be tried again": ((70.0,), (5.0,)),
        "running": ((60.0,), (10.0,)),
    }


def test_the_importance_is_that_of_the_model():
    figure = plots().importance()

    found = Explanation.of(LOG).importance
    (total,) = traces(figure, name="with its interactions")
    assert list(total.x) == found.total[found.order[::-1]].tolist()
    assert figure.layout.yaxis.ticktext[-1] == found.names[found.order[0]]


def test_slices_show_the_expected_scores_and_the_trials():
    figure = plots().slices()

    line = Explanation.of(LOG).slices[0]
    middle = figure.data[2]
    np.testing.assert_array_equal(middle.y, line.band.mean)
    np.testing.assert_array_equal(middle.x, line.values)
    best = figure.data[4]
    assert (best.x[0], best.y[0]) == (LOG.best.record.values["lr"], LOG.best.record.score)
    assert figure.layout.xaxis.type == "log"


def test_a_contour_shows_the_expected_scores_and_how_unsure_they_are():
    figure = plots().contour("lr", "filters")

    contour = Explanation.of(LOG).contour("lr", "filters")
    mean, sd = [trace for trace in figure.data if trace.type in ("contour", "heatmap")]
    np.testing.assert_array_equal(mean.z, contour.mean)
    np.testing.assert_array_equal(sd.z, contour.sd)
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("lr", "filters")


def test_predictions_stand_against_scores():
    figure = plots().predictions()

    made = Explanation.of(LOG).predictions
    (shown,) = traces(figure, name="left out")
    np.testing.assert_array_equal(shown.x, [record.score for record in made.records])
    np.testing.assert_array_equal(shown.y, made.left_out.mean)


@pytest.mark.parametrize("name", ALL)
def test_without_a_completed_trial_an_error_says_so(name):
    with pytest.raises(KerasBayesError, match="No trial in project has completed yet"):
        getattr(plots(log_of(ENTRIES, [trial(0, {"lr": 1e-3}, None)])), name)()


@pytest.mark.parametrize("name", OF_THE_MODEL)
def test_with_few_completed_trials_a_figure_of_the_model_says_what_is_missing(name):
    log = log_of(ENTRIES, [trial(0, {"lr": 1e-3, "model": "mlp"}, 1.0)])

    assert "needs 3 completed trials in the search space, there are 1" in text_of(getattr(plots(log), name)())


@pytest.mark.parametrize(("name", "missing"), [("curves", "No learning curves"), ("timeline", "No times")])
def test_what_was_not_recorded_is_said_to_be_missing(name, missing):
    assert missing in text_of(getattr(plots(), name)())


@pytest.mark.parametrize("name", ALL)
def test_hostile_names_stay_text(name):
    entries = [real(HOSTILE, 0.0, 1.0), choice("<b>b</b>", [HOSTILE, "<i>"]), boolean("c")]
    searched = random_search(entries, lambda values: values[HOSTILE])
    curve = [Epoch(0, 0, 0.0, 1.0, {HOSTILE: 1.0})]
    trials = [
        trial(t.record.number, dict(t.record.values), t.record.score, curve=curve, runs=[(0, 1)])
        for t in searched.trials
    ]

    text = json.dumps(getattr(plots(log_of(entries, trials, objective=HOSTILE)), name)().to_plotly_json(), default=str)

    assert "<script" not in text
    assert "</script" not in text
    assert "<i>" not in text
    assert 500 * "x" not in text


@pytest.mark.parametrize("name", ALL)
def test_one_score_many_times_can_be_drawn(name):
    trials = [trial(i, {"lr": 1e-3, "model": "mlp"}, 1.0, runs=[(0, 0)]) for i in range(4)]

    assert getattr(plots(log_of(ENTRIES, trials)), name)().to_json()


def test_the_log_is_read_anew_for_each_figure():
    logs = iter([random_search(ENTRIES, loss, num_trials=n) for n in (5, 9)])
    live = Plots(lambda: next(logs))

    assert [live.history().data[0].x[-1] for _ in range(2)] == [5, 9]


def test_where_a_trial_is_missing_the_others_keep_their_numbers():
    log = replace(LOG, trials=(*LOG.trials[:2], *LOG.trials[3:]))
    figure = plots(log).history()

    for name in ("trial", "failed"):
        (shown,) = traces(figure, name=name)
        assert [f"<b>Trial {x}</b>" in text for x, text in zip(shown.x, shown.text, strict=True)] == [True] * len(
            shown.x
        )


def test_curves_of_another_metric_than_the_objective_are_all_within_the_axis():
    curve = [
        Epoch(0, i, 0.0, 0.0, {"val_accuracy": value}) for i, value in enumerate([0.1] * 60 + [0.15] * 30 + [0.9] * 10)
    ]
    figure = plots(log_of(ENTRIES, [trial(0, {}, 1.0, curve=curve)], objective="cost")).curves()

    assert figure.layout.yaxis.range is None
    assert figure.layout.yaxis.title.text == "val_accuracy"
