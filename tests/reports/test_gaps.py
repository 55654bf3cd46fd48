"""What was not shown, how much that weighs, and where a good end was luck."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reports import (
    ArmName,
    ArmReport,
    Asked,
    Assignment,
    NotApplicable,
    Response,
    load,
)
from reports.gaps import NO_DATE, NOBODY, Severity, gaps
from reports.json_report import render_json
from reports.kills import Fate
from reports.luck import luck
from reports.scorecard import scorecard
from tests.builders_reports import (
    COVERAGE,
    a_blast,
    a_broken_finding,
    a_drill,
    a_failed_drill,
    a_finding,
    a_full_report,
    a_matrix,
    a_report,
    an_arm,
    an_error_drill,
    an_inconclusive_drill,
    an_injection,
    three_arms,
)


def test_each_drill_that_did_not_pass_is_a_gap() -> None:
    """The heaviest first, each with the command that must succeed."""
    found = gaps(a_full_report())

    assert [
        ("drill lost_create_is_not_repeated", Severity.CRITICAL),
        ("drill harness_is_broken", Severity.HIGH),
        ("drill stall_out_of_reach", Severity.MEDIUM),
        ("drill labels_are_stable", Severity.LOW),
    ] == [(gap.name, gap.severity) for gap in found]
    assert a_failed_drill().replay == found[0].turns_green
    assert found[-1].turns_green == ""


def test_holes_and_survivors_are_gaps() -> None:
    """Faults and controls in no passed drill, and broken controls that nobody noticed."""
    kills = a_matrix(Fate.KILLED, Fate.SURVIVED, Fate.VOID)
    found = {gap.name: gap for gap in gaps(a_report(coverage=COVERAGE, kills=kills))}

    assert {
        "fault LostReply",
        "fault Conflict",
        "control CostCeiling",
        "mutant Requeue.is_survived",
        "mutant Requeue.is_void",
    } == found.keys()
    assert Severity.HIGH is found["control CostCeiling"].severity
    assert "gameday prove Requeue.is_survived" == found["mutant Requeue.is_survived"].turns_green


def test_a_control_whose_drills_did_not_pass_weighs_more_than_one_without() -> None:
    """Something was tried, and nothing shown."""
    coverage = replace(COVERAGE, cells=(), open_controls=("CostCeiling", "Canary"))
    found = {gap.name: gap for gap in gaps(a_report(a_failed_drill(), coverage=coverage))}

    assert Severity.HIGH is found["control CostCeiling"].severity
    assert "gameday run lost_create_is_not_repeated" == found["control CostCeiling"].turns_green
    assert Severity.LOW is found["control Canary"].severity


def test_nobody_and_no_date_are_made_up() -> None:
    """An assignment counts before the job's owner, and that before nobody."""
    holes = {"coverage": COVERAGE}
    mine = (Assignment("fault LostReply", "net-team", "2027-01-31"),)

    assert {(NOBODY, NO_DATE)} == {(g.owner, g.due) for g in gaps(a_report(**holes))}
    assigned = {g.name: g for g in gaps(a_report(**holes, owner="on-call", assignments=mine))}
    assert ("net-team", "2027-01-31") == (
        assigned["fault LostReply"].owner,
        assigned["fault LostReply"].due,
    )
    assert ("on-call", NO_DATE) == (
        assigned["fault Conflict"].owner,
        assigned["fault Conflict"].due,
    )


def test_a_green_report_without_holes_has_no_gap() -> None:
    """Nothing is a gap that was shown."""
    assert gaps(a_report()) == ()


def test_the_scorecard_counts_what_was_planned_run_and_proven() -> None:
    """A control of which a broken form survives is not proven."""
    left_out = NotApplicable("a", "b", "c")
    report = a_report(
        a_drill(),
        an_error_drill(),
        coverage=COVERAGE,
        not_applicable=(left_out,),
        kills=a_matrix(Fate.KILLED, Fate.SURVIVED),
    )

    card = scorecard(report)

    assert (3, 2, 1, 1) == (card.planned, card.run, card.passed, card.not_run)
    assert (0, 2) == (card.controls_proven, card.controls_not_proven)
    assert (1, 2) == (card.faults_covered, card.faults_open)
    assert (1, 1) == (card.mutants_killed, card.mutants_alive)
    assert scorecard(a_report()).mutants_killed is None


def test_a_report_keeps_its_kill_matrix() -> None:
    """It is part of the report, and comes back with it."""
    report = a_report(kills=a_matrix(Fate.SURVIVED), assignments=(Assignment("a", "b"),))

    assert report == load(render_json(report))


# Luck.


def test_an_honest_pass_is_no_luck() -> None:
    """A control that acted, on harm that was real."""
    assert luck(a_report()) == ()


GUARDED = an_arm(ArmName.GUARDED)
BARE = an_arm(ArmName.BARE)
HARMLESS = replace(BARE, blast=a_blast(), lasted=GUARDED.lasted)
RARE = replace(BARE, findings=(a_broken_finding(examined=1_000, offenders=5),))


@pytest.mark.parametrize(
    ("bare", "guarded", "says"),
    [
        (BARE, replace(GUARDED, asked=(Asked("Requeue", 3, 0),)), "asked 3 times and never acted"),
        (
            BARE,
            replace(GUARDED, asked=(Asked("Requeue", 0, 0),), injections=(an_injection(fired=0),)),
            "struck 0 times in the guarded arm and 1 in the bare one",
        ),
        (HARMLESS, GUARDED, "no row, dollar or secret was harmed"),
        (RARE, replace(GUARDED, findings=(a_finding(examined=10),)), "by chance in 95%"),
        (
            BARE,
            replace(GUARDED, response=replace(GUARDED.response, detected=None)),
            "nobody would have noticed",
        ),
    ],
)
def test_luck_is_told(bare: ArmReport, guarded: ArmReport, says: str) -> None:
    """Each rule, on the least report that it is about."""
    drill = replace(a_drill(), arms=(an_arm(), bare, guarded))

    (stroke,) = luck(a_report(drill))

    assert says in stroke.what
    assert drill.name == stroke.drill


def test_what_did_not_pass_or_was_a_good_day_needs_no_luck() -> None:
    """There was no good end, or nothing bad to begin with."""
    good = a_drill(
        arms=three_arms(bare=an_arm(ArmName.BARE, expected_to_hold=True, response=Response()))
    )

    assert luck(a_report(an_inconclusive_drill(), a_failed_drill(), an_error_drill(), good)) == ()
