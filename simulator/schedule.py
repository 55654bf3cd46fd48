"""When each request of a batch is worked: closed form, no threads, no events in a queue.

The rows of a batch are worked in a seeded order at an even pace. Pauses (from `Stall`) hold
everything that comes after them. What is not finished 24 hours after creation expires. The
whole history of a batch is therefore a function of a few numbers fixed at its creation, and
of the instant of a cancel; the state at any time is computed by looking.
All arithmetic is in whole microseconds, so that no rounding moves a row across a border.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import Enum
from random import Random
from typing import Final

import msgspec

from simulator.lifecycle import Event

MICROSECOND: Final = timedelta(microseconds=1)

MEDIAN_SECONDS: Final = 180.0
"""Contract 5.5: the time model for a fake, median 3 minutes ..."""
SIGMA: Final = math.log(2700 / 180) / 1.6448536269514722
"""... and 95 % within 45 minutes."""
SHORTEST: Final = timedelta(seconds=9)
"""Contract 5.5: the quickest of the recorded batches."""
LONGEST: Final = timedelta(hours=4)
"""Contract 5.5: most batches end within an hour. Of those that do not, a day without trouble knows
none that takes longer than this; a batch that nears its 24 hours is trouble, and a fault (`Stall`).
"""

IN_FLIGHT: Final = 8
"""At most so many requests are being worked when a cancel arrives, and finish."""
PICKUP: Final = timedelta(seconds=1)
"""Contract 4.4: cancelled within a second of creation, nothing had been started."""
DRAIN_SECONDS: Final = (0.8, 25.0)
"""Contract 4.4: the times from cancel to `ended` that were observed."""


FOREVER: Final = timedelta(days=36_500)


class Pause(msgspec.Struct, frozen=True):
    """Nothing is worked for `lasting`, once so many requests are finished."""

    after_requests: int
    lasting: timedelta


class OnCancel(Enum):
    """A cancel that comes too late."""

    ALL_SUCCEED = "all succeed"
    ENDED_ALREADY = "ended already"


class Deletion(msgspec.Struct, frozen=True):
    """So long after the end; None: when the first download begins."""

    after_end: timedelta | None = None


class Pace(msgspec.Struct, frozen=True):
    """How a batch would be worked; a lifecycle fault gives back another one."""

    requests: int
    duration: timedelta
    pauses: tuple[Pause, ...] = ()
    held: bool = False
    """Some requests are never worked, so the batch ends when its day has passed."""
    endless: bool = False
    """It is never done, not even when its day has passed."""
    on_cancel: OnCancel | None = None
    """What a cancel comes to, if not to what it is for."""
    canceled_after: timedelta | None = None
    """When somebody else cancels it, counted from its creation."""
    deletion: Deletion | None = None
    """How somebody else deletes it."""


class Drain(msgspec.Struct, frozen=True):
    """What a cancel left to do."""

    asked: timedelta
    """Counted from creation, as all durations here."""
    finished: int
    ends: timedelta
    in_time: bool = True
    """False: it had ended already, so nobody will say that a cancel was asked for."""


def natural_duration(dice: Random, cap: timedelta) -> timedelta:
    """How long a batch takes when nothing goes wrong: log-normal, without its long tail."""
    seconds = dice.lognormvariate(math.log(MEDIAN_SECONDS), SIGMA)
    drawn = timedelta(seconds=min(seconds, LONGEST.total_seconds()))
    return min(max(drawn, SHORTEST), cap)


class Timeline:
    """What happens to one batch, and when."""

    __slots__ = ("_drain", "_pauses", "_work", "created_at", "deadline", "pace")

    def __init__(self, created_at: datetime, deadline: timedelta, pace: Pace) -> None:
        self.created_at = created_at
        self.deadline = deadline
        self.pace = pace
        self._work = max(pace.duration // MICROSECOND, 1)
        self._pauses = sorted(pace.pauses, key=lambda pause: pause.after_requests)
        self._drain: Drain | None = None

    @property
    def ends(self) -> timedelta:
        """When it ends, counted from its creation."""
        return self._natural_end if self._drain is None else self._drain.ends

    @property
    def ends_at(self) -> datetime:
        """When it ends, if nothing else happens to it."""
        return self.created_at + self.ends

    @property
    def cancel_initiated_at(self) -> datetime | None:
        """When a cancel was asked for."""
        drain = self._drain
        return None if drain is None or not drain.in_time else self.created_at + drain.asked

    @property
    def finished_requests(self) -> int:
        """How many requests will have been worked when it ends."""
        if self._drain is not None:
            return self._drain.finished
        return self.finished_by(self.ends)

    @property
    def _natural_end(self) -> timedelta:
        if self.pace.endless:
            return FOREVER
        if self.pace.held:
            return self.deadline
        paused = sum((pause.lasting for pause in self._pauses), timedelta(0))
        return min(self.pace.duration + paused, self.deadline)

    def cancel(self, now: datetime, dice: Random) -> None:
        """Stop: what is finished stays, a few in flight finish, then it ends."""
        asked = now - self.created_at
        finished = self.finished_by(asked)
        working = asked > PICKUP and self.paused_at(asked) is None
        flying = dice.randint(0, IN_FLIGHT)
        drain = timedelta(seconds=round(dice.uniform(*DRAIN_SECONDS), 3))
        if working:
            finished = min(finished + flying, self.pace.requests)
        if self.pace.on_cancel is not None:
            finished = self.pace.requests
        in_time = self.pace.on_cancel is not OnCancel.ENDED_ALREADY
        ends = asked + drain if in_time else asked
        if not self.pace.endless:
            ends = min(ends, self.deadline)
        self._drain = Drain(asked, finished, ends, in_time)

    def finished_by(self, elapsed: timedelta) -> int:
        """How many requests were worked so long after creation."""
        worked = self._worked(elapsed)
        return min(worked * self.pace.requests // self._work, self.pace.requests)

    def paused_at(self, elapsed: timedelta) -> Pause | None:
        """The pause that holds the work at this moment."""
        for start, pause in self._pause_starts():
            if start <= elapsed < start + pause.lasting:
                return pause
        return None

    def begun_pauses(self, now: datetime) -> Iterator[int]:
        """The positions, in `pace.pauses`, of the pauses that have begun by now."""
        until = min(now - self.created_at, self.ends)
        if self._drain is not None:
            until = min(until, self._drain.asked)
        begun = [pause for start, pause in self._pause_starts() if start <= until]
        return (place for place, pause in enumerate(self.pace.pauses) if pause in begun)

    def events(self, now: datetime) -> Iterator[Event]:
        """What has happened to it by now, in order."""
        if self.cancel_initiated_at is not None:
            yield Event.CANCEL_ASKED
        if now >= self.ends_at:
            yield Event.DAY_PASSED if self.ends >= self.deadline else Event.ALL_FINAL

    def _pause_starts(self) -> Iterator[tuple[timedelta, Pause]]:
        held = timedelta(0)
        for pause in self._pauses:
            worked = -(-self._work * pause.after_requests // self.pace.requests)
            yield worked * MICROSECOND + held, pause
            held += pause.lasting

    def _worked(self, elapsed: timedelta) -> int:
        """Microseconds of work done, the pauses taken out."""
        held = timedelta(0)
        for start, pause in self._pause_starts():
            if elapsed <= start:
                break
            held += min(elapsed - start, pause.lasting)
        at_once = int(not self.pace.duration)  # work that takes no time is done when it begins
        return (elapsed - held) // MICROSECOND + at_once
