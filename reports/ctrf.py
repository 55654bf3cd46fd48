"""CTRF, the Common Test Report Format, for dashboards and pull-request comments.

It knows no INCONCLUSIVE. That becomes `failed`, never `skipped`: a drill that proved nothing must
not look green; `rawStatus` keeps our word. Times are virtual, so the same seed gives the same
bytes. Source of the format: the schema in the npm package `ctrf` 0.3.0, which the tests fetch.
"""

from __future__ import annotations

import json
from datetime import timedelta

from reports.codec import Json, encode
from reports.gaps import gaps
from reports.luck import luck
from reports.model import ArmReport, DrillReport, GameDayReport, NotApplicable, Verdict
from reports.phrases import as_expected, headline, held_or_broke, own_words, troubles
from reports.scorecard import scorecard
from reports.untrusted import shown, shown_command, shown_end

SPEC_VERSION = "0.0.0"
"""The version of the specification that the published schema is named after."""
MILLISECOND = timedelta(milliseconds=1)


def render_ctrf(report: GameDayReport) -> str:
    """One test for each planned drill."""
    tests = [_test(drill) for drill in report.drills] or [_empty_game_day(report)]
    passed = report.count(Verdict.PASS)
    start = round(report.started_at.timestamp() * 1_000)
    longest = max((_duration(drill) for drill in report.drills), default=0)
    document: Json = {
        "reportFormat": "CTRF",
        "specVersion": SPEC_VERSION,
        "generatedBy": "gameday",
        "results": {
            "tool": {"name": "gameday", **_version(report)},
            "summary": {
                "tests": len(tests) + len(report.not_applicable),
                "passed": passed,
                "failed": len(tests) - passed,
                "skipped": len(report.not_applicable),
                "pending": 0,
                "other": 0,
                "start": start,
                "stop": start + longest,
                "extra": {"headline": headline(report), "scorecard": encode(scorecard(report))},
            },
            "tests": [*tests, *map(_not_run, report.not_applicable)],
            "extra": {
                "seed": report.seed,
                "command": shown(report.command),
                "job": shown(report.job),
                "rows": f"{report.rows} from {shown(report.rows_source)}",
                "gaps": [
                    {
                        "gap": shown(gap.name),
                        "severity": gap.severity.name,
                        "what": shown(gap.what),
                        "owner": shown(gap.owner),
                        "due": shown(gap.due),
                        "closedBy": shown_command(gap.turns_green),
                    }
                    for gap in gaps(report)
                ],
                "luck": [f"{shown(each.drill)}: {shown(each.what)}" for each in luck(report)],
            },
        },
    }
    return json.dumps(document, indent=1) + "\n"


def _test(drill: DrillReport) -> Json:
    passed = drill.verdict is Verdict.PASS
    test: dict[str, Json] = {
        "name": shown(drill.name) or "a drill without a name",
        "status": "passed" if passed else "failed",
        "rawStatus": drill.verdict.name,
        "duration": _duration(drill),
        "message": shown("; ".join([drill.because, *own_words(drill)])),
        "type": "drill",
        "tags": [shown(drill.failure_mode)],
        "steps": [_step(arm) for arm in drill.arms],
        "extra": {
            "claim": shown(drill.claim),
            "controls": [shown(control) for control in drill.controls],
            "replay": shown_command(drill.replay),
        },
    }
    if not passed:
        lines = [*map(shown, troubles(drill)), *([shown_end(drill.error)] if drill.error else [])]
        test["trace"] = "\n".join([*lines, f"again: {shown_command(drill.replay)}"])
    return test


def _step(arm: ArmReport) -> Json:
    status = "passed" if arm.held is arm.expected_to_hold else "failed"
    return {"name": f"{arm.arm.value}: {held_or_broke(arm)}, {as_expected(arm)}", "status": status}


def _not_run(drill: NotApplicable) -> Json:
    return {
        "name": shown(drill.name) or "a drill without a name",
        "status": "skipped",
        "rawStatus": "NOT RUN",
        "duration": 0,
        "message": shown(drill.why),
    }


def _empty_game_day(report: GameDayReport) -> Json:
    """An empty list would be green."""
    return {
        "name": "some drill was run",
        "status": "failed",
        "rawStatus": Verdict.INCONCLUSIVE.name,
        "duration": 0,
        "message": headline(report),
    }


def _duration(drill: DrillReport) -> int:
    """Virtual milliseconds of the longest arm; the arms are worlds of their own."""
    return max((arm.lasted // MILLISECOND for arm in drill.arms), default=0)


def _version(report: GameDayReport) -> dict[str, Json]:
    found = next((fact.value for fact in report.appendix if fact.name == "batch-gameday"), "")
    return {"version": shown(found)} if found else {}
