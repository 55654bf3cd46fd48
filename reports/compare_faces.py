"""A comparison as text, Markdown, HTML and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping

from markupsafe import Markup

from reports import plain_page
from reports.compare import Change, Comparison, verdict_line
from reports.markdown import LARGEST, MARK, fitted, plain
from reports.markdown import table as markdown_table
from reports.model import GameDayReport
from reports.phrases import headline
from reports.untrusted import shown, told

VERSION = "1.0"
"""Version of the JSON of a comparison."""
INDENT = " " * 6
WORDS = 240
TITLE = "Game day compared"


def render_comparison_text(comparison: Comparison) -> str:
    """For a terminal: what got worse stands last."""
    lines = [f"before  {_origin(comparison.old)}", f"now     {_origin(comparison.new)}"]
    lines += [f"note    {shown(caveat)}" for caveat in comparison.caveats]
    for kind, changes in reversed(by_kind(comparison).items()):
        lines += ["", f"{kind}: {len(changes):,}"]
        for change in changes:
            says = f"{shown(change.before, WORDS)} -> {shown(change.after, WORDS)}"
            lines.append(f"{INDENT}{shown(change.name)}: {says}")
    lines += ["", verdict_line(comparison)]
    return "\n".join(map(told, lines)) + "\n"


def render_comparison_markdown(comparison: Comparison) -> str:
    """For a job summary or a comment: what got worse stands first."""
    head = "\n".join(
        [
            MARK,
            f"# {TITLE}",
            "",
            plain(verdict_line(comparison)),
            "",
            f"- before: {plain(_origin(comparison.old))}",
            f"- now: {plain(_origin(comparison.new))}",
            *(f"- note: {plain(caveat)}" for caveat in comparison.caveats),
            "",
        ]
    )
    sections = [("the headline", head)]
    for kind, changes in by_kind(comparison).items():
        rows = [tuple(map(plain, _cells(change))) for change in changes]
        text = f"## {kind.capitalize()}\n\n" + markdown_table(("what", "before", "now"), rows)
        sections.append((kind, text))
    return fitted(sections, LARGEST)


def render_comparison_html(comparison: Comparison) -> str:
    """One page that needs nothing else."""
    return plain_page.page(TITLE, _parts(comparison))


def render_comparison_json(comparison: Comparison) -> str:
    """For programs: the changes, and whether there is a regression."""
    document = {
        "comparison_version": VERSION,
        "regression": bool(comparison.regressions),
        "old": _summary(comparison.old),
        "new": _summary(comparison.new),
        "caveats": [shown(caveat) for caveat in comparison.caveats],
        "changes": [
            {
                "kind": change.kind.value,
                "worse": change.is_worse,
                "name": shown(change.name),
                "before": shown(change.before),
                "after": shown(change.after),
            }
            for change in comparison.changes
        ],
    }
    return json.dumps(document, indent=1) + "\n"


COMPARISONS: Mapping[str, Callable[[Comparison], str]] = {
    "text": render_comparison_text,
    "markdown": render_comparison_markdown,
    "html": render_comparison_html,
    "json": render_comparison_json,
}
"""By the name of the format."""


def by_kind(comparison: Comparison) -> dict[str, list[Change]]:
    """The changes under the words of their kind, worst first."""
    found: dict[str, list[Change]] = {}
    for change in comparison.changes:
        found.setdefault(change.kind.value, []).append(change)
    return found


def _parts(comparison: Comparison) -> Iterator[Markup]:
    yield plain_page.paragraph(verdict_line(comparison))
    rows = [("before", _origin(comparison.old)), ("now", _origin(comparison.new))]
    rows += [("note", caveat) for caveat in comparison.caveats]
    yield plain_page.table("What was compared", ("which", "report"), rows)
    for kind, changes in by_kind(comparison).items():
        yield plain_page.heading(kind.capitalize())
        cells = [_cells(change) for change in changes]
        yield plain_page.table(kind, ("what", "before", "now"), cells)


def _cells(change: Change) -> tuple[str, str, str]:
    return change.name, change.before, change.after


def _origin(report: GameDayReport) -> str:
    return f"{report.verdict.name}  {headline(report)} {shown(report.job)}, seed {report.seed}"


def _summary(report: GameDayReport) -> dict[str, object]:
    return {
        "verdict": report.verdict.name,
        "headline": headline(report),
        "job": shown(report.job),
        "seed": report.seed,
    }
