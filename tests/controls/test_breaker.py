"""The circuit breaker: closed, open, one probe, closed again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from controls import CircuitBreaker
from controls.core.decision import Decision, Halt, Proceed, Wait
from controls.core.moment import BeforeCreate, InFlight, Outcome
from tests.controls.builders import (
    NOW,
    a_demand,
    before_create,
    before_promote,
    in_flight,
    some_before_create,
)

BREAKER = CircuitBreaker(failures=3, cooldown_seconds=600.0, probe_requests=100, openings=3)
PROBE = Proceed("goes alone, to see whether the service has recovered")


def outcomes(signs: str, minutes_ago: float = 0.0, apart: float = 0.0) -> tuple[Outcome, ...]:
    """`+` for a good and `-` for a bad outcome, oldest first; the last so many minutes ago."""
    last = len(signs) - 1
    return tuple(
        Outcome(NOW - timedelta(minutes=minutes_ago + apart * (last - number)), sign == "+", "529")
        for number, sign in enumerate(signs)
    )


def after(signs: str, minutes_ago: float = 0.0, apart: float = 0.0, **changes: object) -> Decision:
    """What the breaker says to a batch of 100 requests after these outcomes."""
    history = outcomes(signs, minutes_ago, apart)
    return BREAKER.decide(before_create(outcomes=history, **changes))


@pytest.mark.parametrize("signs", ["", "+++", "--", "--+--", "+--"])
def test_it_stays_closed_below_so_many_bad_outcomes_in_a_row(signs: str) -> None:
    """A good one starts the count anew."""
    assert Proceed() == after(signs)


@pytest.mark.parametrize("signs", ["---", "+---", "-----", "---+"])
def test_it_opens_and_everybody_waits_until_the_cool_down_is_over(signs: str) -> None:
    """Also when something that was sent before ends well meanwhile."""
    assert Wait("3 outcomes in a row were bad, last '529'", 60.0) == after(signs, minutes_ago=1)
    assert Wait("3 outcomes in a row were bad, last '529'", 30.0) == after("---", minutes_ago=9.5)


def test_after_the_cool_down_one_small_batch_goes_as_a_probe() -> None:
    """The next one waits for what becomes of it."""
    assert PROBE == after("---", minutes_ago=10)
    assert Wait("a small batch is out, to see whether the service has recovered", 60.0) == after(
        "---", minutes_ago=10, in_flight=(in_flight("b", 100),)
    )


def test_a_small_batch_from_before_does_not_hold_up_the_probe() -> None:
    """Its job may have been stopped, so that nobody hears of its end; what was sent since the
    first opening is the probe, however often it opened since."""
    before, since = in_flight("b", 100, minutes_ago=41), in_flight("b", 100, minutes_ago=39)

    assert PROBE == after("----", minutes_ago=10, apart=30, in_flight=(before,))
    assert "a small batch is out" in why(
        after("----", minutes_ago=10, apart=30, in_flight=(before, since))
    )


def test_a_large_batch_from_before_does_not_hold_up_the_probe() -> None:
    """It may take a day; it cannot be the probe, which is small."""
    assert PROBE == after("---", minutes_ago=10, in_flight=(in_flight("b", 101),))


def test_a_large_batch_is_no_probe_while_there_is_a_smaller_one() -> None:
    """Or while anything is in flight."""
    flying, smaller = (in_flight("b", 500),), (a_demand("b", 499),)

    assert "what is in flight has to end" in why(
        after("---", minutes_ago=10, requests=500, in_flight=flying)
    )
    assert "a smaller batch has to go first" in why(
        after("---", minutes_ago=10, requests=500, waiting=smaller)
    )
    assert PROBE == after("---", minutes_ago=10, requests=499, waiting=(a_demand("b", 500),))


def why(decision: Decision) -> str:
    """The reason to wait."""
    assert isinstance(decision, Wait)
    return decision.why


def test_a_good_outcome_after_the_cool_down_closes_it() -> None:
    """The probe came back well."""
    assert Proceed() == after("---+", apart=11)
    assert Proceed() == after("---+--", apart=11)


def test_a_bad_probe_opens_it_again() -> None:
    """With a new cool-down."""
    history = (*outcomes("---", minutes_ago=15), *outcomes("-", minutes_ago=1))

    assert "were bad" in why(BREAKER.decide(before_create(outcomes=history)))


def test_it_halts_after_so_many_openings_in_a_row() -> None:
    """The service does not recover by itself: a person has to look."""
    assert Halt(
        "the service keeps failing: 3 times in a row nothing went well, last '529'"
    ) == after("-----", apart=11)
    assert PROBE == after("---" + "+" + "----", minutes_ago=10, apart=11)


def test_what_is_older_than_a_day_is_forgotten() -> None:
    """Else a halted breaker would stop every job for ever."""
    assert Proceed() == after("------", minutes_ago=24 * 60, apart=11)


def test_a_long_untrusted_text_is_quoted_shortly() -> None:
    """It may come from the service."""
    history = (Outcome(NOW, good=False, what="\x1b[31m" + "x" * 1_000),) * 3
    told = why(BREAKER.decide(before_create(outcomes=history)))

    assert "\x1b" not in told
    assert 160 > len(told)


def test_a_service_that_takes_every_batch_and_answers_none_opens_it() -> None:
    """Between two batches that end badly another was created: that is no sign of recovery."""
    signs = [("created", True), ("collected", False)] * 3
    history = tuple(Outcome(NOW, good, what) for what, good in signs)

    assert isinstance(BREAKER.decide(before_create(outcomes=history)), Wait)
    assert Proceed() == BREAKER.decide(before_create(outcomes=history[:-1]))


def test_a_created_batch_ends_a_row_of_failed_calls() -> None:
    """Calls that fail and then go through were no outage."""
    signs = [("create failed", False)] * 2 + [("created", True), ("create failed", False)]
    history = tuple(Outcome(NOW, good, what) for what, good in signs)

    assert Proceed() == BREAKER.decide(before_create(outcomes=history))


def test_the_breaker_has_nothing_to_say_of_other_moments() -> None:
    """Only creating spends."""
    assert Proceed() == BREAKER.decide(before_promote())


@given(some_before_create())
def test_it_decides_anything_and_always_the_same(moment: BeforeCreate) -> None:
    """Pure: no facts make it raise, and no memory changes its mind."""
    decision = BREAKER.decide(moment)

    assert isinstance(decision, Proceed | Wait | Halt)
    assert decision == BREAKER.decide(moment)


class Service(RuleBasedStateMachine):
    """Batches of any size at a service that fails at will."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.flying: dict[str, InFlight] = {}
        self.probes: set[str] = set()
        self.history: list[Outcome] = []
        self.names = 0

    @rule(requests=st.sampled_from([1, 100, 101, 5_000]))
    def ask(self, requests: int) -> None:
        """A batch that wants to go."""
        moment = before_create(
            now=self.now,
            requests=requests,
            in_flight=tuple(self.flying.values()),
            outcomes=tuple(self.history),
        )
        decision = BREAKER.decide(moment)
        if not isinstance(decision, Proceed):
            return
        self.names += 1
        name = f"job_{self.names}"
        self.flying[name] = InFlight("a", name, requests, self.now)
        if decision == PROBE:
            self.probes.add(name)

    @precondition(lambda self: self.flying)
    @rule(data=st.data(), good=st.booleans())
    def end(self, data: st.DataObject, good: bool) -> None:  # noqa: FBT001 - drawn
        """A batch ends."""
        name = data.draw(st.sampled_from(sorted(self.flying)))
        del self.flying[name]
        self.probes.discard(name)
        self.history.append(Outcome(self.now, good, "errored"))
        closed = BREAKER.state(before_create(now=self.now, outcomes=tuple(self.history)))
        if closed.opened_at is None:
            self.probes.clear()

    @rule(minutes=st.sampled_from([1, 9, 11]))
    def wait(self, minutes: int) -> None:
        """Time passes."""
        self.now += timedelta(minutes=minutes)

    @invariant()
    def at_most_one_small_probe_is_out(self) -> None:
        """And beside it at most one that was the smallest there was."""
        small = [name for name in self.probes if self.flying[name].requests <= 100]

        assert len(small) <= 1
        assert len(self.probes) <= 2


TestService = Service.TestCase
TestService.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
