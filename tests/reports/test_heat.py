"""The two maps of the page: coverage, and broken controls."""

from __future__ import annotations

from reports import Cell, Coverage
from reports.heat import KillCell, kill_map, matrix, shade
from reports.kills import Fate
from tests.builders_reports import a_matrix


def test_a_moment_counts_each_drill_once() -> None:
    """However many faults of that moment it has; controls without any have a column too."""
    coverage = Coverage(
        (
            Cell("Stall", "wait", "Requeue", ("a", "b")),
            Cell("Slow", "wait", "Requeue", ("b", "c")),
            Cell("Slow", "wait", "Watchdog", ("c",)),
        ),
        open_controls=("Canary",),
    )

    found = matrix(coverage)

    assert ("Requeue", "Watchdog", "Canary") == found.controls
    (wait,) = found.moments
    assert ("wait", (3, 1, 0)) == (wait.total.name, wait.total.counts)
    assert [("Stall", (2, 0, 0)), ("Slow", (2, 1, 0))] == [(f.name, f.counts) for f in wait.faults]


def test_more_drills_are_a_darker_cell() -> None:
    """A hole is none."""
    assert [0, 1, 2, 2, 3, 4] == [shade(count) for count in (0, 1, 2, 3, 4, 30)]


def test_broken_controls_are_counted_by_how_they_are_broken() -> None:
    """Those that a drill noticed, of all."""
    found = kill_map(a_matrix(Fate.KILLED, Fate.SURVIVED, Fate.KILLED))

    assert found.kinds == ("off by one",)
    assert found.rows == (("Requeue", (KillCell(2, 3),)),)
