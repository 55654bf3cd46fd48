"""Mutants of `Reconciliation`."""

from __future__ import annotations

from dataclasses import replace

from controls import Reconciliation
from controls.core.decision import Decision, Halt, Proceed, Warn
from controls.core.moment import AfterDownload, Moment
from scenarios.harness.mutants import Kind, mutant


@mutant(Reconciliation, Kind.REMOVED)
class CountsNothing(Reconciliation):
    """Takes every download for whole."""

    def decide(self, _moment: Moment, /) -> Decision:
        return Proceed()


@mutant(Reconciliation, Kind.OFF_BY_ONE)
def reads_once(control: Reconciliation) -> Reconciliation:
    """Takes rows for lost that a second download would have had."""
    return replace(control, max_downloads=1)


@mutant(Reconciliation, Kind.FAILS_OPEN)
class GoesOnWithoutThem(Reconciliation):
    """Reads again, and goes on without what is still missing."""

    def decide(self, moment: Moment, /) -> Decision:
        decision = super().decide(moment)
        return Warn(decision.why) if isinstance(decision, Halt) else decision


@mutant(Reconciliation, Kind.TOO_LATE)
class CountsBeforePromotingOnly(Reconciliation):
    """Looks at no download; counts when everything is collected."""

    def decide(self, moment: Moment, /) -> Decision:
        return Proceed() if isinstance(moment, AfterDownload) else super().decide(moment)


@mutant(Reconciliation, Kind.WRONG_FIELD)
class CountsLines(Reconciliation):
    """Is content with any line for each request, whosever it is."""

    def decide(self, moment: Moment, /) -> Decision:
        if not isinstance(moment, AfterDownload):
            return super().decide(moment)
        balance = moment.balance
        lines = balance.seen + balance.duplicated + len(balance.unexpected) + balance.unreadable
        return super().decide(moment) if lines < balance.sent else Proceed()
