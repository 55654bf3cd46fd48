"""The crash sweep: SIGKILL to the pipeline at each of its API calls, and a new start.

The simulator sees every call, so a call is a kill point: before the service heard of it, and after
the service did its work and before the reply. Where strace can trace (`tracing`), every durable
write is one, too. A write that only a database's server makes cannot be seen; rows in the sink can
be counted, and `rows` points kill when so many are there.
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
"""Kill points at calls and rows, and as many at durable writes, in one sweep. Of more, evenly
spread ones are taken, and the report says so."""
STARTS = 4
"""How often a pipeline is started, its first time included."""
STRIDE = 31
"""A prime, so that second kills lie early and late."""
STORY = """Whatever a pipeline does, the machine under it may go at any moment. Its process group
is ended by SIGKILL at an API call, before the service heard of it or after it did the work, or when
a write to its sink, its quarantine or its state is done; and the pipeline is started again."""


class Mode(StrEnum):
    """How often the pipeline is killed."""

    ONCE = "once"
    """At one point; then it is left alone."""
    TWICE = "twice"
    """At one point, and once more while it recovers."""
    ONWARDS = "onwards"
    """At this point of each start: it never comes further, and must do no harm."""


CLAIMS = {
    Mode.ONCE: "A pipeline that is killed at any point and started again does the whole job, once.",
    Mode.TWICE: "A pipeline that is killed again while it recovers still does the job, once.",
    Mode.ONWARDS: "A pipeline that is killed at every start pays for nothing twice.",
}


@dataclass(frozen=True, slots=True)
class Kill:
    """One moment in one run."""

    call: int
    """The number of the API call, from 1; 0 if the moment is no call's."""
    moment: str = "before"
    """`before` or `after` the service did the work of the call."""
    rows: int = 0
    """So many new rows in the sink."""
    write: int = 0
    """The number of the durable write, from 1, that is done ..."""
    of: int = 0
    """... of so many in a start that nobody kills."""

    def __str__(self) -> str:
        if self.write:
            return f"after durable write {self.write:,} of {self.of:,}"
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


@dataclass(frozen=True, slots=True)
class Counted:
    """What a pipeline does in a start that nobody kills."""

    calls: int
    rows: int
    """How many it is given."""
    writes: int = 0
    """Its durable writes; 0 where nobody can see them."""

    def kills(self) -> tuple[list[Kill], list[Kill]]:
        """Every kill point: at calls and rows, and at durable writes."""
        calls = [
            Kill(call, moment)
            for call in range(1, self.calls + 1)
            for moment in ("before", "after")
        ]
        rows = [Kill(0, rows=count) for count in (1, self.rows // 2) if count]
        writes = [Kill(0, "after", 0, write, self.writes) for write in range(1, self.writes + 1)]
        return [*calls, *rows], writes


def points(mode: Mode, counted: Counted) -> tuple[Crash, ...]:
    """The points of a sweep over a pipeline that does so much on a calm day."""
    chosen = [kill for kills in counted.kills() for kill in _spread(kills)]
    match mode:
        case Mode.ONCE:
            return tuple(Crash((kill,)) for kill in chosen)
        case Mode.ONWARDS:
            return tuple(Crash((kill,), onwards=True) for kill in chosen)
        case Mode.TWICE:
            second = [_second(place, kill, counted) for place, kill in enumerate(chosen)]
            return tuple(map(Crash, zip(chosen, second, strict=True)))


def _spread(kills: list[Kill]) -> list[Kill]:
    if len(kills) <= MOST_POINTS:
        return kills
    return [kills[place * len(kills) // MOST_POINTS] for place in range(MOST_POINTS)]


def _second(place: int, first: Kill, counted: Counted) -> Kill:
    """Where the recovery is killed: after a write by one of the writes that were still to come."""
    if not first.write:
        return Kill(1 + place % max(counted.calls, 1), "after")
    return replace(first, write=1 + first.write * STRIDE % (first.of + 1 - first.write))


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


def summed(arm: ArmName, each: Sequence[tuple[Crash, ArmReport]], possible: int) -> ArmReport:
    """All points of an arm as one: the worst of them, with every check's broken points.

    A point that the pipeline never came to proves nothing, and is not counted among them.
    """
    planned = planned_of(each, possible)
    fired = sum(injection.fired for _, report in each for injection in report.injections)
    each = [one for one in each if _reached(*one) or _broken(one[1])] or each
    worst = max(each, key=lambda one: len(_broken(one[1])))[1]
    findings = tuple(_over(place, finding, each) for place, finding in enumerate(worst.findings))
    bad = [_told(crash, report) for crash, report in each if _broken(report)]
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
                planned,
                fired,
                tuple(bad[:5]),
            ),
        ),
    )


def planned_of(each: Sequence[tuple[Crash, ArmReport]], possible: int) -> str:
    """How many kill points were taken of how many, and how many of them the pipeline came to."""
    missed = sum(not _reached(crash, report) for crash, report in each)
    never = f", {missed:,} of them never reached" if missed else ""
    return f"{len(each):,} of {possible:,} kill points{never}"


def _reached(crash: Crash, report: ArmReport) -> bool:
    """Whether it was killed at every kill of the point."""
    return sum(injection.fired for injection in report.injections) >= len(crash.kills)


def _told(crash: Crash, report: ArmReport) -> str:
    """Where it was killed, with the files that were written; where it was to be, if it was not."""
    where = [place for injection in report.injections for place in injection.where]
    if not where:
        return f"never reached: {crash}"
    return f"{where[0]}, each time" if crash.onwards else ", then ".join(where)


def _over(place: int, finding: Finding, each: Sequence[tuple[Crash, ArmReport]]) -> Finding:
    broke = [
        f"{_told(crash, report)}: {report.findings[place].says}"
        for crash, report in each
        if report.findings[place].outcome in {Outcome.BROKE, Outcome.RAISED}
    ]
    if not broke:
        return max((report.findings[place] for _, report in each), key=lambda each: each.examined)
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
