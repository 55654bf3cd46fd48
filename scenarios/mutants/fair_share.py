"""Mutants of `FairShare`."""

from __future__ import annotations

from dataclasses import replace

from controls import FairShare
from controls.core.decision import Decision, Halt, Proceed, Wait
from controls.core.moment import BeforeCreate, Moment
from scenarios.harness.mutants import Kind, mutant


@mutant(FairShare, Kind.REMOVED)
class FirstComeFirstServed(FairShare):
    """Lets everybody send whatever they have."""

    def decide(self, _moment: Moment, /) -> Decision:
        return Proceed()


@mutant(FairShare, Kind.FORGETS)
class ForgetsWhatIsOut(FairShare):
    """Does not count what is in flight."""

    def decide(self, moment: Moment, /) -> Decision:
        if isinstance(moment, BeforeCreate):
            moment = replace(moment, in_flight=())
        return super().decide(moment)


@mutant(FairShare, Kind.WRONG_FIELD)
class CountsBatches(FairShare):
    """Counts a batch in flight as one request."""

    def decide(self, moment: Moment, /) -> Decision:
        if isinstance(moment, BeforeCreate):
            counted = tuple(replace(batch, requests=1) for batch in moment.in_flight)
            moment = replace(moment, in_flight=counted)
        return super().decide(moment)


@mutant(FairShare, Kind.HALF)
def keeps_no_reserve(control: FairShare) -> FairShare:
    """Gives ordinary jobs what is kept for urgent ones."""
    return replace(control, reserve=0.0)


@mutant(FairShare, Kind.WRONG_WAY)
class TakesUrgentForIdle(FairShare):
    """Takes the larger number for the lower priority."""

    def decide(self, moment: Moment, /) -> Decision:
        if isinstance(moment, BeforeCreate):
            turned = tuple(replace(one, priority=-one.priority) for one in moment.waiting)
            moment = replace(moment, priority=-moment.priority, waiting=turned)
        return super().decide(moment)


@mutant(FairShare, Kind.TOO_STRICT)
class SendsOneAtATime(FairShare):
    """Halts whatever would have to wait."""

    def decide(self, moment: Moment, /) -> Decision:
        decision = super().decide(moment)
        if isinstance(moment, BeforeCreate) and moment.requests > 100:  # noqa: PLR2004 - a row count
            return Halt("a batch of more than 100 requests is no fair share")
        return Halt(decision.why) if isinstance(decision, Wait) else decision
