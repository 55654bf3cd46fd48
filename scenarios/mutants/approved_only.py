"""Mutants of `ApprovedOnly`."""

from __future__ import annotations

from dataclasses import replace

from controls import ApprovedOnly
from controls.core.decision import Decision, Halt, Proceed, Warn
from controls.core.moment import AtOpening, Moment
from scenarios.harness.mutants import Kind, mutant


@mutant(ApprovedOnly, Kind.REMOVED)
class AsksForNoApproval(ApprovedOnly):
    """Runs every job type."""

    def decide(self, _moment: Moment, /) -> Decision:
        return Proceed()


@mutant(ApprovedOnly, Kind.WRONG_FIELD)
class KnowsOnlyTheName(ApprovedOnly):
    """Is content with an approval of anything by this name."""

    def decide(self, moment: Moment, /) -> Decision:
        if not (isinstance(moment, AtOpening) and moment.reviews):
            return super().decide(moment)
        last = replace(moment.reviews[-1], digest=moment.digest)
        return super().decide(replace(moment, reviews=(*moment.reviews[:-1], last)))


@mutant(ApprovedOnly, Kind.FAILS_OPEN)
class OnlyWarns(ApprovedOnly):
    """Tells the owner that nobody has approved it, and runs it."""

    def decide(self, moment: Moment, /) -> Decision:
        decision = super().decide(moment)
        return Warn(decision.why) if isinstance(decision, Halt) else decision


@mutant(ApprovedOnly, Kind.TOO_STRICT)
class WantsTheFirstApproval(ApprovedOnly):
    """Takes an approval that was never followed by a run for none."""

    def decide(self, moment: Moment, /) -> Decision:
        if isinstance(moment, AtOpening):
            moment = replace(moment, reviews=moment.reviews[:-1])
        return super().decide(moment)
