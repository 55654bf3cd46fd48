"""Faults of the reply that carries a results file: its headers, its coding, or none of it."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

import msgspec

from simulator.errors import ApiError, SimulatorError
from simulator.faults.envelope import ReplyFault, without_headers
from simulator.faults.fault import Family
from simulator.faults.seams import WireCall, WireFault
from simulator.faults.status import OK
from simulator.wire import Endpoint, Response

GZIP: Final = 16 + zlib.MAX_WBITS
LOWEST, HIGHEST = 500, 599
_MARK: Final = "redirected"


class DownloadFault(ReplyFault):
    """The base of this file: what happens to a results file on its way."""

    __slots__ = ()

    family: ClassVar[Family] = Family.RESULTS_FILE
    unit: ClassVar[str] = "downloads"
    where: ClassVar[tuple[Endpoint, ...]] = (Endpoint.RESULTS,)

    def reaches(self, call: WireCall) -> bool:
        """What would have been delivered."""
        return call.reply.status == OK


class NoContentType(DownloadFault):
    """The results come without a `content-type`.

    Contract 15, incident 7; the official client does not mind.
    """

    __slots__ = ()

    def strike(self, call: WireCall) -> Response:
        """The same without it."""
        return without_headers(call.reply, "content-type")


class Gzipped(DownloadFault):
    """The results come compressed.

    Contract 15, catalogue of results, and 3.1: the official client asks for it in each call
    and unpacks it; a reader of the raw socket sees noise.
    """

    __slots__ = ()

    def strike(self, call: WireCall) -> Response:
        """Compressed as it is sent."""
        reply = call.reply
        body = (reply.body,) if isinstance(reply.body, bytes) else reply.body
        headers = (*reply.headers, ("content-encoding", "gzip"))
        return msgspec.structs.replace(reply, headers=headers, body=gzipped(body))


class WrongGzip(DownloadFault):
    """The results say that they are compressed, and are not.

    Contract 7.3: the official client dies of the HTTP library's own `DecodingError`.
    """

    __slots__ = ()

    def strike(self, call: WireCall) -> Response:
        """The same with a header that is not true."""
        headers = (*call.reply.headers, ("content-encoding", "gzip"))
        return msgspec.structs.replace(call.reply, headers=headers)


class EmptyResults(DownloadFault):
    """The results are 200 with nothing in them.

    Contract 15, incident 23: a failing download was treated as "no results". The official
    client yields no row and no error.
    """

    __slots__ = ()

    def strike(self, call: WireCall) -> Response:
        """The same without its body."""
        return msgspec.structs.replace(call.reply, body=b"")


@dataclass(frozen=True, slots=True)
class RedirectedResults(DownloadFault):
    """The results are elsewhere: 302.

    Contract 7.4: the official client follows, twenty times at most, and drops its
    `Authorization` on the way to another host. Without a `location` the way leads back here
    and on to the results; with `loop` it never arrives.
    """

    location: str = ""
    loop: bool = False

    def __post_init__(self) -> None:
        WireFault.__post_init__(self)
        if self.location and self.loop:
            raise SimulatorError(
                "RedirectedResults: a loop leads nowhere else.", fix="Give location or loop."
            )

    def reaches(self, call: WireCall) -> bool:
        """Not for the second time, unless it is a loop."""
        again = not self.location and not self.loop and (_MARK, "1") in call.request.query
        return not again and DownloadFault.reaches(self, call)

    def strike(self, call: WireCall) -> Response:
        """The way."""
        path = call.request.path if self.loop else f"{call.request.path}?{_MARK}=1"
        return Response(302, (("location", self.location or path), *call.reply.headers[:1]))


@dataclass(frozen=True, slots=True)
class ResultsUnavailable(WireFault):
    """The download fails with a 5xx before its first byte.

    Contract 15, incident 23: it was taken for "no results". The official client tries again.
    """

    status: int = 503

    family: ClassVar[Family] = Family.RESULTS_FILE
    unit: ClassVar[str] = "downloads"
    where: ClassVar[tuple[Endpoint, ...]] = (Endpoint.RESULTS,)

    def __post_init__(self) -> None:
        WireFault.__post_init__(self)
        if not LOWEST <= self.status <= HIGHEST:
            raise SimulatorError(
                f"ResultsUnavailable: {self.status} is no failure of the service.",
                fix="Use 500 to 599.",
            )

    def strike(self, call: WireCall) -> ApiError:
        """The failure."""
        del call
        return ApiError(self.status, "api_error", "Service temporarily unavailable")


def gzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same, compressed as it comes."""
    packer = zlib.compressobj(wbits=GZIP)
    for piece in pieces:
        if packed := packer.compress(piece):
            yield packed
    yield packer.flush()
