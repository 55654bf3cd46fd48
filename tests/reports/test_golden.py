"""The golden files: the same seed gives the same bytes, in each format."""

from __future__ import annotations

import pytest

from reports import Format, GameDayReport, Verdict, load, render
from tests.reports.golden import FOLDER, NAMES, golden_report


@pytest.fixture(scope="module")
def played() -> GameDayReport:
    """The report of the golden files, from its seed."""
    return golden_report()


@pytest.mark.parametrize("form", NAMES)
def test_a_seed_gives_the_agreed_file(form: Format, played: GameDayReport) -> None:
    """Who means to change it runs `python -m tests.reports.golden` and looks at the diff."""
    assert (FOLDER / NAMES[form]).read_text("utf-8") == render(played, form)


def test_the_golden_report_has_every_verdict() -> None:
    """A format that cannot show one of them would not be seen here."""
    report = load((FOLDER / NAMES[Format.JSON]).read_text("utf-8"))

    assert set(Verdict) == {drill.verdict for drill in report.drills}
    assert report.not_applicable


def test_no_other_file_lies_there() -> None:
    """A file of a format that is gone would be believed."""
    stale = {path.name for path in FOLDER.iterdir()} - set(NAMES.values())

    assert stale == set()
