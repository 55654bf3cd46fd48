"""Faults of a call that never reaches the service: what its edge or a gateway answers."""

from __future__ import annotations

from typing import ClassVar

from simulator.faults.seams import WireCall
from simulator.faults.status import StatusFault
from simulator.wire import Endpoint, Response


class EdgeTooLarge(StatusFault):
    """The edge finds the body too large: 413, in a body without the top-level `type`.

    Contract 15, incident 5, and 8.3: it comes before the service has seen the request.
    """

    __slots__ = ()

    status: ClassVar[int] = 413

    def strike(self, call: WireCall) -> Response:
        """The odd body, as captured."""
        del call
        body = (
            b'{"error":{"type":"request_too_large","message":"Request exceeds the maximum size"}}'
        )
        return Response(self.status, (("content-type", "application/json"),), body)


class BadGateway(StatusFault):
    """The edge cannot reach the service: 502 with a page of HTML.

    Contract 8.2: any body or HTML; the official client tries again.
    """

    __slots__ = ()

    status: ClassVar[int] = 502
    title: ClassVar[str] = "502 Bad Gateway"

    def strike(self, call: WireCall) -> Response:
        """A page for people."""
        del call
        return html(self.status, self.title)


class GatewayTimeout(StatusFault):
    """The gateway stopped waiting for the service: 504 `timeout_error`.

    Contract 8.2 and 8.4; with `done` the create has landed, and its repetition is a second batch.
    """

    __slots__ = ()

    status: ClassVar[int] = 504
    error_type: ClassVar[str] = "timeout_error"
    message: ClassVar[str] = "Request timed out"


class EdgeError(BadGateway):
    """The edge got something that it does not understand: 520, and a page of HTML.

    Contract 8.2: 520 to 524, edge failure; the official client tries again.
    """

    __slots__ = ()

    status: ClassVar[int] = 520
    title: ClassVar[str] = "520: Web server is returning an unknown error"


class NoBatchSupport(StatusFault):
    """A gateway in between knows no batches: 404 for each of their paths.

    Contract 15, incident 21; the live endpoints work.
    """

    __slots__ = ()

    status: ClassVar[int] = 404
    error_type: ClassVar[str] = "not_found_error"
    message: ClassVar[str] = "Not Found"
    where: ClassVar[tuple[Endpoint, ...]] = tuple(
        endpoint for endpoint in Endpoint if endpoint.is_batch
    )


def html(status: int, title: str) -> Response:
    """A page as an edge shows it."""
    page = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\r\n"
    return Response(status, (("content-type", "text/html; charset=UTF-8"),), page.encode())
