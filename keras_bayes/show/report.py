"""A search as one HTML page that opens without a network, and may be passed on."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2
import plotly.graph_objects as go
from markupsafe import Markup, escape
from plotly.offline import get_plotlyjs

from keras_bayes import project
from keras_bayes.errors import KerasBayesError, SearchSpaceError
from keras_bayes.search_log import SearchLog
from keras_bayes.show import account, course_plots, insights, model_plots
from keras_bayes.show.advice import advice
from keras_bayes.show.explanation import Explanation
from keras_bayes.show.parallel_plot import parallel_figure
from keras_bayes.wording import format_value

# Whatever else a page, or a name in it, asks for is refused. Plotly sets styles, and draws heat maps as data images.
POLICY = (
    "default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; img-src data: blob:; "
    "base-uri 'none'; form-action 'none'"
)
INLINE_HEIGHT = 900  # of a report in a notebook, in pixels
INERT = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}  # in JSON inside of HTML


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A report that has been written; as the last value of a notebook's cell it is shown there.

    Args:
        path: The file.
    """

    path: Path

    def _repr_html_(self) -> str:
        page = escape(self.path.read_text(encoding="utf-8"))
        return f'<iframe srcdoc="{page}" style="width: 100%; height: {INLINE_HEIGHT}px; border: 0"></iframe>'


def write_report(log: SearchLog, path: Path) -> ReportFile:
    """Writes all that is known of a search to an HTML page, which replaces a file of that name.

    Args:
        log: The search.
        path: File to write.
    """
    project.write_text(path, html_report(log).encode("utf-8", "replace").decode("utf-8"))
    return ReportFile(path)


def html_report(log: SearchLog) -> str:
    """The page."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("keras_bayes.show"), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    explanation, sentences = _explained(log)
    figures = _Figures()
    sections = list(_sections(log, explanation, figures))
    plotly = get_plotlyjs()
    script, style = (_source(environment, name) for name in ("report.js", "report.css"))
    return environment.get_template("report.html").render(
        policy=POLICY.format(scripts=" ".join(_hash(code) for code in (script, plotly))),
        title=format_value(log.location.name),
        lead=account.lead(log),
        facts=list(account.facts(log)),
        best=account.best_values(log),
        sentences=sentences,
        advice=_advice(log, explanation),
        code=account.loading_code(log),
        sections=sections,
        headings=account.headings(log),
        rows=account.rows(log),
        failures=list(account.failures(log)),
        notes=account.notes(log),
        trials=_inert_json(account.as_json(log)),
        figures=_packed(json.dumps(figures.drawn)),
        plotly=_packed(plotly),
        script=Markup(script),
        style=Markup(style),
    )


def _explained(log: SearchLog) -> tuple[Explanation | None, list[str]]:
    try:
        explanation = Explanation.of(log)
    except KerasBayesError as error:  # too few trials, or a space of keras-tuner that is none
        return None, [str(error)]
    return explanation, account.model_sentences(explanation)


def _advice(log: SearchLog, explanation: Explanation | None) -> list[str]:
    try:
        return advice(log, explanation)
    except SearchSpaceError:  # which the sentences about the model tell
        return []


@dataclass(frozen=True, slots=True)
class _Section:
    """A part of the page with one figure or several.

    Args:
        title: Its heading.
        kind: How it is laid out: `""`, `"wide"` where it may scroll sideways, `"grid"` for small figures.
        text: How to read it.
        figures: Number and height, in pixels, of each figure.
        missing: Why there are none.
    """

    title: str
    kind: str
    text: str
    figures: tuple[dict[str, int], ...] = ()
    missing: str = ""


@dataclass(frozen=True, slots=True)
class _Figures:
    """The figures of a page, in its order."""

    drawn: list[Any] = field(default_factory=list)

    def section(self, title: str, kind: str, text: str, draw: Callable[[], list[go.Figure]]) -> _Section:
        """Draws the figures of a section; if there is nothing to draw, it says why."""
        try:
            drawn = draw()
        except KerasBayesError as error:
            return _Section(title, kind, text, missing=str(error))
        first = len(self.drawn)
        self.drawn.extend(json.loads(figure.to_json()) for figure in drawn)
        places = ({"number": first + i, "height": int(figure.layout.height)} for i, figure in enumerate(drawn))
        return _Section(title, kind, text, tuple(places))


def _sections(log: SearchLog, explanation: Explanation | None, figures: _Figures) -> Iterator[_Section]:
    if log.best is not None:
        yield figures.section(
            "History", "", "The score of each trial, and the best one so far.",
            lambda: [course_plots.history_figure(log, insights.score_history(log))],
        )  # fmt: skip
    if explanation is not None:
        yield from _model_sections(log, explanation, figures)
    if log.best is not None:
        yield figures.section(
            "Values", "wide", "Each line is a trial, through its values to the rank of its score, the best one on top.",
            lambda: [parallel_figure(log, insights.configurations(log))],
        )  # fmt: skip
        yield figures.section(
            "Learning curves", "", "After each epoch of each trial.",
            lambda: [course_plots.curves_figure(log, insights.learning_curves(log))],
        )  # fmt: skip
    yield figures.section(
        "Timeline", "", "When the trials ran; those above each other ran at the same time.",
        lambda: [course_plots.timeline_figure(log, insights.timeline(log))],
    )  # fmt: skip


def _model_sections(log: SearchLog, explanation: Explanation, figures: _Figures) -> Iterator[_Section]:
    yield figures.section(
        "Importance", "",
        "The share of the differences between scores, over the whole search space, that each hyperparameter decides: "
        "by itself, and together with others. One that is active only under a condition counts where that is met.",
        lambda: [model_plots.importance_figure(explanation.importance)],
    )  # fmt: skip
    yield figures.section(
        "One by one", "grid",
        "What the model expects along each hyperparameter while all others are as in the best trial, the star. Dots "
        "are the trials, whose other values differ. The band is one standard deviation of the cautious model that "
        "proposes trials: away from them, it is twice as wide as what fits their scores best.",
        lambda: model_plots.slice_figures(log, explanation),
    )  # fmt: skip
    yield figures.section(
        "Two at a time", "wide",
        "What the model expects, and how unsure it is, over the two most important hyperparameters while all others "
        "are as in the best trial, the star.",
        lambda: [model_plots.contour_figure(log, explanation.contour())],
    )  # fmt: skip
    yield figures.section(
        "Predictions", "",
        "What the model says of each trial when it has seen all others, and what it had said before the trial ran; on "
        "the dashed line it is right. Bars are one standard deviation.",
        lambda: [model_plots.predictions_figure(log, explanation.predictions)],
    )  # fmt: skip


def _source(environment: jinja2.Environment, name: str) -> str:
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


def _hash(code: str) -> str:
    """What a content security policy calls a script."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()}'"


def _packed(text: str) -> str:
    """A text, compressed to a fraction of its size."""
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def _inert_json(content: Any) -> Markup:
    """JSON that ends no element of HTML, in which numbers that are not finite are null."""
    return Markup(json.dumps(_finite(content), allow_nan=False).translate(INERT))


def _finite(content: Any) -> Any:
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    if isinstance(content, dict):
        return {name: _finite(value) for name, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_finite(value) for value in content]
    return content
