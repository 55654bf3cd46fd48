"""The report as Markdown, for the summary of a CI job or a comment: most important first.

GitHub refuses a summary of more than 1,024 KiB as a whole, so what does not fit is left out from
the end on, and a sentence says what. Untrusted text is made visible first, then each character
that means something in Markdown is escaped: it makes no element, no link and no mention.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from reports.gaps import gaps
from reports.kills import Fate
from reports.luck import luck, strokes
from reports.model import DrillReport, GameDayReport, Verdict
from reports.phrases import (
    SYMBOLS,
    expectation,
    families,
    gains,
    headline,
    money,
    observation,
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

MARK = "<!-- gameday report -->"
LARGEST = 1_000_000
"""Bytes; 1,024 KiB are 1,048,576."""
SENTENCES = 1_000
"""Characters of the sentences at the top."""
WORDS = 300
"""Characters of one text in a table."""
TROUBLES = 10
"""Per drill; the HTML report has all of them."""
SPECIAL = re.compile(
    r"([\\`*_\[\]#|~@$]"  # emphasis, code, links, headings, cells, mentions, formulas
    r"|:(?=//|(?!\d\d:)[\w+-]+:)|(?<=www)\."  # addresses that become links, and emoji, no clock
    r"|^[-+=]|(?<=^\d)[.)](?!\S)|(?<=^\d\d)[.)](?!\S))",  # lists, underlines
    re.IGNORECASE,
)
CODE_RUNS = re.compile(r"`+")


def render_markdown(report: GameDayReport, largest: int = LARGEST) -> str:
    """The report as Markdown of at most so many bytes."""
    return fitted(list(_sections(report)), largest)


def fitted(sections: Sequence[tuple[str, str]], largest: int) -> str:
    """Sections by title, the first that do not fit and all after them named in one sentence."""
    note = f"\nLeft out here, as it does not fit: {', '.join(title for title, _ in sections)}.\n"
    room = largest - len(note.encode())
    written: list[str] = []
    for place, (_, text) in enumerate(sections):
        room -= len(f"{text}\n".encode())
        if room < 0:
            titles = dict.fromkeys(title for title, _ in sections[place:])
            written.append(f"Left out here, as it does not fit: {', '.join(titles)}.")
            break
        written.append(text)
    return "\n".join(written).rstrip("\n") + "\n"


def plain(text: str, limit: int = WORDS) -> str:
    """Untrusted text as Markdown that means nothing but itself."""
    safe = shown(text, limit).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return SPECIAL.sub(r"\\\1", safe)


def code(text: str) -> str:
    """Untrusted text between as many backticks as it takes; not for the cell of a table."""
    inside = told(shown_command(text))
    fence = "`" * (1 + max(map(len, CODE_RUNS.findall(inside)), default=0))
    return f"{fence} {inside} {fence}" if "`" in inside or not inside else f"`{inside}`"


def block(text: str) -> str:
    """Untrusted lines, indented so that no line of them is anything but code."""
    return "\n".join(f"    {told(line)}" for line in text.split("\n"))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; the cells are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def _sections(report: GameDayReport) -> Iterator[tuple[str, str]]:
    """Title and text, most important first."""
    yield "the headline", _head(report)
    for drill in sorted(report.drills, key=lambda drill: -WEIGHT[drill.verdict]):
        if drill.verdict is not Verdict.PASS:
            yield "drills that did not pass", _drill(drill)
    yield from _gaps(report)
    yield from _luck(report)
    yield from _passed(report)
    yield from _not_run(report)
    yield from _kills(report)
    yield from _coverage(report)
    facts = [(plain(fact.name), plain(fact.value)) for fact in report.appendix]
    yield "the appendix", "## Appendix\n\n" + table(("what", "value"), facts)


WEIGHT = {Verdict.FAIL: 3, Verdict.ERROR: 2, Verdict.INCONCLUSIVE: 1, Verdict.PASS: 0}


def _head(report: GameDayReport) -> str:
    card = scorecard(report)
    rows = [
        ("drills", f"{card.passed} passed, {card.run} run of {card.planned} planned"),
        *([("not run", f"{card.not_run}")] if card.not_run else []),
    ]
    if report.coverage.controls:
        rows.append(
            ("controls", f"{card.controls_proven} proven, {card.controls_not_proven} not proven")
        )
        rows.append(("faults", f"{card.faults_covered} covered, {card.faults_open} not covered"))
    if card.mutants_killed is not None:
        rows.append(("mutants", f"{card.mutants_killed} noticed, {card.mutants_alive} not"))
    rows.append(("gaps", f"{len(gaps(report))}"))
    sentences = " ".join(filter(None, (headline(report), gains(report), toll_line(report))))
    origin = f"Seed {report.seed}, {report.rows:,} rows from {report.rows_source}."
    verdict = f"{SYMBOLS[report.verdict]} {report.verdict.name}"
    return "\n".join(
        [
            MARK,
            f"# {verdict}: game day of {plain(report.job)}",
            "",
            plain(sentences, SENTENCES),
            "",
            *([plain(bare_line(report)), ""] if bare_line(report) else []),
            table(("scorecard", ""), rows),
            f"{plain(origin)} Again: {code(report.command)}",
            "",
        ]
    )


def _drill(drill: DrillReport) -> str:
    lines = [
        f"## {SYMBOLS[drill.verdict]} {drill.verdict.name}: {plain(drill.name)}",
        "",
        f"{plain(drill.claim)} Why: {plain(drill.because)}.",
        "",
    ]
    reasons = list(dict.fromkeys([*own_words(drill), *other_troubles(drill)]))
    lines += [f"- {plain(reason)}" for reason in reasons[:TROUBLES]]
    if len(reasons) > TROUBLES:
        lines.append(f"- and {len(reasons) - TROUBLES} more in the HTML report")
    if drill.error:
        lines += ["", "The harness said:", "", block(shown_end(drill.error))]
    if drill.arms:
        head = ("arm", "expected to", "observed", "rows", "billed", "reaction")
        rows = [
            (
                arm.arm.value,
                plain(expectation(drill, arm)),
                plain(observation(arm)),
                promoted(arm.blast),
                plain(money(arm.blast.billed_usd)),
                plain(reaction(arm)),
            )
            for arm in drill.arms
        ]
        lines += ["", table(head, rows)]
    lines += [f"1. {step.phase.value}: {code(step.command)}" for step in drill.runbook]
    return "\n".join([*lines, "", f"Again: {code(drill.replay)}", ""])


def _gaps(report: GameDayReport) -> Iterator[tuple[str, str]]:
    found = gaps(report)
    if found:
        rows = [
            (
                gap.severity.name.lower(),
                plain(gap.name),
                plain(gap.what),
                plain(gap.owner),
                plain(gap.due),
                "the command below" if gap.turns_green else plain(gap.otherwise),
            )
            for gap in found
        ]
        head = ("severity", "gap", "what", "owner", "due", "closed when this is green")
        commands = [
            f"- {plain(gap.name)}: {code(gap.turns_green)}" for gap in found if gap.turns_green
        ]
        text = "\n".join([table(head, rows), *commands, *([""] if commands else [])])
        yield "gaps", "## Gaps\n\n" + text


def _luck(report: GameDayReport) -> Iterator[tuple[str, str]]:
    found = luck(report)
    if found:
        lines = [f"- {plain(stroke)}" for stroke in strokes(found)]
        yield "where we got lucky", "\n".join(["## Where we got lucky", "", *lines, ""])


def _passed(report: GameDayReport) -> Iterator[tuple[str, str]]:
    passed = [drill for drill in report.drills if drill.verdict is Verdict.PASS]
    if not passed:
        return
    rows = []
    for family, drills in families(passed):
        first = drills[0]
        guarded = first.arms[-1] if first.arms else None
        variants = f" ({plural(len(drills), 'variant')})" if len(drills) > 1 else ""
        rows.append(
            (
                plain(f"{family}{variants}"),
                plain(first.claim),
                plain(_met(first) if guarded is None else reaction(guarded)),
                plain(saving(first)),
            )
        )
    head = ("drill", "claim", "with the controls", "saving")
    yield "drills that passed", "## Passed\n\n" + table(head, rows)


def _met(drill: DrillReport) -> str:
    """How people met a live incident."""
    return "; ".join(own_words(drill))


def _not_run(report: GameDayReport) -> Iterator[tuple[str, str]]:
    if report.not_applicable:
        rows = [(plain(drill.name), plain(drill.why)) for drill in report.not_applicable]
        yield "drills that were not run", "## Not run\n\n" + table(("drill", "why"), rows)


def _kills(report: GameDayReport) -> Iterator[tuple[str, str]]:
    if report.kills is None:
        return
    controls = dict.fromkeys(mutant.control for mutant in report.kills.mutants)
    rows = []
    for control in controls:
        mine = [mutant for mutant in report.kills.mutants if mutant.control == control]
        fates = [str(sum(mutant.fate is fate for mutant in mine)) for fate in Fate]
        rows.append((plain(control), *fates))
    head = ("broken control", *(fate.value for fate in Fate))
    yield "the kill matrix", "## Kill matrix\n\n" + table(head, rows)


def _coverage(report: GameDayReport) -> Iterator[tuple[str, str]]:
    if not report.coverage.cells:
        return
    rows = [
        (plain(cell.moment), plain(cell.fault), plain(cell.control), str(len(cell.drills)))
        for cell in report.coverage.cells
    ]
    head = ("moment", "fault", "control", "drills")
    yield "the coverage", "## Coverage\n\n" + table(head, rows)
