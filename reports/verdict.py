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


def judge_arms(
    calm: ArmReport, bare: ArmReport, guarded: ArmReport, *, good_day: bool
) -> tuple[Verdict, str]:
    """The verdict and the clause that explains it."""
    raised = [f.check for arm in (calm, bare, guarded) for f in arm.findings if _raised(f.outcome)]
    if raised:
        return Verdict.ERROR, f"these checks raised: {_names(raised)}"
    if good_day:
        return _judge_good_day(calm, bare, guarded)
    if not calm.held:
        return Verdict.FAIL, "the controls harm a good day"
    if silent := [injection.name for injection in bare.injections if not injection.fired]:
        return Verdict.INCONCLUSIVE, f"these faults never fired: {', '.join(silent)}"
    if blind := _never_exercised(bare):
        return Verdict.INCONCLUSIVE, f"these checks saw nothing: {_names(blind)}"
    if bare.held:
        return Verdict.INCONCLUSIVE, "the faults did no harm even without the controls"
    if not guarded.held:
        return Verdict.FAIL, "the controls did not hold"
    return Verdict.PASS, "broke without the controls, held with them"


def _judge_good_day(calm: ArmReport, bare: ArmReport, guarded: ArmReport) -> tuple[Verdict, str]:
    if blind := _never_exercised(calm):
        return Verdict.INCONCLUSIVE, f"these checks saw nothing: {_names(blind)}"
    if not calm.held or not guarded.held:
        return Verdict.FAIL, "the controls harm a good day"
    if not bare.held:
        return Verdict.INCONCLUSIVE, "the day is not good: it breaks without any fault"
    if calm.blast.promoted != bare.blast.promoted:
        return Verdict.FAIL, "the controls keep rows back on a good day"
    return Verdict.PASS, "held with and without the controls: they do no harm"


def _raised(outcome: Outcome) -> bool:
    return outcome is Outcome.RAISED


def _never_exercised(arm: ArmReport) -> list[str]:
    return [f.check for f in arm.findings if f.outcome is Outcome.NOT_EXERCISED]


def _names(checks: Collection[str]) -> str:
    return ", ".join(sorted(set(checks)))
