"""What stands at the top of a page that is not green."""

from __future__ import annotations

from dataclasses import replace

from reports import ArmName, DrillReport, Outcome, Phase, Verdict
from reports.triage import BACK, EVERY_DAY, HARMED, NEXT, Trouble, troubles
from reports.view import drill_views
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
    three_arms,
)


def trouble_of(drill: DrillReport) -> Trouble:
    """The one trouble of a game day of this drill and one that passed."""
    (found,) = troubles(drill_views(a_report(a_drill(), drill)))
    return found


def test_the_most_important_stands_first() -> None:
    """What failed, then what broke the harness, then what proved nothing; never what passed."""
    found = troubles(drill_views(a_full_report()))

    expected = [Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE]
    assert expected == [each.view.drill.verdict for each in found]


def test_a_failure_says_what_which_rows_and_when() -> None:
    """From the arm that should have held, with what had been made to go wrong there."""
    found = trouble_of(a_failed_drill())

    assert found.what == "12 of 3000 rows were billed twice"
    assert (found.rows, found.more) == (("ticket-4", "ticket-9"), 10)
    assert found.when == "The service stops working half-way through the batch."
    assert found.advice == NEXT[Verdict.FAIL]


def test_what_few_drills_look_at_tells_more_than_what_all_do() -> None:
    """The check of this drill's own comes before the checks of every drill."""
    general = a_broken_finding()
    own = a_broken_finding(check="NoRowPaidTwice", says="own", evidence=("ticket-4",))
    guarded = an_arm(ArmName.GUARDED, held=False, findings=(general, own))

    found = trouble_of(a_failed_drill(arms=three_arms(guarded=guarded)))

    assert (found.what, found.others) == ("own", 1)


def test_how_the_pipeline_ended_tells_most() -> None:
    """Rows that are nowhere are no wonder when it hung; they are named all the same."""
    ended = a_broken_finding(check="Ended", evidence=("killed: it hung",), offenders=1)
    own = a_broken_finding(check="Own")
    guarded = an_arm(ArmName.GUARDED, held=False, ended="killed: it hung", findings=(own, ended))

    found = trouble_of(a_failed_drill(arms=three_arms(guarded=guarded)))

    assert (found.what, found.rows) == ("killed: it hung", own.evidence)


def test_harm_on_a_calm_day_is_mended_first() -> None:
    """No fault is to blame, and no control is missing."""
    calm = an_arm(held=False, findings=(a_broken_finding(),))
    harmful = a_failed_drill(name="harmful", arms=three_arms(calm=calm))

    again = replace(harmful, name="harmful_too")

    found, other = troubles(drill_views(a_report(a_failed_drill(), harmful, again)))

    assert (found.when, found.advice) == ("On a calm day, without any fault.", HARMED)
    assert (found.aim, found.controls) == (EVERY_DAY, ())
    assert (found.view.drill.name, found.same) == ("harmful", 1)
    assert (other.aim, other.controls) == (a_drill().claim, a_drill().controls)


def test_a_runbook_that_does_not_work_is_the_trouble() -> None:
    """All checks held; the step that failed is what to mend."""
    drill = a_drill(verdict=Verdict.FAIL, because="the rollback did not restore the record")
    steps = tuple(
        replace(step, result="rows differ", worked=step.phase is not Phase.REVERSE)
        for step in drill.runbook
    )

    found = trouble_of(replace(drill, runbook=steps))

    assert (found.what, found.advice) == (drill.because, BACK)


def test_nothing_proved_and_a_broken_harness_give_their_reason() -> None:
    """The reason of the verdict, the last line of the traceback, or the check that raised."""
    raised = a_finding(check="Blind", outcome=Outcome.RAISED, says="ValueError: no eyes")
    blind = a_drill(
        verdict=Verdict.ERROR,
        because="these checks raised: Blind",
        arms=three_arms(calm=an_arm(findings=(raised,))),
    )

    assert trouble_of(an_inconclusive_drill()).what == "this fault never fired: Stall"
    assert trouble_of(an_error_drill()).what == "KeyError: <x>"
    assert trouble_of(blind).what == raised.says
