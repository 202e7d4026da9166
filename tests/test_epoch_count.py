import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_bayes.budget import EPOCHS_ARE_UP, TIME_IS_UP, USED_UP
from keras_bayes.curves import CURVE_FILE, Earlier, End, Epoch, Inherited
from keras_bayes.epoch_count import EpochCount, EpochLedger, count_epochs

counts = st.builds(EpochCount, st.integers(0, 99), st.integers(0, 99))
trainings = st.lists(  # how long each was, how long it was to be, and why it was stopped; `None` for one without an end
    st.tuples(st.integers(0, 5), st.integers(0, 9), st.sampled_from(["", "hopeless", *USED_UP]) | st.none())
)


def lines_of(trainings, earlier=()):
    """The curve of a trial; `trainings` as above."""
    lines = [Earlier(number).to_line() for number in earlier]
    for training, (length, num_epochs, stopped) in enumerate(trainings):
        lines += [Epoch(training, i, 1.0, 1.0, {"loss": 0.5}).to_line() for i in range(length)]
        lines += [] if stopped is None else [End(training, num_epochs, stopped).to_line()]
    return lines


def write(folder, lines):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CURVE_FILE).write_text("".join(lines))
    return folder


@given(trainings, st.lists(st.integers(0, 99), max_size=1))
def test_all_epochs_are_counted_and_those_that_a_rule_has_spared(tmp_path_factory, trainings, earlier):
    folder = write(tmp_path_factory.mktemp("trial"), lines_of(trainings, earlier))

    spared = [max(planned - length, 0) for length, planned, stopped in trainings if stopped == "hopeless"]
    trained = sum(length for length, *_ in trainings) + sum(earlier)
    assert count_epochs(folder) == EpochCount(trained, sum(spared))


@pytest.mark.parametrize("reason", [TIME_IS_UP, EPOCHS_ARE_UP])
def test_a_budget_saves_nothing(tmp_path, reason):
    assert count_epochs(write(tmp_path, lines_of([(3, 10, "hopeless"), (2, 10, reason)]))) == EpochCount(5, 7)


def test_a_training_that_begins_with_a_later_epoch_is_spared_what_follows(tmp_path):
    lines = [Epoch(0, number, 1.0, 1.0, {}).to_line() for number in (6, 7)] + [End(0, 10, "hopeless").to_line()]

    assert count_epochs(write(tmp_path, lines)) == EpochCount(2, 2)


@pytest.mark.parametrize("number", [-1, 10**30, "many", None])
def test_what_is_no_number_of_epochs_is_skipped(tmp_path, number):
    lines = [Earlier(number).to_line(), *lines_of([(3, 10, "")])]

    assert count_epochs(write(tmp_path, lines)) == EpochCount(3)


def test_a_training_in_several_trials_counts_once(tmp_path):
    def leg(begin, end, stopped):
        lines = [Inherited(begin, 52).to_line()] * (begin > 0)
        lines += [Epoch(0, i, 1.0, 1.0, {}).to_line() for i in range(end)]
        return lines if stopped is None else [*lines, End(0, 52, stopped).to_line()]

    for trial_id, (begin, end, stopped) in enumerate([(0, 4, "Paused"), (4, 9, "Paused"), (9, 30, None)]):
        write(tmp_path / f"trial_{trial_id}", leg(begin, end, stopped))
    ledger = EpochLedger(tmp_path)

    assert EpochLedger(tmp_path).total(without=["1", "2"]) == EpochCount(4, 48)
    assert ledger.total(without=["2"]) == EpochCount(9, 43)
    assert ledger.total() == EpochCount(30, 22)  # which are saved as long as they are not trained
    write(tmp_path / "trial_2", leg(9, 52, ""))
    assert ledger.total() == EpochCount(52)


@pytest.mark.parametrize(("begin", "first"), [(2, 0), (2, 3)])  # epochs before the pause, and before the training
def test_a_training_that_goes_on_with_another_plan_has_saved_nothing_at_its_end(tmp_path, begin, first):
    epochs = [Epoch(0, first + i, 1.0, 1.0, {}).to_line() for i in range(24 - first)]
    write(tmp_path / "trial_0", [*epochs[:begin], End(0, 12, "Paused").to_line()])
    inherited = Inherited(begin, 12).to_line()

    write(tmp_path / "trial_1", [inherited, *epochs, End(0, 24, "").to_line()])
    whole = EpochLedger(tmp_path).total()
    write(tmp_path / "trial_1", [inherited, *epochs[: 5 - first], End(0, 24, "Paused").to_line()])

    assert whole == EpochCount(24 - first)
    assert EpochLedger(tmp_path).total() == EpochCount(5 - first, 19)


def test_a_failure_to_go_on_takes_nothing_away_from_what_was_saved(tmp_path):
    epochs = [Epoch(0, i, 1.0, 1.0, {}).to_line() for i in range(4)]
    write(tmp_path / "trial_0", [*epochs[:2], End(0, 12, "Paused").to_line()])

    write(tmp_path / "trial_1", [Inherited(2, 12).to_line(), *epochs[:3]])

    assert EpochLedger(tmp_path).total() == EpochCount(3, 9)


def test_there_are_no_epochs_without_a_curve(tmp_path):
    assert count_epochs(tmp_path) == EpochLedger(tmp_path / "missing").total() == EpochCount()


@given(counts, counts, counts)
def test_the_order_in_which_epochs_are_added_does_not_matter(a, b, c):
    assert (a + b) + c == a + (b + c) == c + b + a
    assert a + EpochCount() == a


@given(st.dictionaries(st.sampled_from("abcdef"), trainings, max_size=4))
def test_the_total_is_the_sum_over_all_trials(tmp_path_factory, by_id):
    folder = tmp_path_factory.mktemp("search")
    for trial_id, trainings in by_id.items():
        write(folder / f"trial_{trial_id}", lines_of(trainings))

    ledger = EpochLedger(folder)

    assert ledger.total() == sum(map(ledger.of, by_id), EpochCount())
    for trial_id in by_id:
        assert ledger.total(without=[trial_id]) + ledger.of(trial_id) == ledger.total()


def test_an_epoch_of_another_process_counts_at_once(tmp_path):
    folders = [write(tmp_path / f"trial_{i}", lines_of([(10, 10, "")])) for i in range(3)]
    ledger = EpochLedger(tmp_path)
    before = ledger.total()
    with (folders[1] / CURVE_FILE).open("a") as file:
        file.write(Epoch(1, 0, 1.0, 1.0, {}).to_line())

    assert ledger.total() == before + EpochCount(1)
