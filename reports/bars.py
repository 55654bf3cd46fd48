"""The blast radius of a drill: the harm of the bare arm beside that of the guarded one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from reports.model import ArmName, BlastRadius, DrillReport
from reports.phrases import money


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


def measures(drill: DrillReport) -> tuple[Measure, ...]:
    """The harm of the bare arm beside that of the guarded one; empty if one did not run."""
    arms = drill.arm(ArmName.BARE), drill.arm(ArmName.GUARDED)
    if arms[0] is None or arms[1] is None:
        return ()
    bare, guarded = arms[0].blast, arms[1].blast
    return (
        _count("Rows wrong in the system of record", lambda blast: blast.wrong, bare, guarded),
        _count("Rows lost", lambda blast: blast.lost, bare, guarded),
        _count("Further rows paid twice", lambda blast: blast.paid_twice, bare, guarded),
        _count("Requests with a leak", lambda blast: blast.leaked, bare, guarded),
        _dollars(bare, guarded),
    )


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
