"""What a reader of a report that is not green needs first: what broke, which rows, what next.

Nothing here judges: it picks, from what the checks of a drill found, what its verdict comes from.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from reports.model import ArmName, ArmReport, DrillReport, Finding, Outcome, People, Verdict
from reports.view import DrillView, unexpected

LED = 5
"""Drills that are told at the top of the page."""
ROWS = 3
"""Offenders that are named there for each of them."""

ENDED = "Ended"
"""The check that says how the pipeline ended, such as killed because it hung."""

NEXT = {
    Verdict.FAIL: "Make this true",
    Verdict.ERROR: "The harness broke; mend what the traceback names, then show that",
    Verdict.INCONCLUSIVE: "Nothing was proved, neither good nor bad; still to show",
}
HARMED = "Mend the day without any fault first"
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
    """How many more checks found something."""
    advice: str
    """What to do, in a few words; the claim of the drill stands behind it."""


def troubles(views: list[DrillView]) -> list[Trouble]:
    """One for each drill that did not pass, in the order of the page."""
    usual = Counter(f.check for view in views for arm in view.drill.arms for f in arm.findings)
    return [_trouble(view, usual) for view in views if view.drill.verdict is not Verdict.PASS]


def _trouble(view: DrillView, usual: Counter[str]) -> Trouble:
    """How the pipeline ended tells most, then what a check saw that few other drills have."""
    drill = view.drill
    found = sorted(_telling(drill), key=lambda pair: (pair[1].check != ENDED, usual[pair[1].check]))
    if drill.error:
        return Trouble(view, drill.error.splitlines()[-1], "", (), 0, 0, _advice(drill, None))
    if drill.people is not None:
        return _of_people(view, drill.people)
    if not found:
        return Trouble(view, drill.because, "", (), 0, 0, _advice(drill, None))
    arm, first = found[0]
    rows = first.evidence[:ROWS]
    return Trouble(
        view,
        what=first.says,
        when=_when(arm),
        rows=rows,
        more=max(first.offenders - len(rows), 0),
        others=len(found) - 1,
        advice=_advice(drill, arm),
    )


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
    )


def _telling(drill: DrillReport) -> list[tuple[ArmReport, Finding]]:
    """The findings that this verdict comes from: harm in an arm that had to hold, or checks that
    raised. Where nothing was proved, or the runbook is at fault, it comes from none."""
    if drill.verdict is Verdict.INCONCLUSIVE:
        return []
    wanted = Outcome.RAISED if drill.verdict is Verdict.ERROR else Outcome.BROKE
    return [
        (arm, finding)
        for arm in drill.arms
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
