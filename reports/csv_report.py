"""The findings as CSV, for a spreadsheet: one line for each check of each arm.

A spreadsheet takes a cell for a formula that begins with `=`, `+`, `-`, `@`, a tab or a carriage
return, also in their full-width forms; such a cell gets an apostrophe in front. Every cell is
quoted (OWASP, "CSV Injection"). Several texts of one cell stand between ` | `, and a `|` of their
own is written as its escape; a cell that a spreadsheet could not hold is cut, and says so.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from reports.model import DrillReport, GameDayReport
from reports.phrases import headline
from reports.untrusted import DISPLAY_LIMIT, shown, shown_end

NAMED = "named offenders"
HEAD = (
    "drill",
    "verdict",
    "because",
    "arm",
    "check",
    "outcome",
    "examined",
    "offenders",
    NAMED,
    "says",
)
BETWEEN = " | "
LARGEST = 30_000
"""Characters of one cell; Excel takes 32,767."""
STARTS = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def render_csv(report: GameDayReport) -> str:
    """All findings, in the order of the report; a drill without any has one line."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(HEAD)
    for drill in report.drills:
        writer.writerows(map(_cells, _lines(drill)))
    if not report.drills:
        line = ("", report.verdict.name, headline(report), *[""] * (len(HEAD) - 3))
        writer.writerow(line)
    for left_out in report.not_applicable:
        line = (left_out.name, "NOT RUN", left_out.why, *[""] * (len(HEAD) - 3))
        writer.writerow([cell(value) for value in line])
    return text.getvalue()


def cell(value: str, limit: int = DISPLAY_LIMIT) -> str:
    """Untrusted text that no spreadsheet calculates with."""
    visible = shown(value, limit)
    return f"'{visible}" if visible.lstrip().startswith(STARTS) else visible


def _cells(line: Iterable[str]) -> list[str]:
    return [
        cell(value, LARGEST if name == NAMED else DISPLAY_LIMIT)
        for name, value in zip(HEAD, line, strict=True)
    ]


def _joined(texts: Sequence[str]) -> str:
    """All of them, each on its own; those that do not fit are counted."""
    told: list[str] = []
    room = LARGEST - 100
    for text in texts:
        told.append(shown(text).replace("|", "\\x7c"))
        room -= len(told[-1]) + len(BETWEEN)
        if room < 0:
            told[-1] = f"and {len(texts) - len(told) + 1:,} more in report.json"
            break
    return BETWEEN.join(told)


def _lines(drill: DrillReport) -> Iterator[tuple[str, ...]]:
    head = (drill.name, drill.verdict.name, drill.because)
    for arm in drill.arms:
        for finding in arm.findings:
            yield (
                *head,
                arm.arm.value,
                finding.check,
                finding.outcome.value,
                str(finding.examined),
                str(finding.offenders),
                _joined(finding.evidence),
                finding.says,
            )
    if not drill.arms:
        last = shown_end(drill.error).rstrip("\n").rpartition("\n")[2]
        yield (*head, *[""] * (len(HEAD) - len(head) - 1), last)
