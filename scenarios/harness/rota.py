"""The rota: jobs and people that share one clock, one of whom acts at a time.

Of all who sleep, the one goes on whose time comes first; of those whose time is the same, the one
who lay down first. So what happens side by side happens in the same order whenever it is repeated.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from threading import Lock, Thread

from simulator import VirtualClock

WHEN_ALL_ARE_DONE = datetime.max.replace(tzinfo=UTC)


class Rota:
    """A clock for several who sleep; each has a thread, and only one thread runs."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._asleep: list[tuple[datetime, int, Lock]] = []
        self._numbers = count()
        self._at_work = 0
        self._problems: list[BaseException] = []
        self.watchers: list[Callable[[], None]] = []
        """What is done whenever somebody has slept."""

    def now(self) -> datetime:
        """The present."""
        return self._clock.now()

    def sleep(self, duration: timedelta) -> None:
        """Let the others act until this time has passed."""
        if self._asleep:
            self._lie_down(self.now() + duration)
        else:
            self._clock.sleep(duration)
        for watch in self.watchers:
            watch()

    def begin(self, after: timedelta, act: Callable[[], None]) -> None:
        """Have somebody act so long from now; they may sleep in between."""
        bed = self._bed(self.now() + after)
        self._at_work += 1
        Thread(target=self._live, args=(bed, act), daemon=True).start()

    def finish(self) -> None:
        """Sleep until all others are done.

        Raises:
            BaseException: the first that one of them has raised.
        """
        if self._at_work:
            self._lie_down(WHEN_ALL_ARE_DONE)
        if self._problems:
            raise self._problems[0]

    def _live(self, bed: Lock, act: Callable[[], None]) -> None:
        bed.acquire()
        try:
            act()
        except BaseException as problem:  # noqa: BLE001 - told by whoever waits for all
            self._problems.append(problem)
        finally:
            self._at_work -= 1
            if self._asleep:
                self._wake_the_next()

    def _lie_down(self, until: datetime) -> None:
        bed = self._bed(until)
        self._wake_the_next()
        bed.acquire()

    def _bed(self, until: datetime) -> Lock:
        bed = Lock()
        bed.acquire()
        heappush(self._asleep, (until, next(self._numbers), bed))
        return bed

    def _wake_the_next(self) -> None:
        until, _, bed = heappop(self._asleep)
        now = self.now()
        if now < until < WHEN_ALL_ARE_DONE:
            self._clock.sleep(until - now)
        bed.release()
