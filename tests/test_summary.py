from rich.cells import cell_len

from keras_bayes.epoch_count import EpochCount
from keras_bayes.show.summary import summary_lines
from tests.snapshots import completed, moment


def test_the_summary_says_why_it_ended_what_it_found_and_where():
    assert summary_lines(moment(), "The search is complete.") == [
        "The search is complete. 3 trials completed, 1 failed.",
        "Best val_accuracy: 0.9 (Trial 2/10)",
        "  units   32",
        "  lr      0.01",
        "Results are in results/search",
    ]


def test_the_summary_says_how_many_epochs_were_saved():
    line = summary_lines(moment(max_epochs=20, ended_epochs=EpochCount(20, 7)), "The search is complete.")[0]

    assert line == "The search is complete. 3 trials completed, 1 failed; epochs 20/20 (7 saved)."


def test_a_search_that_found_nothing_says_so():
    progress = moment(best=None, num_completed=0, num_failed=4)

    assert summary_lines(progress, "The search is complete.") == [
        "The search is complete. 0 trials completed, 4 failed.",
        "Results are in results/search",
    ]


def test_what_is_expected_of_more_trials_is_said_unless_the_reason_says_it():
    outlook = "The model expects another 10 trials to improve loss by 0.01."
    reason = outlook[:-1] + ", less than the 0.02 of `stop_when`."

    assert outlook in summary_lines(moment(), "The search is complete.", outlook)
    assert outlook not in summary_lines(moment(), reason, outlook)


def test_values_stand_below_each_other_whatever_the_width_of_the_names():
    best = completed(2, 0.9, 隐藏层=3, units=32)

    _, _, wide, narrow, _ = summary_lines(moment(best=best), "The search is complete.")

    assert cell_len(wide.removesuffix("3")) == cell_len(narrow.removesuffix("32"))


def test_of_the_error_that_ended_a_search_the_first_line_is_enough():
    first = summary_lines(moment(), "The first 3 trials all failed with the same error.\nTraceback\nValueError: x\n")[0]

    assert first == "The first 3 trials all failed with the same error. 3 trials completed, 1 failed."
