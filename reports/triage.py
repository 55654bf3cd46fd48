"""What a reader of a report that is not green needs first: what broke, which rows, what next.

Nothing here judges: it picks, from what the checks of a drill found, what its verdict comes from.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from reports.model import ArmName, ArmReport, DrillReport, Finding, Outcome, People, Verdict
from reports.phrases import alike
from reports.view import DrillView, unexpected

LED = 5
"""Drills that are told at the top of the page."""
ROWS = 3
"""Offenders that are named there for each of them."""

LAST = "DamageIsHeard"
"""The check that says that nobody heard: what happened is told before."""
ENDED = "Ended"
"""The check that says how the pipeline ended, such as killed because it hung."""

NEXT = {
    Verdict.FAIL: "Make this true",
    Verdict.ERROR: "The harness broke; mend what the traceback names, then show that",
    Verdict.INCONCLUSIVE: "Nothing was proved, neither good nor bad; still to show",
}
HARMED = "Mend the day without any fault first"
EVERY_DAY = "no fault was injected here, so this happens on every day"
BACK = "Make each step of the runbook do what it is for"


@dataclass(frozen=True, slots=True)
class Trouble:
    """One drill that did not pass, in three answers. All texts may be untrusted."""

    view: DrillView
    what: str
    """What was seen, e.g. `100 of 200 rows have no answer`."""
    when: str
    """What had been made to go wrong, e.g. `The service stops half-way through.`"""
    rows: tuple[str, ...]
    """The first offenders."""
    more: int
    """How many offenders there are beside them."""
    others: int
    """How many more things were found; what several checks see alike is one."""
    advice: str
    """What to do, in a few words."""
    aim: str
    """What is true when it is done: the claim of the drill, or why this comes first."""
    controls: tuple[str, ...]
    """The controls that are for this; empty where it is not about one."""
    same: int = 0
    """How many more drills say the same of the same rows."""


def troubles(views: list[DrillView]) -> list[Trouble]:
    """For each drill that did not pass, in the order of the page; but what breaks without any fault
    comes first, because no other drill means much before it is mended, and once."""
    usual = Counter(f.check for view in views for arm in view.drill.arms for f in arm.findings)
    found = [_trouble(view, usual) for view in views if view.drill.verdict is not Verdict.PASS]
    times = Counter(_seen(trouble) for trouble in found)
    first = {_seen(trouble): trouble for trouble in reversed(found)}
    once = [first[seen] for seen in dict.fromkeys(map(_seen, found))]
    told = [replace(trouble, same=times[_seen(trouble)] - 1) for trouble in once]
    return sorted(told, key=lambda trouble: trouble.advice != HARMED)


def _seen(trouble: Trouble) -> tuple[object, ...]:
    """What is the same in every drill that has it: what a day without any fault does."""
    if trouble.advice == HARMED:
        return HARMED, trouble.what, trouble.rows
    return (trouble.view.anchor,)


def _trouble(view: DrillView, usual: Counter[str]) -> Trouble:
    """How the pipeline ended tells most, then what a check saw that few other drills have."""
    drill = view.drill
    found = sorted(_telling(drill), key=lambda pair: _weight(pair[1], usual))
    if drill.people is not None:
        return _of_people(view, drill.people)
    arm, first = found[0] if found else (None, None)
    advice = _advice(drill, arm)
    ended = first is not None and first.check == ENDED
    named = next((f for _, f in found if f.check != ENDED), None) if ended else first
    rows = named.evidence[:ROWS] if named else ()
    return Trouble(
        view,
        what=arm.ended if arm and ended else first.says if first else _last_word(drill),
        when=_when(arm) if arm else "",
        rows=rows,
        more=max(named.offenders - len(rows), 0) if named else 0,
        others=max(sum(len(alike(f for a, f in found if a is each)) for each in drill.arms) - 1, 0),
        advice=advice,
        aim=EVERY_DAY if advice == HARMED else drill.claim,
        controls=drill.controls if advice == NEXT[Verdict.FAIL] else (),
    )


def _weight(finding: Finding, usual: Counter[str]) -> tuple[bool, bool, int]:
    """The smaller, the more it tells."""
    return finding.check != ENDED, finding.check == LAST, usual[finding.check]


def _last_word(drill: DrillReport) -> str:
    """The last line of the traceback, or else the reason of the verdict."""
    return drill.error.splitlines()[-1] if drill.error else drill.because


def _of_people(view: DrillView, people: People) -> Trouble:
    """A live incident: what people never came to, and where the fault had struck meanwhile."""
    drill = view.drill
    struck = [injection for injection in people.injections if injection.fired]
    rows = [place for injection in struck for place in injection.where][:ROWS]
    return Trouble(
        view,
        what=drill.because,
        when=next((injection.story for injection in struck), ""),
        rows=tuple(rows),
        more=max(sum(injection.fired for injection in struck) - len(rows), 0),
        others=0,
        advice=_advice(drill, None),
        aim=drill.claim,
        controls=(),
    )


def _telling(drill: DrillReport) -> list[tuple[ArmReport, Finding]]:
    """The findings that this verdict comes from: checks that raised, harm on a calm day, or else
    harm in the guarded arm. Where nothing was proved, or the runbook is at fault, it comes from
    none."""
    if drill.verdict is Verdict.INCONCLUSIVE or drill.error:
        return []
    wanted = Outcome.RAISED if drill.verdict is Verdict.ERROR else Outcome.BROKE
    calm = drill.arm(ArmName.CALM)
    arms = drill.arms if wanted is Outcome.RAISED or calm is None or calm.held else (calm,)
    return [
        (arm, finding)
        for arm in arms
        for finding in arm.findings
        if finding.outcome is wanted and unexpected(arm, finding)
    ]


def _when(arm: ArmReport) -> str:
    if arm.arm is ArmName.CALM:
        return "On a calm day, without any fault."
    return next((injection.story for injection in arm.injections if injection.fired), "")


def _advice(drill: DrillReport, arm: ArmReport | None) -> str:
    if arm is None and any(step.worked is False for step in drill.runbook):
        return BACK
    if drill.verdict is Verdict.FAIL and arm and arm.arm is ArmName.CALM:
        return HARMED
    return NEXT[drill.verdict]
