"""Three arms in, one verdict and its reason out."""

from __future__ import annotations

from collections.abc import Collection

from reports.model import ArmReport, Finding, Outcome, Verdict


def held(findings: Collection[Finding]) -> bool:
    """Whether an arm with these findings held: no check found harm."""
    return all(f.outcome in {Outcome.HELD, Outcome.NOT_EXERCISED} for f in findings)


def finding_contradiction(finding: Finding) -> str:
    """What in a finding cannot be true at once; empty if nothing."""
    if finding.offenders and finding.outcome in {Outcome.HELD, Outcome.NOT_EXERCISED}:
        count = f"{finding.offenders:,} offender{'s' if finding.offenders > 1 else ''}"
        return f"says {finding.outcome.value!r} and names {count}"
    return ""


FAIR = "FairDay"
"""The check that says why a calm day could not be good, whatever the controls do."""
MET = "FaultMet"
"""The check that says whether the faults met a pipeline that may have taken another way."""
HARM = "the controls harm a good day"


def judge_arms(
    calm: ArmReport, bare: ArmReport, guarded: ArmReport, *, good_day: bool
) -> tuple[Verdict, str]:
    """The verdict and the clause that explains it: the first rule that applies."""
    raised = [f.check for arm in (calm, bare, guarded) for f in arm.findings if _raised(f.outcome)]
    if raised:
        return Verdict.ERROR, f"these checks raised: {_names(raised)}"
    if not calm.held:
        why = next((f.says for f in calm.findings if f.check == FAIR and _blind(f.outcome)), "")
        return (Verdict.INCONCLUSIVE, why) if why else (Verdict.FAIL, HARM)
    if silent := [injection.name for injection in bare.injections if not injection.fired]:
        return Verdict.INCONCLUSIVE, f"these faults never fired: {', '.join(silent)}"
    if blind := _never_exercised(calm if good_day else bare):
        return Verdict.INCONCLUSIVE, f"these checks saw nothing: {_names(blind)}"
    if not guarded.held:
        return Verdict.FAIL, HARM if good_day else "the controls did not hold"
    if good_day:
        return _judge_good_day(calm, bare)
    if bare.held:
        return Verdict.INCONCLUSIVE, "the faults did no harm even without the controls"
    if why := next((f.says for f in guarded.findings if f.check == MET and _blind(f.outcome)), ""):
        return Verdict.INCONCLUSIVE, why
    return Verdict.PASS, "broke without the controls, held with them"


def _judge_good_day(calm: ArmReport, bare: ArmReport) -> tuple[Verdict, str]:
    """The bare arm of a day without faults, and what the controls cost."""
    if not bare.held:
        return Verdict.INCONCLUSIVE, "the day is not good: it breaks without any fault"
    if calm.blast.promoted != bare.blast.promoted:
        return Verdict.FAIL, "the controls keep rows back on a good day"
    return Verdict.PASS, "held with and without the controls: they do no harm"


def _raised(outcome: Outcome) -> bool:
    return outcome is Outcome.RAISED


def _blind(outcome: Outcome) -> bool:
    return outcome is Outcome.NOT_EXERCISED


def _never_exercised(arm: ArmReport) -> list[str]:
    return [f.check for f in arm.findings if f.check != FAIR and _blind(f.outcome)]


def _names(checks: Collection[str]) -> str:
    return ", ".join(sorted(set(checks)))
