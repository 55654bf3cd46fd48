"""Words and numbers that every format shares."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from reports import ArmName, Entry, GameDayReport, Outcome, Response, Verdict
from reports.phrases import (
    Saved,
    as_expected,
    clock,
    detection,
    gains,
    headline,
    money,
    other_troubles,
    own_words,
    saved_by,
    saved_in_all,
    troubles,
)
from tests.builders_reports import (
    a_blast,
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

SEEN = (("A", "9 wrong"), ("B", "9 not their own"), ("D", "9 wrong"))
"""Checks that name the same rows, and what each says of them."""


@pytest.mark.parametrize(
    ("usd", "expected"),
    [
        ("0", "$0.00"),
        ("1.05", "$1.05"),
        ("1234567.891", "$1,234,567.89"),
        ("0.25", "$0.25"),
        ("0.0042", "$0.0042"),
        ("0.00001", "<$0.0001"),
        ("-0.55", "-$0.55"),
        ("-0.00001", "-<$0.0001"),
        ("1E+3", "$1,000.00"),
    ],
)
def test_money_is_shown_as_precisely_as_it_needs(usd: str, expected: str) -> None:
    """Cents, or hundredths of a cent below a dollar; never a zero that is none."""
    assert expected == money(Decimal(usd))


@pytest.mark.parametrize(
    ("duration", "expected"),
    [
        (timedelta(0), "0:00:00"),
        (timedelta(minutes=20), "0:20:00"),
        (timedelta(hours=24, minutes=10), "24:10:00"),
        (timedelta(days=29), "696:00:00"),
        (timedelta(seconds=1, milliseconds=250), "0:00:01.250"),
        (timedelta(seconds=-5), "-0:00:05"),
    ],
)
def test_a_duration_counts_hours_past_a_day(duration: timedelta, expected: str) -> None:
    """Virtual time reads as hours, as the 24-hour limit does."""
    assert expected == clock(duration)


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        (a_report(), "1 of 1 drill proved its control."),
        (a_report(a_drill(), a_drill()), "2 of 2 drills proved their control."),
        (
            a_full_report(),
            (
                "1 of 4 drills proved its control; 1 could not be run to the end; 1 failed; "
                "1 proved nothing."
            ),
        ),
        (a_report(an_inconclusive_drill()), "0 of 1 drill proved its control; 1 proved nothing."),
    ],
)
def test_the_headline_claims_only_what_was_proved(report: GameDayReport, expected: str) -> None:
    """One sentence that counts proofs first and leaves nothing out."""
    assert expected == headline(report)


def test_what_was_saved_is_bare_minus_guarded() -> None:
    """Rows lost or wrong, requests that leaked, dollars on the meter."""
    bare = an_arm(ArmName.BARE, blast=a_blast(wrong=3, lost=4, leaked=5, billed_usd=Decimal(90)))
    guarded = an_arm(ArmName.GUARDED, blast=a_blast(wrong=1, billed_usd=Decimal("0.5")))

    saved = saved_by(a_drill(arms=three_arms(bare=bare, guarded=guarded)))

    assert Saved(rows=6, leaks=5, usd=Decimal("89.5")) == saved


def test_a_drill_without_arms_saved_nothing_that_is_known() -> None:
    """Unknown is not zero."""
    assert saved_by(an_error_drill()) is None


def test_only_proofs_count_as_saved() -> None:
    """A drill that failed or proved nothing adds nothing to the total."""
    report = a_report(a_failed_drill(), an_inconclusive_drill(), an_error_drill())

    assert Saved() == saved_in_all(report)
    assert Saved(rows=1_500) == saved_in_all(a_report(a_drill(), a_failed_drill()))


@pytest.mark.parametrize(
    ("bare", "expected"),
    [
        (a_blast(lost=1), "Saved 1 row."),
        (
            a_blast(lost=2, leaked=3, billed_usd=Decimal("11.05")),
            "Saved 2 rows, 3 leaks and $10.00.",
        ),
        (a_blast(lost=2, billed_usd=Decimal("0.55")), "Saved 2 rows for $0.50 more."),
        (a_blast(), ""),
    ],
)
def test_gains_are_told_with_their_price(bare: object, expected: str) -> None:
    """What was saved, what it cost, and silence if it was nothing."""
    arms = three_arms(bare=an_arm(ArmName.BARE, blast=bare))

    assert expected == gains(a_report(a_drill(arms=arms)))


@pytest.mark.parametrize(
    ("held", "expected_to_hold", "expected"),
    [
        (True, True, "as it should"),
        (False, False, "as it should"),
        (False, True, "should have held"),
        (True, False, "should have broken"),
    ],
)
def test_an_outcome_is_compared_with_what_had_to_happen(
    held: bool,  # noqa: FBT001 - a column of the table above
    expected_to_hold: bool,  # noqa: FBT001 - a column of the table above
    expected: str,
) -> None:
    """A bare arm that breaks is good news."""
    assert expected == as_expected(an_arm(held=held, expected_to_hold=expected_to_hold))


def test_detection_tells_the_first_sign_or_that_there_was_none() -> None:
    """`None` is a silent arm, not an alarm at zero."""
    at_once = Response(detected=Entry(timedelta(0), "alarm", "1500 rows expired"))

    assert detection(an_arm()) == "nobody noticed"
    assert detection(an_arm(response=at_once)) == "noticed at +0:00:00"


def test_troubles_name_the_check_and_its_first_offender() -> None:
    """What broke where it should have held; what broke in the bare arm is no trouble."""
    assert troubles(a_failed_drill()) == [
        "guarded: NoRowPaidTwice broke: 12 of 3000 rows were billed twice; first: ticket-4"
    ]


def test_troubles_name_what_proved_nothing() -> None:
    """A check without anything to judge, a fault that never fired."""
    assert troubles(an_inconclusive_drill()) == [
        "bare: EveryRowAccountedFor was not exercised: no row expired",
        "bare: Stall(after_requests=1500, lasting=25h) never fired",
    ]


def test_troubles_name_a_check_that_raised() -> None:
    """In any arm: the harness is at fault."""
    raised = an_arm(ArmName.BARE, findings=(a_finding(outcome=Outcome.RAISED, says="KeyError"),))
    drill = a_drill(verdict=Verdict.ERROR, arms=three_arms(bare=raised))

    assert troubles(drill) == ["bare: EveryRowAccountedFor raised an error: KeyError"]


def test_harm_that_several_checks_see_stands_there_once() -> None:
    """Under all their names, with what each says; other rows are another harm."""
    same = [a_broken_finding(check=check, says=says) for check, says in SEEN]
    other = a_broken_finding(check="C", says="other rows", evidence=("ticket-1",))
    calm = an_arm(held=False, findings=(*same, other))

    assert troubles(a_failed_drill(arms=(calm,))) == [
        "calm: A, B and D broke: 9 wrong; 9 not their own; first: ticket-17",
        "calm: C broke: other rows; first: ticket-1",
    ]


def test_what_is_said_already_is_no_other_trouble() -> None:
    """How the pipeline ended, which its own words tell, and the reason of the verdict."""
    ended = a_broken_finding(check="Ended", says="1 bad end", evidence=("halted: too dear",))
    unfair = a_finding(check="FairDay", outcome=Outcome.NOT_EXERCISED, says="too few", examined=0)
    calm = an_arm(held=False, ended="halted: too dear", findings=(ended, unfair))
    drill = a_drill(arms=(calm,), verdict=Verdict.INCONCLUSIVE, because="too few")

    assert 2 == len(troubles(drill))
    assert [] == other_troubles(drill)
    assert ["calm halted: too dear"] == own_words(drill)


def test_own_words_are_those_of_whoever_halted_crashed_or_raised() -> None:
    """An arm that simply ended has none."""
    raised = a_finding(check="Looks", outcome=Outcome.RAISED, says="KeyError: 7")
    drill = a_drill(
        arms=three_arms(
            bare=an_arm(ArmName.BARE, ended="crashed: ValueError: no row", findings=(raised,)),
            guarded=an_arm(ArmName.GUARDED, ended="halted: too dear"),
        )
    )

    assert [
        "bare crashed: ValueError: no row",
        "guarded halted: too dear",
        "bare: Looks raised an error: KeyError: 7",
    ] == own_words(drill)
    assert [] == own_words(a_drill())
