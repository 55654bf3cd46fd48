"""Three arms in, one verdict and its reason out."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from reports.model import ArmReport, Finding, Outcome, Phase, RunbookStep, Verdict


def held(findings: Collection[Finding]) -> bool:
    """Whether an arm with these findings held: no check found harm."""
    return all(f.outcome in {Outcome.HELD, Outcome.NOT_EXERCISED} for f in findings)


def finding_contradiction(finding: Finding) -> str:
    """What in a finding cannot be true at once; empty if nothing."""
    if finding.offenders and finding.outcome in {Outcome.HELD, Outcome.NOT_EXERCISED}:
        count = f"{finding.offenders:,} offender{'s' if finding.offenders > 1 else ''}"
        return f"says {finding.outcome.value!r} and names {count}"
    if finding.outcome is Outcome.HELD and finding.examined < 1:
        return "says 'held' and looked at nothing"
    return ""


FAIR = "FairDay"
"""The check that says why a calm day could not be good, whatever the controls do."""
MET = "FaultMet"
"""The check that says whether the faults met a pipeline that may have taken another way."""
HARM = "it breaks on a good day"


REACHED = "ServiceWasReached"
"""The check that says whether a pipeline spoke with the simulated service at all."""
ELSEWHERE = (
    "the service heard nothing of a pipeline that says it is done: it spoke with another one, or "
    "with none"
)
FAILED_STEPS = {
    Phase.STOP: "the runbook did not stop the job",
    Phase.ASSESS: "the runbook counted other rows than there are",
    Phase.REVERSE: "the rollback did not restore the system of record",
}


def judge_arms(
    calm: ArmReport,
    bare: ArmReport,
    guarded: ArmReport,
    *,
    good_day: bool,
    runbook: Collection[RunbookStep] = (),
) -> tuple[Verdict, str]:
    """The verdict and the clause that explains it: the first rule that applies."""
    doubts = _of_the_evidence(calm, bare, guarded, good_day=good_day)
    if found := next(doubts, None):
        return found
    if not guarded.held:
        return Verdict.FAIL, HARM if good_day else "the guarded arm did not hold"
    if failed := next((step for step in runbook if step.worked is False), None):
        return Verdict.FAIL, FAILED_STEPS[failed.phase]
    if unasked := [each.control for each in guarded.asked if not each.asked]:
        return Verdict.INCONCLUSIVE, f"these controls were never asked: {_names(unasked)}"
    return _judge_good_day(calm, bare) if good_day else _judge_bad_day(bare, guarded)


def _of_the_evidence(
    calm: ArmReport, bare: ArmReport, guarded: ArmReport, *, good_day: bool
) -> Iterator[tuple[Verdict, str]]:
    """Whether there is something to judge: the checks, the calm day and the faults."""
    raised = [f.check for arm in (calm, bare, guarded) for f in arm.findings if _raised(f.outcome)]
    if raised:
        yield Verdict.ERROR, f"these checks raised: {_names(raised)}"
    if any(f.check == REACHED and _blind(f.outcome) for f in (*calm.findings, *guarded.findings)):
        yield Verdict.INCONCLUSIVE, ELSEWHERE
    if not calm.held:
        why = next((f.says for f in calm.findings if f.check == FAIR and _blind(f.outcome)), "")
        yield (Verdict.INCONCLUSIVE, why) if why else (Verdict.FAIL, HARM)
    if silent := [injection.name for injection in bare.injections if not injection.fired]:
        yield Verdict.INCONCLUSIVE, f"these faults never fired: {', '.join(silent)}"
    if blind := _never_exercised(calm if good_day else bare):
        yield Verdict.INCONCLUSIVE, f"these checks saw nothing: {_names(blind)}"


def _judge_bad_day(bare: ArmReport, guarded: ArmReport) -> tuple[Verdict, str]:
    """What the faults did without the controls, and whether they struck with them."""
    if bare.held:
        return Verdict.INCONCLUSIVE, "the faults did no harm even without the controls"
    if why := next((f.says for f in guarded.findings if f.check == MET and _blind(f.outcome)), ""):
        return Verdict.INCONCLUSIVE, why
    if _nothing_came_of_it(guarded):
        return Verdict.INCONCLUSIVE, "no fault struck the guarded arm, and no control prevented one"
    return Verdict.PASS, "broke without the controls, held with them"


def _nothing_came_of_it(guarded: ArmReport) -> bool:
    """A second calm day: nothing struck, and none of the named controls did anything."""
    struck = any(injection.fired for injection in guarded.injections)
    return bool(guarded.asked) and not struck and not any(each.acted for each in guarded.asked)


def _judge_good_day(calm: ArmReport, bare: ArmReport) -> tuple[Verdict, str]:
    """The bare arm of a day without faults, and what the controls cost."""
    if not bare.held:
        return Verdict.INCONCLUSIVE, "the day is not good: it breaks without any fault"
    if calm.blast.promoted != bare.blast.promoted:
        return Verdict.FAIL, "the controls keep rows back on a good day"
    if any(injection.fired for injection in bare.injections):
        return Verdict.PASS, "weather that harms nobody: held with and without the controls"
    return Verdict.PASS, "held with and without the controls: they do no harm"


def _raised(outcome: Outcome) -> bool:
    return outcome is Outcome.RAISED


def _blind(outcome: Outcome) -> bool:
    return outcome is Outcome.NOT_EXERCISED


def _never_exercised(arm: ArmReport) -> list[str]:
    return [f.check for f in arm.findings if f.check != FAIR and _blind(f.outcome)]


def _names(checks: Collection[str]) -> str:
    return ", ".join(sorted(set(checks)))
