"""Faults of a batch. The seam is `bend(pace)`: how the batch would be worked, made worse."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar

import msgspec

from simulator.clock import ZERO
from simulator.errors import SimulatorError
from simulator.faults.fault import Fault
from simulator.faults.seams import LifecycleFault
from simulator.schedule import MICROSECOND, Deletion, OnCancel, Pace, Pause


@dataclass(frozen=True, slots=True)
class Stall(LifecycleFault):
    """The service stops working a batch part of the way through.

    Contract 15, incident 11: requests that ran out of time needed to be sent again. Requests
    not worked 24 hours after creation come back `expired`, in a batch that ends as usual.
    """

    after_requests: int | None = None
    after_share: float | None = None
    lasting: timedelta = field(kw_only=True)

    def __post_init__(self) -> None:
        Fault.__post_init__(self)
        if (self.after_requests is None) == (self.after_share is None):
            raise SimulatorError(
                "Stall: when does it begin?", fix="Give after_requests or after_share, not both."
            )
        if self.after_requests is not None and self.after_requests < 0:
            raise SimulatorError(
                f"Stall: after_requests={self.after_requests}.", fix="Use 0 or more."
            )
        if self.after_share is not None and not 0 <= self.after_share < 1:
            raise SimulatorError(
                f"Stall: after_share={self.after_share} is never reached.",
                fix="Use 0 or more, and less than 1.",
            )
        if self.lasting <= ZERO:
            raise SimulatorError(
                f"Stall: lasting={self.lasting} is no time.", fix="Use more than zero."
            )

    def bend(self, pace: Pace) -> Pace | None:
        """The pace with one pause more; None if the batch is too short to reach it."""
        after = self.after_requests
        if self.after_share is not None:
            after = int(self.after_share * pace.requests)
        if after is None or after >= pace.requests:
            return None
        return paused(pace, after, self.lasting)


class NeverEnds(LifecycleFault):
    """A batch stays `in_progress`, also when its 24 hours have passed.

    Contract 15, after the table: seen with other providers only, but a pipeline needs a
    deadline of its own. A cancel gets it to end.
    """

    __slots__ = ()

    def bend(self, pace: Pace) -> Pace | None:
        """The pace without an end."""
        return msgspec.structs.replace(pace, endless=True)


class EndsAtOnce(LifecycleFault):
    """A batch has ended by the time of the first poll.

    Contract 15, catalogue of the life cycle: a pipeline that waits to see `in_progress` first
    waits for ever.
    """

    __slots__ = ()

    def bend(self, pace: Pace) -> Pace | None:
        """The pace of no time at all."""
        return msgspec.structs.replace(pace, duration=ZERO)


@dataclass(frozen=True, slots=True)
class Expires(LifecycleFault):
    """A batch is not worked further than this share of its requests; the rest expires.

    Contract 15, incident 11. `worked=0` expires it as a whole; it ends as `ended` all the same
    (contract 5.5).
    """

    worked: float = 0.0

    def __post_init__(self) -> None:
        Fault.__post_init__(self)
        if not 0 <= self.worked < 1:
            raise SimulatorError(
                f"Expires: worked={self.worked} leaves nothing to expire.",
                fix="Use 0 or more, and less than 1.",
            )

    def bend(self, pace: Pace) -> Pace | None:
        """The pace with a pause for longer than a batch may live."""
        return paused(pace, int(self.worked * pace.requests), timedelta(days=30))


class CancelEndsAllSucceeded(LifecycleFault):
    """A batch is canceled, but every request was in flight and succeeds, and is billed.

    Contract 4.4: finished rows are kept. Contract 15, catalogue of the life cycle.
    """

    __slots__ = ()

    moment: ClassVar[str] = "cancel"

    def bend(self, pace: Pace) -> Pace | None:
        """The pace that no cancel stops."""
        return msgspec.structs.replace(pace, on_cancel=OnCancel.ALL_SUCCEED)


class CancelRacesTheEnd(LifecycleFault):
    """A batch ends in the moment in which the cancel arrives: the reply says `ended`.

    Contract 17: such a cancel changes nothing, and `cancel_initiated_at` stays null.
    """

    __slots__ = ()

    moment: ClassVar[str] = "cancel"

    def bend(self, pace: Pace) -> Pace | None:
        """The pace that is over when somebody asks for a cancel."""
        return msgspec.structs.replace(pace, on_cancel=OnCancel.ENDED_ALREADY)


@dataclass(frozen=True, slots=True)
class CanceledByAnotherOperator(LifecycleFault):
    """Somebody else in the workspace cancels the batch, so long after its creation.

    Contract 5.2 and 4.4: any key of the workspace may; nothing tells who it was.
    """

    after: timedelta = timedelta(minutes=1)

    moment: ClassVar[str] = "canceled"

    def __post_init__(self) -> None:
        Fault.__post_init__(self)
        if self.after <= ZERO:
            raise SimulatorError(
                f"CanceledByAnotherOperator: after={self.after} is no time.",
                fix="Use more than zero.",
            )

    def bend(self, pace: Pace) -> Pace | None:
        """The pace that is stopped at that time."""
        if self.after >= pace.duration and not pace.pauses and not pace.endless:
            return msgspec.structs.replace(pace, canceled_after=pace.duration - MICROSECOND)
        return msgspec.structs.replace(pace, canceled_after=self.after)


@dataclass(frozen=True, slots=True)
class DeletedByAnotherOperator(LifecycleFault):
    """Somebody else in the workspace deletes the batch before its results are fetched.

    Contract 4.5: irreversible, and from then on 404. Without `after_end` it happens when the
    first download begins (contract 15: delete racing with download).
    """

    after_end: timedelta | None = None

    moment: ClassVar[str] = "deleted"

    def bend(self, pace: Pace) -> Pace | None:
        """The pace of a batch that does not stay."""
        return msgspec.structs.replace(pace, deletion=Deletion(self.after_end))


def paused(pace: Pace, after: int, lasting: timedelta) -> Pace:
    """The pace with one pause more."""
    return msgspec.structs.replace(pace, pauses=(*pace.pauses, Pause(after, lasting)))
