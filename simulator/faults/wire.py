"""Faults of a call. The seam is `strike(call)`: what the client gets instead of the reply.

A `late` fault strikes after the service has done its work, any other one before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import msgspec

from simulator.errors import ApiError, overloaded
from simulator.faults.fault import Family, Fault
from simulator.wire import Cut, Endpoint, Request, Response


class WireCall(msgspec.Struct, frozen=True):
    """One call, as a wire fault sees it."""

    endpoint: Endpoint
    request: Request
    batch_id: str
    response: Response | None = None
    """What the service answered; None for a fault that strikes before."""


@dataclass(frozen=True, slots=True)
class WireFault(Fault):
    """The base of this family: on which endpoint (None: any)."""

    on: Endpoint | None = None

    family: ClassVar[Family] = Family.WIRE
    late: ClassVar[bool] = False

    def strike(self, call: WireCall) -> ApiError | Response:
        """What the client gets."""
        raise NotImplementedError

    def planned(self) -> str:
        """What it would strike."""
        calls = "calls" if self.on is None else f"{self.on.value} calls"
        return Fault.planned(self).replace("calls", calls, 1)

    unit: ClassVar[str] = "calls"


@dataclass(frozen=True, slots=True)
class LostReply(WireFault):
    """The service accepts the call and does its work, but the reply never arrives.

    Contract 15, incidents 19 and 20: a create repeated after a timeout made a second batch,
    and both were billed.
    """

    on: Endpoint | None = Endpoint.CREATE
    times: int | None = 1

    late: ClassVar[bool] = True

    def strike(self, call: WireCall) -> Response:
        """The same reply, cut before its first byte."""
        status = 200 if call.response is None else call.response.status
        return Response(status, cut=Cut("lost"))


@dataclass(frozen=True, slots=True)
class Overloaded(WireFault):
    """The service is overloaded and answers 529 `overloaded_error`.

    Contract 8.2; the official client repeats such a call twice, creates included.
    """

    def strike(self, call: WireCall) -> ApiError:
        """529."""
        del call
        return overloaded()
