"""Mutants of `QuarantineThreshold`."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from controls import QuarantineThreshold
from controls.core.decision import Decision, Halt, Proceed, Warn
from controls.core.moment import BeforePromote, Moment
from scenarios.harness.mutants import Kind, mutant


@mutant(QuarantineThreshold, Kind.TOO_STRICT)
class StopsForAnyRow(QuarantineThreshold):
    """Halts when a single row is in quarantine."""

    def decide(self, moment: Moment, /) -> Decision:
        kept = isinstance(moment, BeforePromote) and moment.quarantined
        return Halt("a row is in quarantine") if kept else super().decide(moment)


@mutant(QuarantineThreshold, Kind.REMOVED)
class PromotesWhatIsLeft(QuarantineThreshold):
    """Never asks how much was kept back."""

    def decide(self, _moment: Moment, /) -> Decision:
        return Proceed()


@mutant(QuarantineThreshold, Kind.FAILS_OPEN)
class OnlyWarns(QuarantineThreshold):
    """Tells the owner that it is too much, and promotes the rest."""

    def decide(self, moment: Moment, /) -> Decision:
        decision = super().decide(moment)
        return Warn(decision.why) if isinstance(decision, Halt) else decision


@mutant(QuarantineThreshold, Kind.WRONG_UNIT)
def takes_the_share_for_percent(control: QuarantineThreshold) -> QuarantineThreshold:
    """A limit of 25 % becomes one of 2,500 %."""
    policy = control.policy
    share = None if policy.stop_share is None else policy.stop_share * 100
    return replace(control, policy=msgspec.structs.replace(policy, stop_share=share))


@mutant(QuarantineThreshold, Kind.WRONG_FIELD)
class CountsWhatIsStaged(QuarantineThreshold):
    """Compares what is in quarantine with twice the rows there were."""

    def decide(self, moment: Moment, /) -> Decision:
        if isinstance(moment, BeforePromote):
            moment = replace(moment, rows=moment.rows + moment.staged + moment.quarantined)
        return super().decide(moment)
