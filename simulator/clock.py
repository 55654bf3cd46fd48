"""Time you can hold: it moves when somebody moves it, or by a stated policy."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol, runtime_checkable

from simulator.errors import SimulatorError

START = datetime(2026, 11, 20, 9, tzinfo=UTC)
"""When a virtual run begins, unless told otherwise: a fixed instant, so that a seed repeats."""

ZERO = timedelta(0)

FASTEST = 1_000_000
"""A year in half a minute."""


def seconds(count: float) -> timedelta:
    """That many seconds."""
    return timedelta(seconds=count)


def minutes(count: float) -> timedelta:
    """That many minutes."""
    return timedelta(minutes=count)


def hours(count: float) -> timedelta:
    """That many hours."""
    return timedelta(hours=count)


def days(count: float) -> timedelta:
    """That many days."""
    return timedelta(days=count)


class Polled(Protocol):
    """What a clock may know about an unfinished batch that somebody asked for."""

    @property
    def id(self) -> str:
        """The id of the batch."""

    @property
    def ends_at(self) -> datetime:
        """When it will have ended, if nothing else happens."""


@runtime_checkable
class Clock(Protocol):
    """What the service knows about time."""

    def now(self) -> datetime:
        """The present, aware of its time zone."""

    def sleep(self, duration: timedelta) -> None:
        """Move time forward. Nobody waits."""

    def on_poll(self, batch: Polled) -> None:
        """Called before each reply to a retrieve of a batch that has not ended."""


class VirtualClock:
    """Time that moves only when somebody sleeps; twenty-four hours cost nothing."""

    __slots__ = ("_now",)

    def __init__(self, start: datetime = START) -> None:
        self._now = aware(start)

    def __repr__(self) -> str:
        return f"VirtualClock({self._now.isoformat()})"

    def now(self) -> datetime:
        """The present."""
        return self._now

    def sleep(self, duration: timedelta) -> None:
        """Move time forward."""
        self._now += forward(duration)

    def on_poll(self, batch: Polled) -> None:
        """Looking at a batch takes no time here."""


class PollClock(VirtualClock):
    """Virtual time for clients that sleep in real time: looking is what makes it pass.

    The retrieve number `polls` of an unfinished batch finds it ended, and the ones before
    move time an even part of the way, so any client is done soon whatever it sleeps.
    """

    __slots__ = ("_polls", "_seen")

    def __init__(self, start: datetime = START, *, polls: int = 3) -> None:
        super().__init__(start)
        if polls < 1:
            raise SimulatorError(
                f"A batch cannot end after {polls} polls.", fix="Pass polls=1 or more."
            )
        self._polls = polls
        self._seen: dict[str, int] = {}

    def on_poll(self, batch: Polled) -> None:
        """Move time a part of the way to the end of this batch."""
        seen = self._seen.get(batch.id, 0)
        self._seen[batch.id] = seen + 1
        left = max(self._polls - seen, 1)
        self.sleep(max((batch.ends_at - self.now()) / left, ZERO))


class RealClock:
    """The time on the wall, or a multiple of it: a day in 24 minutes at `speed=60`."""

    __slots__ = ("_ahead", "_base", "_speed", "_start")

    def __init__(self, start: datetime | None = None, *, speed: float = 1.0) -> None:
        self._start = datetime.now(UTC) if start is None else aware(start)
        self._base = time.monotonic()
        self._speed = fit(speed)
        self._ahead = ZERO

    def __repr__(self) -> str:
        return f"RealClock(speed={self._speed:g})"

    @property
    def speed(self) -> float:
        """How many seconds pass here in one on the wall."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        """From now on; what has passed has passed."""
        speed = fit(speed)
        self._start, self._ahead, self._base = self.now(), ZERO, time.monotonic()
        self._speed = speed

    def now(self) -> datetime:
        """The present."""
        elapsed = timedelta(seconds=(time.monotonic() - self._base) * self._speed)
        return self._start + elapsed + self._ahead

    def sleep(self, duration: timedelta) -> None:
        """Jump ahead of the wall by `duration`; nobody waits."""
        self._ahead += forward(duration)

    def on_poll(self, batch: Polled) -> None:
        """Looking at a batch does not hurry it."""


def fit(speed: float) -> float:
    """The same speed; one at which time would stand still, go back or overflow is refused."""
    if not 0 < speed <= FASTEST:
        raise SimulatorError(
            f"Time cannot run at {speed} times its speed.",
            fix=f"Pass a speed above zero and up to {FASTEST:,}.",
        )
    return speed


def aware(instant: datetime) -> datetime:
    """The same instant in UTC; an instant without a time zone is refused."""
    if instant.tzinfo is None:
        raise SimulatorError(
            f"{instant} has no time zone.", fix="Pass an aware datetime, such as tzinfo=UTC."
        )
    return instant.astimezone(UTC)


def forward(duration: timedelta) -> timedelta:
    """The same duration; a negative one is refused, because time does not go back."""
    if duration < ZERO:
        raise SimulatorError(f"Cannot sleep for {duration}.", fix="Pass zero or more.")
    return duration
