"""A page over many reports: how the verdicts, the coverage and the reaction went.

A report knows no wall clock, so its place in the series is the order of the paths: name the folders
by day, or by build number. Every chart has the same numbers in the table below it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import Any

from markupsafe import Markup

from reports import plain_page
from reports.compare import compare
from reports.drawing import load_pygal, without_script
from reports.model import ArmName, GameDayReport, Verdict
from reports.phrases import clock, money, plural, saved_in_all
from reports.scorecard import scorecard
from reports.untrusted import shown

TITLE = "Game days over time"
LABEL = 24
"""Characters of a path at an axis; the table has the whole."""
CHARTED = 60
"""Reports in the charts, the latest; the table has all."""
NOBODY = "Nobody noticed anything in any of these reports, so there is no time until then to draw."
HOUR = timedelta(hours=1)
STYLE = {
    "background": "white",
    "plot_background": "white",
    "foreground": "#222",
    "foreground_strong": "#000",
    "foreground_subtle": "#666",
    "colors": ("#1b7837", "#b35806", "#b2182b", "#762a83"),
    "font_family": "sans-serif",
}


@dataclass(frozen=True, slots=True)
class Past:
    """One report of the series."""

    name: str
    """Its path below the folder. Untrusted."""
    report: GameDayReport


@dataclass(frozen=True, slots=True)
class Unread:
    """A file that looked like a report and is none."""

    name: str
    why: str


def render_history(past: Sequence[Past], unread: Sequence[Unread] = ()) -> str:
    """The page; `past` in its order, the latest last."""
    return plain_page.page(TITLE, _parts(past, unread))


def _parts(past: Sequence[Past], unread: Sequence[Unread]) -> Iterator[Markup]:
    yield plain_page.paragraph(f"{plural(len(past), 'report')}, in the order of their paths.")
    if len(past) > 1:
        yield from _charts(past[-CHARTED:])
    yield plain_page.table("Reports, the latest first", HEAD, _rows(past))
    if unread:
        rows = [(each.name, each.why) for each in unread]
        yield plain_page.table("Not read", ("file", "why"), rows)


HEAD = (
    "report",
    "verdict",
    *(verdict.name for verdict in Verdict),
    "not run",
    "controls not proven",
    "noticed after (median)",
    "rows saved",
    "dollars saved",
    "worse than before",
)


def _rows(past: Sequence[Past]) -> list[tuple[str, ...]]:
    rows = []
    before: GameDayReport | None = None
    for each in past:
        report, card, saved = each.report, scorecard(each.report), saved_in_all(each.report)
        worse = "" if before is None else str(len(compare(before, report).regressions))
        noticed = detection(report)
        rows.append(
            (
                each.name,
                report.verdict.name,
                *(str(report.count(verdict)) for verdict in Verdict),
                str(card.not_run),
                str(card.controls_not_proven) if report.coverage.controls else "not counted",
                "nobody noticed" if noticed is None else clock(noticed),
                f"{saved.rows:,}",
                money(saved.usd),
                worse,
            )
        )
        before = report
    return rows[::-1]


def detection(report: GameDayReport) -> timedelta | None:
    """Half of the guarded arms in which harm struck and was noticed took at most so long."""
    arms = (drill.arm(ArmName.GUARDED) for drill in report.drills)
    spans = (arm.response.time_to_detect for arm in arms if arm is not None)
    known = [span / HOUR for span in spans if span is not None]
    return median(known) * HOUR if known else None


def _charts(past: Sequence[Past]) -> Iterator[Markup]:
    labels = [each.name[-LABEL:] for each in past]
    verdicts = _chart("StackedBar", "Drills by verdict", labels)
    for verdict in Verdict:
        counts = [each.report.count(verdict) for each in past]
        verdicts.add(verdict.name, counts, formatter=_with(verdict.name))
    says = "Drills by verdict, report by report. The table below has the numbers."
    yield plain_page.picture(without_script(verdicts.render()), says)
    spans = [detection(each.report) for each in past]
    if not any(span is not None for span in spans):
        yield plain_page.paragraph(NOBODY)
        return
    noticed = _chart("Line", "Hours until somebody noticed (median)", labels)
    noticed.add(
        "hours",
        [None if span is None else span / HOUR for span in spans],
        formatter=lambda hours: f"{hours:.1f} h",
    )
    says = "Hours until harm was noticed, report by report. The table below has the numbers."
    yield plain_page.picture(without_script(noticed.render()), says)


def _with(word: str) -> Callable[[int], str]:
    """`3 FAIL`; nothing where there are none."""
    return lambda count: f"{count} {word}" if count else ""


def _chart(kind: str, title: str, labels: Sequence[str]) -> Any:
    """A chart with its numbers written into it, so that no colour is needed."""
    pygal = load_pygal()
    return getattr(pygal, kind)(
        title=title,
        x_labels=[shown(label) for label in labels],
        style=pygal.style.Style(**STYLE),
        js=[],
        print_values=True,
        x_label_rotation=30,
        width=900,
        height=360,
        disable_xml_declaration=False,
        no_prefix=True,
        show_minor_x_labels=True,
    )
