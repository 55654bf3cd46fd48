"""From result values to text: `render` writes a report in any format, `load` reads one back."""

from enum import Enum
from typing import assert_never

from reports.csv_report import render_csv
from reports.ctrf import render_ctrf
from reports.errors import ReportError
from reports.html import render_html
from reports.journal import Journal, JournalState, verify_journal
from reports.json_report import load, render_json
from reports.junit import render_junit
from reports.markdown import render_markdown
from reports.model import (
    SCHEMA_VERSION,
    ArmName,
    ArmReport,
    Asked,
    Assignment,
    BlastRadius,
    Cell,
    Coverage,
    DrillReport,
    Entry,
    Fact,
    Finding,
    GameDayReport,
    Injection,
    Moment,
    NotApplicable,
    Outcome,
    People,
    Phase,
    Response,
    RunbookStep,
    Verdict,
    Word,
)
from reports.text import Style, coverage_lines, render_text

__all__ = [
    "SCHEMA_VERSION",
    "ArmName",
    "ArmReport",
    "Asked",
    "Assignment",
    "BlastRadius",
    "Cell",
    "Coverage",
    "DrillReport",
    "Entry",
    "Fact",
    "Finding",
    "Format",
    "GameDayReport",
    "Injection",
    "Journal",
    "JournalState",
    "Moment",
    "NotApplicable",
    "Outcome",
    "People",
    "Phase",
    "ReportError",
    "Response",
    "RunbookStep",
    "Style",
    "Verdict",
    "Word",
    "coverage_lines",
    "load",
    "render",
    "render_text",
    "verify_journal",
]


class Format(Enum):
    """What a report can be written as."""

    HTML = "html"
    JSON = "json"
    JUNIT = "junit"
    CTRF = "ctrf"
    MARKDOWN = "markdown"
    CSV = "csv"
    TEXT = "text"


def render(report: GameDayReport, form: Format) -> str:
    """The report as text in this format. Pure: it prints nothing and reads no clock."""
    match form:
        case Format.HTML:
            return render_html(report)
        case Format.JSON:
            return render_json(report)
        case Format.JUNIT:
            return render_junit(report)
        case Format.CTRF:
            return render_ctrf(report)
        case Format.MARKDOWN:
            return render_markdown(report)
        case Format.CSV:
            return render_csv(report)
        case Format.TEXT:
            return render_text(report)
        case _:
            assert_never(form)
