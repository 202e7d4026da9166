import pytest

from keras_bayes.timesheet import Timesheet


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now

    def wait(self, seconds):
        self.now += seconds


@pytest.fixture
def clock():
    return Clock()


def test_a_run_lasts_from_its_beginning_to_its_end(clock):
    times = Timesheet(clock)

    times.begin("00")
    clock.wait(7)
    times.end("00")
    clock.wait(100)

    assert times.seconds("00") == 7


def test_a_run_under_way_has_lasted_until_now(clock):
    times = Timesheet(clock)

    times.begin("00")
    clock.wait(7)

    assert times.seconds("00") == 7
    assert times.seconds("01") is None


def test_sessions_add_up_and_the_time_between_them_does_not_count(clock):
    first = Timesheet(clock)
    first.begin("00")
    clock.wait(10)
    first.end("00")
    first.close()
    clock.wait(1000)

    second = Timesheet(clock)
    second.take_up(first.to_state())
    before = second.elapsed
    second.begin("01")
    clock.wait(5)

    assert (before, second.elapsed) == (10, 15)


def test_what_was_killed_has_lasted_until_it_was_last_seen(clock):
    killed = Timesheet(clock)
    killed.begin("00")
    clock.wait(60)
    state = killed.to_state()  # written when the trial began

    times = Timesheet(clock)
    times.take_up(state)
    times.saw("00", 1042.0)

    assert times.elapsed == 42
    assert times.seconds("00") == 42


def test_the_last_run_of_a_trial_counts(clock):
    times = Timesheet(clock)
    for seconds in (3, 8):
        times.begin("00")
        clock.wait(seconds)
        times.end("00")

    assert times.seconds("00") == 8
    assert len(times.runs["00"]) == 2


def test_a_clock_that_is_put_back_makes_nothing_shorter(clock):
    times = Timesheet(clock)
    times.begin("00")
    clock.wait(5)
    times.see()
    clock.wait(-3600)

    assert times.elapsed == 5
    assert times.seconds("00") == 5


def test_what_is_under_way_goes_on_when_the_file_is_read_again(clock):
    times = Timesheet(clock)
    times.begin("00")
    clock.wait(5)
    state = Timesheet(clock)
    state.take_up(times.to_state())  # another object in the same process, which writes what it has read
    clock.wait(5)

    times.take_up(state.to_state())
    clock.wait(2)

    assert times.seconds("00") == 12
    assert times.elapsed == 12
    assert len(times.sessions) == len(times.runs["00"]) == 1


def test_the_deadline_of_a_search_of_which_no_session_is_known_is_as_far_as_it_may_last(clock):
    assert Timesheet(clock).deadline(60) == clock.now + 60
