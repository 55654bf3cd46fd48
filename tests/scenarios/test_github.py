"""What GitHub Actions is told, and how: escaped, and only there."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports import Format, Verdict, render
from scenarios.harness.errors import UsageError
from scenarios.harness.github import tell_github
from tests.builders_reports import a_drill, a_failed_drill, a_report

ACTIONS = {"GITHUB_ACTIONS": "true"}


def test_a_drill_that_is_not_green_is_an_annotation() -> None:
    """One line each, with the reason, the first offender, and the command; a PASS is silent."""
    lines = list(tell_github(a_report(a_drill(), a_failed_drill(name="weak")), ACTIONS))

    assert 1 == len(lines)
    assert lines[0].startswith("::error title=FAIL weak::")
    assert "ticket-" in lines[0]
    assert "again: gameday run" in lines[0]


def test_text_of_rows_cannot_end_an_annotation_or_begin_another() -> None:
    """Line breaks, colons, commas and percents of a name or a reason are data."""
    nasty = "100%\n::add-mask::x,y"
    drill = a_failed_drill(name=nasty, because=nasty, verdict=Verdict.INCONCLUSIVE)
    (line,) = tell_github(a_report(drill), ACTIONS)

    assert "\n" not in line
    title, _, says = line.removeprefix("::error title=").partition("::")
    assert r"INCONCLUSIVE 100%25\n%3A%3Aadd-mask%3A%3Ax%2Cy" == title
    assert says.startswith(r"100%25\n::add-mask::x,y; ")


def test_nobody_else_is_told() -> None:
    """On a machine that is not a runner, nothing is printed or written."""
    assert [] == list(tell_github(a_report(a_failed_drill()), {"GITHUB_STEP_SUMMARY": "/nowhere"}))


def test_the_report_is_added_to_the_job_summary(tmp_path: Path) -> None:
    """Behind what stands there, as Markdown in which no markup of a row counts."""
    path = tmp_path / "summary.md"
    path.write_text("before\n")
    report = a_report(a_drill(claim="<b>bold</b> </details> ```"))
    list(tell_github(report, ACTIONS | {"GITHUB_STEP_SUMMARY": str(path)}))

    assert "before\n" + render(report, Format.MARKDOWN) == path.read_text()
    assert "<b>" not in path.read_text()


def test_a_summary_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """With the file, and how to mend it."""
    told = tell_github(a_report(), ACTIONS | {"GITHUB_STEP_SUMMARY": str(tmp_path)})

    with pytest.raises(UsageError, match="cannot be written"):
        list(told)
