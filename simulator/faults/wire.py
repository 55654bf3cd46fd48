"""Faults of a connection. The seam is `strike(call)`: what the client gets instead of the reply.

A `late` fault strikes after the service has done its work, any other one before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import msgspec

from simulator.clock import ZERO
from simulator.errors import SimulatorError
from simulator.faults.seams import WireCall, WireFault
from simulator.wire import Cut, Endpoint, Response

__all__ = ["WireCall", "WireFault"]

NOTHING = 0
"""No status: nothing was answered."""


class Refused(WireFault):
    """No connection comes about: nobody listens.

    Contract 15, catalogue of connections. Over a socket the connection exists already, so it
    is reset instead; the official client says `APIConnectionError` to both, and tries again.
    """

    __slots__ = ()

    def strike(self, call: WireCall) -> Response:
        """No connection."""
        del call
        return Response(NOTHING, cut=Cut("refused"))


class TlsFailure(WireFault):
    """The connection fails before HTTP begins: a TLS alert, and the end.

    Contract 15, catalogue of connections; to the official client an `APIConnectionError`.
    """

    __slots__ = ()

    def strike(self, call: WireCall) -> Response:
        """Bytes that are no HTTP."""
        del call
        return Response(NOTHING, cut=Cut("tls"))


class ConnectionReset(WireFault):
    """The connection is reset before the reply, and before any work was done.

    Contract 8.3: also what the edge does to a body that is too large. The official client
    sends it all again, twice.
    """

    __slots__ = ()

    def strike(self, call: WireCall) -> Response:
        """A reset."""
        del call
        return Response(NOTHING, cut=Cut("reset"))


@dataclass(frozen=True, slots=True)
class ResetMidReply(WireFault):
    """The connection is reset when so many bytes of the body have arrived; the work is done.

    Contract 7.3: in a download the official client shows the HTTP library's own `ReadError`
    and does not try again.
    """

    after_bytes: int = 100

    def __post_init__(self) -> None:
        WireFault.__post_init__(self)
        check_bytes(self.name, self.after_bytes)

    @property
    def late(self) -> bool:
        """The work is done."""
        return True

    def strike(self, call: WireCall) -> Response:
        """The same reply, torn."""
        return cut(call.reply, Cut("torn", after_bytes=self.after_bytes))


@dataclass(frozen=True, slots=True)
class LostReply(WireFault):
    """The service accepts the call and does its work, but the reply never arrives.

    Contract 15, incidents 19 and 20: a create repeated after a timeout made a second batch,
    and both were billed.
    """

    on: Endpoint | None = Endpoint.CREATE
    times: int | None = field(default=1, kw_only=True)

    @property
    def late(self) -> bool:
        """The work is done."""
        return True

    def strike(self, call: WireCall) -> Response:
        """The same reply, cut before its first byte."""
        return Response(call.reply.status, cut=Cut("lost"))


@dataclass(frozen=True, slots=True)
class Silence(WireFault):
    """The base of replies that stop on their way, for `lasting` of the client's own time."""

    lasting: timedelta = timedelta(hours=1)

    def __post_init__(self) -> None:
        WireFault.__post_init__(self)
        if self.lasting <= ZERO:
            raise SimulatorError(
                f"{self.name}: lasting={self.lasting} is no time.", fix="Use more than zero."
            )

    @property
    def late(self) -> bool:
        """The work is done."""
        return True


class StallsBeforeHeaders(Silence):
    """The work is done, and then there is silence for longer than the client waits.

    Contract 8.4: with a server that accepts and never answers, one `create()` of the official
    client made three batches. `lasting` is real time; a patient client gets the reply.
    """

    __slots__ = ()

    def strike(self, call: WireCall) -> Response:
        """The same reply, later."""
        return cut(call.reply, Cut("stall", seconds=self.lasting.total_seconds()))


@dataclass(frozen=True, slots=True)
class StallsMidBody(Silence):
    """The body stops in the middle for longer than the client waits.

    Contract 7.3: the read timeout is for each gap and not for the whole; in a download it
    shows as the HTTP library's own `ReadTimeout`.
    """

    after_bytes: int = 100

    def __post_init__(self) -> None:
        Silence.__post_init__(self)
        check_bytes(self.name, self.after_bytes)

    def strike(self, call: WireCall) -> Response:
        """The same reply with a gap."""
        seconds = self.lasting.total_seconds()
        return cut(call.reply, Cut("stall", self.after_bytes, seconds))


@dataclass(frozen=True, slots=True)
class SlowDrip(Silence):
    """The body comes a few bytes at a time, with `lasting` between them.

    Contract 15, catalogue of connections: no gap is long enough for a timeout, and the whole
    takes for ever; only a deadline of the client's own ends it.
    """

    lasting: timedelta = timedelta(seconds=5)
    piece_bytes: int = 64

    def __post_init__(self) -> None:
        Silence.__post_init__(self)
        check_bytes(self.name, self.piece_bytes)

    def strike(self, call: WireCall) -> Response:
        """The same reply in drops."""
        return cut(call.reply, Cut("drip", self.piece_bytes, self.lasting.total_seconds()))


def cut(response: Response, how: Cut) -> Response:
    """The same reply, with something wrong on its way."""
    return msgspec.structs.replace(response, cut=how)


def check_bytes(fault: str, count: int) -> None:
    """Refuse a place before the beginning."""
    if count < 1:
        raise SimulatorError(f"{fault}: {count} bytes are none.", fix="Use 1 or more.")
