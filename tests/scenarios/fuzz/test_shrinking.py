"""Shrinking: what is not needed goes, what is needed stays; and planted bugs are found by it."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from scenarios.harness.fuzz.campaign import Part, to_shrink
from scenarios.harness.fuzz.dice import draw
from scenarios.harness.fuzz.plan import Act, Deed, Kill, Mode, Plan, Size
from scenarios.harness.fuzz.shrink import MOST_ATTEMPTS, shrink
from scenarios.harness.world import Game
from simulator.faults import Gzipped, LostReply, Refusal, RowsErrored
from tests.scenarios.fuzz.planted import BUGS

PLAN = Plan(
    99,
    Size(rows=40, first=7, requests=9, canary=3, rounds=3),
    (Gzipped(), RowsErrored(0.3, times=2, spare_batches=1), LostReply(), Refusal(0.1)),
    (),
    (Kill(30, Mode.TORN), Kill(9)),
    (Act(Deed.HALT, 8), Act(Deed.RESUME)),
)


@pytest.mark.parametrize(
    ("breaks", "expected"),
    [
        (lambda _plan: True, Plan(0, Size(rows=1))),
        (
            lambda plan: (
                any(isinstance(one, Refusal) for one in plan.faults)
                and plan.size.rows >= 4
                and len(plan.kills) == 1
            ),
            Plan(0, Size(rows=8), (Refusal(1.0),), (), (Kill(1),)),
        ),
        (
            lambda plan: (
                {RowsErrored, LostReply} <= {type(one) for one in plan.faults}
                and any(one.spare_batches for one in plan.faults)
                and plan.size.requests == 9
                and Act(Deed.RESUME) in plan.acts
            ),
            Plan(
                0,
                Size(rows=1, requests=9),
                (RowsErrored(1.0, spare_batches=1), LostReply()),
                acts=(Act(Deed.RESUME),),
            ),
        ),
        (lambda plan: plan == PLAN, PLAN),
    ],
)
def test_a_plan_shrinks_to_what_it_takes(breaks: Callable[[Plan], bool], expected: Plan) -> None:
    """Parts, settings, rows, kills and seed; nothing is tried twice, and not for ever."""
    asked: list[Plan] = []

    def counted(plan: Plan) -> bool:
        asked.append(plan)
        return breaks(plan)

    found = shrink(PLAN, counted)

    assert expected == found.plan
    assert len(asked) == found.attempts == len(set(asked))
    assert found.attempts <= MOST_ATTEMPTS


MOST_PLANS = 60
"""In which each bug has to be found, from any seed."""


@pytest.mark.parametrize(
    ("name", "seed"),
    [("empty, tool_use, unreadable", 0), ("lost reply, expired, read again", 1)],
)
def test_a_bug_in_which_three_faults_meet_is_found_and_shrunk(
    game: Game, name: str, seed: int
) -> None:
    """From the first seeds there are, among their first plans; what is left is three faults and
    nothing else, in less than 10 s of this process. Without the bug that plan breaks nothing."""
    bug, began = BUGS[name], time.process_time()
    numbers = (range(number, number + 1) for number in range(MOST_PLANS))
    failures = next(filter(None, (Part(game, seed, one, bug).play().failures for one in numbers)))
    (task,) = to_shrink(game, seed, failures, bug)
    shrunk = task.shrink()
    took = time.process_time() - began

    assert "conservation" == shrunk.invariant
    assert 3 == shrunk.plan.parts == len(shrunk.plan.faults)
    assert shrunk.plan.parts < draw(seed, shrunk.number).parts
    assert took < 10
    assert [] == Part(game, seed, range(shrunk.number, shrunk.number + 1)).play().failures
