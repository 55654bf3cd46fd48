"""Part of every drill, whatever it is about."""

from __future__ import annotations

from dataclasses import dataclass

from reports import ArmName, Finding, Outcome
from scenarios.harness.checks.check import found
from scenarios.harness.checks.values import wrong_values
from scenarios.harness.fairness import unfit
from scenarios.harness.record import Record


@dataclass(frozen=True, slots=True)
class Ended:
    """The pipeline came to an end of its own: on a calm day to a good one, never by crashing.

    Part of every drill; without it a pipeline that dies at once would look harmless.
    """

    arm: ArmName

    def judge(self, record: Record) -> Finding:
        good = (
            {"done"}
            if self.arm is ArmName.CALM
            else {"done", "halted", "waiting for approval", "rolled back"}
        )
        bad = [] if record.status in good else [f"{record.status}: {record.why}"]
        return found(
            self, 1, bad, f"the pipeline ended: {record.status}", "bad end of the pipeline"
        )


@dataclass(frozen=True, slots=True)
class ServiceWasReached:
    """The pipeline spoke with the simulated service, or stopped before it could.

    Part of every drill; without it a pipeline that calls another address would go through every
    drill unharmed, and harmless.
    """

    def judge(self, record: Record) -> Finding:
        calls = len(record.books.calls)
        if record.status == "done":
            return found(self, calls, (), f"the service heard {calls:,} calls", "")
        return found(self, 1, (), f"the service heard {calls:,} calls until the pipeline ended", "")


@dataclass(frozen=True, slots=True)
class RecordIsRight:
    """No new value in the system of record is wrong, whatever else a drill is about.

    Part of every drill; without it a drill could pass whose controls wrote nonsense.
    """

    def judge(self, record: Record) -> Finding:
        return found(
            self,
            len(record.rows),
            wrong_values(record),
            f"{len(record.promoted):,} new values in the record, none of them wrong",
            f"of {len(record.promoted):,} new values in the record are wrong",
        )


@dataclass(frozen=True, slots=True)
class FairDay:
    """The job and the rows suffice for a good day, by the service's own books.

    Part of every calm arm. A calm day that does not hold is the fault of the controls, unless
    this check has found another: then the drill has proved nothing.
    """

    def judge(self, record: Record) -> Finding:
        name, why = type(self).__name__, unfit(record)
        if why:
            return Finding(name, Outcome.NOT_EXERCISED, why, 0)
        return Finding(name, Outcome.HELD, "nothing stood in the way of a good day", 1)
