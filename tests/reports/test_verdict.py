"""Three arms in, one verdict out: the whole table."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from reports import (
    ArmName,
    ArmReport,
    BlastRadius,
    Finding,
    Injection,
    Outcome,
    Verdict,
)
from reports.verdict import judge_arms


def an_arm(name: ArmName, outcome: Outcome = Outcome.HELD, fired: int = 5) -> ArmReport:
    """An arm in which one check found this, under a fault that fired so often."""
    return ArmReport(
        arm=name,
        held=outcome in (Outcome.HELD, Outcome.NOT_EXERCISED),
        expected_to_hold=name is not ArmName.BARE,
        ended="done",
        lasted=timedelta(minutes=1),
        blast=BlastRadius(10, 10, 10, 0, 0, 0, 0, 0, Decimal(1), Decimal(2)),
        findings=(Finding("Looks", outcome, "looked", 10),),
        injections=(Injection("Stall()", "It stalls.", "once", fired),),
        alarms=(),
        timeline=(),
    )


CALM, BARE, GUARDED = ArmName.CALM, ArmName.BARE, ArmName.GUARDED
HELD, BROKE = Outcome.HELD, Outcome.BROKE


@pytest.mark.parametrize(
    ("calm", "bare", "guarded", "verdict", "because"),
    [
        (HELD, BROKE, HELD, Verdict.PASS, "broke without the controls"),
        (BROKE, BROKE, HELD, Verdict.FAIL, "breaks on a good day"),
        (HELD, HELD, HELD, Verdict.INCONCLUSIVE, "no harm even without"),
        (HELD, BROKE, BROKE, Verdict.FAIL, "did not hold"),
        (HELD, Outcome.NOT_EXERCISED, HELD, Verdict.INCONCLUSIVE, "saw nothing: Looks"),
        (HELD, BROKE, Outcome.NOT_EXERCISED, Verdict.PASS, "held with them"),
        (Outcome.RAISED, BROKE, HELD, Verdict.ERROR, "raised: Looks"),
        (HELD, Outcome.RAISED, HELD, Verdict.ERROR, "raised: Looks"),
        (HELD, BROKE, Outcome.RAISED, Verdict.ERROR, "raised: Looks"),
    ],
)
def test_the_verdict_of_three_arms(
    calm: Outcome, bare: Outcome, guarded: Outcome, verdict: Verdict, because: str
) -> None:
    """Only a bare arm that broke and a guarded arm that held make a pass."""
    given = judge_arms(
        an_arm(CALM, calm), an_arm(BARE, bare), an_arm(GUARDED, guarded), good_day=False
    )

    assert verdict is given[0]
    assert because in given[1]


def test_a_silent_fault_in_the_bare_arm_proves_nothing() -> None:
    """In the guarded arm a control may rightly prevent it; in the bare arm it must fire."""
    calm, guarded = an_arm(CALM), an_arm(GUARDED, fired=0)

    assert Verdict.PASS is judge_arms(calm, an_arm(BARE, BROKE), guarded, good_day=False)[0]
    silent = judge_arms(calm, an_arm(BARE, BROKE, fired=0), guarded, good_day=False)
    assert (Verdict.INCONCLUSIVE, "these faults never fired: Stall()") == silent


@pytest.mark.parametrize(
    ("calm", "bare", "guarded", "verdict"),
    [
        (HELD, HELD, HELD, Verdict.PASS),
        (BROKE, HELD, BROKE, Verdict.FAIL),
        (HELD, BROKE, HELD, Verdict.INCONCLUSIVE),
        (Outcome.NOT_EXERCISED, HELD, HELD, Verdict.INCONCLUSIVE),
    ],
)
def test_a_good_day_passes_when_every_arm_holds(
    calm: Outcome, bare: Outcome, guarded: Outcome, verdict: Verdict
) -> None:
    """Without a fault all three arms must hold."""
    given = judge_arms(
        an_arm(CALM, calm), an_arm(BARE, bare), an_arm(GUARDED, guarded), good_day=True
    )

    assert verdict is given[0]


@pytest.mark.parametrize("good_day", [False, True])
def test_a_calm_day_that_could_not_be_good_proves_nothing(good_day: bool) -> None:  # noqa: FBT001
    """Where the books say why, the controls are not blamed; the reason is the sentence."""
    why = "the service refused 3 rows; mend them"
    broken = an_arm(CALM, BROKE)
    fair = Finding("FairDay", Outcome.NOT_EXERCISED, why, 0)
    unfair = replace(broken, findings=(*broken.findings, fair))
    given = judge_arms(unfair, an_arm(BARE, BROKE), an_arm(GUARDED, BROKE), good_day=good_day)

    assert (Verdict.INCONCLUSIVE, why) == given


def test_a_reason_against_the_day_does_not_matter_once_it_was_good() -> None:
    """A calm arm that held is good, whatever stood in its way."""
    calm = an_arm(CALM)
    fair = Finding("FairDay", Outcome.NOT_EXERCISED, "one row was too long", 0)
    given = judge_arms(
        replace(calm, findings=(*calm.findings, fair)),
        an_arm(BARE, BROKE),
        an_arm(GUARDED),
        good_day=False,
    )

    assert Verdict.PASS is given[0]


def test_a_good_day_that_breaks_with_the_controls_fails_before_anything_was_seen() -> None:
    """The order of the rules is the same on every day: harm first."""
    calm = an_arm(CALM, BROKE)
    blind = replace(
        calm, findings=(*calm.findings, Finding("Other", Outcome.NOT_EXERCISED, "nothing", 0))
    )
    given = judge_arms(blind, an_arm(BARE), an_arm(GUARDED), good_day=True)

    assert (Verdict.FAIL, "it breaks on a good day") == given


def test_controls_that_break_what_the_fault_left_whole_fail() -> None:
    """Without them nothing broke, with them something did."""
    given = judge_arms(an_arm(CALM), an_arm(BARE), an_arm(GUARDED, BROKE), good_day=False)

    assert (Verdict.FAIL, "the guarded arm did not hold") == given


def test_controls_that_keep_rows_back_on_a_good_day_fail() -> None:
    """The guarded pipeline promotes as much as the bare one."""
    calm = an_arm(CALM)
    fewer = replace(calm, blast=replace(calm.blast, promoted=9))
    verdict, because = judge_arms(fewer, an_arm(BARE), an_arm(GUARDED), good_day=True)

    assert (Verdict.FAIL, "the controls keep rows back on a good day") == (verdict, because)
