"""One plan again: what struck, what each invariant says, and how it ended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from reports import Finding, Outcome
from reports.untrusted import shown
from scenarios.harness.errors import UsageError
from scenarios.harness.fuzz.story import Story
from scenarios.harness.fuzz.theatre import play
from scenarios.harness.fuzz.writing import read_plan
from scenarios.harness.game import open_game
from scenarios.harness.invariants import judged

NAMED = 5
"""Offenders that stand below a finding."""


def replayed(file: Path, rows: Path | None, job: Path | None) -> tuple[str, bool]:
    """What came of a plan, for a person; and whether an invariant broke.

    Raises:
        UsageError: the file is no plan, or was found on other rows.
    """
    plan, digest = read_plan(file)
    game = open_game(rows, job, 0)
    if digest and digest != game.rowset.digest:
        raise UsageError(
            f"The plan {file} was found on other rows than {game.rowset.source}.",
            fix="Give those rows with --rows FILE; the head of the plan says how it was replayed.",
        )
    story = play(plan, game)
    findings = judged(story)
    broke = any(finding.outcome is Outcome.BROKE for finding in findings)
    return "\n".join(_lines(story, findings)) + "\n", broke


def _lines(story: Story, findings: tuple[Finding, ...]) -> Iterator[str]:
    plan, record = story.plan, story.record
    struck = {firing.fault: firing.count for firing in record.books.firings.values()}
    for fault, count in struck.items():
        yield f"{count:>6,} times  {shown(fault)}"
    yield from (f"  accident    {act!r}" for act in plan.sabotage)
    if plan.kills:
        yield f"{story.killed:>6,} of {len(plan.kills)} kills struck"
    if story.acts:
        yield f"  people      {', '.join(deed.value for deed in story.acts)}"
    yield (
        f"{len(record.rows)} rows ended {record.status} after {record.lasted}: "
        f"{shown(record.why) or f'{len(record.promoted)} promoted'}"
    )
    yield ""
    words = {Outcome.HELD: "held", Outcome.BROKE: "BROKE", Outcome.NOT_EXERCISED: "not asked"}
    for finding in findings:
        yield f"{words[finding.outcome]:>9}  {finding.check}: {shown(finding.says)}"
        yield from (f"           {shown(offender)}" for offender in finding.evidence[:NAMED])
