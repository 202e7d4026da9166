from html.parser import HTMLParser

from keras_bayes.show.html_table import search_html
from tests.snapshots import completed, failed, moment


class Reader(HTMLParser):
    """Texts of a page, its rows and its tags."""

    def __init__(self, html):
        super().__init__()
        self.texts, self.rows, self.tags, self.open = [], [], set(), []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)
        if self.open[-1] in ("td", "th"):
            self.rows[-1].append(data)


def test_the_page_shows_what_matters():
    page = Reader(search_html(moment(), []))

    text = " ".join(page.texts)
    for part in (
        "4/10 trials · 1 failed · 1 min 15 s elapsed · about 1 min 56 s left", "Trial 5/10",
        "model expects 0.96 ± 0.04", "epoch 2/5, batch 30/100", "val_accuracy 0.75, loss 0.25",
        "Trial 3/10 failed: MemoryError: too many weights",
    ):  # fmt: skip
        assert part in text
    assert ["★", "2", "0.9", "20 s", "32", "0.01"] in page.rows
    assert ["▶", "5", "running", "4.0 s", "64", "0.02"] in page.rows
    assert page.open == []


def test_what_comes_from_the_user_is_text():
    evil = "<script>alert('&')</script>"
    best = completed(1, 0.9, **{f"{evil}name": evil})

    page = Reader(search_html(moment(objective=evil, best=best, recent=(best, failed(2, evil))), [evil]))

    assert "script" not in page.tags
    assert " ".join(page.texts).count(evil) >= 5


def test_there_are_no_scripts_and_no_styles_of_a_page():
    tags = Reader(search_html(moment(), ["The end."])).tags

    assert tags == {"b", "div", "pre", "table", "tr", "th", "td"}
