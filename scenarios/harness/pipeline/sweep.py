"""The crash sweep: SIGKILL to the pipeline at each of its API calls, and a new start.

The simulator sees every call, so a call is a kill point: before the service heard of it, and after
the service did its work and before the reply. Writes to a sink cannot be seen from outside as they
happen; rows in the sink can be counted (SQLite and JSON Lines), and `rows` points kill when so
many are there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random

from reports import ArmName, ArmReport, Finding, Injection, Outcome
from scenarios.harness.checks import Check, EveryRowAnswered, NoRowPaidTwice
from scenarios.harness.drill import Drill
from scenarios.harness.naive import ALL_CONTROLS
from scenarios.harness.task import Spoiled, Task

MOST_POINTS = 48
"""Kill points of one sweep. Of more, evenly spread ones are taken, and the report says so."""
STARTS = 4
"""How often a pipeline is started, its first time included."""
STORY = """Whatever a pipeline does, the machine under it may go at any moment. Its process group
is ended by SIGKILL at an API call, before the service heard of it or after it did the work, and the
pipeline is started again."""


class Mode(StrEnum):
    """How often the pipeline is killed."""

    ONCE = "once"
    """At one call; then it is left alone."""
    TWICE = "twice"
    """At one call, and once more while it recovers."""
    ONWARDS = "onwards"
    """At this call of each start: it never comes further, and must do no harm."""


CLAIMS = {
    Mode.ONCE: "A pipeline that is killed at any call and started again does the whole job, once.",
    Mode.TWICE: "A pipeline that is killed again while it recovers still does the job, once.",
    Mode.ONWARDS: "A pipeline that is killed at every start pays for nothing twice.",
}


@dataclass(frozen=True, slots=True)
class Kill:
    """One moment in one run."""

    call: int
    """The number of the API call, from 1; 0 for a number of rows."""
    moment: str = "before"
    """`before` or `after` the service did the work of the call."""
    rows: int = 0
    """So many new rows in the sink."""

    def __str__(self) -> str:
        if self.rows:
            return f"{self.rows:,} rows in the sink"
        return f"{self.moment} call {self.call}"


@dataclass(frozen=True, slots=True)
class Crash:
    """The kills of one point of a sweep: the first in the first run, the second in the second."""

    kills: tuple[Kill, ...]
    onwards: bool = False

    def of(self, start: int) -> Kill | None:
        """The kill of the run with this number, from 0."""
        if self.onwards:
            return self.kills[0]
        return self.kills[start] if start < len(self.kills) else None

    def __str__(self) -> str:
        return ", then ".join(map(str, self.kills)) + (", each time" if self.onwards else "")


def points(mode: Mode, calls: int, rows: int) -> tuple[Crash, ...]:
    """The points of a sweep over a pipeline that makes so many calls on a calm day."""
    kills = [Kill(call, moment) for call in range(1, calls + 1) for moment in ("before", "after")]
    kills += [Kill(0, rows=count) for count in (1, rows // 2) if count]
    spread = [kills[place * len(kills) // MOST_POINTS] for place in range(MOST_POINTS)]
    chosen = kills if len(kills) <= MOST_POINTS else spread
    match mode:
        case Mode.ONCE:
            return tuple(Crash((kill,)) for kill in chosen)
        case Mode.ONWARDS:
            return tuple(Crash((kill,), onwards=True) for kill in chosen)
        case Mode.TWICE:
            second = [Kill(1 + number % max(calls, 1), "after") for number in range(len(chosen))]
            return tuple(map(Crash, zip(chosen, second, strict=True)))


@dataclass(frozen=True, slots=True)
class Killed:
    """The pipeline's process group is ended, and the pipeline started again."""

    def applies_to(self, task: Task) -> str:  # noqa: ARG002 - every process can be killed
        return ""

    def planned(self) -> str:
        return "at each kill point"

    def spoil(self, task: Task, dice: Random) -> Spoiled:  # noqa: ARG002 - the rows stay
        return Spoiled(task, 0, ())


def drill_of(mode: Mode) -> Drill:
    """The sweep as a drill."""
    checks: tuple[Check, ...] = (NoRowPaidTwice(),)
    checks += () if mode is Mode.ONWARDS else (EveryRowAnswered(),)
    return Drill(
        name=f"crash_sweep_{mode}",
        claim=CLAIMS[mode],
        story=STORY,
        defends_against="crash",
        faults=(),
        sabotage=(Killed(),),
        controls=tuple(kind for kind in ALL_CONTROLS if kind.__name__ == "IdempotentSubmit"),
        checks=checks,
        script=lambda world: world.run(world.rows()),
    )


def summed(arm: ArmName, each: Sequence[tuple[Crash, ArmReport]]) -> ArmReport:
    """All points of an arm as one: the worst of them, with every check's broken points."""
    worst = max(each, key=lambda one: len(_broken(one[1])))[1]
    findings = tuple(_over(place, finding, each) for place, finding in enumerate(worst.findings))
    bad = [str(crash) for crash, report in each if _broken(report)]
    fired = sum(injection.fired for _, report in each for injection in report.injections)
    ended = worst.ended
    if bad:
        ended = f"{len(bad):,} of {len(each):,} kill points broke, first {bad[0]}; it {worst.ended}"
    return replace(
        worst,
        arm=arm,
        held=not bad,
        expected_to_hold=arm is not ArmName.BARE,
        ended=ended,
        findings=findings,
        injections=(
            Injection(
                "SIGKILL",
                Killed.__doc__ or "",
                f"{len(each):,} kill points",
                fired,
                tuple(bad[:5]),
            ),
        ),
    )


def _over(place: int, finding: Finding, each: Sequence[tuple[Crash, ArmReport]]) -> Finding:
    broke = [
        f"{crash}: {report.findings[place].says}"
        for crash, report in each
        if report.findings[place].outcome in {Outcome.BROKE, Outcome.RAISED}
    ]
    if not broke:
        return finding
    raised = any(report.findings[place].outcome is Outcome.RAISED for _, report in each)
    return Finding(
        finding.check,
        Outcome.RAISED if raised else Outcome.BROKE,
        f"at {len(broke):,} of {len(each):,} kill points",
        len(each),
        len(broke),
        tuple(broke[:5]),
    )


def _broken(report: ArmReport) -> list[Finding]:
    return [
        finding for finding in report.findings if finding.outcome in {Outcome.BROKE, Outcome.RAISED}
    ]


SWEEPS = {drill_of(mode).name: mode for mode in Mode}
"""The name of each sweep, as a drill, to its mode."""
