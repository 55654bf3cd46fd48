"""A game day: many drills over the same rows, one report."""

from __future__ import annotations

import gc
import shlex
import sys
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from controls import JobType, Row, load_job_type
from controls.policy import Template
from reports import ArmName, Assignment, DrillReport, Fact, GameDayReport, NotApplicable, Verdict
from reports.kills import KillMatrix
from scenarios.harness.arms import (
    ArmResult,
    CalmRuns,
    applies,
    report_drill,
    run_arm,
    run_drill,
)
from scenarios.harness.at_home import sendable
from scenarios.harness.coverage import coverage_of
from scenarios.harness.door import check_door
from scenarios.harness.drill import Drill
from scenarios.harness.errors import UsageError
from scenarios.harness.rows import RowSet, read_rows
from scenarios.harness.sabotage import RunawayJoin
from scenarios.harness.tickets import tickets
from scenarios.harness.workers import Died, Workers
from scenarios.harness.world import Game
from simulator import VirtualClock

SLOW = "slow: only when named or with --slow"
DEFAULT_JOB = Path(__file__).parent.parent / "jobs" / "tickets.toml"
MANY = 1_000
"""Rows of a join that makes as many as it takes."""
CLEAN_ROWS_PER_INSTRUCTION = 9
"""Around rows that are nothing but instructions, so many seeded rows stand without any."""


def open_game(rows: Path | None, job: Path | None, seed: int) -> Game:
    """The rows, the job type and the seed of a game day.

    Raises:
        UsageError, ControlError: a file is not what it should be, or they cannot go together.
    """
    game = _opened(rows, job, seed)
    check_door(game.job_type, game.rowset, game.labels, job or DEFAULT_JOB)
    return game


def _opened(rows: Path | None, job: Path | None, seed: int) -> Game:
    job_type = load_job_type(job or DEFAULT_JOB)
    options = f" --rows {shlex.quote(str(rows))}" if rows else ""
    options += f" --job {shlex.quote(str(job))}" if job else ""
    if rows is None:
        if job is not None:
            made = tickets(seed)
            missing = sorted(set(_needed(job_type)) - set(made.columns))
            if missing:
                raise UsageError(
                    f"The job {job} needs {', '.join(map(repr, missing))}, which the seeded "
                    "tickets do not have.",
                    fix="Give your rows with --rows FILE.",
                )
        return Game(job_type, tickets(seed), seed, options=options)
    rowset = read_rows(rows, job_type)
    column = job_type.rows.injection_column
    if column is None:
        return Game(job_type, sendable(rowset, job_type, rows), seed, options=options)
    if column not in rowset.columns:
        raise UsageError(
            f"The rows have no column {column!r}, which rows.injection_column names.",
            fix=f"There are: {', '.join(rowset.columns)}.",
        )
    instructions = tuple(row.fields[column] for row in rowset.rows if row.fields[column].strip())
    clean = _clean_rows(
        job_type, rowset, seed, (CLEAN_ROWS_PER_INSTRUCTION + 1) * len(instructions)
    )
    return Game(job_type, clean, seed, instructions, options)


def _needed(job_type: JobType) -> Iterator[str]:
    yield from Template(job_type.prompt.template).fields()
    yield from (name for name in (job_type.rows.key, job_type.rows.label_column) if name)


def _clean_rows(job_type: JobType, origin: RowSet, seed: int, count: int) -> RowSet:
    """Seeded tickets in the columns of a file that holds nothing but instructions."""
    made = tickets(seed, count)
    rows = tuple(
        Row(
            row.ordinal,
            f"row-{row.ordinal + 1}",
            {
                **dict.fromkeys(origin.columns, ""),
                **({job_type.rows.key: f"row-{row.ordinal + 1}"} if job_type.rows.key else {}),
                job_type.text_field: row.fields["body"],
            },
        )
        for row in made.rows
    )
    source = f"{origin.source}, planted among {count:,} seeded tickets"
    return RowSet(source, origin.digest, origin.columns, rows)


@dataclass(frozen=True, slots=True)
class Plan:
    """Which drills will be run, and which cannot."""

    drills: tuple[Drill, ...]
    not_applicable: tuple[NotApplicable, ...]
    kills: KillMatrix | None = None
    """What `gameday prove` found, for the report."""
    owners: tuple[Assignment, ...] = ()
    """Who closes which gap."""


def plan(drills: Sequence[Drill], game: Game, slow: Sequence[Drill] = ()) -> Plan:
    """Sort drills by whether they can be run on these rows; `slow` ones are left out."""
    reasons = {drill.name: applies(drill, game) for drill in drills}
    return Plan(
        tuple(drill for drill in drills if reasons[drill.name] is None),
        (
            *(reason for reason in reasons.values() if reason is not None),
            *(NotApplicable(drill.name, drill.claim, SLOW) for drill in slow),
        ),
    )


def start(plan: Plan, game: Game, workers: int) -> Generator[DrillReport, None, None]:
    """Run all drills of a plan, on several cores where that is possible.

    The processes are started before this returns; the reports come as they are finished.
    """
    calm_runs = CalmRuns(game)
    if workers <= 1 or not plan.drills or sys.platform != "linux":
        return (run_drill(drill, game, calm_runs) for drill in plan.drills)
    gc.freeze()  # what is imported by now is shared by the workers and needs no more collecting
    gc.set_threshold(100_000, 50, 100)  # rows make many objects and few cycles
    by_name = {drill.name: drill for drill in plan.drills}
    arms = [
        (drill.name, arm)
        for drill in longest_first(plan.drills)
        for arm in (ArmName.BARE, ArmName.GUARDED, ArmName.CALM)
    ]
    pool: Workers[tuple[str, ArmName], ArmResult] = Workers(
        lambda task: run_arm(by_name[task[0]], task[1], calm_runs), min(workers, len(arms))
    )
    return _finished(pool.results(arms), by_name, game)


def _finished(
    results: Generator[tuple[tuple[str, ArmName], ArmResult | Died], None, None],
    drills: Mapping[str, Drill],
    game: Game,
) -> Generator[DrillReport, None, None]:
    """A drill's report as soon as its last arm is done."""
    arms: dict[str, dict[ArmName, ArmResult]] = {}
    with closing(results):
        for (name, arm), result in results:
            done = arms.setdefault(name, {})
            if isinstance(result, Died):
                problem = f"the process that ran the {arm.value} arm {result.how}"
                done[arm] = ArmResult(None, problem=problem)
            else:
                done[arm] = result
            if len(done) == len(ArmName):
                yield report_drill(drills[name], game, [done[arm] for arm in ArmName])


def in_order(plan: Plan, reports: Iterable[DrillReport]) -> tuple[DrillReport, ...]:
    """Reports in the order of the plan, whoever finished first."""
    by_name = {report.name: report for report in reports}
    return tuple(by_name[drill.name] for drill in plan.drills)


def longest_first(drills: Sequence[Drill]) -> list[Drill]:
    """Drills with the most rows first, so that no core idles at the end."""

    def rows(drill: Drill) -> int:
        joins = (act for act in drill.sabotage if isinstance(act, RunawayJoin))
        return max((act.rows or MANY for act in joins), default=0)

    return sorted(drills, key=rows, reverse=True)


def report_of(game: Game, plan: Plan, drills: Sequence[DrillReport], command: str) -> GameDayReport:
    """The report of a game day. The same seed and input make the same bytes."""
    job_type = game.job_type
    passed = {done.name for done in drills if done.verdict is Verdict.PASS}
    return GameDayReport(
        seed=game.seed,
        started_at=VirtualClock().now(),
        command=command,
        job=f"{job_type.name} ({job_type.policy_version}, approved by {job_type.approved_by})",
        rows_source=game.rowset.source,
        rows=len(game.rowset.rows),
        drills=tuple(drills),
        not_applicable=plan.not_applicable,
        appendix=(
            Fact("batch-gameday", version("batch-gameday")),
            Fact("anthropic", version("anthropic")),
            Fact("Python", sys.version.split()[0]),
            Fact("rows, SHA-256", game.rowset.digest),
            Fact("rows, licence", game.rowset.licence),
            Fact("model", f"{job_type.prompt.model}, simulated"),
            Fact("clock", "virtual: no time of this report was waited for"),
        ),
        coverage=coverage_of([drill for drill in plan.drills if drill.name in passed]),
        owner=job_type.owner,
        kills=plan.kills,
        assignments=plan.owners,
    )
