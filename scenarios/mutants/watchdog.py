"""Mutants of `Watchdog`."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from controls import Watchdog
from controls.core.decision import Decision, Halt, Proceed, Warn
from controls.core.moment import AfterDownload, Moment, WhileWaiting
from scenarios.harness.mutants import Kind, mutant


@mutant(Watchdog, Kind.REMOVED)
class Sleeps(Watchdog):
    """Sees nothing."""

    def decide(self, _moment: Moment, /) -> Decision:
        return Proceed()


@mutant(Watchdog, Kind.WRONG_UNIT)
class CountsHoursAsDays(Watchdog):
    """Takes a batch for a day younger than it is."""

    def decide(self, moment: Moment, /) -> Decision:
        if isinstance(moment, WhileWaiting):
            moment = replace(moment, created_at=moment.created_at + timedelta(days=1))
        return super().decide(moment)


@mutant(Watchdog, Kind.FAILS_OPEN)
class OnlyWarns(Watchdog):
    """Tells the owner that most rows errored, and goes on."""

    def decide(self, moment: Moment, /) -> Decision:
        decision = super().decide(moment)
        return Warn(decision.why) if isinstance(decision, Halt) else decision


@mutant(Watchdog, Kind.WRONG_FIELD)
class CountsExpiredRows(Watchdog):
    """Counts rows that expired in place of rows that errored."""

    def decide(self, moment: Moment, /) -> Decision:
        if isinstance(moment, AfterDownload):
            balance = moment.balance
            kinds = {"errored": balance.kinds.get("expired", 0)}
            moment = AfterDownload(replace(balance, kinds=kinds, counted={}))
        return super().decide(moment)


@mutant(Watchdog, Kind.TOO_STRICT)
class BarksAtEverything(Watchdog):
    """Warns of every batch that has not ended."""

    def decide(self, moment: Moment, /) -> Decision:
        if isinstance(moment, WhileWaiting):
            return Warn(f"batch {moment.batch_id} has not ended")
        return super().decide(moment)
