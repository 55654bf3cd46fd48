"""Polling: how often somebody looks whether a batch has ended.

Protects from a rate limit that is used up by looking: a young batch is looked at often, because
most end within minutes, and an old one seldom.

Weakness: an end is noticed so much later. Neighbour: `Watchdog` hears of every look.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from math import isfinite

from controls.core.errors import ControlError


@dataclass(frozen=True, slots=True)
class Polling:
    """The pause between two looks: each one longer than the one before, up to a bound.

    Raises:
        ControlError: without a pause, with a first one that is longer than the longest, or with
            pauses that become shorter or endless.
    """

    first: timedelta = timedelta(seconds=30)
    longest: timedelta = timedelta(minutes=15)
    growth: float = 1.5
    """By what a pause is multiplied to get the next."""
    at_once: bool = True
    """Whether a batch is looked at before the first pause, too."""

    def __post_init__(self) -> None:
        if not timedelta(0) < self.first <= self.longest:
            raise ControlError(
                f"Polling every {self.first} at first and every {self.longest} at last cannot be.",
                fix="The first pause is longer than nothing, and not longer than the longest.",
            )
        if not (self.growth >= 1 and isfinite(self.growth)):
            raise ControlError(
                f"Pauses cannot grow by {self.growth}.", fix="Choose a number from 1 on."
            )

    def after(self, pause: timedelta) -> timedelta:
        """The pause that follows this one."""
        return min(pause * self.growth, self.longest)
