"""Running a drill: three worlds, three records, one report."""

from __future__ import annotations

import random
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from inspect import getclosurevars
from pathlib import Path
from types import FunctionType

from controls import Canary
from reports import (
    ArmName,
    ArmReport,
    BlastRadius,
    DrillReport,
    Finding,
    Injection,
    NotApplicable,
    Outcome,
    RunbookStep,
    Verdict,
)
from reports.verdict import finding_contradiction, held, judge_arms
from scenarios.harness.amounts import amounts_unfit
from scenarios.harness.checks import (
    Check,
    Ended,
    FairDay,
    RecordIsRight,
    ServiceWasReached,
)
from scenarios.harness.client import ServiceBroke
from scenarios.harness.drill import Drill
from scenarios.harness.incident import execute_runbook
from scenarios.harness.record import Record
from scenarios.harness.response import after_runbook, response_of
from scenarios.harness.sabotage import NoSabotage
from scenarios.harness.task import RowSource, Task
from scenarios.harness.telling import merged
from scenarios.harness.world import Game, Refit, World, as_it_is
from simulator.books import Firing
from simulator.faults import NoFault, WrongButValid


def applies(drill: Drill, game: Game) -> NotApplicable | None:
    """Why a drill cannot be run on these rows; None when it can."""
    task = Task(game.job_type, game.rowset.rows, RowSource(game.rowset.rows), planted={})
    rows = len(game.rowset.rows)
    few = f"it takes {drill.needs:,} rows, and there are {rows:,}"
    reasons = [few] if rows < drill.needs else []
    reasons += [*(act.applies_to(task) for act in drill.sabotage), amounts_unfit(drill, game)]
    reasons += [_ungraded(drill, game)]
    why = "; ".join(filter(None, reasons))
    return NotApplicable(drill.name, drill.claim, why) if why else None


def _ungraded(drill: Drill, game: Game) -> str:
    """Why nobody could tell that answers are wrong: they are valid, and no row says better."""
    if Canary not in drill.control_types:
        return ""
    if not any(isinstance(fault, WrongButValid) for fault in drill.faults):
        return ""
    column = game.job_type.rows.label_column or ""
    if any(row.fields.get(column) for row in game.rowset.rows):
        return ""
    return "answers that are wrong and valid show only against known answers, and no row has one"


class DrillError(Exception):
    """What an arm left behind cannot be judged."""


@dataclass(frozen=True, slots=True)
class Played:
    """A world after its script, and the evidence it left."""

    world: World
    record: Record


class CalmRuns:
    """Calm days that were played already.

    Without a fault, drills with the same script and the same controls have one and the same calm
    arm: same seed, same rows, same bytes. It is played once and judged by each drill's checks.
    """

    def __init__(self, game: Game) -> None:
        self.game = game
        self._played: dict[object, Played] = {}

    def play(self, drill: Drill) -> Played:
        """The calm arm of a drill."""
        same = _sameness(drill)
        if same is None:
            return self._play(drill)
        if same not in self._played:
            self._played[same] = self._play(drill)
        return self._played[same]

    def _play(self, drill: Drill) -> Played:
        played = play(drill, self.game, ArmName.CALM)
        played.world.give_back()
        return played


def _sameness(drill: Drill) -> object | None:
    """What makes two calm arms equal; None for a script that uses more than its world."""
    uses = getclosurevars(drill.script)
    if drill.script.__defaults__ or drill.script.__kwdefaults__:
        return None
    if uses.globals or uses.nonlocals or uses.unbound - {"rows", "run", "operator"}:
        return None
    code = drill.script.__code__
    given = tuple(repr(part) for part in drill.controls if not isinstance(part, type))
    return code.co_code, code.co_consts[1:], code.co_names, given


def play(drill: Drill, game: Game, arm: ArmName, refit: Refit = as_it_is) -> Played:
    """A fresh world, the script, and the record when the service has closed its books.

    Raises:
        DrillError: what came of it is not evidence: the service or a fault broke, something went
            wrong on purpose in the calm arm, or dice were thrown that no seed holds.
    """
    world, dice = World(game, drill, arm, refit=refit), random.getstate()
    try:
        drill.script(world)
    except ServiceBroke as broke:
        raise DrillError("the simulated service or a fault broke") from broke.__cause__
    world.close_books()
    record = world.record()
    if arm is ArmName.CALM and record.struck:
        raise DrillError("a fault struck in the calm arm, where none may")
    if dice != random.getstate():
        raise DrillError(
            "the drill throws Python's own dice, which no seed holds; take random.Random(seed)"
        )
    return Played(world, record)


@dataclass(frozen=True, slots=True)
class ArmResult:
    """What came of one arm."""

    report: ArmReport | None
    runbook: tuple[RunbookStep, ...] = ()
    """The executed runbook, of the guarded arm."""
    problem: str = ""
    """How the harness broke; empty if it did not."""


def run_drill(drill: Drill, game: Game, calm_runs: CalmRuns | None = None) -> DrillReport:
    """All three arms of a drill, judged."""
    runs = calm_runs or CalmRuns(game)
    return report_drill(drill, game, [run_arm(drill, arm, runs) for arm in ArmName])


def run_arm(drill: Drill, arm: ArmName, calm_runs: CalmRuns) -> ArmResult:
    """One arm of a drill. What breaks in the harness is told, not raised."""
    game = calm_runs.game
    try:
        played = calm_runs.play(drill) if arm is ArmName.CALM else play(drill, game, arm)
        report = judge_arm(drill, game, played)
        if arm is ArmName.CALM:
            return ArmResult(report)
        guarded = arm is ArmName.GUARDED
        steps = execute_runbook(played.world, played.record) if guarded else ()
        report = replace(report, response=after_runbook(report.response, report.lasted, steps))
        played.world.give_back()
        return ArmResult(report, steps)
    except (Exception, SystemExit) as problem:  # noqa: BLE001 - the harness broke, and the report says so
        return ArmResult(None, problem=where(problem))


def report_drill(drill: Drill, game: Game, results: Sequence[ArmResult]) -> DrillReport:
    """The verdict over calm, bare and guarded, in this order; a broken harness makes it ERROR."""
    arms = tuple(result.report for result in results if result.report is not None)
    problem = next((result.problem for result in results if result.problem), "")
    if problem:
        verdict, because = Verdict.ERROR, f"the harness broke: {problem.partition(':')[0]}"
    else:
        steps = results[-1].runbook
        verdict, because = judge_arms(*arms, good_day=drill.is_good_day, runbook=steps)
    return DrillReport(
        name=drill.name,
        claim=drill.claim,
        story=drill.story,
        failure_mode=drill.defends_against,
        controls=tuple(
            part.__name__ if isinstance(part, type | FunctionType) else repr(part)
            for part in drill.controls
        ),
        verdict=verdict,
        because=because,
        arms=() if problem else arms,
        runbook=results[-1].runbook,
        replay=f"{drill.replay} --seed {game.seed}{game.options}",
        error=problem,
        borne=drill.borne,
    )


def judge_arm(drill: Drill, game: Game, played: Played) -> ArmReport:
    """What a drill's checks say of an arm."""
    world, record = played.world, played.record
    arm, start = world.arm, world.started_at
    ours: tuple[Check, ...] = (Ended(arm), ServiceWasReached(), RecordIsRight())
    ours += (FairDay(),) if arm is ArmName.CALM else ()
    findings = tuple(judged(check, record) for check in (*ours, *drill.checks))
    at_start = any(each.times and each.source is None for _, each in world.spoiled)
    return ArmReport(
        arm=arm,
        held=held(findings),
        expected_to_hold=arm is not ArmName.BARE or drill.is_good_day,
        ended=record.status if not record.why else f"{record.status}: {record.why}",
        lasted=record.lasted,
        blast=blast_of(record),
        findings=findings,
        injections=_injections(drill, game, world, record),
        alarms=tuple(alarm.what for alarm in record.alarms),
        timeline=merged(world.timeline, record.books, start),
        asked=() if arm is ArmName.BARE else world.witness.of(drill.control_types),
        response=response_of(
            record, start, world.diary, held=held(findings), spoiled_at_start=at_start
        ),
    )


def judged(check: Check, record: Record) -> Finding:
    try:
        finding = check.judge(record)
        contradiction = finding_contradiction(finding)
    except (Exception, SystemExit) as problem:  # noqa: BLE001 - a check that raises is a finding of its own
        return Finding(type(check).__name__, Outcome.RAISED, where(problem), 0)
    if contradiction:
        return Finding(type(check).__name__, Outcome.RAISED, f"the check {contradiction}", 0)
    return finding


def where(problem: BaseException) -> str:
    """The error and the last places it came through, without the folders of this machine."""
    if isinstance(problem, DrillError):
        return f"{problem}: {where(problem.__cause__)}" if problem.__cause__ else str(problem)
    frames = traceback.extract_tb(problem.__traceback__)[-4:]
    places = " < ".join(f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in reversed(frames))
    return f"{type(problem).__name__}: {str(problem)[:500]} ({places})"


def blast_of(record: Record) -> BlastRadius:
    return BlastRadius(
        rows=len(record.rows),
        sent=record.sent,
        promoted=len(record.promoted & record.keys),
        wrong=len(record.keys.intersection(record.wrong)),
        lost=len(record.lost),
        quarantined=len(record.keys & record.quarantined.keys()),
        waiting=len(record.waiting),
        leaked=len({key for key, _ in record.leaks}),
        billed_usd=record.books.billed_usd,
        approved_usd=record.approved_usd,
        paid_twice=record.paid_twice,
        paid_again_usd=sum(record.paid_again.values(), Decimal(0)),
    )


def _injections(drill: Drill, game: Game, world: World, record: Record) -> tuple[Injection, ...]:
    """Planned against fired, for every fault and sabotage of this arm."""
    if world.arm is ArmName.CALM:
        return ()
    struck: dict[str, list[Firing]] = {}
    for each in record.books.firings.values():
        struck.setdefault(each.fault, []).append(each)
    found = []
    for fault in game.bound(drill.faults):
        if isinstance(fault, NoFault):
            continue
        alike = struck.get(fault.describe())
        firing = alike.pop(0) if alike else None
        found.append(
            Injection(
                name=fault.describe(),
                story=first_line(fault),
                planned=fault.planned(),
                fired=firing.count if firing else 0,
                where=firing.places[:5] if firing else (),
            )
        )
    for act, spoiled in world.spoiled:
        if isinstance(act, NoSabotage):
            continue
        found.append(
            Injection(
                type(act).__name__, first_line(act), act.planned(), spoiled.fired, spoiled.places
            )
        )
    return tuple(found)


def first_line(thing: object) -> str:
    return (type(thing).__doc__ or "").strip().split("\n\n")[0].replace("\n", " ")
