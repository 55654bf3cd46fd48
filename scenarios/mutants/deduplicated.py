"""Mutants of `Deduplicated`."""

from __future__ import annotations

from datetime import timedelta

from controls import Alert, Deduplicated
from scenarios.harness.mutants import Kind, mutant


@mutant(Deduplicated, Kind.REMOVED)
class TellsEverything(Deduplicated):
    """Passes every alarm on."""

    def page(self, alert: Alert) -> None:
        self._pager.page(alert)


@mutant(Deduplicated, Kind.WRONG_UNIT)
class TakesMinutesForHours(Deduplicated):
    """Tells the same again after a sixtieth of the interval."""

    def page(self, alert: Alert) -> None:
        self._interval = timedelta(minutes=1)
        super().page(alert)


@mutant(Deduplicated, Kind.FORGETS)
class ForgetsWhatItTold(Deduplicated):
    """Forgets everything after each alarm."""

    def page(self, alert: Alert) -> None:
        self._told.clear()
        super().page(alert)


@mutant(Deduplicated, Kind.TOO_STRICT)
class TellsNothing(Deduplicated):
    """Keeps every alarm back, the first one too."""

    def page(self, alert: Alert) -> None:
        """Nobody hears of it."""
