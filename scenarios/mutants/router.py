"""Mutants of `Router`."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from controls import Route, Router
from scenarios.harness.mutants import Kind, mutant


@mutant(Router, Kind.REMOVED)
class HasOneWay(Router):
    """Sends everything as a batch, whatever it is told."""

    def route(self, estimate: Any, _deadline: timedelta | None = None, *more: Any) -> Route:
        return replace(super().route(estimate, None, *more), kind="batch")


@mutant(Router, Kind.WRONG_UNIT)
class TakesHoursForDays(Router):
    """Takes a deadline of six hours for one of six days."""

    def route(self, estimate: Any, deadline: timedelta | None = None, *more: Any) -> Route:
        return super().route(estimate, deadline and deadline * 24, *more)


@mutant(Router, Kind.WRONG_WAY)
class TakesTheOtherWay(Router):
    """Advises the opposite of what is sure to be in time."""

    def route(self, estimate: Any, deadline: timedelta | None = None, *more: Any) -> Route:
        right = super().route(estimate, deadline, *more)
        return replace(right, kind="batch" if right.kind == "synchronous" else "synchronous")
