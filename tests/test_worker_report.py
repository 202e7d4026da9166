import pytest

from keras_bayes.worker_report import REPORT_FILE, WorkerReport
from keras_bayes.writer import Writer

REPORT = WorkerReport(["momentum"], "Stopped after 9 epochs.", "worker1")


def test_a_report_is_written_and_read(tmp_path):
    REPORT.write(tmp_path, Writer())

    assert WorkerReport.read(tmp_path) == REPORT


@pytest.mark.parametrize("text", ["", "7", "[]", "{}", "{", '{"unread": 3, "message": 1}', '{"unread": []}', "\x00"])
def test_a_broken_report_is_none(tmp_path, text):
    assert WorkerReport.read(tmp_path) is None

    (tmp_path / REPORT_FILE).write_text(text)

    assert WorkerReport.read(tmp_path) is None
