"""Idempotent submit: what a failed create means."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from controls import IdempotentSubmit
from controls.core.decision import Adopt, Decision, Halt, LookAgain, Proceed, SendAgain
from controls.core.moment import Candidate
from tests.controls.builders import NOW, before_promote, create_failed

TURNED_AWAY = {"ambiguous": False, "problem": "HTTP 529 overloaded_error"}


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ({"looks": 1}, LookAgain("the reply was lost (APITimeoutError)", 15.0)),
        ({"looks": 2}, LookAgain("the reply was lost (APITimeoutError)", 30.0)),
        (
            {"looks": 3},
            SendAgain("no batch was made by the call that failed: APITimeoutError"),
        ),
        ({"looks": 3, "attempt": 5}, Halt("5 create calls failed: APITimeoutError")),
        (
            {"candidates": ["msgbatch_1"]},
            Adopt(
                "msgbatch_1",
                "the reply was lost (APITimeoutError), but msgbatch_1 was created after the "
                "intention with the same 10 requests",
            ),
        ),
        (
            {"candidates": ["msgbatch_1", "msgbatch_2"]},
            LookAgain(
                "the reply was lost (APITimeoutError); 2 batches could be the one, or those of "
                "others: the results will tell",
                10.0,
            ),
        ),
        (
            {"candidates": ["msgbatch_1"], "rivals": 1, "looks": 3},
            LookAgain(
                "the reply was lost (APITimeoutError); 1 batches could be the one, or those of "
                "others: the results will tell",
                900.0,
            ),
        ),
        (
            {"rivals": 1, "looks": 3},
            SendAgain("no batch was made by the call that failed: APITimeoutError"),
        ),
        (
            {"candidates": ["msgbatch_1", "msgbatch_2"], "looks": 100},
            Halt(
                "the reply was lost (APITimeoutError) and 2 batches could be the one: "
                "msgbatch_1, msgbatch_2"
            ),
        ),
        (
            TURNED_AWAY,
            SendAgain("the create call was turned away: HTTP 529 overloaded_error", 2.0),
        ),
        (
            TURNED_AWAY | {"attempt": 4},
            SendAgain("the create call was turned away: HTTP 529 overloaded_error", 16.0),
        ),
        (
            TURNED_AWAY | {"attempt": 5},
            Halt("5 create calls failed: HTTP 529 overloaded_error"),
        ),
        (
            {"refused": True, "ambiguous": False, "problem": "HTTP 400"},
            Halt("the service refused the batch: HTTP 400"),
        ),
    ],
)
def test_a_failed_create_is_looked_into(moment: dict[str, Any], expected: Decision) -> None:
    """Look first; adopt what is there, send again what is not, stop where nobody can tell."""
    candidates = moment.get("candidates", ())
    rest = {name: value for name, value in moment.items() if name != "candidates"}

    assert expected == IdempotentSubmit().decide(create_failed(candidates, **rest))


@pytest.mark.parametrize(
    ("older", "expected"),
    [(timedelta(minutes=2), Adopt), (timedelta(minutes=2, seconds=1), LookAgain)],
)
def test_a_batch_that_seems_older_than_the_intention_is_asked_for_its_results(
    older: timedelta, expected: type[Decision]
) -> None:
    """Our clock may be ahead: it is neither adopted at once nor taken for somebody else's."""
    moment = replace(create_failed(), candidates=(Candidate("msgbatch_1", NOW - older, 10),))

    decision = IdempotentSubmit(looks=1).decide(moment)

    assert isinstance(decision, expected)


def test_waits_between_attempts_are_bounded() -> None:
    """A minute at most."""
    moment = create_failed(ambiguous=False, attempt=20)

    decision = IdempotentSubmit(max_attempts=99).decide(moment)

    assert isinstance(decision, SendAgain)
    assert 60.0 == decision.after_seconds


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (1.0, SendAgain("the create call was turned away: HTTP 429", 2.0)),
        (90.5, SendAgain("the create call was turned away: HTTP 429", 90.5)),
        (3_600.0, SendAgain("the create call was turned away: HTTP 429", 3_600.0)),
        (
            604_800.0,
            Halt("the create call was turned away: HTTP 429; the service asks to wait 604,800 s"),
        ),
    ],
)
def test_it_waits_as_long_as_the_service_asks(asked: float, expected: Decision) -> None:
    """Never for less; what is longer than an hour is for a person to decide."""
    moment = create_failed(ambiguous=False, problem="HTTP 429", wait_seconds=asked)

    assert expected == IdempotentSubmit().decide(moment)


def test_idempotent_submit_has_nothing_to_say_of_other_moments() -> None:
    """It proceeds."""
    assert Proceed() == IdempotentSubmit().decide(before_promote())
