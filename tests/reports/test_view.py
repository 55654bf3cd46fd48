"""What the page needs beyond the model."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from reports import ArmName, Entry
from reports.bars import measures
from reports.view import drill_views, timeline
from tests.builders_reports import (
    a_blast,
    a_drill,
    a_report,
    an_arm,
    an_error_drill,
    three_arms,
)


def test_anchors_are_plain_and_unique() -> None:
    """A link works whatever a drill is called, even twice the same."""
    report = a_report(
        a_drill(name="expired"), a_drill(name='"><b>'), a_drill(name="?"), a_drill(name="expired")
    )

    assert [view.anchor for view in drill_views(report)] == [
        "drill-expired",
        "drill--b-",
        "drill--",
        "drill-expired--2",
    ]


def test_an_arm_that_did_not_run_keeps_its_place() -> None:
    """Three cells in every row of the scorecard."""
    (view,) = drill_views(a_report(an_error_drill()))

    assert [(name, None) for name in ArmName] == view.arms
    assert view.bars == ()


def test_bars_share_the_scale_of_their_line() -> None:
    """Rows are measured against the job; dollars against the larger of bill and approval."""
    bare = an_arm(ArmName.BARE, blast=a_blast(lost=1_500, billed_usd=Decimal(80)))
    guarded = an_arm(ArmName.GUARDED, blast=a_blast(billed_usd=Decimal(20)))

    wrong, lost, _, _, dollars = measures(a_drill(arms=three_arms(bare=bare, guarded=guarded)))

    assert wrong.is_nothing
    assert (lost.bare.percent, lost.guarded.percent) == (50.0, 0.0)
    assert (dollars.bare.percent, dollars.guarded.percent) == (100.0, 25.0)
    assert dollars.bare.limit_percent == 50.0
    assert (dollars.bare.over, dollars.guarded.over) == (True, False)


def test_differences_are_told_in_words() -> None:
    """Fewer, more, or none: no sign to puzzle over."""
    bare = an_arm(ArmName.BARE, blast=a_blast(lost=1_500, billed_usd=Decimal(1)))
    guarded = an_arm(ArmName.GUARDED, blast=a_blast(leaked=2, billed_usd=Decimal(3)))

    lines = measures(a_drill(arms=three_arms(bare=bare, guarded=guarded)))

    assert [line.difference for line in lines] == [
        "no difference",
        "1,500 fewer",
        "no difference",
        "2 more",
        "$2.00 more",
    ]


def test_a_job_without_rows_or_dollars_divides_by_nothing() -> None:
    """All bars are empty, and there is no error."""
    nothing = a_blast(rows=0, sent=0, promoted=0, billed_usd=Decimal(0), approved_usd=Decimal(0))
    arms = tuple(an_arm(name, blast=nothing) for name in ArmName)

    assert all(line.is_nothing for line in measures(a_drill(arms=arms)))


def test_a_long_timeline_loses_its_middle() -> None:
    """And says how much of it."""
    entries = [Entry(timedelta(seconds=n), "service", str(n)) for n in range(1_000)]

    cut = timeline(entries, 60, 40)

    assert cut.left_out == 900
    assert (cut.start[0].what, cut.start[-1].what) == ("0", "59")
    assert (cut.end[0].what, cut.end[-1].what) == ("960", "999")


def test_a_short_timeline_is_whole() -> None:
    """Nothing is left out for the sake of it."""
    entries = [Entry(timedelta(0), "service", "x")] * 100

    whole = timeline(entries, 60, 40)

    assert (entries, 0, ()) == (whole.start, whole.left_out, whole.end)
