"""Time moves when somebody moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from simulator import Api, PollClock, RealClock, SimulatorError, VirtualClock, days, hours, minutes
from simulator.clock import START, Clock, seconds
from simulator.faults import NeverEnds
from tests.simulator.builders import a_batch, document, retrieve


def test_a_virtual_clock_starts_at_a_fixed_instant() -> None:
    """A run begins at the same instant each time, so that a seed repeats it."""
    assert datetime(2026, 11, 20, 9, tzinfo=UTC) == VirtualClock().now()


def test_a_virtual_clock_moves_only_by_sleep() -> None:
    """Looking at it takes no time; sleeping takes exactly as long as it says."""
    clock = VirtualClock()
    clock.now()

    clock.sleep(hours(1) + minutes(2) + seconds(3) + days(1))

    assert START + timedelta(days=1, hours=1, minutes=2, seconds=3) == clock.now()


@pytest.mark.parametrize("clock", [VirtualClock(), PollClock(), RealClock()])
def test_time_does_not_go_back(clock: Clock) -> None:
    """A negative sleep is refused, and says what to do."""
    with pytest.raises(SimulatorError, match="Pass zero or more"):
        clock.sleep(timedelta(seconds=-1))


def test_an_instant_without_a_time_zone_is_refused() -> None:
    """Naive datetimes are never guessed at."""
    with pytest.raises(SimulatorError, match="no time zone"):
        VirtualClock(datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point


def test_the_clock_speaks_utc() -> None:
    """An instant in another zone is the same instant in UTC."""
    zone = timezone(hours(2))

    clock = VirtualClock(datetime(2026, 1, 1, 2, tzinfo=zone))

    assert clock.now().isoformat() == "2026-01-01T00:00:00+00:00"


@pytest.mark.parametrize("polls", [1, 2, 5])
def test_a_poll_clock_ends_a_batch_at_the_stated_poll(polls: int) -> None:
    """Looking is what makes time pass: retrieve number `polls` finds the batch ended."""
    api = Api(clock=PollClock(polls=polls))
    batch_id = a_batch(api)

    seen = [document(retrieve(api, batch_id))["processing_status"] for _ in range(polls + 1)]

    assert ["in_progress"] * (polls - 1) + ["ended", "ended"] == seen


def test_a_poll_clock_needs_a_poll() -> None:
    """Zero polls cannot end a batch."""
    with pytest.raises(SimulatorError, match="polls=1"):
        PollClock(polls=0)


def test_a_real_clock_runs_at_a_multiple_of_time() -> None:
    """It starts where it is told, runs forward, and can be sent ahead."""
    clock = RealClock(START, speed=1000)
    first = clock.now()

    clock.sleep(hours(5))

    assert first >= START
    assert first + hours(5) <= clock.now()
    assert repr(clock) == "RealClock(speed=1000)"


def test_a_real_clock_without_a_start_is_now() -> None:
    """The wall is the default."""
    assert abs(RealClock().now() - datetime.now(UTC)) < minutes(1)


def test_a_real_clock_needs_a_speed() -> None:
    """Time cannot stand still on a server that nobody advances."""
    with pytest.raises(SimulatorError, match="above zero"):
        RealClock(speed=0)


def test_looking_at_a_batch_takes_no_time_on_the_other_clocks() -> None:
    """Only the poll clock moves by polls."""
    api = Api(clock=RealClock(START, speed=1e-9))

    document(retrieve(api, a_batch(api)))

    assert api.clock.now() - START < seconds(1)
    assert repr(VirtualClock()) == "VirtualClock(2026-11-20T09:00:00+00:00)"


def test_a_real_clock_can_change_its_speed() -> None:
    """From now on: what has passed, and what was jumped over, stays."""
    clock = RealClock(START)
    clock.sleep(hours(3))
    before = clock.now()

    clock.speed = 600_000

    assert 600_000 == clock.speed
    assert before <= clock.now() < before + days(3)


@pytest.mark.parametrize("speed", [0, -1, float("nan"), float("inf"), 1e7])
def test_a_speed_that_cannot_be_is_refused(speed: float) -> None:
    """Also one at which a date would overflow within a working day."""
    clock = RealClock()
    with pytest.raises(SimulatorError, match="above zero and up to"):
        clock.speed = speed

    assert 1.0 == clock.speed


def test_the_next_end_is_that_of_the_batch_that_ends_first() -> None:
    """None if no batch is being worked; a batch that never ends is due when its day has passed."""
    api = Api(faults=[NeverEnds(spare_batches=1)])
    assert api.next_end() is None
    a_batch(api)
    first = api.next_end()
    a_batch(api)
    assert first == api.next_end()
    assert first is not None

    api.clock.sleep(first - api.clock.now())

    assert START + days(1) == api.next_end()
