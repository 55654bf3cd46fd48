"""The naive pipelines of the bare arm: well on a good day, and harmed by what they trust."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from reports import ArmName, ArmReport
from scenarios.harness.discovery import select
from scenarios.harness.pipeline.day import Day, Errand
from scenarios.harness.pipeline.naive import TEMPERS
from scenarios.harness.pipeline.trial import Trial
from tests.scenarios.pipeline.trials import WORKING, a_trial

GOOD_DAY = "a_good_day_is_left_alone"
HARMED = {
    "batch_that_ends_at_once_is_read": "EveryRowAnswered",
    "broken_line_costs_one_row.huge_row": "RowsAnswered",
    "split_line_end_loses_no_row": "EveryRowAnswered",
    "wrong_counts_stop_the_job": "DamageIsHeard",
}
"""What only one habit is harmed by, and the check that says so."""
ROWS = 160
"""Shares of fewer rows are not judged."""


@pytest.mark.parametrize("temper", TEMPERS)
def test_every_temper_does_a_good_day(temper: str, tmp_path: Path) -> None:
    """A pipeline that breaks by itself would make every fault look real."""
    report = arm(a_trial(tmp_path, f"{WORKING} {temper}"), GOOD_DAY, ArmName.CALM)

    assert (True, 20, 0) == (report.held, report.blast.promoted, report.blast.wrong)


@pytest.mark.parametrize("drill", HARMED)
def test_a_habit_shows_that_the_fault_is_real(drill: str, tmp_path: Path) -> None:
    """To wait for `in_progress`, a buffer, every line end, and counts that are believed."""
    report = arm(a_trial(tmp_path, rows=ROWS), drill, ArmName.BARE)

    assert [True] == [injection.fired > 0 for injection in report.injections]
    assert HARMED[drill] in {f.check for f in report.findings if f.outcome.value == "broke"}


def arm(trial: Trial, drill: str, name: ArmName) -> ArmReport:
    """One arm of a drill, judged."""
    with closing(Day(trial, select([drill]))) as day:
        ((_, brought),) = day._run([Errand((drill,), name)], 1)
    report = brought.results[drill].report
    assert report is not None
    return report
