"""Whether a stored report follows from its own content: who reads it judges it again.

The verdict that a file states is a claim. The arms, their findings and the firings of the faults
are what it was drawn from, so reading draws it once more, by the rule that the run used, and
refuses a file in which the two differ. That finds an edited, shortened or doubled report; it
does not find one whose evidence was invented as a whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from reports.errors import ReportError
from reports.kills import check_kills
from reports.model import ArmName, ArmReport, DrillReport, GameDayReport, Verdict
from reports.people import people_contradictions
from reports.untrusted import shown
from reports.verdict import FAIR, finding_contradiction, held, judge_arms

FIX = "A verdict is earned by a run: make the report again with `gameday run`."
NEUTRAL = "nothing"
"""What a fault plans that is there for the sake of the form, such as `NoSabotage`."""


def check(report: GameDayReport) -> None:
    """Nothing, if the report follows from its content.

    Raises:
        ReportError: a drill contradicts itself, or stands there twice; it is named.
    """
    names = [drill.name for drill in report.drills]
    names += [drill.name for drill in report.not_applicable]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ReportError(f"The drill {shown(twice[0], 100)!r} stands there twice.", fix=FIX)
    passed = {drill.name for drill in report.drills if drill.verdict is Verdict.PASS}
    covering = {name for cell in report.coverage.cells for name in cell.drills}
    if unproved := sorted(covering - passed):
        raise ReportError(
            f"The coverage counts the drill {shown(unproved[0], 100)!r}, which did not pass.",
            where="coverage",
            fix=FIX,
        )
    if report.kills is not None:
        check_kills(report.kills)
    for drill in report.drills:
        for contradiction in _contradictions(drill):
            raise ReportError(
                f"The drill {shown(drill.name, 100)!r} contradicts itself: {contradiction}.",
                fix=FIX,
            )


def _contradictions(drill: DrillReport) -> Iterator[str]:
    """What does not fit, most fundamental first; a later one assumes that the earlier are well."""
    if drill.error and drill.verdict is not Verdict.ERROR:
        yield f"the harness broke, and the verdict is {drill.verdict.name}"
    if drill.people is not None:
        yield from people_contradictions(drill)
        return
    names = [arm.arm for arm in drill.arms]
    if names != list(ArmName):
        if not drill.error:
            there = ", ".join(names) or "none"
            yield f"its arms must be {', '.join(ArmName)}, and are {there}"
        return
    for arm in drill.arms:
        yield from _of_arm(arm)
    calm, bare, guarded = drill.arms
    yield from _between(calm, bare, guarded)
    if not drill.error:
        good_day = drill.borne or all(i.planned == NEUTRAL for i in bare.injections)
        if bare.expected_to_hold is not good_day:
            expected = "hold" if bare.expected_to_hold else "break"
            yield f"the bare arm is said to have to {expected}, its faults say otherwise"
        verdict, because = judge_arms(calm, bare, guarded, good_day=good_day, runbook=drill.runbook)
        if verdict is not drill.verdict:
            yield (
                f"the verdict is {drill.verdict.name}, its arms make it {verdict.name} "
                f"({shown(because, 100)})"
            )


def _of_arm(arm: ArmReport) -> Iterator[str]:
    name = arm.arm.value
    if not arm.findings:
        yield f"the {name} arm has no finding"
    for finding in arm.findings:
        if problem := finding_contradiction(finding):
            yield f"in the {name} arm {shown(finding.check, 100)} {problem}"
    if arm.held is not held(arm.findings):
        word = "held" if arm.held else "broken"
        yield f"the {name} arm is said to have {word}, its findings say otherwise"
    if arm.arm is not ArmName.BARE and not arm.expected_to_hold:
        yield f"the {name} arm must hold, and is said to have to break"


def _between(calm: ArmReport, bare: ArmReport, guarded: ArmReport) -> Iterator[str]:
    """The arms differ in fault and controls, and in nothing else."""
    judged = [
        [finding.check for finding in arm.findings if finding.check != FAIR]
        for arm in (calm, bare, guarded)
    ]
    if len(set(map(len, judged))) > 1:
        yield "its arms were not judged by the same checks"
    if calm.injections:
        yield "something was made to go wrong in the calm arm"
    if [each.control for each in calm.asked] != [each.control for each in guarded.asked]:
        yield "the calm and the guarded arm did not have the same controls"
    if [i.name for i in bare.injections] != [i.name for i in guarded.injections]:
        yield "the bare and the guarded arm did not have the same faults"
