"""Shrinking on several cores: the same as in one process, to the number of attempts."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from reports import Finding, Outcome
from scenarios.harness.fuzz import campaign
from scenarios.harness.fuzz.ahead import Thought, shrunk
from scenarios.harness.fuzz.campaign import Failure, Part, Shrunk, ToShrink, to_shrink
from scenarios.harness.fuzz.dice import draw
from scenarios.harness.fuzz.plan import Kill, Plan, Size
from scenarios.harness.fuzz.spread import Cores, here
from scenarios.harness.world import Game
from simulator.faults import BrokenLines, Expires, LostReply, Refusal
from simulator.wire import Endpoint
from tests.scenarios.fuzz.planted import BUGS

BROKEN = Finding("spend", Outcome.BROKE, "1 overrun", 1, 1, ("much",))
Judge = Callable[[ToShrink, Plan], Finding | None]


def judging(breaks: Callable[[Plan], bool]) -> Judge:
    """What finds the same of every plan that breaks, without playing it."""
    return lambda _task, plan: BROKEN if breaks(plan) else None


def tasks(game: Game, *numbers: int) -> list[ToShrink]:
    """Failures of plans in which every fault has struck."""
    failures = [
        Failure(number, (BROKEN,), tuple(fault.name for fault in draw(0, number).faults))
        for number in numbers
    ]
    return to_shrink(game, 0, failures)


def by_number(results: object) -> list[Shrunk]:
    """What came of each failure, whichever was done first."""
    return sorted(
        (one for _, one in results),  # type: ignore[attr-defined] # a generator
        key=lambda one: one.number,
    )


@pytest.mark.parametrize(
    "breaks",
    [
        lambda plan: plan.parts >= 3,
        lambda plan: any(fault.name > "R" for fault in plan.faults) and plan.size.rows > 3,
        lambda plan: hash((plan.seed, plan.parts, plan.size.rows)) % 3 > 0,
        lambda _plan: False,
    ],
)
def test_it_does_not_matter_how_many_cores_shrink(
    monkeypatch: pytest.MonkeyPatch, game: Game, breaks: Callable[[Plan], bool]
) -> None:
    """Fewer cores than failures, as many, and more: the same plans after as many attempts."""
    monkeypatch.setattr(ToShrink, "judge", judging(breaks))
    failures = tasks(game, 1, 3)

    alone = by_number(shrunk(here, failures))

    assert [1, 3] == [one.number for one in alone]
    for count in (1, 2, 5):
        assert alone == by_number(shrunk(Cores(count), failures))


def test_real_plays_shrink_alike(monkeypatch: pytest.MonkeyPatch, game: Game) -> None:
    """A planted bug that three faults bring about: one process and two find the same plan."""
    late = BrokenLines(times=1, spare_batches=2)
    lost = LostReply(times=1, on=Endpoint.CREATE)
    faults = (Refusal(0.1), Expires(times=1, spare_batches=2), lost, late)
    plan = Plan(0, Size(rows=20, canary=5, ramp=(0.3,)), faults, kills=(Kill(99),))
    monkeypatch.setattr(campaign, "draw", lambda _seed, _number: plan)
    bug = BUGS["lost reply, expired, read again"]
    failures = to_shrink(game, 0, Part(game, 0, range(1), bug).play().failures, bug)

    alone = by_number(shrunk(here, failures))

    assert 3 == alone[0].plan.parts
    assert alone == by_number(shrunk(Cores(2), failures))


def test_an_attempt_that_ends_its_process_does_not_count(
    monkeypatch: pytest.MonkeyPatch, game: Game
) -> None:
    """It is no simpler plan that breaks the same; the others are tried all the same."""

    monkeypatch.setattr(ToShrink, "judge", judging(lambda plan: plan.parts >= 3))
    failures = tasks(game, 0)
    alone = by_number(shrunk(here, failures))

    def deadly(_task: ToShrink, plan: Plan) -> Finding | None:
        if plan.parts < 3:
            os._exit(3)
        return BROKEN

    monkeypatch.setattr(ToShrink, "judge", deadly)

    assert 3 == alone[0].plan.parts
    assert alone == by_number(shrunk(Cores(2), failures))


def test_every_no_is_thought_of_ahead(monkeypatch: pytest.MonkeyPatch, game: Game) -> None:
    """As long as nothing breaks, what was played ahead is what is asked next."""
    (task,) = tasks(game, 0)
    asked: list[Plan] = []
    monkeypatch.setattr(ToShrink, "judge", lambda _task, plan: asked.append(plan))
    task.shrink()

    thought = Thought(task, 4)
    for plan in asked[:40]:
        assert plan == thought.wanted[0]
        assert set(thought.wanted) <= set(asked)
        thought.playing.add(plan)
        assert thought.learn(plan, None) is None
