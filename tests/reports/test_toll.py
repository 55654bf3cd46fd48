"""What the arms cost in all: rows once each, dollars that bought nothing, in one sentence."""

from __future__ import annotations

from decimal import Decimal

import pytest

from reports import ArmName, DrillReport
from reports.toll import bare_line, toll_line, tolls, wasted
from tests.builders_reports import a_blast, a_drill, a_report, an_arm, an_error_drill, three_arms


def harmed(name: str, **changes: object) -> DrillReport:
    """A drill whose bare arm did this harm."""
    return a_drill(name=name, arms=three_arms(bare=an_arm(ArmName.BARE, blast=a_blast(**changes))))


def test_the_toll_is_summed_over_the_drills_that_have_both_arms() -> None:
    """One that the harness broke has none."""
    report = a_report(
        harmed("a", wrong=2, lost=40),
        harmed("b", paid_twice=1, paid_again_usd=Decimal("0.25"), leaked=3),
        an_error_drill(),
    )
    count, bare, guarded = tolls(report)

    assert (2, 43, 0) == (count, bare.rows, guarded.rows)
    assert toll_line(report) == (
        "Harm in 2 drills, without the controls: 43 rows (2 wrong, 40 lost, 1 paid twice), 3 leaks "
        "and $0.25 wasted; with them: nothing."
    )


@pytest.mark.parametrize(
    ("again", "billed", "approved", "lost"),
    [("0", "1", "2", "0"), ("0.5", "1", "2", "0.5"), ("0.5", "3", "2", "1"), ("2", "3", "2", "2")],
)
def test_dollars_are_wasted_once(again: str, billed: str, approved: str, lost: str) -> None:
    """What was paid again may be what was paid beyond the approval."""
    blast = a_blast(
        paid_again_usd=Decimal(again), billed_usd=Decimal(billed), approved_usd=Decimal(approved)
    )

    assert Decimal(lost) == wasted(blast)


def test_a_stranger_is_not_taken_for_the_bare_arm() -> None:
    """Both lines say whose numbers they are."""
    arms = three_arms(guarded=an_arm(ArmName.GUARDED, asked=()))
    stranger = a_report(a_drill(arms=arms))

    assert "gameday's own naive pipeline: 1,500 rows" in toll_line(stranger)
    assert "not the one on trial" in bare_line(stranger)
    assert "in the place of the drill's controls" in bare_line(a_report(a_drill()))


def test_without_arms_there_is_nothing_to_say() -> None:
    """An empty game day, and one that the harness broke."""
    for report in (a_report(an_error_drill()), a_report(drills=())):
        assert ("", "") == (toll_line(report), bare_line(report))
