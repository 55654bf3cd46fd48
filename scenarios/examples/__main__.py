"""The scoreboard: `python -m scenarios.examples [DRILL ...]` puts the examples on trial.

Without names it takes ten drills; `gameday verify` takes all. `classify.mjs` takes part where
`node` is installed and its SDK lies in a `node_modules` above it.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from reports import DrillReport, Verdict
from scenarios.harness.discovery import select
from scenarios.harness.pipeline.command import opened
from scenarios.harness.pipeline.day import Day

HERE = Path(__file__).parent
WORKERS = 2
TEN = (
    "a_good_day_is_left_alone",
    "dropped_rows_are_noticed",
    "expired_rows_are_resent",
    "injected_instructions_stay_data",
    "lost_reply_is_not_paid_twice",
    "oversize_prompt_is_refused",
    "rebuilt_mapping_is_harmless",
    "runaway_join_is_refused",
    "schema_drift_is_quarantined",
    "swapped_answers_are_caught",
)


@dataclass(frozen=True, slots=True)
class Example:
    """A pipeline of this folder, and where it puts its rows."""

    file: str
    program: str = sys.executable
    sink: str = "answers.jsonl"
    table: str | None = None
    quarantine: str | None = None
    quarantine_key: str | None = None


DATABASE = "sqlite:///answers.db"
EXAMPLES = (
    Example("naive_zip.py", sink=DATABASE, table="answers"),
    Example("naive_loop.py", sink=DATABASE, table="answers"),
    Example("naive_retry.py", sink=DATABASE, table="answers"),
    Example("classify.mjs", program="node", quarantine="aside.jsonl"),
    Example(
        "guarded.py",
        sink=DATABASE,
        table="answers",
        quarantine="sqlite:///ledger.db#quarantine",
        quarantine_key="row_key",
    ),
)


def put_on_trial(
    example: Example, drills: Sequence[str] = TEN, folder: Path = HERE, workers: int = WORKERS
) -> tuple[DrillReport, ...]:
    """The drills of one example, judged. No sink of these names has to be there."""
    trial = opened(
        pipeline=f"{example.program} {folder / example.file}",
        rows=HERE / "tickets.jsonl",
        key="ticket_id",
        sink=_elsewhere(example.sink),
        table=example.table,
        quarantine=example.quarantine and _elsewhere(example.quarantine),
        quarantine_key=example.quarantine_key,
        schema=HERE / "answer.json",
        budget="0.02",
        timeout=30.0,
    )
    with closing(Day(trial, select(drills))) as day:
        day.begin(workers)
        return day.report(list(day.finish(workers)), "").drills


def _elsewhere(place: str) -> str:
    """A place that is not there: each arm begins with an empty copy."""
    nowhere = Path(tempfile.gettempdir()) / "gameday-examples-begin-empty"
    if place.startswith("sqlite:///"):
        return place.replace("sqlite:///", f"sqlite:///{nowhere}/")
    return str(nowhere / place)


def board(drills: Sequence[str]) -> Iterator[str]:
    """A line of a Markdown table for each example."""
    yield "| pipeline | passed | failed | proved nothing |"
    yield "| --- | --- | --- | --- |"
    for example in EXAMPLES:
        reports = put_on_trial(example, drills)
        counts = [
            sum(report.verdict in kinds for report in reports)
            for kinds in (
                {Verdict.PASS},
                {Verdict.FAIL, Verdict.ERROR},
                {Verdict.INCONCLUSIVE},
            )
        ]
        yield f"| `{example.file}` | {' | '.join(map(str, counts))} |"


if __name__ == "__main__":
    for line in board(sys.argv[1:] or TEN):
        print(line, flush=True)  # noqa: T201 - a table for stdout
