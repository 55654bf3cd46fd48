"""CSV for a spreadsheet: one line for each finding, and no formula."""

from __future__ import annotations

import csv
import io

import pytest

from reports import Format, GameDayReport, render
from reports.csv_report import HEAD, cell
from tests.builders_reports import a_failed_drill, a_full_report, a_report, an_error_drill


def lines_of(report: GameDayReport) -> list[dict[str, str]]:
    """As a spreadsheet reads it."""
    return list(csv.DictReader(io.StringIO(render(report, Format.CSV))))


def test_each_finding_is_a_line() -> None:
    """With its drill, arm, counts and first offender."""
    found = lines_of(a_report(a_failed_drill()))
    broken = found[-1]

    assert ["calm", "calm", "bare", "bare", "guarded", "guarded"] == [each["arm"] for each in found]
    assert ("NoRowPaidTwice", "broke", "3000", "12", "ticket-4") == tuple(
        broken[name] for name in ("check", "outcome", "examined", "offenders", "first offender")
    )


def test_a_drill_without_findings_has_a_line() -> None:
    """The last line of its traceback, or why it was not run."""
    (broken,) = lines_of(a_report(an_error_drill()))

    assert ("ERROR", "KeyError: <x>") == (broken["verdict"], broken["says"])
    assert "NOT RUN" == lines_of(a_full_report())[-1]["verdict"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", " =", "\uff1d"])
def test_a_formula_is_text(start: str) -> None:
    """The apostrophe keeps a spreadsheet from calculating."""
    assert cell(f"{start}1").startswith("'")
    assert "1 = 1" == cell("1 = 1")


def test_every_line_has_every_column() -> None:
    """Also the one of an empty game day."""
    empty = GameDayReport(
        0, a_report().started_at, "", "", "", 0, drills=(), not_applicable=(), appendix=()
    )
    rows = list(csv.reader(io.StringIO(render(empty, Format.CSV))))

    assert [len(HEAD)] * 2 == [len(row) for row in rows]
    assert "INCONCLUSIVE" == rows[1][1]
