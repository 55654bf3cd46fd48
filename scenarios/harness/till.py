"""A back end for metrics that keeps sums: what a dashboard would show of the costs."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from opentelemetry.metrics import Counter, Meter, NoOpCounter, NoOpMeter, NoOpMeterProvider

COST = "gameday.cost"
TEAM = "gameday.team"


class Till(NoOpMeterProvider):
    """Adds up what is told of the costs, by team."""

    def __init__(self) -> None:
        self.usd: dict[str, Decimal] = {}

    def get_meter(self, name: str, *_more: Any, **_named: Any) -> Meter:
        """A meter whose counter of costs is listened to."""
        return _Meter(name, self.usd)


class _Meter(NoOpMeter):
    def __init__(self, name: str, usd: dict[str, Decimal]) -> None:
        super().__init__(name)
        self._usd = usd

    def create_counter(self, name: str, unit: str = "", description: str = "") -> Counter:
        return _Sum(self._usd) if name == COST else NoOpCounter(name, unit, description)


class _Sum(Counter):
    def __init__(self, usd: dict[str, Decimal]) -> None:
        self._usd = usd

    def add(
        self,
        amount: float,
        attributes: Any = None,
        context: Any = None,  # noqa: ARG002 - as the API has it
    ) -> None:
        team = str((attributes or {}).get(TEAM, ""))
        self._usd[team] = self._usd.get(team, Decimal(0)) + Decimal(str(amount))
