"""Words and numbers that every format shares. Nothing here judges; it only puts into words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from reports.model import (
    ArmName,
    ArmReport,
    BlastRadius,
    DrillReport,
    Finding,
    GameDayReport,
    Outcome,
    People,
    Verdict,
)
from reports.people import NO_ARMS, missing, source

CENT = Decimal("0.01")
SMALLEST_SHOWN = Decimal("0.0001")

SYMBOLS = {Verdict.PASS: "✓", Verdict.INCONCLUSIVE: "?", Verdict.FAIL: "✗", Verdict.ERROR: "!"}

MEANINGS = {
    Verdict.PASS: "proved their control",
    Verdict.INCONCLUSIVE: "proved nothing",
    Verdict.FAIL: "failed",
    Verdict.ERROR: "could not be run to the end",
}

OUTCOMES = {
    Outcome.HELD: "held",
    Outcome.BROKE: "broke",
    Outcome.NOT_EXERCISED: "was not exercised",
    Outcome.RAISED: "raised an error",
}


@dataclass(frozen=True, slots=True)
class Saved:
    """What the bare arms cost more than the guarded ones."""

    rows: int = 0
    """Rows wrong in the system of record, lost, or paid twice."""
    leaks: int = 0
    """Requests that carried a value that is not allowed."""
    usd: Decimal = Decimal(0)
    """Negative if the controls cost more than they saved."""


def saved_by(drill: DrillReport) -> Saved | None:
    """The difference between bare and guarded; None if one of them did not run."""
    bare, guarded = drill.arm(ArmName.BARE), drill.arm(ArmName.GUARDED)
    if bare is None or guarded is None:
        return None
    return Saved(
        rows=harmed(bare.blast) - harmed(guarded.blast),
        leaks=bare.blast.leaked - guarded.blast.leaked,
        usd=bare.blast.billed_usd - guarded.blast.billed_usd,
    )


def saved_in_all(report: GameDayReport) -> Saved:
    """The sum over the drills that passed: what was not proved is not claimed."""
    proved = [drill for drill in report.drills if drill.verdict is Verdict.PASS]
    each = [saved for saved in map(saved_by, proved) if saved]
    return Saved(
        rows=sum(saved.rows for saved in each),
        leaks=sum(saved.leaks for saved in each),
        usd=sum((saved.usd for saved in each), Decimal(0)),
    )


def gains(report: GameDayReport) -> str:
    """`Saved 1,041 rows, 3 leaks and $12.00.`, or nothing if nothing was saved."""
    said = _things(saved_in_all(report), "Saved ")
    return f"{said}." if said else ""


def _things(saved: Saved, verb: str) -> str:
    things = [plural(saved.rows, "row")] if saved.rows > 0 else []
    things += [plural(saved.leaks, "leak")] if saved.leaks > 0 else []
    things += [money(saved.usd)] if saved.usd > 0 else []
    if not things:
        return ""
    price = f" for {money(-saved.usd)} more" if saved.usd < 0 else ""
    return f"{verb}{enumerate_words(things)}{price}"


def enumerate_words(words: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def harmed(blast: BlastRadius) -> int:
    """Rows that are wrong in the system of record, or nowhere, or were paid for twice."""
    return blast.wrong + blast.lost + blast.paid_twice


def headline(report: GameDayReport) -> str:
    """One sentence: how many drills proved their control, and what became of the others."""
    if not report.drills:
        return "No drill was run, so nothing was proved."
    if is_live(report):
        return _live_headline(report)
    proved, all_drills = report.count(Verdict.PASS), len(report.drills)
    sentence = f"{proved} of {plural(all_drills, 'drill')} "
    if is_of_a_stranger(report):
        sentence += "held"
    else:
        sentence += f"proved {'its' if 1 in {proved, all_drills} else 'their'} control"
    others = [
        f"{report.count(verdict)} {MEANINGS[verdict]}"
        for verdict in sorted(Verdict, reverse=True)
        if verdict is not Verdict.PASS and report.count(verdict)
    ]
    return "; ".join([sentence, *others]) + "."


def is_live(report: GameDayReport) -> bool:
    """Whether all of it was played with people, so that no drill of it has arms."""
    return bool(report.drills) and all(drill.people for drill in report.drills)


def is_of_a_stranger(report: GameDayReport) -> bool:
    """Whether a pipeline of the user's own was on trial: nobody can see its controls."""
    return any(
        drill.controls and guarded is not None and not guarded.asked
        for drill in report.drills
        for guarded in [drill.arm(ArmName.GUARDED)]
    )


def _live_headline(report: GameDayReport) -> str:
    """The same for a live game day, in which no control was put to the proof."""
    met, incidents = report.count(Verdict.PASS), len(report.drills)
    silent = report.count(Verdict.INCONCLUSIVE)
    what = f"{met} of {plural(incidents, 'incident')} noticed, stopped and reversed by people"
    others = [f"{report.count(Verdict.FAIL)} not"] if report.count(Verdict.FAIL) else []
    others += [f"{silent} never struck"] if silent else []
    return f"{'; '.join([what, *others])}. {NO_ARMS[0].upper()}{NO_ARMS[1:]}."


def people_lines(people: People) -> list[str]:
    """What people came to in an incident, one line for each moment. Untrusted text."""
    lines = [f"injected at +{clock(people.injected_after)} by {people.injected_by}"]
    lines += [
        f"{injection.name} {'struck' if injection.fired else 'never struck'}"
        f"{f' {injection.fired:,} times' if injection.fired > 1 else ''}"
        for injection in people.injections
    ]
    lines += [
        f"{word.moment} after {clock(word.after)} ({clock(word.waited)} on the wall) by {word.by}, "
        f"{source(word)}{f': {word.note}' if word.note else ''}"
        for word in people.words
    ]
    return lines + [f"never {moment}" for moment in missing(people)]


def plural(count: int, noun: str) -> str:
    """`1 row`, `3,000 rows`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def money(usd: Decimal) -> str:
    """Dollars to the cent, and to a hundredth of a cent where less than a dollar needs it."""
    sign, size = ("-", -usd) if usd < 0 else ("", usd)
    if 0 < size < SMALLEST_SHOWN:
        return f"{sign}<${SMALLEST_SHOWN}"
    precise = size < 1 and size % CENT
    return f"{sign}${size:,.4f}" if precise else f"{sign}${size:,.2f}"


def clock(duration: timedelta) -> str:
    """Hours, minutes and seconds, `24:10:00`; milliseconds only where there are some."""
    sign, size = ("-", -duration) if duration < timedelta(0) else ("", duration)
    minutes, seconds = divmod(size.days * 86_400 + size.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{size.microseconds // 1_000:03}" if size.microseconds else ""
    return f"{sign}{hours}:{minutes:02}:{seconds:02}{fraction}"


def held_or_broke(arm: ArmReport) -> str:
    """What happened to this arm, in one word."""
    return "held" if arm.held else "broke"


def as_expected(arm: ArmReport) -> str:
    """Whether that is what had to happen."""
    if arm.held is arm.expected_to_hold:
        return "as it should"
    return "should have held" if arm.expected_to_hold else "should have broken"


def promoted(blast: BlastRadius) -> str:
    """`2,959 of 3,000 rows promoted, 41 quarantined`."""
    kept_back = f", {blast.quarantined:,} quarantined" if blast.quarantined else ""
    return f"{blast.promoted:,} of {plural(blast.rows, 'row')} promoted{kept_back}"


def detection(arm: ArmReport) -> str:
    """When somebody noticed, in virtual time."""
    if arm.detected_after is None:
        return "nobody noticed"
    return f"noticed at +{clock(arm.detected_after)}"


RESTORED = {
    True: "restore verified: the record is as it was, row by row",
    False: "the rollback did not restore the record",
    None: "no restore was verified",
}


def restore(drill: DrillReport) -> str:
    """Whether the rollback of the runbook put the record back."""
    return RESTORED[drill.restored]


def expectation(drill: DrillReport, arm: ArmReport) -> str:
    """What had to happen in this arm, and why."""
    what = "hold" if arm.expected_to_hold else "break"
    with_, without = enumerate_words(list(drill.controls) or ["controls"]), "nothing goes wrong"
    if drill.controls and not arm.asked and arm.arm is ArmName.GUARDED:
        with_ = "the pipeline as it is"
    if arm.arm is ArmName.CALM:
        return f"{what}: {without}"
    struck = enumerate_words([each.name for each in arm.injections]) if arm.injections else without
    return f"{what}: {struck}, {'without' if arm.arm is ArmName.BARE else 'with'} {with_}"


def observation(arm: ArmReport) -> str:
    """What did happen: the outcome, how the pipeline ended, and the checks that did not hold."""
    broken = [each.check for each in arm.findings if each.outcome is not Outcome.HELD]
    checks = f"; not held: {enumerate_words(broken)}" if broken else ""
    return f"{held_or_broke(arm)}: ended {arm.ended}{checks}"


def reaction(arm: ArmReport) -> str:
    """How fast the harm was noticed, held back and made good, from the first strike on."""
    response = arm.response
    if response.struck is None:
        return detection(arm)
    spans = (
        ("noticed", response.time_to_detect),
        ("held back", response.time_to_mitigate),
        ("whole again", response.time_to_recover),
    )
    said = [f"{what} after {clock(span)}" for what, span in spans if span is not None]
    return ", ".join(said) or "nobody noticed, and nothing was made good"


def saving(drill: DrillReport) -> str:
    """`saved 12 rows and $0.42`: what the bare arm lost and the guarded one did not."""
    saved = saved_by(drill)
    return "" if saved is None else _things(saved, "saved ")


def families(drills: Iterable[DrillReport]) -> list[tuple[str, list[DrillReport]]]:
    """Drills by the name that their variants share, in the order of the first of each."""
    found: dict[str, list[DrillReport]] = {}
    for drill in drills:
        found.setdefault(drill.name.partition(".")[0], []).append(drill)
    return list(found.items())


def own_words(drill: DrillReport) -> list[str]:
    """What the pipeline or a check itself gave as its reason, one line for each.

    For instance `guarded halted: the worst case of $35.20 exceeds the ceiling`. Untrusted text.
    """
    if drill.people is not None:
        return people_lines(drill.people)
    endings = [f"{arm.arm.value} {arm.ended}" for arm in drill.arms if ": " in arm.ended]
    return endings + [
        _sentence(arm, finding)
        for arm in drill.arms
        for finding in arm.findings
        if finding.outcome is Outcome.RAISED
    ]


def troubles(drill: DrillReport) -> list[str]:
    """What stands between this drill and a PASS, most telling first, as plain clauses."""
    return [line for arm in drill.arms for line in _troubles_of(arm)]


def other_troubles(drill: DrillReport) -> list[str]:
    """The same without what the reason of the verdict and `own_words` say already."""
    said = set(own_words(drill)) | {
        _sentence(arm, finding)
        for arm in drill.arms
        for finding in arm.findings
        if finding.says == drill.because or finding.evidence == (arm.ended,)
    }
    return [line for line in troubles(drill) if line not in said]


def _troubles_of(arm: ArmReport) -> list[str]:
    wanted = {Outcome.NOT_EXERCISED, Outcome.RAISED}
    if arm.expected_to_hold:
        wanted.add(Outcome.BROKE)
    lines = [
        _sentence(arm, *same) for same in alike(f for f in arm.findings if f.outcome in wanted)
    ]
    if arm.arm is ArmName.BARE:
        lines += [
            f"{arm.arm.value}: {injection.name} never fired"
            for injection in arm.injections
            if not injection.fired
        ]
    return lines


def alike(findings: Iterable[Finding]) -> list[list[Finding]]:
    """Findings in their order, those together that name the same offenders: several checks may
    see one and the same harm."""
    found: dict[object, list[Finding]] = {}
    for finding in findings:
        harm = (finding.outcome, finding.offenders, finding.evidence)
        found.setdefault(harm if finding.evidence else id(finding), []).append(finding)
    return list(found.values())


def _sentence(arm: ArmReport, finding: Finding, *same: Finding) -> str:
    outcome = OUTCOMES[finding.outcome]
    checks = enumerate_words(list(dict.fromkeys(each.check for each in (finding, *same))))
    says = "; ".join(dict.fromkeys(each.says for each in (finding, *same)))
    text = f"{arm.arm.value}: {checks} {outcome}: {says}"
    return f"{text}; first: {finding.evidence[0]}" if finding.evidence else text
