"""Report values with defaults, so that whatever a test sets is what that test is about."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from reports import (
    ArmName,
    ArmReport,
    Asked,
    Assignment,
    BlastRadius,
    Cell,
    Coverage,
    DrillReport,
    Entry,
    Fact,
    Finding,
    GameDayReport,
    Injection,
    NotApplicable,
    Outcome,
    Phase,
    Response,
    RunbookStep,
    Verdict,
)
from reports.kills import Fate, KillMatrix, MutantReport, Trial


def a_blast(**changes: Any) -> BlastRadius:
    """Three thousand rows, all of them promoted, for $1.05 of $40."""
    blast = BlastRadius(
        rows=3_000,
        sent=3_000,
        promoted=3_000,
        wrong=0,
        lost=0,
        quarantined=0,
        waiting=0,
        leaked=0,
        billed_usd=Decimal("1.05"),
        approved_usd=Decimal("40.00"),
    )
    return replace(blast, **changes)


def a_finding(**changes: Any) -> Finding:
    """A check that saw all rows and was content."""
    finding = Finding(
        check="EveryRowAccountedFor",
        outcome=Outcome.HELD,
        says="3000 of 3000 rows are accounted for",
        examined=3_000,
    )
    return replace(finding, **changes)


def a_broken_finding(**changes: Any) -> Finding:
    """A check that found rows missing, with the first of them as evidence."""
    broken = a_finding(
        outcome=Outcome.BROKE,
        says="1500 of 3000 rows are nowhere",
        offenders=1_500,
        evidence=("ticket-17", "ticket-18"),
    )
    return replace(broken, **changes)


def an_injection(**changes: Any) -> Injection:
    """A stall that struck once."""
    injection = Injection(
        name="Stall(after_requests=1500, lasting=25h)",
        story="The service stops working half-way through the batch.",
        planned="once",
        fired=1,
        where=("msgbatch_0001 after 1500 requests",),
    )
    return replace(injection, **changes)


def a_response(*, guarded: bool = True) -> Response:
    """A stall after an hour; with the controls it is noticed, held back and made good."""
    struck = Entry(timedelta(hours=1), "fault", "Stall: msgbatch_0001 after 1500 requests")
    if not guarded:
        return Response(struck)
    return Response(
        struck,
        Entry(timedelta(hours=24), "alarm", "1500 rows expired"),
        Entry(timedelta(hours=24), "control", "Resubmit: 1500 rows are sent again (round 1)"),
        Entry(timedelta(hours=24, minutes=10), "pipeline", "promoted 3,000 rows"),
    )


def an_arm(arm: ArmName = ArmName.CALM, **changes: Any) -> ArmReport:
    """The arm as it is when a drill passes: calm and guarded hold, bare breaks."""
    bare = arm is ArmName.BARE
    report = ArmReport(
        arm=arm,
        held=not bare,
        expected_to_hold=not bare,
        ended="done",
        lasted=timedelta(minutes=20) if arm is ArmName.CALM else timedelta(hours=24),
        blast=a_blast(promoted=1_500, lost=1_500) if bare else a_blast(),
        findings=(a_broken_finding() if bare else a_finding(),),
        injections=() if arm is ArmName.CALM else (an_injection(),),
        alarms=("1500 rows expired",) if arm is ArmName.GUARDED else (),
        timeline=(Entry(timedelta(0), "pipeline", "sends 3000 requests"),),
        response=Response() if arm is ArmName.CALM else a_response(guarded=not bare),
        asked=() if bare else (Asked("Requeue", 4, 1), Asked("CostCeiling", 9, 1)),
    )
    return replace(report, **changes)


def three_arms(**changes: ArmReport) -> tuple[ArmReport, ...]:
    """Calm, bare and guarded; `guarded=...` replaces one of them."""
    return tuple(changes.get(name.value, an_arm(name)) for name in ArmName)


def a_drill(**changes: Any) -> DrillReport:
    """A drill that passed."""
    drill = DrillReport(
        name="expired_rows_are_resent",
        claim="Rows that run out of time are sent again, once, within the budget.",
        story="The service stops half-way through.\n\nHalf of the rows come back `expired`.",
        failure_mode="expiry",
        controls=("Requeue(max_rounds=1)", "CostCeiling(usd=40)"),
        verdict=Verdict.PASS,
        because="broke without the controls, held with them",
        arms=three_arms(),
        runbook=(
            RunbookStep(Phase.STOP, "gameday halt tickets", "the switch was on", worked=True),
            RunbookStep(Phase.REVERSE, "gameday rollback tickets", ""),
        ),
        replay="gameday run expired_rows_are_resent --seed 7",
    )
    return replace(drill, **changes)


def a_report(*drills: DrillReport, **changes: Any) -> GameDayReport:
    """A game day with one passed drill, or with the drills given."""
    report = GameDayReport(
        seed=7,
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
        command="gameday run --seed 7",
        job="ticket-triage v3",
        rows_source="seeded support tickets",
        rows=3_000,
        drills=drills or (a_drill(),),
        not_applicable=(),
        appendix=(Fact("anthropic", "2.11.0"),),
    )
    return replace(report, **changes)


def a_failed_drill(**changes: Any) -> DrillReport:
    """A drill whose guarded arm broke; two checks judged it."""
    first = a_finding()
    guarded = an_arm(
        ArmName.GUARDED,
        held=False,
        findings=(
            a_finding(),
            a_broken_finding(
                check="NoRowPaidTwice",
                says="12 of 3000 rows were billed twice",
                offenders=12,
                evidence=("ticket-4", "ticket-9"),
            ),
        ),
    )
    drill = a_drill(
        name="lost_create_is_not_repeated",
        verdict=Verdict.FAIL,
        because="the guarded arm did not hold",
        arms=three_arms(
            calm=an_arm(findings=(first, a_finding(check="NoRowPaidTwice"))),
            bare=an_arm(ArmName.BARE, findings=(a_broken_finding(), first)),
            guarded=guarded,
        ),
    )
    return replace(drill, **changes)


def an_inconclusive_drill(**changes: Any) -> DrillReport:
    """A drill whose fault never fired, so that bare held."""
    bare = an_arm(
        ArmName.BARE,
        held=True,
        blast=a_blast(),
        findings=(a_finding(outcome=Outcome.NOT_EXERCISED, says="no row expired", examined=0),),
        injections=(an_injection(fired=0, where=()),),
    )
    drill = a_drill(
        name="stall_out_of_reach",
        verdict=Verdict.INCONCLUSIVE,
        because="this fault never fired: Stall",
        arms=three_arms(bare=bare),
    )
    return replace(drill, **changes)


def an_error_drill(**changes: Any) -> DrillReport:
    """A drill in which the harness broke before any arm ran."""
    drill = a_drill(
        name="harness_is_broken",
        verdict=Verdict.ERROR,
        because="the harness broke",
        arms=(),
        runbook=(),
        error='Traceback (most recent call last):\n  File "world.py", line 3\nKeyError: <x>',
    )
    return replace(drill, **changes)


def a_full_report(**changes: Any) -> GameDayReport:
    """One drill of each verdict, and one that could not be run."""
    report = a_report(
        a_drill(),
        a_failed_drill(),
        an_inconclusive_drill(),
        an_error_drill(),
        not_applicable=(
            NotApplicable("labels_are_stable", "Labels are stable.", "these rows have no label"),
        ),
    )
    return replace(report, **changes)


COVERAGE = Coverage(
    (Cell("Stall", "wait", "Requeue", ("expired_rows_are_resent",)),),
    faults=3,
    controls=2,
    open_faults=("LostReply", "Conflict"),
    open_controls=("CostCeiling",),
)


def a_mutant(fate: Fate, control: str = "Requeue") -> MutantReport:
    """A broken control, and what became of it in one drill."""
    trial = Trial("expired_rows_are_resent", 200, fate, 3, "EveryRowAccountedFor", "says")
    return MutantReport(control, f"is_{fate.name.lower()}", "off by one", "one", fate, (trial,))


def a_matrix(*fates: Fate) -> KillMatrix:
    """A matrix of mutants that met these fates."""
    return KillMatrix(7, "gameday prove", ("d",), tuple(a_mutant(fate) for fate in fates))


def a_whole_report(**changes: Any) -> GameDayReport:
    """Every part that a report can have: all verdicts, a family, coverage, mutants, gaps, luck."""
    drill = a_drill(name="late_rows_are_read.one", failure_mode="odd results files")
    report = a_full_report(
        coverage=COVERAGE,
        owner="support-oncall",
        assignments=(Assignment("fault LostReply", "A. Person", "2027-01-31"),),
        kills=a_matrix(*Fate),
    )
    variants = (drill, replace(drill, name="late_rows_are_read.two"))
    return replace(report, drills=report.drills + variants, **changes)


def with_every_text(value: Any, text: str) -> Any:
    """The same value, in which every string is `text`; enums stay."""
    if type(value) is str:
        return text
    if isinstance(value, tuple):
        return tuple(with_every_text(item, text) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in fields(value)]
        return replace(
            value, **{name: with_every_text(getattr(value, name), text) for name in names}
        )
    return value


HOSTILE = {
    "script": "<script>alert(1)</script>",
    "attribute": '"><img src=x onerror=alert(1)>',
    "single quote": "' onmouseover='alert(1)",
    "svg": "<svg onload=alert(1)><a xlink:href='javascript:alert(1)'>",
    "end of style": "</style></script></title></textarea>--><script>alert(1)</script>",
    "template": "{{ 7 * 7 }}{% raw %}{# #}",
    "format": "%s {0} {name} ${HOME}",
    "markdown": "`<b>bold</b>` **x** [a](javascript:alert(1))",
    "terminal colour": "\x1b[31mred\x1b[0m",
    "terminal title": "\x1b]0;owned\x07",
    "c1 control": "\x9b31m",
    "nul and backspace": "a\x00b\x08\x7f",
    "carriage return": "PASS\rFAIL\r\n\tx\x0b\x0c",
    "bidi override": "\u202egnp.exe\u2066\u200f",
    "invisible": "a\u200bb\ufeffc\u00ad\u3164\U000e0041",
    "line separators": "a\u2028b\u2029c\x85d",
    "lone surrogates": "\ud800 and \udfff",
    "not a character": "\ufffe\uffff\U0010ffff",
    "cdata": "]]><![CDATA[ <!DOCTYPE x [<!ENTITY e 'x'>]> &e;",
    "entities": "&amp;&lt;&#x202e;&bogus;",
    "workflow commands": "::error::x\n  ::add-mask::y ##[error]z",
    "formulas": "=1+1",
    "formula plus": "+1",
    "formula minus": " -1+cmd|' /C calc'!A0",
    "formula at": "@SUM(1)",
    "formula full-width": "\uff1d1+1",
    "end of details": "</details></td></table></pre>",
    "cells": "a|b||c\n|---|---|\n| x | y |",
    "fences": "```\n~~~\n``",
    "links": "[a](//b.c) ![i](//b.c/i.png) <https://b.c> https://b.c www.b.c a@b.c @team :tada:",
    "line starts": "- # 1. > x",
    "numbered": "1. x",
    "underline": "=====",
    "formulas in text": "$x$ $$y$$",
    "megabyte": "x" * 1_000_000,
    "many escapes": "\x1b" * 50_000,
    "empty": "",
    "newlines": "\n\n \n",
}
"""Text that has broken a report, a terminal or a parser somewhere, by what it attacks."""
