"""What the HTML template needs beyond the model: order, anchors, bars, and what to leave out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import TypeVar

from reports.bars import Measure, measures
from reports.model import (
    ArmName,
    ArmReport,
    DrillReport,
    Entry,
    Finding,
    GameDayReport,
    Injection,
    Outcome,
    Verdict,
)
from reports.phrases import harmed

TIMELINE = {Verdict.PASS: (8, 4)}
TIMELINE_OF_TROUBLE = 40, 20
"""Lines of one timeline that the page shows, from its start and its end; `report.json` keeps all
of them. What passed is read for its course, what did not for its details."""
MOST_IMPORTANT_FIRST = (Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE, Verdict.PASS)
Item = TypeVar("Item")
OPEN_FROM_THE_START = 5
"""Drills that did not pass and stand open; the others are one key press away."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """The start and the end of a timeline, and how many lines between them are left out."""

    start: Sequence[Entry]
    left_out: int
    end: Sequence[Entry]


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One check, and what it found in each arm that ran; None where it was not made."""

    check: str
    cells: tuple[tuple[ArmReport, Finding | None], ...]

    @property
    def is_trouble(self) -> bool:
        """An arm in which it says what should not be."""
        return any(finding and unexpected(arm, finding) for arm, finding in self.cells)


@dataclass(frozen=True, slots=True)
class InjectionLine:
    """One thing that was made to go wrong, and how it went in each arm that ran."""

    injection: Injection
    cells: tuple[tuple[ArmReport, Injection | None], ...]

    @property
    def where(self) -> Sequence[str]:
        """The places where it struck first, of the last arm that it struck."""
        return next((cell.where for _, cell in reversed(self.cells) if cell and cell.where), ())


@dataclass(frozen=True)
class DrillView:
    """One drill with its anchor, and its evidence put side by side."""

    drill: DrillReport
    anchor: str
    open: bool = False

    @property
    def arms(self) -> list[tuple[ArmName, ArmReport | None]]:
        """All three arms; None where one did not run."""
        return [(name, self.drill.arm(name)) for name in ArmName]

    @property
    def family(self) -> str:
        """The name without the variant."""
        return self.drill.name.partition(".")[0]

    @property
    def variant(self) -> str:
        """What stands behind the first dot of the name; empty if there is none."""
        return self.drill.name.partition(".")[2]

    @property
    def rank(self) -> int:
        """How bad, for sorting: a FAIL is worst."""
        return -MOST_IMPORTANT_FIRST.index(self.drill.verdict)

    @cached_property
    def bars(self) -> tuple[Measure, ...]:
        """The blast radius."""
        return measures(self.drill)

    @property
    def harm(self) -> tuple[int, int] | None:
        """Rows wrong, lost or paid twice, bare and guarded; None if one arm did not run."""
        bare, guarded = self.drill.arm(ArmName.BARE), self.drill.arm(ArmName.GUARDED)
        return (harmed(bare.blast), harmed(guarded.blast)) if bare and guarded else None

    @property
    def checks(self) -> list[CheckLine]:
        """A line for each check; first those that stand between this drill and a PASS."""
        arms = self.drill.arms
        found = {
            (arm.arm, *key): finding
            for arm in arms
            for key, finding in _numbered(arm.findings, lambda finding: finding.check)
        }
        lines = [
            CheckLine(key[0], tuple((arm, found.get((arm.arm, *key))) for arm in arms))
            for key in dict.fromkeys(key[1:] for key in found)
        ]
        return sorted(lines, key=lambda line: not line.is_trouble)

    @property
    def injections(self) -> list[InjectionLine]:
        """A line for each thing that was made to go wrong."""
        arms = self.drill.arms
        found = {
            (arm.arm, *key): injection
            for arm in arms
            for key, injection in _numbered(arm.injections, lambda injection: injection.name)
        }
        first = {key[1:]: injection for key, injection in reversed(found.items())}
        return [
            InjectionLine(first[key], tuple((arm, found.get((arm.arm, *key))) for arm in arms))
            for key in dict.fromkeys(key[1:] for key in found)
        ]

    def timeline(self, arm: ArmReport) -> Timeline:
        """What the page shows of the timeline of one arm."""
        start, end = TIMELINE.get(self.drill.verdict, TIMELINE_OF_TROUBLE)
        return timeline(arm.timeline, start, end)


@dataclass(frozen=True, slots=True)
class Family:
    """Drills of one claim; a drill without variants is a family of its own."""

    name: str
    anchor: str
    members: tuple[DrillView, ...]

    @property
    def verdict(self) -> Verdict:
        """The one that stands first among its members."""
        return self.members[0].drill.verdict

    @property
    def rank(self) -> int:
        """That of its worst member."""
        return self.members[0].rank

    @property
    def harm(self) -> tuple[int, int] | None:
        """The sum over its members."""
        pairs = [pair for view in self.members if (pair := view.harm)]
        return (sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)) if pairs else None

    def as_it_should(self, name: ArmName) -> int:
        """How many members did in this arm what they should."""
        arms = [view.drill.arm(name) for view in self.members]
        return sum(arm is not None and arm.held is arm.expected_to_hold for arm in arms)


def drill_views(report: GameDayReport) -> list[DrillView]:
    """The drills, the most important first, each with an anchor of its own."""
    taken: dict[str, int] = {}
    ranked = sorted(report.drills, key=lambda drill: MOST_IMPORTANT_FIRST.index(drill.verdict))
    return [
        DrillView(
            drill,
            _anchor(drill.name, taken),
            open=drill.verdict is not Verdict.PASS and place < OPEN_FROM_THE_START,
        )
        for place, drill in enumerate(ranked)
    ]


def families(views: Sequence[DrillView]) -> list[Family]:
    """The drills by what they are variants of, in the order of their first members."""
    first = {view.family: place for place, view in reversed(list(enumerate(views)))}
    ranked = sorted(views, key=lambda view: first[view.family])
    return [
        Family(name, f"family-{place}", tuple(members))
        for place, (name, members) in enumerate(groupby(ranked, key=lambda view: view.family))
    ]


def unexpected(arm: ArmReport, finding: Finding) -> bool:
    """Whether this finding stands between its drill and a PASS."""
    if finding.outcome is Outcome.BROKE:
        return arm.expected_to_hold
    return finding.outcome is not Outcome.HELD


def timeline(entries: Sequence[Entry], start: int, end: int) -> Timeline:
    """A long timeline loses its middle, and says how much."""
    left_out = len(entries) - start - end
    if left_out <= 0:
        return Timeline(entries, 0, ())
    return Timeline(entries[:start], left_out, entries[-end:])


def _numbered(
    items: Sequence[Item], name: Callable[[Item], str]
) -> Iterator[tuple[tuple[str, int], Item]]:
    """Each item under its name and how many of that name stand before it."""
    seen: dict[str, int] = {}
    for item in items:
        seen[name(item)] = seen.get(name(item), -1) + 1
        yield (name(item), seen[name(item)]), item


def _anchor(name: str, taken: dict[str, int]) -> str:
    slug = "drill-" + re.sub(r"[^a-z0-9_]+", "-", name.lower()[:80])
    taken[slug] = taken.get(slug, 0) + 1
    return slug if taken[slug] == 1 else f"{slug}--{taken[slug]}"
