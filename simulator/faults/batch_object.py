"""Faults of the batch object, wherever it is shown: create, retrieve, list and cancel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

import msgspec

from simulator.clock import ZERO
from simulator.errors import ApiError, SimulatorError
from simulator.faults.envelope import ReplyFault, with_body
from simulator.faults.seams import WireCall, WireFault
from simulator.faults.status import OK
from simulator.wire import Endpoint, Response

Document = dict[str, Any]

TIMES: Final = (
    "ended_at", "created_at", "expires_at", "archived_at", "cancel_initiated_at",
)  # fmt: skip
RETENTION: Final = timedelta(days=29)


class BatchFault(ReplyFault):
    """The base of this file: `change` edits one batch object in place."""

    __slots__ = ()

    where: ClassVar[tuple[Endpoint, ...]] = (
        Endpoint.CREATE, Endpoint.RETRIEVE, Endpoint.LIST, Endpoint.CANCEL,
    )  # fmt: skip

    def reaches(self, call: WireCall) -> bool:
        """What went well; such faults add up."""
        return call.reply.status == OK

    def strike(self, call: WireCall) -> ApiError | Response | None:
        """The same reply with its batches changed; None if none of them is concerned."""
        try:
            document = msgspec.json.decode(call.reply.read())
        except msgspec.MsgspecError:
            return None
        if not isinstance(document, dict):
            return None
        batches = document.get("data", [document])
        changed = [self.change(batch, call) for batch in batches]
        return with_body(call.reply, document) if any(changed) else None

    def change(self, batch: Document, call: WireCall) -> bool:
        """Edit one batch; whether there was anything to edit."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class UnknownKeys(BatchFault):
    """The batch has keys that nobody knows yet.

    Contract 15, catalogue of the batch object: a service grows, and a closed schema of the
    client's breaks.
    """

    keys: tuple[str, ...] = ("progress", "priority_tier")

    def change(self, batch: Document, call: WireCall) -> bool:
        """More keys."""
        del call
        batch.update({key: {"value": 1} for key in self.keys})
        return True


@dataclass(frozen=True, slots=True)
class KeysMissing(BatchFault):
    """The batch lacks keys that could also be null.

    Contract 5.1 and 15, incident 18: an official example leaves out `archived_at`.
    """

    keys: tuple[str, ...] = ("archived_at", "cancel_initiated_at")

    def change(self, batch: Document, call: WireCall) -> bool:
        """Fewer keys."""
        del call
        there = batch.keys() & set(self.keys)
        for key in there:
            del batch[key]
        return bool(there)


@dataclass(frozen=True, slots=True)
class UnknownStatus(BatchFault):
    """A batch that runs is in a status that nobody knows.

    Contract 15, catalogue of the batch object; contract 5.1 knows three, for now.
    """

    status: str = "finalizing"

    def change(self, batch: Document, call: WireCall) -> bool:
        """Another status; `ended` stays what it is."""
        del call
        if batch["processing_status"] == "ended":
            return False
        batch["processing_status"] = self.status
        return True


@dataclass(frozen=True, slots=True)
class GradualCounts(BatchFault):
    """The counts of a running batch drain bit by bit, as if they meant something.

    Contract 5.4: one note describes it, every recording says otherwise; progress bars must
    survive both. `over` is how long it takes for all to seem done.
    """

    over: timedelta = timedelta(minutes=3)

    def __post_init__(self) -> None:
        WireFault.__post_init__(self)
        if self.over <= ZERO:
            raise SimulatorError(
                f"GradualCounts: over={self.over} is no time.", fix="Use more than zero."
            )

    def change(self, batch: Document, call: WireCall) -> bool:
        """So many of them succeeded, it says."""
        counts = batch["request_counts"]
        if batch["processing_status"] == "ended":
            return False
        elapsed = call.now - datetime.fromisoformat(batch["created_at"])
        done = int(counts["processing"] * max(0.0, min(elapsed / self.over, 0.999)))
        counts["processing"] -= done
        counts["succeeded"] += done
        return done > 0


@dataclass(frozen=True, slots=True)
class CountsDoNotAddUp(BatchFault):
    """The counts of an ended batch are wrong by some rows.

    Contract 15, catalogue of the batch object: whoever trusts `succeeded` for the number of
    lines in the file is wrong by as much.
    """

    by: int = 1

    def __post_init__(self) -> None:
        WireFault.__post_init__(self)
        if self.by == 0:
            raise SimulatorError("CountsDoNotAddUp: by=0 changes nothing.", fix="Use 1 or -1.")

    def change(self, batch: Document, call: WireCall) -> bool:
        """More succeeded than there were, or fewer."""
        del call
        if batch["processing_status"] != "ended":
            return False
        counts = batch["request_counts"]
        before = counts["succeeded"]
        counts["succeeded"] = max(before + self.by, 0)
        return bool(counts["succeeded"] != before)


class ZuluTimestamps(BatchFault):
    """Times are written with `Z`, as the documentation does, and not with `+00:00`.

    Contract 5.1: parse both.
    """

    __slots__ = ()

    def change(self, batch: Document, call: WireCall) -> bool:
        """`Z` at each end."""
        del call
        for key in TIMES:
            if batch.get(key):
                batch[key] = batch[key].replace("+00:00", "Z")
        return True


@dataclass(frozen=True, slots=True)
class ClockSkew(BatchFault):
    """The clock of the service is not the client's: all times are off by as much.

    Contract 15, catalogue of the batch object: whoever computes with its own clock sees
    batches from the future. `by` may be negative.
    """

    by: timedelta = timedelta(minutes=5)

    def __post_init__(self) -> None:
        WireFault.__post_init__(self)
        if not self.by:
            raise SimulatorError("ClockSkew: by=0 changes nothing.", fix="Use any other time.")

    def change(self, batch: Document, call: WireCall) -> bool:
        """All times moved."""
        del call
        for key in TIMES:
            if batch.get(key):
                moved = datetime.fromisoformat(batch[key]) + self.by
                batch[key] = moved.isoformat(timespec="microseconds")
        return True
