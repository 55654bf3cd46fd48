"""Mutants of `CircuitBreaker`."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from controls import CircuitBreaker
from controls.core.decision import Decision, Halt, Proceed, Wait
from controls.core.moment import BeforeCreate, Moment
from scenarios.harness.mutants import Kind, mutant


@mutant(CircuitBreaker, Kind.REMOVED)
class NeverOpens(CircuitBreaker):
    """Sends on, whatever comes back."""

    def decide(self, _moment: Moment, /) -> Decision:
        return Proceed()


@mutant(CircuitBreaker, Kind.FORGETS)
def forgets_at_once(control: CircuitBreaker) -> CircuitBreaker:
    """Remembers outcomes for a second."""
    return replace(control, memory=timedelta(seconds=1))


@mutant(CircuitBreaker, Kind.WRONG_WAY)
class TakesBadForGood(CircuitBreaker):
    """Counts what went well as failures, and closes when something fails."""

    def decide(self, moment: Moment, /) -> Decision:
        if isinstance(moment, BeforeCreate):
            turned = (replace(each, good=not each.good) for each in moment.outcomes)
            moment = replace(moment, outcomes=tuple(turned))
        return super().decide(moment)


@mutant(CircuitBreaker, Kind.WRONG_UNIT)
def cools_down_in_milliseconds(control: CircuitBreaker) -> CircuitBreaker:
    """Waits a thousandth of the cool-down."""
    return replace(control, cooldown_seconds=control.cooldown_seconds / 1000)


@mutant(CircuitBreaker, Kind.FAILS_OPEN)
class NeverGivesUp(CircuitBreaker):
    """Waits and probes for ever, and stops nobody."""

    def decide(self, moment: Moment, /) -> Decision:
        decision = super().decide(moment)
        return Wait(decision.why, self.poll_seconds) if isinstance(decision, Halt) else decision


@mutant(CircuitBreaker, Kind.TOO_STRICT)
class StaysOpen(CircuitBreaker):
    """Opens at the first outcome, good or bad, and stays open."""

    def decide(self, moment: Moment, /) -> Decision:
        seen = isinstance(moment, BeforeCreate) and moment.outcomes
        return Halt("the service keeps failing") if seen else super().decide(moment)
