"""The kill switch: one word of a person is enough."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given

from controls import KillSwitch
from controls.core.decision import Halt, Proceed
from controls.core.moment import BeforeCreate, WhileWaiting
from tests.controls.builders import (
    before_create,
    before_promote,
    some_before_create,
    some_while_waiting,
    while_waiting,
)


@pytest.mark.parametrize("moment", [before_create, while_waiting])
def test_a_halt_stops_the_job_before_a_batch_and_while_it_waits(
    moment: Callable[..., BeforeCreate | WhileWaiting],
) -> None:
    """With every reason that was given."""
    halted = moment(halts=("wrong prompt (A. Person)", "bills (B. Person)"))

    assert Halt(
        "a person stopped it: wrong prompt (A. Person); bills (B. Person)"
    ) == KillSwitch().decide(halted)


@pytest.mark.parametrize("moment", [before_create(), while_waiting(), before_promote()])
def test_nobody_is_stopped_without_a_halt(
    moment: BeforeCreate | WhileWaiting,
) -> None:
    """An empty reason would still be a halt; none is none."""
    assert Proceed() == KillSwitch().decide(moment)


def test_a_halt_without_a_reason_is_a_halt() -> None:
    """Who presses the button may be in a hurry."""
    assert isinstance(KillSwitch().decide(before_create(halts=("",))), Halt)


@given(some_before_create() | some_while_waiting())
def test_it_decides_anything_and_always_the_same(moment: BeforeCreate | WhileWaiting) -> None:
    """A halt exactly where there is one."""
    decision = KillSwitch().decide(moment)

    assert bool(moment.halts) == isinstance(decision, Halt)
    assert decision == KillSwitch().decide(moment)
