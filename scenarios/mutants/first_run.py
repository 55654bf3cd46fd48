"""Mutants of `FirstRun`."""

from __future__ import annotations

from dataclasses import replace

from controls import FirstRun
from controls.core.decision import Decision, Proceed
from controls.core.moment import AfterCanary, Moment
from scenarios.harness.mutants import Kind, mutant


@mutant(FirstRun, Kind.REMOVED)
class LetsItRun(FirstRun):
    """Takes every run for one of many."""

    def decide(self, _moment: Moment, /) -> Decision:
        return Proceed()


@mutant(FirstRun, Kind.WRONG_WAY)
class StopsReleasedRuns(FirstRun):
    """Stops what somebody has let go, and lets go what nobody has seen."""

    def decide(self, moment: Moment, /) -> Decision:
        if isinstance(moment, AfterCanary):
            moment = replace(moment, released=not moment.released)
        return super().decide(moment)


@mutant(FirstRun, Kind.TOO_STRICT)
class AsksEveryTime(FirstRun):
    """Asks again after somebody has said yes."""

    def decide(self, moment: Moment, /) -> Decision:
        if isinstance(moment, AfterCanary):
            moment = replace(moment, released=False)
        return super().decide(moment)
