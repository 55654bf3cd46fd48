"""Only what the service's own books say excuses the controls for a bad calm day."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from controls import CostCeiling, JobType, Row
from controls.canary import Canary
from controls.core.decision import Decision, Halt, Proceed
from controls.core.moment import AfterCanary, BeforeSubmit, Moment
from controls.policy import CanaryPolicy
from reports import ArmName, DrillReport, Verdict
from scenarios.harness.arms import play, run_drill
from scenarios.harness.discovery import select
from scenarios.harness.fairness import unfit
from scenarios.harness.game import open_game
from scenarios.harness.tickets import tickets
from scenarios.harness.world import Game

JOB = open_game(None, None, 0).job_type


def a_game(job: JobType = JOB, rows: int = 150, **changes: Any) -> Game:
    """A small game past the door."""
    return replace(Game(job, tickets(0, rows), 0), **changes)


def changed(part: str, **changes: Any) -> JobType:
    """The default job with another value in one of its parts."""
    inner = getattr(JOB, part)
    return msgspec.structs.replace(JOB, **{part: msgspec.structs.replace(inner, **changes)})


def judged(game: Game, name: str = "rebuilt_mapping_is_harmless") -> DrillReport:
    """One drill of it."""
    return run_drill(select([name])[0], game)


@pytest.mark.parametrize("name", ["a_good_day_is_left_alone", "lost_reply_is_not_paid_twice"])
@pytest.mark.parametrize(
    ("game", "says"),
    [
        (
            a_game(changed("spend", ceiling_usd=Decimal("0.055"))),
            "spend.ceiling_usd = 0.055 is too little for the worst case of 150 rows; $0.",
        ),
        (
            a_game(changed("canary", min_rows=5)),
            "a canary of 5 rows with 0 bad ones cannot prove canary.max_bad_share = 0.12; it takes",
        ),
        (
            a_game(changed("canary", min_accuracy=0.95)),
            "rows of the canary, which cannot prove canary.min_accuracy = 0.95",
        ),
        (a_game(changed("prompt", max_tokens=8)), "answers were cut off at prompt.max_tokens = 8"),
    ],
    ids=["money", "canary size", "accuracy", "cut off"],
)
def test_a_job_that_does_not_suffice_is_not_the_fault_of_the_controls(
    game: Game, says: str, name: str
) -> None:
    """INCONCLUSIVE with a sentence that says what to change, in every drill."""
    report = judged(game, name)

    assert Verdict.INCONCLUSIVE is report.verdict, report.because
    assert says in report.because


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"outcome": "errored", "error_type": "invalid_request_error", "error_message": "long"},
            "the service refused 1 rows (invalid_request_error: long); mend them or the prompt",
        ),
        (
            {"subject": None},
            "did not find the text of 1 rows in their prompts; give 'body' a place",
        ),
        ({"text": "no JSON"}, "gave 1 answers that do not fit [answer.schema]"),
        ({"text": '{"label":"pos","score":7}'}, "gave 1 answers that do not fit"),
        ({}, ""),
    ],
    ids=["refused", "not found", "prose", "other shape", "fair"],
)
def test_what_the_books_say_against_a_day(changes: dict[str, Any], says: str) -> None:
    """One request among many is enough; nothing, where nothing is wrong."""
    drill = select(["a_good_day_is_left_alone"])[0]
    record = play(drill, a_game(rows=40), ArmName.CALM).record
    first, *others = record.books.requests
    requests = [msgspec.structs.replace(first, **changes), *others]
    books = msgspec.structs.replace(record.books, requests=requests)
    why = unfit(replace(record, books=books))

    assert says in why
    assert bool(says) is bool(why)


class Nervous(Canary):
    """A canary that is never satisfied, and says that it could not decide."""

    def decide(self, moment: Moment, /) -> Decision:
        """Halts whatever the slice shows."""
        if isinstance(moment, AfterCanary):
            return Halt("the canary of 24 rows is inconclusive: too few rows")
        return Canary(self.policy).decide(moment)


class Stingy(CostCeiling):
    """A ceiling that refuses what is far below it."""

    def decide(self, moment: Moment, /) -> Decision:
        """Halts before anything is sent."""
        if isinstance(moment, BeforeSubmit):
            return Halt("the worst case is above the ceiling")
        return Proceed()


@pytest.mark.parametrize(
    "control", [Nervous(CanaryPolicy()), Stingy(Decimal("2.50"), 128)], ids=["canary", "ceiling"]
)
def test_the_word_of_a_control_is_no_excuse(control: object) -> None:
    """Where the books show that the day was fair, a control that halts it does harm."""
    drill = replace(select(["a_good_day_is_left_alone"])[0], controls=(control,))
    report = run_drill(drill, a_game(changed("canary", min_rows=60)))

    assert (Verdict.FAIL, "it breaks on a good day") == (report.verdict, report.because)


def test_texts_that_are_empty_or_stand_in_every_prompt_are_known() -> None:
    """The model looks for a text where the template puts it."""
    words = ["", "data", "from", "a", "Copy", "field", "untrusted source"]
    game = a_game()
    rows = tuple(
        Row(row.ordinal, row.key, {**row.fields, "body": words[row.ordinal]})
        if row.ordinal < len(words)
        else row
        for row in game.rowset.rows
    )
    report = judged(replace(game, rowset=replace(game.rowset, rows=rows)))

    assert Verdict.PASS is report.verdict, report.because
