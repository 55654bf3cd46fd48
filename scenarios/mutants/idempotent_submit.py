"""Mutants of `IdempotentSubmit`."""

from __future__ import annotations

from dataclasses import replace

from controls import IdempotentSubmit
from controls.core.decision import Adopt, Decision, Halt, LookAgain, Proceed, SendAgain
from controls.core.moment import CreateFailed, Moment
from scenarios.harness.mutants import Kind, mutant


@mutant(IdempotentSubmit, Kind.REMOVED)
class SendsAgainBlindly(IdempotentSubmit):
    """Repeats every create call that failed, as a client does by default."""

    def decide(self, moment: Moment, /) -> Decision:
        if not isinstance(moment, CreateFailed):
            return Proceed()
        return SendAgain("retried", 1.0) if moment.attempt <= 2 else Halt("gave up")  # noqa: PLR2004


@mutant(IdempotentSubmit, Kind.TOO_LATE)
class LooksAfterTheSecondTry(IdempotentSubmit):
    """Looks for an orphan only when the repeated call has failed too."""

    def decide(self, moment: Moment, /) -> Decision:
        if isinstance(moment, CreateFailed) and moment.attempt == 1:
            return SendAgain("retried", 1.0)
        return super().decide(moment)


@mutant(IdempotentSubmit, Kind.FORGETS)
class FindsNothing(IdempotentSubmit):
    """Never knows an orphan again."""

    def decide(self, moment: Moment, /) -> Decision:
        if isinstance(moment, CreateFailed):
            moment = replace(moment, candidates=())
        return super().decide(moment)


@mutant(IdempotentSubmit, Kind.TOO_STRICT)
class GivesUpAtOnce(IdempotentSubmit):
    """Halts whenever a reply is lost."""

    def decide(self, moment: Moment, /) -> Decision:
        decision = super().decide(moment)
        return Halt(decision.why) if isinstance(decision, Adopt | LookAgain) else decision


@mutant(IdempotentSubmit, Kind.WRONG_WAY)
class TakesUnclearForRefused(IdempotentSubmit):
    """Takes a lost reply for one that says no, and one that says no for a lost one."""

    def decide(self, moment: Moment, /) -> Decision:
        if isinstance(moment, CreateFailed):
            moment = replace(moment, ambiguous=not moment.ambiguous)
        return super().decide(moment)
