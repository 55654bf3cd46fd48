"""Mutants of `KillSwitch`."""

from __future__ import annotations

from controls import KillSwitch
from controls.core.decision import Decision, Halt, Proceed, Warn
from controls.core.moment import BeforeCreate, Moment, WhileWaiting
from scenarios.harness.mutants import Kind, mutant


@mutant(KillSwitch, Kind.REMOVED)
class IsNotConnected(KillSwitch):
    """Hears nobody."""

    def decide(self, _moment: Moment, /) -> Decision:
        return Proceed()


@mutant(KillSwitch, Kind.HALF)
class WaitsForTheRunningBatch(KillSwitch):
    """Stops the next batch, and waits for the one that runs."""

    def decide(self, moment: Moment, /) -> Decision:
        return Proceed() if isinstance(moment, WhileWaiting) else super().decide(moment)


@mutant(KillSwitch, Kind.TOO_LATE)
class StopsOnlyWhatRuns(KillSwitch):
    """Lets a new batch go, and stops when it is out."""

    def decide(self, moment: Moment, /) -> Decision:
        return Proceed() if isinstance(moment, BeforeCreate) else super().decide(moment)


@mutant(KillSwitch, Kind.FAILS_OPEN)
class OnlyWarns(KillSwitch):
    """Passes the halt on as a warning."""

    def decide(self, moment: Moment, /) -> Decision:
        decision = super().decide(moment)
        return Warn(decision.why) if isinstance(decision, Halt) else decision


@mutant(KillSwitch, Kind.OFF_BY_ONE)
class WantsTwoPeople(KillSwitch):
    """Stops only when two have asked for it."""

    def decide(self, moment: Moment, /) -> Decision:
        decision = super().decide(moment)
        few = isinstance(moment, BeforeCreate | WhileWaiting) and len(moment.halts) == 1
        return Proceed() if few else decision
