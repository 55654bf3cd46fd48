"""Faults that cannot be true together."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Final

from simulator.errors import SimulatorError
from simulator.faults.fault import Fault

CLASHES: Final[tuple[tuple[frozenset[str], str], ...]] = (
    (frozenset({"NeverEnds", "EndsAtOnce", "Expires"}), "a batch ends in one way only"),
    (frozenset({"EndsAtOnce", "Stall"}), "a batch that ends at once cannot stall"),
    (
        frozenset({"CancelEndsAllSucceeded", "CancelRacesTheEnd"}),
        "a cancel comes too late in one way only",
    ),
    (frozenset({"CrlfLines", "NoFinalNewline"}), "the lines have one kind of end"),
    (
        frozenset({"TruncatedAtLine", "TruncatedMidLine", "AbortedDownload", "ShortOfItsLength"}),
        "a download breaks off once",
    ),
    (
        frozenset({"NoBatchSupport", "EmptyResults", "ResultsUnavailable", "RedirectedResults"}),
        "a download has one answer only",
    ),
    (frozenset({"StuckPage", "EmptyPageWithMore"}), "a page is stuck, or it is empty"),
    (
        frozenset({"ForeignResultsUrl", "RelativeResultsUrl", "ResultsUrlMissing"}),
        "there is one `results_url`",
    ),
)


def check_together(faults: Sequence[Fault]) -> None:
    """Refuse a plan in which one fault hides another for good."""
    for one, other in combinations(faults, 2):
        if one.name == other.name or not (always(one) and always(other)):
            continue
        for names, why in CLASHES:
            if {one.name, other.name} <= names:
                raise SimulatorError(
                    f"{one.name} and {other.name} cannot strike together: {why}.",
                    fix="Take one out, or give each a share, times or a window (during).",
                )


def always(fault: Fault) -> bool:
    """Whether it strikes wherever it could."""
    return fault.share == 1 and fault.times is None and fault.during is None
