"""GitHub Actions: an annotation for each drill that is not green, and the report as job summary.

Workflow commands and their escapes: docs.github.com, "Workflow commands for GitHub Actions".
All texts may come from rows and models, so they are escaped twice: as text, and for the place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from reports import DrillReport, Format, GameDayReport, Verdict, render
from reports.phrases import troubles
from reports.untrusted import shown
from scenarios.harness.errors import UsageError


def tell_github(report: GameDayReport, environment: Mapping[str, str]) -> Iterator[str]:
    """Lines for stdout, and the report to where GitHub asks for it; nothing anywhere else.

    Raises:
        UsageError: the file that GitHub names cannot be written.
    """
    if environment.get("GITHUB_ACTIONS") != "true":
        return
    for drill in report.drills:
        if drill.verdict is not Verdict.PASS:
            yield _annotation(drill)
    if path := environment.get("GITHUB_STEP_SUMMARY"):
        try:
            with Path(path).open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(render(report, Format.MARKDOWN))
        except OSError as error:
            raise UsageError(
                f"The job summary {path} cannot be written: {error.strerror}.",
                fix="Unset GITHUB_STEP_SUMMARY, or name a file of yours.",
            ) from None


def _annotation(drill: DrillReport) -> str:
    says = "; ".join([drill.because, *troubles(drill)[:1], f"again: {drill.replay}"])
    title = f"{drill.verdict.name} {drill.name}"
    return f"::error title={_property(shown(title, 100))}::{_data(shown(says, 1_000))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
