"""CTRF: what the official schema takes, and nothing green that was not proved."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest

from reports import Format, GameDayReport, Verdict, render
from tests.builders_reports import (
    COVERAGE,
    HOSTILE,
    a_full_report,
    a_report,
    an_error_drill,
    an_inconclusive_drill,
    with_every_text,
)
from tests.sdk.environments import ctrf_schema

EMPTY = GameDayReport(
    seed=0,
    started_at=a_report().started_at,
    command="",
    job="",
    rows_source="",
    rows=0,
    drills=(),
    not_applicable=(),
    appendix=(),
)


def a_document(report: GameDayReport) -> Any:
    """The report as a dashboard reads it."""
    return json.loads(render(report, Format.CTRF))


@pytest.mark.sdk_lines
def test_the_official_schema_takes_every_report() -> None:
    """One of each verdict, an empty one, and one full of hostile text."""
    schema = jsonschema_rs.validator_for(json.loads(ctrf_schema().read_text("utf-8")))
    hostile = [with_every_text(a_full_report(), text) for text in ("", HOSTILE["script"])]

    for report in (a_full_report(coverage=COVERAGE), a_report(), EMPTY, *hostile):
        assert [] == [str(error) for error in schema.iter_errors(a_document(report))]


def test_only_what_was_proved_is_passed_and_only_what_was_not_run_is_skipped() -> None:
    """INCONCLUSIVE and ERROR are failures that keep their own word."""
    results = a_document(a_full_report())["results"]
    statuses = [(test["rawStatus"], test["status"]) for test in results["tests"]]

    assert [
        ("PASS", "passed"),
        ("FAIL", "failed"),
        ("INCONCLUSIVE", "failed"),
        ("ERROR", "failed"),
        ("NOT RUN", "skipped"),
    ] == statuses
    summary = results["summary"]
    assert (5, 1, 3, 1) == tuple(summary[key] for key in ("tests", "passed", "failed", "skipped"))


def test_an_empty_game_day_has_failed() -> None:
    """A list without tests would be green."""
    summary = a_document(EMPTY)["results"]["summary"]

    assert (1, 0, 1) == (summary["tests"], summary["passed"], summary["failed"])


@pytest.mark.parametrize("drill", [an_inconclusive_drill(), an_error_drill()])
def test_a_failure_says_why_and_how_to_repeat_it(drill: Any) -> None:
    """The reason is the message; details and the command are the trace."""
    (test,) = a_document(a_report(drill))["results"]["tests"]

    assert test["message"].startswith(drill.because)
    assert test["trace"].endswith(f"again: {drill.replay}")


def test_times_are_virtual() -> None:
    """Milliseconds of the longest arm, from the start of the simulated clock."""
    results = a_document(a_report())["results"]

    assert 24 * 3_600_000 == results["tests"][0]["duration"]
    assert 1_767_225_600_000 == results["summary"]["start"]
    assert results["summary"]["start"] + 24 * 3_600_000 == results["summary"]["stop"]


def test_gaps_and_verdicts_go_with_it() -> None:
    """Who reads the file alone learns what is open."""
    extra = a_document(a_full_report())["results"]["extra"]

    assert "drill lost_create_is_not_repeated" == extra["gaps"][0]["gap"]
    assert Verdict.FAIL.name in extra["gaps"][0]["what"]
