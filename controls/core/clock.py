"""What a control may know about time."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time and waits. In drills it is virtual, in production it is `SystemClock`."""

    def now(self) -> datetime:
        """The present, as an aware datetime in UTC."""
        ...

    def sleep(self, duration: timedelta, /) -> None:
        """Return when `duration` is over."""
        ...


class SystemClock:
    """The real clock, for production."""

    def now(self) -> datetime:
        """The present in UTC."""
        return datetime.now(UTC)

    def sleep(self, duration: timedelta, /) -> None:
        """Block this thread for `duration`."""
        time.sleep(duration.total_seconds())
