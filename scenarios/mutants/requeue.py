"""Mutants of `Requeue`."""

from __future__ import annotations

from dataclasses import replace

from controls import Requeue
from controls.core.decision import Decision, Proceed, Resubmit
from controls.core.moment import AfterCollect, Moment
from controls.requeue import reason_of
from scenarios.harness.mutants import Kind, mutant


@mutant(Requeue, Kind.REMOVED)
class SendsNothingAgain(Requeue):
    """Leaves rows without an answer where they are."""

    def decide(self, _moment: Moment, /) -> Decision:
        return Proceed()


@mutant(Requeue, Kind.OFF_BY_ONE)
def one_round_less(control: Requeue) -> Requeue:
    """Gives up a round before the last."""
    return replace(control, max_rounds=control.max_rounds - 1)


@mutant(Requeue, Kind.FORGETS)
class ForgetsTheRounds(Requeue):
    """Takes every round for the first: sends again what will never be answered."""

    def decide(self, moment: Moment, /) -> Decision:
        if isinstance(moment, AfterCollect) and moment.round <= 5 * self.max_rounds:
            moment = replace(moment, round=0)
        return super().decide(moment)


@mutant(Requeue, Kind.HALF)
class ForgetsWhatExpired(Requeue):
    """Sends errored rows again, and gives up what expired."""

    def decide(self, moment: Moment, /) -> Decision:
        decision = super().decide(moment)
        if not (isinstance(decision, Resubmit) and isinstance(moment, AfterCollect)):
            return decision
        expired = [row for row in moment.unfinished if row.kind == "expired"]
        given_up = dict(decision.give_up) | {row.ordinal: reason_of(row) for row in expired}
        again = tuple(ordinal for ordinal in decision.again if ordinal not in given_up)
        return Resubmit(again, tuple(given_up.items()), decision.why)


@mutant(Requeue, Kind.WRONG_FIELD)
class LooksForExpiredOnly(Requeue):
    """Takes every error for one that stays."""

    def decide(self, moment: Moment, /) -> Decision:
        decision = super().decide(moment)
        if not (isinstance(decision, Resubmit) and isinstance(moment, AfterCollect)):
            return decision
        errored = [row for row in moment.unfinished if row.kind == "errored"]
        given_up = dict(decision.give_up) | {row.ordinal: reason_of(row) for row in errored}
        again = tuple(ordinal for ordinal in decision.again if ordinal not in given_up)
        return Resubmit(again, tuple(given_up.items()), decision.why)


@mutant(Requeue, Kind.WRONG_WAY)
class SendsBadRowsAgain(Requeue):
    """Sends again what can never succeed, and gives up what could."""

    def decide(self, moment: Moment, /) -> Decision:
        decision = super().decide(moment)
        if not (isinstance(decision, Resubmit) and isinstance(moment, AfterCollect)):
            return decision
        if moment.round >= self.max_rounds:
            return decision
        why = {row.ordinal: reason_of(row) for row in moment.unfinished}
        return Resubmit(
            tuple(ordinal for ordinal, _ in decision.give_up),
            tuple((ordinal, why[ordinal]) for ordinal in decision.again),
            decision.why,
        )
