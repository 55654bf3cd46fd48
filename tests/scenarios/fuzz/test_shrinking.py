"""Shrinking: what is not needed goes, what is needed stays; and a planted bug is found by it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

import pytest
from msgspec.structs import astuple
from sqlalchemy import Engine, select
from sqlalchemy.engine import Connection

from controls import Stack
from controls.core.book import JobRecord
from controls.core.columns import Staged
from controls.core.store import QUARANTINE
from controls.staging import Sink
from scenarios.harness.fuzz.campaign import Part, to_shrink
from scenarios.harness.fuzz.dice import draw
from scenarios.harness.fuzz.plan import Act, Deed, Kill, Mode, Plan, Size
from scenarios.harness.fuzz.shrink import MOST_ATTEMPTS, shrink
from scenarios.harness.world import Game
from simulator.faults import Gzipped, LostReply, Refusal, RowsErrored

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


@dataclass(frozen=True)
class Forgetful:
    """A sink that loses an answer when three particular things have met in one job before: an
    empty answer, one that only wants a tool, and a line that cannot be read."""

    sink: Sink

    def stage(
        self, connection: Connection, job: JobRecord, batch: int, part: int, answers: Staged
    ) -> bytes:
        met = set(connection.scalars(select(QUARANTINE.c.reason)).all())
        bewildered = {"empty", "tool_use", "unreadable"} <= met
        left = Staged(*(column[bewildered:] for column in astuple(answers)))
        return self.sink.stage(connection, job, batch, part, left)

    def forget(self, connection: Connection, job: JobRecord, batch: int) -> None:
        self.sink.forget(connection, job, batch)

    def promote(self, job: JobRecord, digests: Mapping[int, str]) -> int:
        return self.sink.promote(job, digests)

    def rollback(self, job: str, keys: Collection[str] | None = None) -> int:
        return self.sink.rollback(job, keys)


def forgetful(stack: Stack, _store: Engine) -> Stack:
    """The guardrails with the bug in them."""
    return replace(stack, sink=Forgetful(stack.sink))


def test_a_bug_in_which_three_faults_meet_is_found_and_shrunk(game: Game) -> None:
    """Within the first plans of a seed; what is left is three faults and nothing else, in less
    than 10 s of this process. Without the bug the same plan breaks nothing."""
    began = time.process_time()
    played = Part(game, 0, range(9), forgetful).play()
    (task,) = to_shrink(game, 0, played.failures, forgetful)
    shrunk = task.shrink()
    took = time.process_time() - began

    assert "conservation" == shrunk.invariant
    assert 3 == shrunk.plan.parts == len(shrunk.plan.faults)
    assert shrunk.plan.parts < draw(0, shrunk.number).parts
    assert took < 10
    assert [] == Part(game, 0, range(shrunk.number, shrunk.number + 1)).play().failures
