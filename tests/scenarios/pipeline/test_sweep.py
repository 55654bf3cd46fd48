"""The crash sweep: every call is a kill point."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from reports import Format, GameDayReport, Verdict, load, render
from scenarios.harness.pipeline import sweep
from scenarios.harness.pipeline.day import Day
from scenarios.harness.pipeline.sweep import (
    MOST_POINTS,
    Counted,
    Crash,
    Kill,
    Mode,
    drill_of,
    points,
)
from scenarios.harness.pipeline.trial import Trial
from tests.scenarios.pipeline.trials import WORKING, a_trial, broken

CAREFUL = f"""
lines=$GAMEDAY_STATE/lines.jsonl
if [ -e $GAMEDAY_STATE/begun ] && [ ! -e $lines.whole ]; then exit 5; fi
touch $GAMEDAY_STATE/begun
if [ ! -e $lines.whole ]; then GAMEDAY_SINK=$lines {WORKING} && mv $lines $lines.whole; fi
cp $lines.whole $GAMEDAY_SINK
"""
"""Writes down that it began, and does not begin again: it pays once, and stops when in doubt."""


def swept(trial: Trial, mode: Mode) -> GameDayReport:
    """The report on one sweep."""
    with closing(Day(trial, [drill_of(mode)])) as day:
        day.begin(1)
        return day.report(list(day.sweep(1)), "gameday verify")


def test_each_call_is_a_point_twice_and_rows_are_points_too() -> None:
    """Before and after the work of the service; one row, and half of them."""
    found = points(Mode.ONCE, Counted(2, 10))

    assert [
        "before call 1",
        "after call 1",
        "before call 2",
        "after call 2",
        "1 rows in the sink",
        "5 rows in the sink",
    ] == list(map(str, found))


def test_many_calls_are_spread_evenly() -> None:
    """From the first to near the last."""
    found = [crash.kills[0].call for crash in points(Mode.ONCE, Counted(1_000, 10))]

    assert MOST_POINTS == len(found)
    assert (1, sorted(found)) == (found[0], found)
    assert found[-1] > 950


def test_the_kills_of_a_point_go_with_its_runs() -> None:
    """The second run is killed by the second kill; onwards, each by the first."""
    first, second = Kill(1), Kill(2, "after")

    assert [first, second, None] == [Crash((first, second)).of(run) for run in range(3)]
    assert [first, first] == [Crash((first,), onwards=True).of(run) for run in range(2)]
    assert "before call 1, then after call 2" == str(Crash((first, second)))


def test_a_pipeline_that_begins_anew_pays_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The points are named; the naive one of ours does no better; the report can be read again."""
    monkeypatch.setattr(sweep, "MOST_POINTS", 2)
    report = swept(a_trial(tmp_path), Mode.ONCE)

    (drill,) = report.drills
    assert (Verdict.FAIL, "the guarded arm did not hold") == (drill.verdict, drill.because)
    finding = broken(drill, 2)["NoRowPaidTwice"]
    assert "of 20 billed rows were paid more than once" in finding.evidence[0]
    assert "NoRowPaidTwice" in broken(drill, 1)
    assert report == load(render(report, Format.JSON))


def test_a_pipeline_that_stops_when_in_doubt_holds_onwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at every start it pays once, and does no harm."""
    monkeypatch.setattr(sweep, "MOST_POINTS", 2)
    report = swept(a_trial(tmp_path, CAREFUL), Mode.ONWARDS)

    assert Verdict.PASS is report.verdict, report.drills[0]
    assert report.drills[0].arms[2].injections[0].fired > 0
