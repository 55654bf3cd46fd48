"""What the report does not show, each with its weight, its owner and what would close it.

Gaps are drawn from the report and stored nowhere. Who closes one and by when is the word of
people: the assignment in the report, else the owner of the job, else nobody yet. No date is
made up.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import IntEnum

from reports.kills import Fate, MutantReport
from reports.model import DrillReport, GameDayReport, NotApplicable, Verdict

NOBODY = "nobody yet"
NO_DATE = "no date agreed"


class Severity(IntEnum):
    """How much a gap weighs; the heaviest last."""

    LOW = 0
    """A planned drill was not run, a fault stands in no passed drill, or a control in none of this
    run."""
    MEDIUM = 1
    """A drill or a mutant says nothing either way."""
    HIGH = 2
    """Nothing shows that a control works, or the harness broke."""
    CRITICAL = 3
    """A control did not hold, or does harm."""


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that was not shown."""

    name: str
    """By which it is assigned: `drill NAME`, `fault NAME`, `control NAME` or `mutant NAME`."""
    severity: Severity
    what: str
    """One clause. Untrusted: may quote a row."""
    turns_green: str
    """The command whose success closes it; empty if there is none."""
    otherwise: str = "a drill with it: run all there are, or write one"
    """What closes it where no command does."""
    owner: str = NOBODY
    due: str = NO_DATE


def gaps(report: GameDayReport) -> tuple[Gap, ...]:
    """All gaps of a report, heaviest first, in the order of the report within one weight."""
    said = {each.gap: each for each in report.assignments}
    found = []
    for gap in _gaps(report):
        assigned = said.get(gap.name)
        owner = (assigned.owner if assigned else "") or report.owner or NOBODY
        due = (assigned.due if assigned else "") or NO_DATE
        found.append(replace(gap, owner=owner, due=due))
    return tuple(sorted(found, key=lambda gap: -gap.severity))


def unmatched(report: GameDayReport) -> tuple[str, ...]:
    """Names that somebody was given and that no gap of the report has."""
    known = {gap.name for gap in _gaps(report)}
    return tuple(each.gap for each in report.assignments if each.gap not in known)


def _gaps(report: GameDayReport) -> Iterator[Gap]:
    yield from (_of_drill(drill) for drill in report.drills if drill.verdict is not Verdict.PASS)
    yield from (_of_left_out(drill) for drill in report.not_applicable)
    for control in report.coverage.open_controls:
        yield _of_control(report, control)
    for fault in report.coverage.open_faults:
        yield Gap(f"fault {fault}", Severity.LOW, f"no passed drill injects {fault}", "")
    if report.kills is not None:
        for mutant in report.kills.mutants:
            if mutant.fate is not Fate.KILLED:
                yield _of_mutant(mutant)


WEIGHTS = {
    Verdict.FAIL: Severity.CRITICAL,
    Verdict.ERROR: Severity.HIGH,
    Verdict.INCONCLUSIVE: Severity.MEDIUM,
}


def _of_drill(drill: DrillReport) -> Gap:
    what = f"{drill.verdict.name}: {drill.because}"
    return Gap(f"drill {drill.name}", WEIGHTS[drill.verdict], what, drill.replay)


def _of_left_out(drill: NotApplicable) -> Gap:
    name, what = f"drill {drill.name}", f"not run: {drill.why}"
    return Gap(name, Severity.LOW, what, "", otherwise="this drill, once it is run")


def _of_control(report: GameDayReport, control: str) -> Gap:
    """The drills that name it did not pass, or there are none in this run."""
    name, naming = f"control {control}", [d.name for d in report.drills if _names(d, control)]
    if not naming:
        return Gap(name, Severity.LOW, f"no drill of this run goes without {control}", "")
    what = f"no passed drill goes without {control}"
    return Gap(name, Severity.HIGH, what, shlex.join(["gameday", "run", *naming]))


def _names(drill: DrillReport, control: str) -> bool:
    return any(each.partition("(")[0] == control for each in drill.controls)


def _of_mutant(mutant: MutantReport) -> Gap:
    weight = Severity.HIGH if mutant.fate is Fate.SURVIVED else Severity.MEDIUM
    what = f"a broken {mutant.control} {mutant.fate.value}: {mutant.story}"
    return Gap(
        f"mutant {mutant.title}", weight, what, shlex.join(["gameday", "prove", mutant.title])
    )
