"""A small trial: twenty rows, a schema, and pipelines that start fast."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from reports import DrillReport, Finding, GameDayReport
from scenarios.harness.discovery import select
from scenarios.harness.pipeline.command import opened
from scenarios.harness.pipeline.day import Day
from scenarios.harness.pipeline.trial import NAIVE, Trial
from scenarios.harness.tickets import tickets

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["label", "score"],
    "properties": {
        "label": {"type": "string", "enum": ["pos", "neg", "neutral"]},
        "score": {"type": "number", "minimum": 0, "maximum": 1},
    },
}
WORKING = f"{sys.executable} -I -S {NAIVE} ticket_id body"
"""A pipeline that holds on a good day, and starts in 50 ms."""


def a_trial(folder: Path, pipeline: str = WORKING, rows: int = 20, **options: Any) -> Trial:
    """A trial of this pipeline in this folder."""
    made = tickets(0, rows).rows
    lines = [json.dumps({name: row.fields[name] for name in ("ticket_id", "body")}) for row in made]
    (folder / "rows.jsonl").write_text("\n".join(lines))
    (folder / "schema.json").write_text(json.dumps(SCHEMA))
    given: dict[str, Any] = {
        "rows": folder / "rows.jsonl",
        "key": "ticket_id",
        "sink": str(folder / "sink.jsonl"),
        "schema": folder / "schema.json",
        "budget": "1.00",
        "timeout": 20.0,
    }
    return opened(pipeline, **(given | options))


def judged(trial: Trial, *drills: str) -> GameDayReport:
    """The report over these drills, made in this process."""
    with closing(Day(trial, select(drills))) as day:
        day.begin(1)
        return day.report(list(day.finish(1)), "gameday verify")


def broken(drill: DrillReport, arm: int) -> dict[str, Finding]:
    """What broke in the calm (0), bare (1) or guarded (2) arm, by check."""
    findings: Sequence[Finding] = drill.arms[arm].findings
    return {finding.check: finding for finding in findings if finding.outcome.value == "broke"}
