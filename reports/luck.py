"""Where we got lucky: drills that passed, and whose evidence is thinner than it looks.

Each rule reads the report only, and says what the good end does not rest on. A stroke of luck
changes no verdict; it says where a second look is worth more than the green word.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reports.model import ArmName, ArmReport, DrillReport, GameDayReport, Outcome, Verdict
from reports.phrases import plural

LIKELY = 0.05
"""From this chance on, a check that held may have held without any help."""
A_RATE = 5
"""So many offenders in the bare arm make a rate; fewer are one event, and no matter of dice."""


@dataclass(frozen=True, slots=True)
class Luck:
    """One thing that went well for no reason of ours."""

    drill: str
    what: str
    """One clause with counts. Untrusted: may quote a drill of the user's."""


def luck(report: GameDayReport) -> tuple[Luck, ...]:
    """All of it, in the order of the drills."""
    return tuple(
        Luck(drill.name, what)
        for drill in report.drills
        if drill.verdict is Verdict.PASS
        for what in _lucky(drill)
    )


def strokes(found: Sequence[Luck]) -> list[str]:
    """One line for each kind of luck: `DRILL: what`, or `DRILL and 3 others: what`."""
    drills: dict[str, list[str]] = {}
    for stroke in found:
        drills.setdefault(stroke.what, []).append(stroke.drill)
    return [f"{_one_and_others(names)}: {what}" for what, names in drills.items()]


def _one_and_others(names: list[str]) -> str:
    first, *others = names
    return f"{first} and {plural(len(others), 'other')}" if others else first


def _lucky(drill: DrillReport) -> Iterator[str]:
    bare, guarded = drill.arm(ArmName.BARE), drill.arm(ArmName.GUARDED)
    if bare is None or guarded is None or bare.expected_to_hold:
        return
    acted = any(each.acted for each in guarded.asked)
    yield from _idle(guarded)
    if guarded.asked and not acted:
        yield from _spared(bare, guarded)
    yield from _by_chance(bare, guarded)
    if not _harmed(bare, guarded):
        yield (
            "without the controls a rule broke, and no row, dollar or secret was harmed: what they "
            "save in earnest was not shown"
        )
    if guarded.response.struck and not guarded.response.detected and _corrupted(bare):
        yield "nobody would have noticed: no alarm rang, and no control wrote a word"


def _idle(guarded: ArmReport) -> Iterator[str]:
    """A control that was asked and never acted, in an arm that held."""
    for each in guarded.asked:
        if each.asked and not each.acted:
            times = plural(each.asked, "time")
            yield f"{each.control} was asked {times} and never acted: what held?"


def _spared(bare: ArmReport, guarded: ArmReport) -> Iterator[str]:
    """A fault that struck the guarded arm less often than the bare one, by no control's doing."""
    before = {injection.name: injection.fired for injection in bare.injections}
    for injection in guarded.injections:
        times = before.get(injection.name, 0)
        if injection.fired < times:
            yield (
                f"{injection.name} struck {plural(injection.fired, 'time')} in the guarded arm and "
                f"{times:,} in the bare one: there was less to hold"
            )


def _by_chance(bare: ArmReport, guarded: ArmReport) -> Iterator[str]:
    """A check that saw so little that it would probably have held anyway.

    The bare arm says how often something breaks the rule, `p`; that none of `n` does in the
    guarded arm happens by itself with a chance of `(1 - p) ** n`.
    """
    rates = {
        finding.check: finding.offenders / finding.examined
        for finding in bare.findings
        if A_RATE <= finding.offenders <= finding.examined
    }
    for finding in guarded.findings:
        rate = rates.get(finding.check)
        if rate is None or finding.outcome is not Outcome.HELD:
            continue
        chance = (1 - rate) ** finding.examined
        if chance >= LIKELY:
            yield (
                f"{finding.check} examined {finding.examined:,}: at the rate of the bare arm it "
                f"would hold by chance in {chance:.0%} of all runs"
            )


def _harmed(bare: ArmReport, guarded: ArmReport) -> bool:
    """Whether the bare arm was worse off in rows, money, privacy or time, or not even ended."""
    with_, without = guarded.blast, bare.blast
    return (
        _corrupted(bare)
        or without.billed_usd > max(with_.billed_usd, without.approved_usd)
        or without.sent > with_.sent
        or without.promoted < with_.promoted
        or bare.lasted > guarded.lasted
    )


def _corrupted(arm: ArmReport) -> bool:
    return bool(arm.blast.wrong or arm.blast.lost or arm.blast.leaked)
