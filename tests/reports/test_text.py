"""The report for a terminal."""

from __future__ import annotations

import re

from reports import ArmName, Outcome, Style, render_text
from tests.builders_reports import (
    HOSTILE,
    a_blast,
    a_drill,
    a_failed_drill,
    a_finding,
    a_full_report,
    a_report,
    an_arm,
    an_error_drill,
    an_inconclusive_drill,
    three_arms,
    with_every_text,
)


def test_a_passed_drill_is_seven_lines_and_a_summary() -> None:
    """The shape that the README shows."""
    assert (
        render_text(a_report())
        == """\
PASS  expired_rows_are_resent
      Rows that run out of time are sent again, once, within the budget.
      broke without the controls, held with them
      calm      held    0:20:00   3,000 of 3,000 rows promoted   $1.05
      bare      broke  24:00:00   1,500 of 3,000 rows promoted   $1.05
      guarded   held   24:00:00   3,000 of 3,000 rows promoted   $1.05
      again: gameday run expired_rows_are_resent --seed 7

The bare arm is gameday's own pipeline, with naive parts in the place of the drill's controls: it \
shows that the fault is real.
Harm in 1 drill, without the controls: 1,500 rows (1,500 lost); with them: nothing.
PASS  1 of 1 drill proved its control. Saved 1,500 rows. Seed 7.
"""
    )


def test_a_failed_drill_shows_the_check_that_broke() -> None:
    """What the check says, and the first offender."""
    text = render_text(a_report(a_failed_drill()))

    assert "- guarded: NoRowPaidTwice broke: 12 of 3000 rows were billed twice" in text
    assert "; first: ticket-4\n" in text


def test_a_passed_drill_shows_no_trouble() -> None:
    """That the bare arm broke is the proof, not a problem."""
    assert "- " not in render_text(a_report())


def test_rows_in_quarantine_are_told() -> None:
    """In the line of the arm, and in that of a family; where there are none, nothing is said."""
    kept = a_drill(arms=three_arms(guarded=an_arm(ArmName.GUARDED, blast=a_blast(quarantined=41))))
    many = [kept, *(a_drill(name=f"drill_{number}") for number in range(9))]

    assert 1 == render_text(a_report(kept)).count("3,000 of 3,000 rows promoted, 41 quarantined")
    assert "saved 1,500 rows; 41 rows quarantined\n" in render_text(a_report(*many))
    assert 1 == render_text(a_report(*many)).count("quarantined")


def test_many_troubles_are_counted() -> None:
    """A terminal gets the first five."""
    broke = tuple(a_finding(check=f"Check{n}", outcome=Outcome.BROKE) for n in range(8))
    arms = three_arms(guarded=an_arm(ArmName.GUARDED, held=False, findings=broke))

    text = render_text(a_report(a_failed_drill(arms=arms)))

    assert "Check4" in text
    assert "Check5" not in text
    assert "- and 3 more in the HTML report" in text


def test_an_inconclusive_drill_says_what_was_missing() -> None:
    """Here the fault that never fired."""
    assert "- bare: Stall(after_requests=1500, lasting=25h) never fired" in render_text(
        a_report(an_inconclusive_drill())
    )


def test_an_error_shows_its_traceback() -> None:
    """Set off from the rest, line by line."""
    assert "      | KeyError: <x>\n" in render_text(a_report(an_error_drill()))


def test_a_drill_that_could_not_run_is_listed_with_its_reason() -> None:
    """It is not among the passed ones."""
    text = render_text(a_full_report())

    assert "not applicable  labels_are_stable\n      these rows have no label" in text


def test_plain_text_has_no_escape_sequence() -> None:
    """By default nothing is coloured."""
    assert "\x1b" not in render_text(a_full_report())


def test_colour_surrounds_verdict_words_and_nothing_else() -> None:
    """The coloured text without its escape sequences is the plain one."""
    coloured = render_text(a_full_report(), Style.COLOUR)

    assert "\x1b[1;32mPASS\x1b[0m" in coloured
    assert render_text(a_full_report()) == re.sub(r"\x1b\[[0-9;]*m", "", coloured)


def test_data_cannot_colour_even_in_colour() -> None:
    """Every escape sequence is one of ours, around a verdict word."""
    hostile = with_every_text(a_full_report(), HOSTILE["terminal colour"])

    coloured = render_text(hostile, Style.COLOUR)

    ours = re.compile(r"\x1b\[1;3[1235]m(PASS|INCONCLUSIVE|FAIL|ERROR)\x1b\[0m")
    assert "\x1b" not in ours.sub("", coloured)


def test_the_order_of_the_drills_is_kept() -> None:
    """The report was written in an order; a renderer does not sort."""
    text = render_text(a_report(a_drill(name="zebra"), a_drill(name="ant")))

    assert text.index("zebra") < text.index("ant")
