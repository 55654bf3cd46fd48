"""The clock on the wall: a live game day is the one place where real time is what counts."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Wall(Protocol):
    """Real time."""

    def now(self) -> datetime:
        """The present, aware of its time zone; it never goes back."""


class SystemWall:
    """The time of this machine when it was made, and what has passed since."""

    def __init__(self) -> None:
        self._start = datetime.now(UTC)
        self._base = time.monotonic()

    def now(self) -> datetime:
        """The present; somebody who sets the machine's clock does not move it."""
        return self._start + timedelta(seconds=time.monotonic() - self._base)


@dataclass(frozen=True, slots=True)
class Instant:
    """One moment, by both clocks."""

    virtual: datetime
    """By the clock of the simulated service."""
    wall: datetime
