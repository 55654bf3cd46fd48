"""What the HTML template needs beyond the model: anchors, bars, and what to leave out."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from reports.model import (
    ArmName,
    ArmReport,
    BlastRadius,
    Coverage,
    DrillReport,
    Entry,
    GameDayReport,
)
from reports.phrases import money

TIMELINE_START, TIMELINE_END = 150, 50
"""Lines of one timeline that the page shows; `report.json` keeps all of them."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One number of one arm, as text and as a share of the longest bar of its unit."""

    text: str
    percent: float
    """0 to 100."""
    limit_percent: float | None = None
    """Where the approved amount lies on the same scale; None where there is no limit."""
    over: bool = False
    """Harm: a row or leak at all, or more dollars than were approved."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of the blast radius: the same number in the bare and the guarded arm."""

    label: str
    bare: Bar
    guarded: Bar
    difference: str
    """What the guarded arm has less or more than the bare one, in words."""

    @property
    def is_nothing(self) -> bool:
        """Neither arm did this harm."""
        return not self.bare.percent and not self.guarded.percent


@dataclass(frozen=True, slots=True)
class Timeline:
    """The start and the end of a timeline, and how many lines between them are left out."""

    start: Sequence[Entry]
    left_out: int
    end: Sequence[Entry]


@dataclass(frozen=True, slots=True)
class DrillView:
    """One drill with its anchor, the drill's arms by place, and its blast radius."""

    drill: DrillReport
    anchor: str
    bars: tuple[Measure, ...]

    @property
    def arms(self) -> list[tuple[ArmName, ArmReport | None]]:
        """All three arms; None where one did not run."""
        return [(name, self.drill.arm(name)) for name in ArmName]


@dataclass(frozen=True, slots=True)
class CoverageRow:
    """One line of the matrix: a fault at a moment, and per control how many drills."""

    moment: str
    fault: str
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Faults against controls."""

    controls: tuple[str, ...]
    rows: tuple[CoverageRow, ...]


def matrix(coverage: Coverage) -> Matrix:
    """The cells as a table; a control without any has no column."""
    controls = tuple(dict.fromkeys(cell.control for cell in coverage.cells))
    counts = {(cell.moment, cell.fault, cell.control): len(cell.drills) for cell in coverage.cells}
    places = dict.fromkeys((cell.moment, cell.fault) for cell in coverage.cells)
    return Matrix(
        controls,
        tuple(
            CoverageRow(
                moment, fault, tuple(counts.get((moment, fault, name), 0) for name in controls)
            )
            for moment, fault in places
        ),
    )


def drill_views(report: GameDayReport) -> list[DrillView]:
    """The drills in their order, each with an anchor of its own."""
    taken: dict[str, int] = {}
    return [
        DrillView(drill, _anchor(drill.name, taken), measures(drill)) for drill in report.drills
    ]


def measures(drill: DrillReport) -> tuple[Measure, ...]:
    """The harm of the bare arm beside that of the guarded one; empty if one did not run."""
    arms = drill.arm(ArmName.BARE), drill.arm(ArmName.GUARDED)
    if arms[0] is None or arms[1] is None:
        return ()
    bare, guarded = arms[0].blast, arms[1].blast
    return (
        _count("Rows wrong in the system of record", lambda blast: blast.wrong, bare, guarded),
        _count("Rows lost", lambda blast: blast.lost, bare, guarded),
        _count("Requests with a leak", lambda blast: blast.leaked, bare, guarded),
        _dollars(bare, guarded),
    )


def timeline(entries: Sequence[Entry]) -> Timeline:
    """A long timeline loses its middle, and says how much."""
    left_out = len(entries) - TIMELINE_START - TIMELINE_END
    if left_out <= 0:
        return Timeline(entries, 0, ())
    return Timeline(entries[:TIMELINE_START], left_out, entries[-TIMELINE_END:])


def _count(
    label: str, of: Callable[[BlastRadius], int], bare: BlastRadius, guarded: BlastRadius
) -> Measure:
    scale = max(bare.rows, of(bare), of(guarded), 1)
    first, second = (
        Bar(f"{of(blast):,}", _percent(of(blast), scale), over=of(blast) > 0)
        for blast in (bare, guarded)
    )
    fewer = of(bare) - of(guarded)
    return Measure(label, first, second, _fewer(f"{abs(fewer):,}", fewer, "fewer"))


def _dollars(bare: BlastRadius, guarded: BlastRadius) -> Measure:
    amounts = (bare.billed_usd, bare.approved_usd, guarded.billed_usd, guarded.approved_usd)
    scale = max(*amounts, Decimal("0.01"))
    first, second = (
        Bar(
            f"{money(blast.billed_usd)} of {money(blast.approved_usd)} approved",
            _percent(blast.billed_usd, scale),
            _percent(blast.approved_usd, scale),
            over=blast.billed_usd > blast.approved_usd,
        )
        for blast in (bare, guarded)
    )
    less = bare.billed_usd - guarded.billed_usd
    return Measure("Dollars billed", first, second, _fewer(money(abs(less)), less, "less"))


def _fewer(amount: str, less: Decimal | int, word: str) -> str:
    """What the guarded arm has less, or more, than the bare one."""
    if not less:
        return "no difference"
    return f"{amount} {word}" if less > 0 else f"{amount} more"


def _percent(part: Decimal | int, whole: Decimal | int) -> float:
    return round(float(100 * Decimal(part) / Decimal(whole)), 2)


def _anchor(name: str, taken: dict[str, int]) -> str:
    slug = "drill-" + re.sub(r"[^a-z0-9_]+", "-", name.lower()[:80])
    taken[slug] = taken.get(slug, 0) + 1
    return slug if taken[slug] == 1 else f"{slug}--{taken[slug]}"
