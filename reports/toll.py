"""What the bare arms of a game day cost in all, beside what the guarded ones did.

The same row counts once in each drill that harmed it. Drills of which one of the two arms is
missing are left out, whatever their verdict: this is what was seen, and no claim that a control
was proved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from reports.model import ArmName, ArmReport, BlastRadius, GameDayReport
from reports.phrases import enumerate_words, is_of_a_stranger, money, plural


@dataclass(frozen=True, slots=True)
class Toll:
    """The harm of one kind of arm, over all drills."""

    wrong: int
    lost: int
    paid_twice: int
    """Rows that were neither wrong nor lost."""
    leaked: int
    """Requests."""
    wasted_usd: Decimal

    @property
    def rows(self) -> int:
        """Rows harmed, whichever way."""
        return self.wrong + self.lost + self.paid_twice


def tolls(report: GameDayReport) -> tuple[int, Toll, Toll]:
    """Over how many drills, and their bare and their guarded arms."""
    pairs = [
        (bare, guarded)
        for drill in report.drills
        if (bare := drill.arm(ArmName.BARE)) and (guarded := drill.arm(ArmName.GUARDED))
    ]
    return len(pairs), _toll([bare for bare, _ in pairs]), _toll([arm for _, arm in pairs])


def wasted(blast: BlastRadius) -> Decimal:
    """Dollars that bought nothing agreed: paid again for rows that had been paid for, or billed
    beyond what was approved. Both may be the same dollars, so the larger of the two counts."""
    return max(blast.paid_again_usd, blast.billed_usd - blast.approved_usd, Decimal(0))


def toll_line(report: GameDayReport) -> str:
    """One sentence, such as `Harm in 3 drills, without the controls: 41 rows (40 lost, 1 paid
    twice) and $0.42 wasted; with them: nothing.`; empty if no drill has both arms."""
    count, bare, guarded = tolls(report)
    if not count:
        return ""
    first, second = "without the controls", "with them"
    if is_of_a_stranger(report):
        first, second = "by gameday's own naive pipeline", "by the pipeline on trial"
    drills = plural(count, "drill")
    return f"Harm in {drills}, {first}: {_said(bare)}; {second}: {_said(guarded)}."


def bare_line(report: GameDayReport) -> str:
    """What plays the bare arm, so that nobody takes its numbers for those of a pipeline of
    theirs; empty if no drill has arms."""
    if not any(drill.arms for drill in report.drills):
        return ""
    if is_of_a_stranger(report):
        return (
            "The bare arm is a naive pipeline of gameday's own, not the one on trial: it shows "
            "that the fault is real."
        )
    return (
        "The bare arm is gameday's own pipeline, with naive parts in the place of the drill's "
        "controls: it shows that the fault is real."
    )


def _toll(arms: Sequence[ArmReport]) -> Toll:
    blasts = [arm.blast for arm in arms]
    return Toll(
        wrong=sum(blast.wrong for blast in blasts),
        lost=sum(blast.lost for blast in blasts),
        paid_twice=sum(blast.paid_twice for blast in blasts),
        leaked=sum(blast.leaked for blast in blasts),
        wasted_usd=sum(map(wasted, blasts), Decimal(0)),
    )


def _said(toll: Toll) -> str:
    ways = ((toll.wrong, "wrong"), (toll.lost, "lost"), (toll.paid_twice, "paid twice"))
    how = ", ".join(f"{count:,} {way}" for count, way in ways if count)
    things = [f"{plural(toll.rows, 'row')} ({how})"] if toll.rows else []
    things += [plural(toll.leaked, "leak")] if toll.leaked else []
    things += [f"{money(toll.wasted_usd)} wasted"] if toll.wasted_usd else []
    return enumerate_words(things) if things else "nothing"
