"""A game day as large as the page must bear: 200 drills, and 1,000 findings that say no."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from reports import ArmName, ArmReport, DrillReport, Entry, Finding, GameDayReport, Verdict
from tests.builders_reports import (
    a_blast,
    a_broken_finding,
    a_drill,
    a_finding,
    a_whole_report,
    an_arm,
    an_injection,
    three_arms,
)

DRILLS, BROKEN_EACH, HELD_EACH, LINES = 200, 5, 4, 40
FAMILY = 3
"""Variants of one claim."""
MODES = 30
FAILED, INCONCLUSIVE = 20, 15
BECAUSE = {
    Verdict.PASS: "broke without the controls, held with them",
    Verdict.FAIL: "the guarded arm did not hold",
    Verdict.INCONCLUSIVE: "these faults never fired: Stall",
}


def a_large_report() -> GameDayReport:
    """Every drill with three arms, nine checks, evidence, alarms, timelines and a runbook."""
    drills = tuple(_drill(number) for number in range(DRILLS))
    return replace(a_whole_report(), drills=drills)


def _drill(number: int) -> DrillReport:
    failed, inconclusive = number < FAILED, FAILED <= number < FAILED + INCONCLUSIVE
    verdict = Verdict.FAIL if failed else Verdict.PASS
    verdict = Verdict.INCONCLUSIVE if inconclusive else verdict
    broken = tuple(_broken(number, place) for place in range(BROKEN_EACH))
    held = tuple(_held(place) for place in range(HELD_EACH))
    sound = tuple(_held(HELD_EACH + place) for place in range(BROKEN_EACH)) + held
    return a_drill(
        name=f"rows_of_this_sort_are_answered_{number // FAMILY}.variant_{number}",
        claim=f"Rows of sort {number} are answered once, within the budget, whatever happens.",
        story="The service stops half-way through the batch, and says so nowhere.\n\n" * 3,
        failure_mode=f"failure mode {number % MODES}",
        verdict=verdict,
        because=BECAUSE[verdict],
        arms=three_arms(
            calm=_arm(ArmName.CALM, held, number),
            bare=_arm(ArmName.BARE, sound if failed else (*broken, *held), number),
            guarded=_arm(ArmName.GUARDED, (*broken, *held) if failed else sound, number),
        ),
    )


def _arm(name: ArmName, findings: tuple[Finding, ...], number: int) -> ArmReport:
    held = all(not finding.offenders for finding in findings)
    lines = tuple(
        Entry(timedelta(minutes=place), "pipeline", f"batch {place} is msgbatch_01QRwa4kNH{place}")
        for place in range(LINES)
    )
    return an_arm(
        name,
        held=held,
        findings=findings,
        timeline=lines,
        blast=a_blast() if held else a_blast(promoted=2_900, lost=100 + number),
        injections=()
        if name is ArmName.CALM
        else (an_injection(), an_injection(name="Conflict()")),
    )


def _held(place: int) -> Finding:
    return a_finding(check=f"CheckOfThisSort{place}")


def _broken(number: int, place: int) -> Finding:
    return a_broken_finding(
        check=f"CheckOfThisSort{HELD_EACH + place}",
        says=f"{number + place} of 3000 rows have no answer",
        evidence=tuple(f"support-game_1-{number + row}" for row in range(5)),
    )
