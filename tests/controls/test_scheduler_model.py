"""The scheduler, checked against every course of events of a small account.

The model is hostile: it chooses who arrives, who asks first, and when each batch ends, up to the
longest that a batch may take. Time goes in steps; every waiting batch asks once in each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import permutations, product

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from controls import FairShare
from controls.core.decision import Halt, Proceed
from controls.core.moment import BeforeCreate, Create, Demand, InFlight
from tests.controls.builders import NOW

FLIGHT = 2
"""Steps that a batch takes at most."""


@dataclass(frozen=True)
class Slot:
    """One job that sends the same batch again and again."""

    team: str
    requests: int
    priority: int = 0

    def demand(self, name: str, since: datetime) -> Demand:
        """What it asks for."""
        return Demand(self.team, name, self.requests, self.priority, since)


Place = tuple[str, int]
"""`idle`; `waiting` and for how many steps; `flying` and how many steps at most remain."""
IDLE: Place = ("idle", 0)
Calls = tuple[tuple[str, ...], ...]
"""Who has created batches in this step, in the one before, and so on through a minute."""
State = tuple[int, tuple[Place, ...], Calls]
"""The step of the day, where each slot stands, and the last creates."""


@dataclass
class Model:
    """All courses of events of some slots under one control."""

    control: FairShare
    slots: tuple[Slot, ...]
    step: timedelta
    steps_in_a_day: int = 1
    """1 when the hour makes no difference."""
    steps_in_a_minute: int = 0
    """0 when a step is longer, so that every step begins with no creates."""
    most: int = 60
    """Whoever waits longer is taken for starved."""
    asked: dict[tuple[object, ...], bool] = field(default_factory=dict)

    def may_go(self, state: State, number: int) -> bool:
        """What the control says to one of the waiting."""
        key = (state, number)
        if key not in self.asked:
            moment = self.moment(state, number)
            self.asked[key] = self.control.decide(moment) == Proceed()
        return self.asked[key]

    def moment(self, state: State, number: int) -> BeforeCreate:
        """What the control sees."""
        day, places, calls = state
        now = NOW.replace(hour=0) + day * self.step
        slot = self.slots[number]
        return BeforeCreate(
            job_id=str(number),
            team=slot.team,
            priority=slot.priority,
            requests=slot.requests,
            now=now,
            since=now - places[number][1] * self.step,
            in_flight=tuple(
                InFlight(one.team, str(which), one.requests, now)
                for which, (one, place) in enumerate(zip(self.slots, places, strict=True))
                if place[0] == "flying"
            ),
            waiting=tuple(
                one.demand(str(which), now - place[1] * self.step)
                for which, (one, place) in enumerate(zip(self.slots, places, strict=True))
                if place[0] == "waiting" and which != number
            ),
            creates=tuple(
                Create(team, now - age * self.step)
                for age, teams in enumerate(calls)
                for team in teams
            ),
        )

    def after(self, state: State) -> Iterator[State]:
        """Every state that one step can lead to."""
        day, places, calls = state
        choices: list[list[Place]] = []
        for kind, steps in places:
            if kind == "idle":
                choices.append([IDLE, ("waiting", 0)])
            elif kind == "flying":
                choices.append([IDLE, ("flying", steps - 1)] if steps > 1 else [IDLE])
            else:
                choices.append([("waiting", steps + 1)])
        day = (day + 1) % self.steps_in_a_day
        calls = ((), *calls)[: self.steps_in_a_minute]
        for chosen in product(*choices):
            waiting = [number for number, place in enumerate(chosen) if place[0] == "waiting"]
            for order in permutations(waiting):
                yield self.ask((day, chosen, calls), order)

    def ask(self, state: State, order: tuple[int, ...]) -> State:
        """All waiting ones ask once; what is let go is in flight for whoever asks next."""
        for number in order:
            day, places, calls = state
            if self.may_go(state, number):
                self.check_urgency(places, number)
                places = (*places[:number], ("flying", FLIGHT), *places[number + 1 :])
                if calls:
                    now = tuple(sorted((*calls[0], self.slots[number].team)))
                    calls = (now, *calls[1:])
                self.check_limits(places)
                self.check_calls(calls)
                state = (day, places, calls)
        return state

    def check_calls(self, calls: Calls) -> None:
        """No more batches are created within a minute than may be, in all and of each team."""
        teams = Counter(team for step in calls for team in step)

        assert teams.total() <= self.control.creates_a_minute
        assert all(count <= self.control.team_creates_a_minute for count in teams.values())

    def check_limits(self, places: tuple[Place, ...]) -> None:
        """No total and no quota is overshot."""
        taken: dict[str, int] = {}
        for slot, place in zip(self.slots, places, strict=True):
            if place[0] == "flying":
                taken[slot.team] = taken.get(slot.team, 0) + slot.requests

        assert sum(taken.values()) <= self.control.everything
        assert all(
            requests <= self.control.quotas.get(team, self.control.team_ceiling)
            for team, requests in taken.items()
        )

    def check_urgency(self, places: tuple[Place, ...], number: int) -> None:
        """Who is let go takes nothing from a more urgent one that waits and that it was not
        allowed to overtake by its age."""
        mine, waited = self.slots[number], places[number][1]
        flying = [
            one for one, place in zip(self.slots, places, strict=True) if place[0] == "flying"
        ]
        taken = sum(one.requests for one in flying) + mine.requests
        for other, place in zip(self.slots, places, strict=True):
            levels = other.priority - mine.priority
            bound = levels * (self.control.aging // self.step)
            of_team = sum(one.requests for one in flying if one.team == other.team)
            quota = self.control.quotas.get(other.team, self.control.team_ceiling)
            if (
                place[0] == "waiting"
                and other.priority > max(mine.priority, 0)
                and waited - place[1] < bound
                and of_team + other.requests <= quota
            ):
                assert taken + other.requests <= self.control.everything, "an urgent one was passed"

    def longest_waits(self) -> tuple[dict[int, int], int]:
        """The longest wait of each slot over all courses of events, and how many states there
        are.

        Raises:
            Starved: a slot waits longer than `most`.
        """
        first: State = (0, (IDLE,) * len(self.slots), ((),) * self.steps_in_a_minute)
        seen, fresh = {first}, [first]
        longest = dict.fromkeys(range(len(self.slots)), 0)
        while fresh:
            for state in self.after(fresh.pop()):
                if state in seen:
                    continue
                seen.add(state)
                fresh.append(state)
                for number, (kind, steps) in enumerate(state[1]):
                    if kind == "waiting":
                        longest[number] = max(longest[number], steps)
                        if steps > self.most:
                            raise Starved(number)
        return longest, len(seen)


class Starved(Exception):  # noqa: N818 - it names what happened
    """A slot that waits and waits."""


HOUR = timedelta(hours=1)
CONTROL = FairShare(
    queue_limit=8,
    total=8,
    team_quota=8,
    reserve=0.25,
    patience=2 * HOUR,
    aging=4 * HOUR,
)
"""Ordinary jobs may fill 6 of 8."""
CROWD = (
    Slot("a", 6),  # as large as an ordinary batch can be
    Slot("b", 3),
    Slot("c", 2),
    Slot("d", 2, priority=1),
    Slot("e", 3, priority=1),
)


def test_nobody_starves_whatever_happens() -> None:
    """A giant, two that could run past it for ever, and two urgent ones that come again and again:
    each is let go within bounded time, in every one of the courses of events."""
    longest, states = Model(CONTROL, CROWD, HOUR).longest_waits()

    assert states > 1_000
    assert 2 * FLIGHT >= max(longest[3], longest[4]), "urgent ones wait for each other, or for one"
    for ordinary in range(3):
        assert 4 + 2 + len(CROWD) * FLIGHT >= longest[ordinary]


def test_a_quota_starves_nobody_of_the_team_or_of_another() -> None:
    """Two batches of one team that do not fit together, beside another team."""
    crowd = (Slot("a", 3), Slot("a", 2), Slot("b", 5), Slot("a", 3, priority=1))
    longest, states = Model(replace(CONTROL, quotas={"a": 4}), crowd, HOUR).longest_waits()

    assert states > 100
    assert 4 + 2 + len(crowd) * FLIGHT >= max(longest.values())


@pytest.mark.parametrize("outside", [0.0, 0.5])
def test_low_priority_is_let_go_in_its_hours_or_after_a_day(outside: float) -> None:
    """A window of a quarter of the day, while others fill the account."""
    crowd = (Slot("a", 5, priority=-1), Slot("b", 3), Slot("c", 4))
    control = replace(
        CONTROL,
        window=(0, 6),
        outside=outside,
        patience=timedelta(hours=6),
        aging=timedelta(hours=24),
    )
    longest, states = Model(control, crowd, timedelta(hours=6), steps_in_a_day=4).longest_waits()

    assert states > 100
    assert 4 + 1 + len(crowd) * FLIGHT >= longest[0]
    assert 1 + len(crowd) * FLIGHT >= max(longest[1], longest[2])


HALF_A_MINUTE = timedelta(seconds=30)
HURRIED = FairShare(
    queue_limit=100,
    total=100,
    creates=2,
    team_creates=1,
    reserve=0.0,
    patience=2 * HALF_A_MINUTE,
    aging=4 * HALF_A_MINUTE,
)
"""There is room for every batch, and few calls."""


def test_few_calls_a_minute_starve_nobody() -> None:
    """Three teams, one of them with two jobs, may create two batches a minute, and one each: none
    overshoots it in any course of events, and everybody is let go within bounded time."""
    crowd = (Slot("a", 1), Slot("a", 1), Slot("b", 1), Slot("c", 1, priority=1))
    model = Model(HURRIED, crowd, HALF_A_MINUTE, steps_in_a_minute=2)
    longest, states = model.longest_waits()

    assert states > 500
    assert 4 + 2 + len(crowd) * 2 >= max(longest.values())


def test_calls_are_kept_for_who_can_go_only() -> None:
    """A giant that waits for room keeps nobody from calling, and gets its call when there is
    room."""
    crowd = (Slot("a", 6), Slot("b", 3), Slot("c", 2))
    control = replace(
        CONTROL, creates=1, team_creates=1, patience=2 * HALF_A_MINUTE, aging=4 * HALF_A_MINUTE
    )
    longest, states = Model(control, crowd, HALF_A_MINUTE, steps_in_a_minute=2).longest_waits()

    assert states > 100
    assert 4 + 2 + len(crowd) * (FLIGHT + 2) >= max(longest.values())


def test_the_model_sees_who_is_starved_of_calls() -> None:
    """Where no call is kept for who stands before."""

    class Careless(FairShare):
        def _ahead(self, moment: BeforeCreate, mine: Demand) -> list[Demand]:
            return []

    careless = Careless(queue_limit=100, total=100, creates=1, reserve=0.0)
    crowd = (Slot("a", 1), Slot("b", 1), Slot("c", 1))
    with pytest.raises(Starved):
        Model(careless, crowd, HALF_A_MINUTE, steps_in_a_minute=2).longest_waits()


@pytest.mark.parametrize(
    ("flaw", "others"),
    [
        (replace(CONTROL, patience=10_000 * HOUR), (Slot("b", 3), Slot("c", 3))),
        (replace(CONTROL, aging=10_000 * HOUR), (Slot("b", 3, 1), Slot("c", 3, 1))),
    ],
    ids=["no patience", "no aging"],
)
def test_the_model_sees_starvation_where_there_is_some(
    flaw: FairShare, others: tuple[Slot, ...]
) -> None:
    """Without patience the small ones run past the giant; without aging the urgent ones do."""
    with pytest.raises(Starved):
        Model(flaw, (Slot("a", 6), *others), HOUR).longest_waits()


def test_the_model_sees_an_urgent_one_that_is_passed() -> None:
    """Where the line does not keep room for it."""

    class Careless(FairShare):
        def _ahead(self, moment: BeforeCreate, mine: Demand) -> list[Demand]:
            return []

    careless = Careless(queue_limit=8, total=8, team_quota=8, reserve=0.0, aging=4 * HOUR)
    with pytest.raises(AssertionError, match="an urgent one was passed"):
        Model(careless, CROWD, HOUR).longest_waits()


class Account(RuleBasedStateMachine):
    """Larger accounts, at random: any sizes, teams, priorities, and times."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.control = CONTROL
        self.waiting: dict[str, Demand] = {}
        self.flying: dict[str, InFlight] = {}
        self.names = 0

    @initialize(
        reserve=st.sampled_from([0.0, 0.1, 0.5]),
        window=st.sampled_from([None, (22, 6), (3, 4)]),
        outside=st.sampled_from([0.0, 0.3]),
        quota=st.integers(20, 120),
    )
    def open_account(
        self, reserve: float, window: tuple[int, int] | None, outside: float, quota: int
    ) -> None:
        """The settings of this run."""
        self.control = FairShare(
            queue_limit=100,
            total=100,
            team_quota=quota,
            quotas={"b": 40},
            reserve=reserve,
            window=window,
            outside=outside,
        )

    @rule(
        team=st.sampled_from("abc"),
        requests=st.integers(1, 60),
        priority=st.sampled_from([-1, 0, 0, 1, 2]),
    )
    def arrive(self, team: str, requests: int, priority: int) -> None:
        """A batch stands in the line, unless it is halted at once."""
        self.names += 1
        demand = Demand(team, f"job_{self.names}", requests, priority, self.now)
        if not isinstance(self.control.decide(self.moment(demand)), Halt):
            self.waiting[demand.job_id] = demand

    @rule(hours=st.sampled_from([0.1, 1.0, 5.0, 24.0]))
    def wait(self, hours: float) -> None:
        """Time passes."""
        self.now += timedelta(hours=hours)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def ask(self, data: st.DataObject) -> None:
        """One of the waiting asks."""
        self.ask_for(data.draw(st.sampled_from(sorted(self.waiting))))

    @precondition(lambda self: self.flying)
    @rule(data=st.data())
    def complete(self, data: st.DataObject) -> None:
        """One of the batches ends."""
        del self.flying[data.draw(st.sampled_from(sorted(self.flying)))]

    def moment(self, demand: Demand) -> BeforeCreate:
        """What the control sees."""
        return BeforeCreate(
            demand.job_id,
            demand.team,
            demand.priority,
            demand.requests,
            self.now,
            demand.since,
            tuple(self.flying.values()),
            tuple(one for one in self.waiting.values() if one.job_id != demand.job_id),
        )

    def ask_for(self, name: str) -> None:
        """Ask, and send what may go."""
        demand = self.waiting[name]
        if self.control.decide(self.moment(demand)) == Proceed():
            del self.waiting[name]
            self.flying[name] = InFlight(demand.team, name, demand.requests, NOW)

    @invariant()
    def limits_hold(self) -> None:
        """No quota and no total is overshot."""
        batches = self.flying.values()

        assert sum(batch.requests for batch in batches) <= 100
        for team in "abc":
            quota = 40 if team == "b" else self.control.team_ceiling
            assert sum(batch.requests for batch in batches if batch.team == team) <= quota

    def teardown(self) -> None:
        """When nobody comes any more, everybody gets in: one full drain per waiting batch, and a
        day for who waits for its hours."""
        for _ in range(2 * len(self.waiting) + 2):
            self.flying.clear()
            for name in sorted(self.waiting):
                self.ask_for(name)
            self.now += timedelta(hours=24)

        assert not self.waiting


TestAccount = Account.TestCase
TestAccount.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
