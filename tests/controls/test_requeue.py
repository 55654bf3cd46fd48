"""Requeue: who is sent again, and who is given up."""

from __future__ import annotations

import pytest

from controls import Requeue
from controls.core.decision import Proceed, Resubmit
from controls.core.moment import Unfinished
from controls.requeue import TRANSIENT, reason_of
from simulator.faults.rows import ERROR_TYPES
from tests.controls.builders import after_collect, an_unfinished, before_promote

PERMANENT = sorted(set(ERROR_TYPES) - TRANSIENT)


@pytest.mark.parametrize(
    "row",
    [
        an_unfinished(7, "expired"),
        *(an_unfinished(7, "errored", kind) for kind in sorted(TRANSIENT)),
    ],
    ids=reason_of,
)
def test_a_row_that_is_not_at_fault_goes_again_until_the_rounds_are_over(row: Unfinished) -> None:
    """Two rounds by default, then quarantine with the reason."""
    again = Resubmit((7,), (), "1 rows are sent again (round 1)")
    last = Resubmit((), ((7, reason_of(row)),), "no row is sent again, 1 are given up (round 3)")

    assert again == Requeue().decide(after_collect(row))
    assert last == Requeue().decide(after_collect(row, round=2))


@pytest.mark.parametrize("kind", [*PERMANENT, "unknown", ""])
def test_a_row_that_would_fail_again_is_given_up_at_once(kind: str) -> None:
    """Bad requests, missing permission or credit, and what nobody knows."""
    decision = Requeue().decide(after_collect(an_unfinished(7, "errored", kind)))

    assert isinstance(decision, Resubmit)
    assert ((), ((7, f"errored:{kind}"),)) == (decision.again, decision.give_up)


def test_a_canceled_row_is_given_up_at_once() -> None:
    """Whoever canceled it wanted it to stop."""
    decision = Requeue().decide(after_collect(an_unfinished(7, "canceled")))

    assert isinstance(decision, Resubmit)
    assert ((), ((7, "canceled"),)) == (decision.again, decision.give_up)


def test_every_unfinished_row_is_either_sent_again_or_given_up() -> None:
    """None is forgotten between the two."""
    rows = [
        an_unfinished(1, "expired"),
        an_unfinished(2, "errored", "invalid_request_error"),
        an_unfinished(3, "errored", "api_error"),
    ]

    assert Resubmit(
        (1, 3),
        ((2, "errored:invalid_request_error"),),
        "2 rows are sent again, 1 are given up (round 1)",
    ) == Requeue().decide(after_collect(*rows))


def test_no_round_means_that_nothing_is_sent_again() -> None:
    """`max_rounds=0`."""
    decision = Requeue(0).decide(after_collect(an_unfinished(7)))

    assert isinstance(decision, Resubmit)
    assert ((), ((7, "expired"),)) == (decision.again, decision.give_up)


def test_requeue_has_nothing_to_say_when_nothing_is_left() -> None:
    """Also not of other moments."""
    assert Proceed() == Requeue().decide(after_collect())
    assert Proceed() == Requeue().decide(before_promote())
