"""A stored report is judged again by its reader: what does not follow from it is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reports import (
    ArmName,
    Cell,
    Coverage,
    DrillReport,
    Format,
    NotApplicable,
    Outcome,
    ReportError,
    Verdict,
    coverage_lines,
    load,
    render,
)
from tests.builders_reports import (
    a_broken_finding,
    a_drill,
    a_failed_drill,
    a_finding,
    a_full_report,
    a_report,
    an_arm,
    an_error_drill,
    an_inconclusive_drill,
    an_injection,
    three_arms,
)

CALM, BARE, GUARDED = ArmName


def a_good_day(**changes: Any) -> DrillReport:
    """Nothing goes wrong, and all three arms hold."""
    kept = {"held": True, "expected_to_hold": True, "findings": (a_finding(),), "injections": ()}
    arms = tuple(an_arm(name, **kept, blast=an_arm().blast) for name in ArmName)
    return replace(a_drill(name="a_good_day", arms=arms), **changes)


def refusal(drill: DrillReport, *others: DrillReport) -> str:
    """What `load` says of a report with this drill."""
    with pytest.raises(ReportError) as caught:
        load(render(a_report(drill, *others), Format.JSON))
    assert str(caught.value).isprintable()
    return caught.value.what


def test_an_honest_report_is_read() -> None:
    """Every verdict, a good day, and a drill in which the harness broke before any arm ran."""
    report = a_report(*a_full_report().drills, a_good_day())

    assert report == load(render(report, Format.JSON))


@pytest.mark.parametrize(
    ("drill", "becomes", "says"),
    [
        (a_failed_drill(), Verdict.PASS, "its arms make it FAIL (the guarded arm did not hold)"),
        (a_failed_drill(), Verdict.INCONCLUSIVE, "its arms make it FAIL"),
        (a_failed_drill(), Verdict.ERROR, "its arms make it FAIL"),
        (an_inconclusive_drill(), Verdict.PASS, "its arms make it INCONCLUSIVE (these faults"),
        (a_drill(), Verdict.FAIL, "the verdict is FAIL, its arms make it PASS"),
        (an_error_drill(), Verdict.PASS, "the harness broke, and the verdict is PASS"),
        (an_error_drill(error=""), Verdict.ERROR, "calm, bare, guarded, and are none"),
        (an_error_drill(error=""), Verdict.PASS, "calm, bare, guarded, and are none"),
    ],
)
def test_a_verdict_that_the_arms_do_not_carry_is_refused(
    drill: DrillReport, becomes: Verdict, says: str
) -> None:
    """The drill is named, with what its arms say."""
    what = refusal(replace(drill, verdict=becomes))

    assert drill.name in what
    assert says in what


@pytest.mark.parametrize(
    ("arms", "says"),
    [
        (three_arms()[:2], "and are calm, bare"),
        (three_arms()[1:], "and are bare, guarded"),
        ((*three_arms(), an_arm(GUARDED)), "and are calm, bare, guarded, guarded"),
        (three_arms()[::-1], "and are guarded, bare, calm"),
        (three_arms(guarded=an_arm(GUARDED, findings=())), "the guarded arm has no finding"),
        (
            three_arms(guarded=an_arm(GUARDED, findings=(a_broken_finding(),))),
            "the guarded arm is said to have held, its findings say otherwise",
        ),
        (
            three_arms(bare=an_arm(BARE, findings=(a_finding(),))),
            "the bare arm is said to have broken, its findings say otherwise",
        ),
        (
            three_arms(guarded=an_arm(GUARDED, findings=(a_broken_finding(outcome=Outcome.HELD),))),
            "EveryRowAccountedFor says 'held' and names 1,500 offenders",
        ),
        (
            three_arms(guarded=an_arm(GUARDED, findings=(a_finding(), a_finding()))),
            "were not judged by the same checks",
        ),
        (
            three_arms(guarded=an_arm(GUARDED, expected_to_hold=False)),
            "the guarded arm must hold",
        ),
        (three_arms(calm=an_arm(injections=(an_injection(),))), "go wrong in the calm arm"),
        (three_arms(bare=an_arm(BARE, injections=())), "did not have the same faults"),
        (
            tuple(replace(arm, injections=()) for arm in three_arms()),
            "the bare arm is said to have to break, its faults say otherwise",
        ),
        (
            three_arms(bare=an_arm(BARE, expected_to_hold=True)),
            "the bare arm is said to have to hold, its faults say otherwise",
        ),
        (
            three_arms(bare=an_arm(BARE, injections=(an_injection(fired=0),))),
            "its arms make it INCONCLUSIVE (these faults never fired",
        ),
    ],
)
def test_evidence_that_contradicts_itself_is_refused(arms: tuple[Any, ...], says: str) -> None:
    """Arms that are missing or doubled, and arms whose parts do not fit each other."""
    assert says in refusal(a_drill(arms=arms))


def test_a_drill_that_stands_twice_is_refused() -> None:
    """A passed drill that is copied would be counted twice."""
    assert "'expired_rows_are_resent' stands there twice" in refusal(a_drill(), a_drill())
    left_out = NotApplicable("expired_rows_are_resent", "A claim.", "no rows")
    with pytest.raises(ReportError, match="stands there twice"):
        load(render(a_report(a_drill(), not_applicable=(left_out,)), Format.JSON))


def test_a_hostile_name_is_named_inertly() -> None:
    """The message about a forged report is safe to print."""
    what = refusal(a_failed_drill(name="\x1b[31m\u202e" * 99, verdict=Verdict.PASS))

    assert len(what) < 900


COVERAGE = Coverage(
    (Cell("Stall", "wait", "Requeue", ("expired_rows_are_resent",)),),
    faults=2,
    controls=2,
    open_faults=("LostReply",),
    open_controls=("Canary",),
)


def test_coverage_is_earned_by_drills_that_passed() -> None:
    """A drill that did not pass, or is not there, covers nothing."""
    honest = a_report(coverage=COVERAGE)
    edited = a_report(a_failed_drill(), coverage=COVERAGE)

    assert honest == load(render(honest, Format.JSON))
    with pytest.raises(ReportError, match="which did not pass"):
        load(render(edited, Format.JSON))


def test_coverage_stands_in_text_and_page_with_its_holes() -> None:
    """Fault, moment, control and count; and what is open by name."""
    report = a_report(coverage=COVERAGE)
    text, page = "\n".join(coverage_lines(COVERAGE)), render(report, Format.HTML)

    assert "covered: wait\n      Stall  Requeue 1\n" in text
    assert "1 of 2 faults of the catalogue\n      in none of these drills: LostReply\n" in text
    assert "1 of 2 controls of the catalogue\n      in none of these drills: Canary" in text
    assert '<section id="coverage"' in page
    assert all(f">{name}<" in page for name in ("Stall", "LostReply", "Canary"))


def test_weather_must_be_borne_by_all_arms() -> None:
    """A harmless fault passes where the drill calls it weather, and proves nothing elsewhere."""
    bare = an_arm(ArmName.BARE, held=True, expected_to_hold=True, findings=(a_finding(),))
    bare = replace(bare, blast=an_arm(ArmName.CALM).blast)
    weather = a_drill(arms=three_arms(bare=bare), borne=True)

    assert load(render(a_report(weather), Format.JSON)).drills == (weather,)
    with pytest.raises(ReportError, match="its faults say otherwise"):
        load(render(a_report(replace(weather, borne=False)), Format.JSON))
