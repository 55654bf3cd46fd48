"""The runbook, executed after the guarded arm: stop, count by `custom_id`, reverse; each proved."""

from __future__ import annotations

from collections import Counter
from shlex import quote
from typing import TYPE_CHECKING

from controls import ControlError
from controls.runbook import Runbook
from reports import Phase, RunbookStep
from scenarios.harness.checks import dump
from scenarios.harness.client import make_client
from simulator.wire import Endpoint

if TYPE_CHECKING:
    from scenarios.harness.record import Record
    from scenarios.harness.world import Hired, World

WHO = "--by NAME --why REASON"
PURGED = "what stood there before was purged on schedule: too late"
NO_JOB = "the ledger knows of no job: whatever ran here made no batches, and has ended"


def execute_runbook(world: World, record: Record) -> tuple[RunbookStep, ...]:
    """The three questions of an incident, answered by doing them after the record was taken."""
    known = {entry.job for entry in world.stage.ledger.entries(kind="opened")}
    mine = [hired for hired in world.stage.hired if hired.job.id in known]
    names = [quote(hired.job.id) for hired in mine]
    return (_stop(world, mine, names), _assess(world, record, mine, names), _reverse(world, record))


def _stop(world: World, mine: list[Hired], names: list[str]) -> RunbookStep:
    """Halt each job, start its worker again, and see that it sends and promotes nothing."""
    command = _each("gameday halt {} --cancel " + WHO, names)
    if not mine:
        return RunbookStep(Phase.STOP, command, NO_JOB)
    book = Runbook(world.stage.ledger)
    before, stored = _creates(world), world.record().promoted
    client, running = make_client(world.stage.wire), 0
    for hired in mine:
        scope = f"job {hired.job.id}"
        halted = book.halt(scope, by="on-call", why="the drill's runbook", client=client)
        running += len(halted.jobs)
    ended = Counter(map(_again, mine))
    sent, promoted = _creates(world) - before, len(world.record().promoted - stored)
    answers = ", ".join(f"{count} {answer}" for answer, count in sorted(ended.items()))
    return RunbookStep(
        Phase.STOP,
        command,
        f"{running} of {len(mine)} jobs were still open, and were stopped; started again, they "
        f"sent {sent} batches and promoted {promoted} rows ({answers})",
        worked=not sent and not promoted,
    )


def _assess(world: World, record: Record, mine: list[Hired], names: list[str]) -> RunbookStep:
    """Count each job's rows by where they stand, against what the tables hold."""
    command = _each("gameday assess {} --out affected.jsonl", names)
    if not mine:
        return RunbookStep(Phase.ASSESS, command, NO_JOB)
    book = Runbook(world.stage.ledger)
    found = [book.assess(hired.job.id) for hired in mine]
    rows = [row for each in found for row in each.affected]
    states = Counter(row.state for row in rows)
    counted = ", ".join(f"{count:,} {state}" for state, count in sorted(states.items()))
    affected = next((row for row in rows if row.state != "promoted"), None)
    first = f"; first not promoted: {affected.custom_id}" if affected else ""
    return RunbookStep(
        Phase.ASSESS,
        command,
        f"{len(rows):,} rows by custom_id: {counted}{first}",
        worked=states["quarantined"] >= len(record.quarantined.keys() & record.keys)
        and len(rows) == sum(each.rows for each in found),
    )


def _reverse(world: World, record: Record) -> RunbookStep:
    """Roll each job back, and compare the system of record with what it was before the arm."""
    names = [quote(hired.job.id) for hired in reversed(world.stage.hired)]
    command = _each("gameday rollback {} " + WHO, names)
    if world.purged:
        return RunbookStep(Phase.REVERSE, command, PURGED)
    count = world.rollback()
    restored = dump(world.record().after) == dump(record.before)
    proof = "equals" if restored else "DIFFERS FROM"
    return RunbookStep(
        Phase.REVERSE,
        command,
        f"put {count:,} rows back; the system of record {proof} its state before the job",
        worked=restored,
    )


def _again(hired: Hired) -> str:
    """What the worker of a stopped job answers to whoever starts it again."""
    try:
        return hired.runner.run(hired.job, hired.rows).status
    except ControlError:
        return "refused"


def _creates(world: World) -> int:
    return sum(call.endpoint is Endpoint.CREATE for call in world.stage.api.books().calls)


def _each(command: str, names: list[str]) -> str:
    """The same command for each job; a name to fill in where the ledger knows none."""
    return "; ".join(command.format(name) for name in names or ["JOB"])
