"""Faults of a batch. The seam is `bend(pace)`: how the batch would be worked, made worse."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar

import msgspec

from simulator.clock import ZERO
from simulator.errors import SimulatorError
from simulator.faults.fault import Family, Fault
from simulator.schedule import Pace, Pause


class LifecycleFault(Fault):
    """The base of this family."""

    __slots__ = ()

    family: ClassVar[Family] = Family.LIFECYCLE
    unit: ClassVar[str] = "batches"

    def bend(self, pace: Pace) -> Pace | None:
        """The pace with the fault in it, or None where the fault cannot strike."""
        raise NotImplementedError


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
        pause = Pause(after, self.lasting)
        return msgspec.structs.replace(pace, pauses=(*pace.pauses, pause))
