"""Two reports side by side: what got worse since the older one, and what got better."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum

from reports.kills import Fate
from reports.model import ArmName, ArmReport, DrillReport, GameDayReport, Response, Verdict
from reports.phrases import clock, harmed, money, plural

NOBODY = "nobody noticed"
NEVER = "never"
ALMOST_NOTHING = Decimal("0.0001")
"""Dollars that are no difference: a hundredth of a cent."""


class Kind(StrEnum):
    """In which way something changed; the worst first."""

    FAILING = "newly failing"
    BROKEN = "harness newly broken"
    INCONCLUSIVE = "newly inconclusive"
    WIDER = "larger blast radius"
    DEARER = "higher cost"
    SLOWER = "slower reaction"
    LOST = "lost coverage"
    MENDED = "newly passing"
    NARROWER = "smaller blast radius"
    CHEAPER = "lower cost"
    FASTER = "faster reaction"
    GAINED = "gained coverage"


WORSE = (
    Kind.FAILING,
    Kind.BROKEN,
    Kind.INCONCLUSIVE,
    Kind.WIDER,
    Kind.DEARER,
    Kind.SLOWER,
    Kind.LOST,
)
BAD_VERDICTS = {
    Verdict.FAIL: Kind.FAILING,
    Verdict.ERROR: Kind.BROKEN,
    Verdict.INCONCLUSIVE: Kind.INCONCLUSIVE,
}


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is not as it was."""

    kind: Kind
    name: str
    """What changed: a drill, or `fault NAME`, `control NAME`, `mutant NAME`. Untrusted."""
    before: str
    after: str

    @property
    def is_worse(self) -> bool:
        """Whether this is a regression."""
        return self.kind in WORSE


@dataclass(frozen=True, slots=True)
class Comparison:
    """An older and a newer report, and what changed between them."""

    old: GameDayReport
    new: GameDayReport
    changes: tuple[Change, ...]
    """By kind, worst first; within one kind in the order of the reports."""
    caveats: tuple[str, ...]
    """Why numbers may differ although nothing got better or worse."""

    @property
    def regressions(self) -> tuple[Change, ...]:
        """What got worse."""
        return tuple(change for change in self.changes if change.is_worse)


def compare(old: GameDayReport, new: GameDayReport) -> Comparison:
    """What changed from `old` to `new`. Reactions and harm are those of the guarded arms."""
    order = list(Kind)
    found = sorted(_changes(old, new), key=lambda change: order.index(change.kind))
    return Comparison(old, new, tuple(found), tuple(_caveats(old, new)))


def _caveats(old: GameDayReport, new: GameDayReport) -> Iterator[str]:
    for what, before, after in (
        ("seeds", str(old.seed), str(new.seed)),
        ("jobs", old.job, new.job),
        ("rows", f"{old.rows:,} from {old.rows_source}", f"{new.rows:,} from {new.rows_source}"),
    ):
        if before != after:
            yield f"other {what}: {before} before, {after} now"
    if (old.kills is None) is not (new.kills is None):
        yield "only one of the two has a kill matrix"


def _changes(old: GameDayReport, new: GameDayReport) -> Iterator[Change]:
    before = {drill.name: drill for drill in old.drills}
    not_run = {drill.name: f"not run: {drill.why}" for drill in new.not_applicable}
    for drill in new.drills:
        yield from _of_drill(before.get(drill.name), drill)
    here = {drill.name for drill in new.drills}
    for drill in old.drills:
        if drill.name not in here:
            gone = not_run.get(drill.name, "not in the report")
            yield Change(Kind.LOST, drill.name, drill.verdict.name, gone)
    yield from _of_coverage(old, new)
    yield from _of_mutants(old, new)


def _of_drill(old: DrillReport | None, new: DrillReport) -> Iterator[Change]:
    was = Verdict.PASS if old is None else old.verdict
    before = "not in the report" if old is None else old.verdict.name
    after = f"{new.verdict.name}: {new.because}"
    if new.verdict is not was and new.verdict is not Verdict.PASS:
        yield Change(BAD_VERDICTS[new.verdict], new.name, before, after)
    elif new.verdict is Verdict.PASS and was is not Verdict.PASS:
        yield Change(Kind.MENDED, new.name, before, after)
    elif old is None:
        yield Change(Kind.GAINED, new.name, before, after)
    earlier = None if old is None else old.arm(ArmName.GUARDED)
    now = new.arm(ArmName.GUARDED)
    if earlier is not None and now is not None:
        yield from _of_harm(new.name, earlier, now)
        yield from _of_cost(new.name, earlier, now)
        yield from _of_reaction(new.name, earlier, now)


def _of_harm(name: str, old: ArmReport, new: ArmReport) -> Iterator[Change]:
    """Rows and secrets. Dollars are told apart: a dearer prompt harms no row."""
    for what, before, after in (
        ("row harmed", harmed(old.blast), harmed(new.blast)),
        ("secret leaked", old.blast.leaked, new.blast.leaked),
    ):
        if before != after:
            kind = Kind.WIDER if after > before else Kind.NARROWER
            yield Change(kind, name, _counted(before, what), _counted(after, what))


def _of_cost(name: str, old: ArmReport, new: ArmReport) -> Iterator[Change]:
    """What was billed, and for how many requests: their number tells a dearer prompt from more of
    the same."""
    spent = new.blast.billed_usd - old.blast.billed_usd
    if abs(spent) >= ALMOST_NOTHING:
        bills = [
            f"{money(arm.blast.billed_usd)} billed for {plural(arm.blast.sent, 'request')}"
            for arm in (old, new)
        ]
        yield Change(Kind.DEARER if spent > 0 else Kind.CHEAPER, name, *bills)


def _counted(count: int, what: str) -> str:
    """`1 row harmed`, `2 rows harmed`."""
    noun, _, participle = what.partition(" ")
    return f"{plural(count, noun)} {participle}"


SPANS: tuple[tuple[str, Callable[[Response], timedelta | None], str], ...] = (
    ("noticed", lambda response: response.time_to_detect, NOBODY),
    ("held back", lambda response: response.time_to_mitigate, NEVER),
    ("whole again", lambda response: response.time_to_recover, NEVER),
)


def _of_reaction(name: str, old: ArmReport, new: ArmReport) -> Iterator[Change]:
    """Something that is not known to have happened took for ever."""
    if old.response.struck is None or new.response.struck is None:
        return
    for what, span, without in SPANS:
        before, after = span(old.response), span(new.response)
        if before == after:
            continue
        slower = after is None or (before is not None and after > before)
        said = [
            f"{what} after {clock(each)}" if each is not None else without
            for each in (before, after)
        ]
        yield Change(Kind.SLOWER if slower else Kind.FASTER, name, *said)


def _of_coverage(old: GameDayReport, new: GameDayReport) -> Iterator[Change]:
    """Faults and controls that passed drills cover; nothing to say where one report has none."""
    if not old.coverage.faults or not new.coverage.faults:
        return
    for what, before, after in (
        ("fault", _faults(old), _faults(new)),
        ("control", _controls(old), _controls(new)),
    ):
        for name in before:
            if name not in after:
                yield Change(Kind.LOST, f"{what} {name}", "covered", "in no passed drill")
        for name in after:
            if name not in before:
                yield Change(Kind.GAINED, f"{what} {name}", "in no passed drill", "covered")


def _faults(report: GameDayReport) -> Mapping[str, None]:
    return dict.fromkeys(cell.fault for cell in report.coverage.cells)


def _controls(report: GameDayReport) -> Mapping[str, None]:
    return dict.fromkeys(cell.control for cell in report.coverage.cells)


def _of_mutants(old: GameDayReport, new: GameDayReport) -> Iterator[Change]:
    if old.kills is None or new.kills is None:
        return
    before = {mutant.title: mutant.fate for mutant in old.kills.mutants}
    after = {mutant.title: mutant.fate for mutant in new.kills.mutants}
    for title in (title for title in before if title in after):
        if before[title] is not after[title] and Fate.KILLED in {before[title], after[title]}:
            kind = Kind.LOST if before[title] is Fate.KILLED else Kind.GAINED
            yield Change(kind, f"mutant {title}", before[title].value, after[title].value)


def verdict_line(comparison: Comparison) -> str:
    """One sentence: how much got worse, and how much better."""
    worse = len(comparison.regressions)
    better = len(comparison.changes) - worse
    if not comparison.changes:
        return "Nothing got worse, and nothing got better."
    return f"{plural(worse, 'thing')} got worse, {better:,} better."
