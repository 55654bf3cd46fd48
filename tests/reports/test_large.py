"""The page of a large game day stays small; how fast it is, `benchmarks.reports` measures."""

from __future__ import annotations

from collections import Counter

from reports import Format, Outcome, render
from tests.large_report import a_large_report

LARGEST = 3_000_000
"""Bytes."""


def test_two_hundred_drills_fit_three_megabytes() -> None:
    """With 1,000 findings that say no, their evidence, and everything that held beside them."""
    report = a_large_report()
    found = Counter(
        f.outcome for drill in report.drills for arm in drill.arms for f in arm.findings
    )

    html = render(report, Format.HTML)

    assert (200, 1_000) == (len(report.drills), found[Outcome.BROKE])
    assert len(html.encode()) <= LARGEST
    assert html.count("<article ") == 200
