"""CSV for a spreadsheet: one line for each finding, and no formula."""

from __future__ import annotations

import csv
import io

import pytest

from reports import ArmName, Format, GameDayReport, render
from reports.csv_report import HEAD, LARGEST, cell
from tests.builders_reports import (
    a_broken_finding,
    a_failed_drill,
    a_full_report,
    a_report,
    an_arm,
    an_error_drill,
)


def lines_of(report: GameDayReport) -> list[dict[str, str]]:
    """As a spreadsheet reads it."""
    return list(csv.DictReader(io.StringIO(render(report, Format.CSV))))


def with_offenders(*names: str) -> GameDayReport:
    """A drill whose every finding names these."""
    broken = a_broken_finding(evidence=names, offenders=len(names))
    arms = tuple(an_arm(name, findings=(broken,), held=False) for name in ArmName)
    return a_report(a_failed_drill(arms=arms))


def test_each_finding_is_a_line() -> None:
    """With its drill, arm, counts and all offenders that it names."""
    found = lines_of(a_report(a_failed_drill()))
    broken = found[-1]

    assert ["calm", "calm", "bare", "bare", "guarded", "guarded"] == [each["arm"] for each in found]
    assert ("NoRowPaidTwice", "broke", "3000", "12", "ticket-4 | ticket-9") == tuple(
        broken[name] for name in ("check", "outcome", "examined", "offenders", "named offenders")
    )


def test_a_drill_without_findings_has_a_line() -> None:
    """The last line of its traceback, or why it was not run."""
    (broken,) = lines_of(a_report(an_error_drill()))

    assert ("ERROR", "KeyError: <x>") == (broken["verdict"], broken["says"])
    assert "NOT RUN" == lines_of(a_full_report())[-1]["verdict"]


def test_offenders_stay_apart_and_are_no_formula() -> None:
    """A bar of their own is an escape; what no spreadsheet could hold is counted."""
    names = ("=1|2", "x\ny")
    (cellful,) = {each["named offenders"] for each in lines_of(with_offenders(*names))} - {""}
    (long,) = {each["named offenders"] for each in lines_of(with_offenders(*["y" * 999] * 200))}

    assert "'=1\\x7c2 | x\\ny" == cellful
    assert LARGEST > len(long)
    assert long.endswith(" | and 171 more in report.json")


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
