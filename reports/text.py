"""The report for a terminal: a line for each family of drills that passed, a block for every other
drill, and one line for the whole game day. What matters most stands last, where a terminal ends.
A handful of drills gets a block each.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from reports.gaps import Severity, gaps
from reports.luck import luck, strokes
from reports.model import (
    ArmName,
    ArmReport,
    Coverage,
    DrillReport,
    GameDayReport,
    NotApplicable,
    Verdict,
)
from reports.phrases import (
    clock,
    families,
    gains,
    headline,
    held_or_broke,
    money,
    other_troubles,
    own_words,
    plural,
    promoted,
    reaction,
    saving,
)
from reports.scorecard import scorecard
from reports.toll import bare_line, toll_line
from reports.untrusted import shown, shown_command, shown_end, told

INDENT = " " * 6
WORDS_SHOWN = 400
"""Characters of one reason; the rest is in the HTML report."""
TROUBLES_SHOWN = 5
"""Per drill; the HTML report has all of them."""
NAME_SHOWN = 60
HANDFUL = 4
"""So many drills are shown in full, whatever came of them."""
LISTED = 5
"""Gaps and strokes of luck; the HTML and the Markdown report have all of them."""
OPEN_SHOWN = 20
"""Faults or controls without a drill that are named; `report.json` has all of them."""


class Style(Enum):
    """How the verdict words are written."""

    PLAIN = "plain"
    COLOUR = "colour"


COLOURS = {
    Verdict.PASS: "\x1b[1;32m",
    Verdict.INCONCLUSIVE: "\x1b[1;33m",
    Verdict.FAIL: "\x1b[1;31m",
    Verdict.ERROR: "\x1b[1;35m",
}
RESET = "\x1b[0m"


def render_text(report: GameDayReport, style: Style = Style.PLAIN) -> str:
    """The whole game day as lines of text; escape sequences only for `Style.COLOUR`."""
    passed = [drill for drill in report.drills if drill.verdict is Verdict.PASS]
    others = [drill for drill in report.drills if drill.verdict is not Verdict.PASS]
    if len(report.drills) <= HANDFUL:
        blocks = [list(drill_lines(drill, style)) for drill in report.drills]
        others = []
    else:
        blocks = [_passed_lines(passed, style)]
    blocks += [[_not_applicable(drill)] for drill in report.not_applicable]
    if report.coverage.cells:
        blocks.append(list(_holes(report.coverage)))
    blocks.append(list(_luck_lines(report)))
    blocks += [list(drill_lines(drill, style)) for drill in others]
    blocks.append(list(_gap_lines(report)))
    whole = filter(None, [bare_line(report), toll_line(report)])
    blocks.append([*whole, _summary(report, style)])
    text = "\n\n".join("\n".join(lines) for lines in blocks if lines)
    return "\n".join(map(told, text.split("\n"))) + "\n"


def drill_lines(drill: DrillReport, style: Style = Style.PLAIN) -> Iterator[str]:
    """One drill: verdict, claim, why, the three arms, what went wrong, and how to repeat it."""
    yield f"{_verdict(drill.verdict, style)}  {shown(drill.name)}"
    yield f"{INDENT}{shown(drill.claim)}"
    yield f"{INDENT}{shown(drill.because)}"
    yield from (f"{INDENT}  {shown(words, WORDS_SHOWN)}" for words in own_words(drill))
    yield from _arm_lines(drill.arms)
    yield from _trouble_lines(drill)
    if drill.error:
        yield from (f"{INDENT}| {line}" for line in shown_end(drill.error).split("\n"))
    if drill.verdict is not Verdict.PASS:
        if drill.arms:
            yield f"{INDENT}{drill.arms[-1].arm.value}: {reaction(drill.arms[-1])}"
        yield from (
            f"{INDENT}{step.phase.value}: {shown_command(step.command)}" for step in drill.runbook
        )
    yield f"{INDENT}again: {shown_command(drill.replay)}"


def _passed_lines(drills: list[DrillReport], style: Style) -> list[str]:
    """One line for each family: how many variants, and what the controls saved in all of them."""
    found = families(drills)
    names = [shown(name, NAME_SHOWN) for name, _ in found]
    width = max(map(len, names), default=0)
    lines = []
    for name, (_, members) in zip(names, found, strict=True):
        variants = f"{plural(len(members), 'variant')}; " if len(members) > 1 else ""
        says = f"{variants}{shown(_gist(members), WORDS_SHOWN)}"
        lines.append(f"{_verdict(Verdict.PASS, style)}  {name:<{width}}  {says}")
    return lines


def _gist(members: list[DrillReport]) -> str:
    """What the drill came to: the saving of the first variant that has one, else why it passed;
    and the rows of the first that kept some back."""
    gist = next(filter(None, map(saving, members)), members[0].because)
    guarded = (drill.arm(ArmName.GUARDED) for drill in members)
    kept_back = next((arm.blast.quarantined for arm in guarded if arm and arm.blast.quarantined), 0)
    return f"{gist}; {plural(kept_back, 'row')} quarantined" if kept_back else gist


def _luck_lines(report: GameDayReport) -> Iterator[str]:
    found = luck(report)
    if found:
        yield f"where we got lucky: {plural(len(found), 'stroke')}, in the HTML report"
        yield from (f"{INDENT}{shown(each, WORDS_SHOWN)}" for each in strokes(found)[:LISTED])


def _gap_lines(report: GameDayReport) -> Iterator[str]:
    """The heavy ones by name; those that a run of few drills has by nature are counted."""
    found = gaps(report)
    heavy = [gap for gap in found if gap.severity is not Severity.LOW][:LISTED]
    if found:
        small = "" if heavy else "; none of them is heavy, the HTML report has them"
        yield f"gaps: {len(found):,}{', heaviest first' if heavy else small}"
        for gap in heavy:
            what = f"{shown(gap.name)}: {shown(gap.what, WORDS_SHOWN)}"
            who = f"{shown(gap.owner)}, {shown(gap.due)}"
            yield f"{INDENT}{gap.severity.name.lower():<8}  {what} ({who})"
        if heavy and len(found) > len(heavy):
            yield f"{INDENT}and {len(found) - len(heavy):,} more in the HTML report"


def coverage_lines(coverage: Coverage) -> Iterator[str]:
    """Moment by moment: each fault with the controls that stood against it and the number of
    drills; then what no drill covers."""
    moment = ""
    by_fault: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for cell in coverage.cells:
        held = by_fault.setdefault((cell.moment, cell.fault), [])
        held.append((cell.control, len(cell.drills)))
    width = max((len(fault) for _, fault in by_fault), default=0)
    for (when, fault), held in by_fault.items():
        if when != moment:
            moment = when
            yield f"covered: {shown(moment)}"
        says = ", ".join(f"{shown(control)} {count}" for control, count in held)
        yield f"{INDENT}{shown(fault):<{width}}  {says}"
    yield from _holes(coverage)


def _holes(coverage: Coverage) -> Iterator[str]:
    """How much of the catalogue is covered, and what is not."""
    for title, total, left in (
        ("faults", coverage.faults, coverage.open_faults),
        ("controls", coverage.controls, coverage.open_controls),
    ):
        yield f"covered: {total - len(left):,} of {total:,} {title} of the catalogue"
        if len(left) > OPEN_SHOWN:
            yield f"{INDENT}in none of these drills: {len(left):,}; report.json names them"
        elif left:
            yield f"{INDENT}in none of these drills: {', '.join(map(shown, left))}"


def _arm_lines(arms: tuple[ArmReport, ...]) -> Iterator[str]:
    rows = [
        (arm.arm.value, held_or_broke(arm), clock(arm.lasted), promoted(arm.blast)) for arm in arms
    ]
    times = max((len(row[2]) for row in rows), default=0)
    words = max((len(row[3]) for row in rows), default=0)
    for arm, (name, outcome, lasted, done) in zip(arms, rows, strict=True):
        cost = money(arm.blast.billed_usd)
        yield f"{INDENT}{name:<9} {outcome:<6} {lasted:>{times}}   {done:<{words}}   {cost}"


def _trouble_lines(drill: DrillReport) -> Iterator[str]:
    """A drill that passed has no trouble to show."""
    if drill.verdict is Verdict.PASS:
        return
    lines = other_troubles(drill)
    for line in lines[:TROUBLES_SHOWN]:
        yield f"{INDENT}- {shown(line)}"
    if len(lines) > TROUBLES_SHOWN:
        yield f"{INDENT}- and {len(lines) - TROUBLES_SHOWN} more in the HTML report"


def _not_applicable(drill: NotApplicable) -> str:
    return f"not applicable  {shown(drill.name)}\n{INDENT}{shown(drill.why)}"


def _summary(report: GameDayReport, style: Style) -> str:
    card = scorecard(report)
    controls = f"{card.controls_proven} of {report.coverage.controls} controls are proven."
    sentences = [
        headline(report),
        f"{plural(card.not_run, 'planned drill')} not run." if card.not_run else "",
        controls if report.coverage.controls else "",
        gains(report),
        f"Seed {report.seed}.",
    ]
    return f"{_verdict(report.verdict, style)}  {' '.join(filter(None, sentences))}"


def _verdict(verdict: Verdict, style: Style) -> str:
    if style is Style.PLAIN:
        return f"{verdict.name:<4}"
    return f"{COLOURS[verdict]}{verdict.name:<4}{RESET}"
