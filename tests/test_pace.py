"""How long a search will take: simulated searches whose end is known."""

import heapq

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_bayes.epoch_count import EpochCount
from keras_bayes.history import TrialRecord
from keras_bayes.show.pace import Pace
from keras_bayes.show.progress import progress_of
from keras_bayes.timesheet import Timesheet


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class Search:
    """A search on a simulated clock, in which `seconds(i)` is how long trial i takes; a negative one fails.

    Args:
        seconds: Gives the duration of each trial.
        gap: Seconds between the end of a trial and the next one of the same worker.
        num_workers: How many run at once.
    """

    def __init__(self, seconds, *, num_trials=20, gap=0.0, num_workers=1):
        self.clock = Clock()
        self.timesheet = Timesheet(self.clock)
        self.records, self.ended, self.running = {}, [], {}
        self.seconds, self.gap, self.num_trials, self.num_workers = seconds, gap, num_trials, num_workers
        self.events = [(self.clock.now, False, "") for _ in range(num_workers)]  # time, whether a trial ends, and which

    def run(self, num_ended):
        """Runs until so many trials have ended."""
        while len(self.ended) < num_ended:
            self.clock.now, is_end, trial_id = heapq.heappop(self.events)
            if is_end:
                self._end(trial_id)
            elif len(self.records) < self.num_trials:
                self._begin()
        return self

    def stop(self, pause):
        """Ends the process, and begins anew after a pause; the trials that were running start again."""
        self.timesheet.see()
        state = self.timesheet.to_state()
        self.clock.now += pause
        self.timesheet = Timesheet(self.clock)
        self.timesheet.take_up(state)
        self.records = {i: record for i, record in self.records.items() if i in self.ended}
        self.running = {}
        self.events = [(self.clock.now, False, "") for _ in range(self.num_workers)]

    @property
    def seconds_left(self):
        progress = progress_of(
            self.records,
            {},
            self.timesheet,
            moment=self.clock.now,
            folder="",
            objective="loss",
            direction="min",
            max_trials=self.num_trials,
            max_time=None,
            max_epochs=None,
            ended_epochs=EpochCount(),
            ended=self.ended,
            running=list(self.running),
            num_workers=self.num_workers,
        )
        return progress.seconds_left

    def _begin(self):
        number = len(self.records)
        trial_id = str(number)
        self.records[trial_id] = TrialRecord(number, {}, "RUNNING")
        self.running[trial_id] = number
        self.timesheet.begin(trial_id)
        heapq.heappush(self.events, (self.clock.now + abs(self.seconds(number)), True, trial_id))

    def _end(self, trial_id):
        number = self.running.pop(trial_id)
        self.timesheet.end(trial_id)
        is_completed = self.seconds(number) >= 0
        self.records[trial_id] = TrialRecord(number, {}, *(("COMPLETED", 1.0) if is_completed else ("FAILED", None)))
        self.ended.append(trial_id)
        heapq.heappush(self.events, (self.clock.now + self.gap, False, ""))


def check_estimate(search, num_ended=5):
    """The estimate is off by less than a quarter of what the search then really takes."""
    now = search.run(num_ended).clock.now
    left = search.seconds_left

    end = search.run(search.num_trials).clock.now

    assert left == pytest.approx(end - now, rel=0.25)


durations = st.floats(0.1, 1e5)
workers = st.integers(1, 4)


@given(durations, st.floats(0, 2), workers)
def test_the_end_is_known_after_five_trials_of_equal_cost(seconds, gap, num_workers):
    check_estimate(Search(lambda i: seconds, gap=gap * seconds if num_workers == 1 else 0.0, num_workers=num_workers))


@given(durations, st.floats(1, 10))
def test_the_slow_start_of_a_program_does_not_count(seconds, slowness):
    check_estimate(Search(lambda i: slowness * seconds if i == 0 else seconds))


def test_trials_that_cost_about_the_same_are_enough():
    check_estimate(Search(lambda i: 60 + 10 * (i * 7 % 5 - 2)))


def test_failures_that_end_early_do_not_count_where_others_have_completed():
    search = Search(lambda i: -1.0 if i in (1, 3) else 60.0)

    check_estimate(search)


def test_failures_count_where_nothing_has_completed():
    search = Search(lambda i: -30.0)

    check_estimate(search)


def test_earlier_sessions_count():
    search = Search(lambda i: 60.0)
    search.run(6)
    search.clock.now += 20
    search.stop(pause=86_400)
    search.run(6)
    search._begin()
    search.clock.now += 15

    assert search.seconds_left == pytest.approx(13 * 60 + 45)


def test_a_trial_under_way_counts_for_what_is_left_of_it():
    pace = Pace(duration=60, gap=0)

    assert pace.seconds_left([20], 0, 1) == 40
    assert pace.seconds_left([70], 0, 1) == 0
    assert pace.seconds_left([70], 2, 1) == 120


def test_two_workers_share_what_is_left():
    pace = Pace(duration=60, gap=5)

    assert pace.seconds_left([0, 30], 0, 2) == 60
    assert pace.seconds_left([0, 30], 1, 2) == 30 + 65
    assert pace.seconds_left([30], 3, 2) == 2 * 65  # the other one is between two trials


def test_nothing_is_known_before_the_first_trial_has_ended():
    search = Search(lambda i: 60.0)
    search._begin()

    assert search.seconds_left is None


def test_there_is_nothing_left_at_the_end():
    assert Search(lambda i: 60.0).run(20).seconds_left == 0


def test_a_trial_that_was_not_timed_is_no_measure():
    search = Search(lambda i: 60.0).run(3)
    search.timesheet.runs.clear()

    assert search.seconds_left is None
