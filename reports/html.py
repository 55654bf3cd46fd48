"""The report as one HTML file that needs nothing else: no request, no script from elsewhere.

Three layers keep untrusted text inert: `finalize` sends every value of the template through
`reports.untrusted`, autoescape takes its markup, and a Content-Security-Policy allows exactly
the one style and the one script of this file, by their digests.
"""

from __future__ import annotations

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from reports import phrases
from reports.charts import charts
from reports.gaps import Severity, gaps
from reports.heat import kill_map, matrix, shade
from reports.kills import SIGNS, Fate
from reports.luck import luck
from reports.model import ArmName, GameDayReport, Outcome, Verdict
from reports.scorecard import scorecard
from reports.toll import bare_line, toll_line
from reports.triage import LED, troubles
from reports.untrusted import DISPLAY_LIMIT, LONGEST_COMMAND, cut, shown, shown_end, spans
from reports.view import TIMELINE_OF_TROUBLE, drill_views, families, timeline, unexpected

NAMED = 5
"""Offenders that stand beside a finding; report.json has more of them."""
CODE = re.compile(r"`([^`\n]+)`")
PARAGRAPH_BREAK = re.compile(r"\n\s*\n")


def render_html(report: GameDayReport) -> str:
    """The whole report as one page, complete without JavaScript."""
    environment = _environment()
    views = drill_views(report)
    style, script = (_source(environment, name) for name in ("report.css", "report.js"))
    return environment.get_template("report.html.j2").render(
        report=report,
        views=views,
        families=families(views),
        troubles=troubles(views),
        charts=charts(report),
        matrix=matrix(report.coverage),
        modes=sorted({drill.failure_mode for drill in report.drills}),
        tallies=_tallies(report),
        gaps=gaps(report),
        luck=luck(report),
        anchors={view.drill.name: view.anchor for view in views},
        kill_map=kill_map(report.kills) if report.kills else None,
        toll=toll_line(report),
        bare=bare_line(report),
        saved=phrases.saved_in_all(report),
        style=style,
        script=script,
        policy=_policy(style, script),
    )


def _tallies(report: GameDayReport) -> list[tuple[str, int, int]]:
    """What was run of what was planned, and proved of what there is: name, number, of how many."""
    card = scorecard(report)
    tallies = [
        ("Drills run", card.run, card.planned),
        ("Controls proved", card.controls_proven, card.controls_proven + card.controls_not_proven),
        ("Faults covered", card.faults_covered, card.faults_covered + card.faults_open),
    ]
    if card.mutants_killed is not None and card.mutants_alive is not None:
        mutants = card.mutants_killed + card.mutants_alive
        tallies.append(("Broken controls noticed", card.mutants_killed, mutants))
    return [tally for tally in tallies if tally[-1]]


def inert(value: object) -> object:
    """What every expression of the template passes through before it is escaped."""
    return shown(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def marked(text: str, limit: int = DISPLAY_LIMIT) -> Markup:
    """Untrusted text whose escapes stand out, and whose direction cannot reach its neighbours.

    ASCII runs from left to right and needs no frame of its own.
    """
    if len(text) <= limit and text.isascii() and text.isprintable():
        return escape(text)
    start, note = cut(text, limit)
    pieces = (
        Markup('<span class="hidden-character">{}</span>').format(piece) if hidden else piece
        for hidden, piece in spans(start)
    )
    tail = Markup('<span class="note">{}</span>').format(note) if note else ""
    whole = Markup("").join(pieces)
    return (whole if start.isascii() else Markup("<bdi>{}</bdi>").format(whole)) + tail


def inline(text: str, limit: int = DISPLAY_LIMIT) -> Markup:
    """One sentence of a docstring: code between backticks."""
    start, note = cut(text, limit)
    return _with_code(start) + note


def prose(text: str) -> Markup:
    """Text of a docstring: paragraphs, and code between backticks."""
    start, note = cut(text)
    paragraphs = [
        Markup("<p>{}</p>").format(_with_code(paragraph))
        for paragraph in PARAGRAPH_BREAK.split(start.strip("\n"))
        if paragraph.strip()
    ]
    return Markup("\n").join([*paragraphs, note] if note else paragraphs)


def _with_code(paragraph: str) -> Markup:
    pieces = CODE.split(" ".join(line.strip(" ") for line in paragraph.split("\n")))
    return Markup("").join(
        Markup("<code>{}</code>").format(marked(piece)) if place % 2 else marked(piece)
        for place, piece in enumerate(pieces)
    )


@cache
def _environment() -> Environment:
    """Built once: the templates are part of the program."""
    environment = Environment(
        loader=PackageLoader("reports", "templates"),
        autoescape=True,
        finalize=inert,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "marked": marked,
        "command": lambda text: marked(text, LONGEST_COMMAND),
        "inline": inline,
        "prose": prose,
        "money": phrases.money,
        "clock": phrases.clock,
        "timeline": lambda entries: timeline(entries, *TIMELINE_OF_TROUBLE),
        "end": lambda text: Markup("{}").format(shown_end(text)),
    }
    environment.globals |= {
        "phrases": phrases,
        "shade": shade,
        "unexpected": unexpected,
        "LED": LED,
        "NAMED": NAMED,
        "ArmName": ArmName,
        "Outcome": Outcome,
        "Verdict": Verdict,
        "Severity": Severity,
        "Fate": Fate,
        "SIGNS": SIGNS,
    }
    return environment


def _source(environment: Environment, name: str) -> Markup:
    assert environment.loader is not None
    source, _, _ = environment.loader.get_source(environment, name)
    return Markup(source)  # noqa: S704 - a file of this package, not data


def _policy(style: str, script: str) -> str:
    """Everything is forbidden but the one style and the one script of this page."""
    rules = {
        "default-src": "'none'",
        "style-src": f"'{_digest(style)}'",
        "script-src": f"'{_digest(script)}'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{rule} {allowed}" for rule, allowed in rules.items())


def _digest(source: str) -> str:
    return "sha256-" + b64encode(sha256(source.encode()).digest()).decode()
