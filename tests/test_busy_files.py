import errno
import os

import pytest

from keras_bayes import busy_files
from keras_bayes.busy_files import patiently


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(busy_files, "WAITS", (0.0, 0.0, 0.0))


class Refusing:
    """Refuses so many calls with an error."""

    def __init__(self, count, code):
        self.count, self.code = count, code
        self.num_calls = 0

    def __call__(self):
        self.num_calls += 1
        if self.num_calls <= self.count:
            raise OSError(self.code, os.strerror(self.code))
        return "done"


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_file_that_is_busy_for_a_moment_is_waited_for(count):
    action = Refusing(count, errno.ESTALE)

    assert patiently(action) == "done"
    assert action.num_calls == count + 1


def test_a_file_that_stays_busy_is_an_error():
    action = Refusing(10, errno.ESTALE)

    with pytest.raises(OSError, match=os.strerror(errno.ESTALE)):
        patiently(action)
    assert action.num_calls == 4


@pytest.mark.skipif(os.name == "nt", reason="there a busy file is one that may not be touched")
def test_what_waiting_does_not_mend_is_an_error_at_once():
    action = Refusing(1, errno.EACCES)

    with pytest.raises(PermissionError):
        patiently(action)
    assert action.num_calls == 1
