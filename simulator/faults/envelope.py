"""Faults of a reply's own form: the right status, in the wrong words (contract 8.1 and 8.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import msgspec

from simulator.faults.edge import html
from simulator.faults.seams import WireCall, WireFault
from simulator.faults.status import OK
from simulator.wire import Endpoint, Response

ERROR: Final = 400
_JSON: Final = "application/json"


class ReplyFault(WireFault):
    """The base of what happens to a reply that the service has given."""

    __slots__ = ()

    @property
    def late(self) -> bool:
        """The work is done."""
        return True


class ErrorFault(ReplyFault):
    """The base of what happens to error replies, those of other faults included."""

    __slots__ = ()

    def reaches(self, call: WireCall) -> bool:
        """Errors only."""
        return call.reply.status >= ERROR

    def strike(self, call: WireCall) -> Response | None:
        """The same error, told otherwise; None where it is not in our words."""
        try:
            document = msgspec.json.decode(call.reply.read())
        except msgspec.MsgspecError:
            return None
        if not isinstance(document, dict) or not isinstance(document.get("error"), dict):
            return None
        self.change(document)
        return with_body(call.reply, document)

    def change(self, envelope: dict[str, Any]) -> None:
        """Edit the error envelope in place."""
        raise NotImplementedError


class UntypedEnvelope(ErrorFault):
    """An error comes without the top-level `type`.

    Contract 15, incident 5: seen on a 413 of the edge.
    """

    __slots__ = ()

    def change(self, envelope: dict[str, Any]) -> None:
        """Without `type`."""
        envelope.pop("type", None)


@dataclass(frozen=True, slots=True)
class ErrorDetails(ErrorFault):
    """An error comes with `details` that nobody expects.

    Contract 8.2: `error.details.error_code` decides which exception the official client raises.
    """

    error_code: str | None = "ramp_limit_exceeded"

    def change(self, envelope: dict[str, Any]) -> None:
        """With `details`; null if there is no code."""
        code = self.error_code
        envelope["error"]["details"] = None if code is None else {"error_code": code}


class NoRequestIdInBody(ErrorFault):
    """An error comes without `request_id` in its body.

    Contract 8.1: so it was in January 2025; the official client reads the header only.
    """

    __slots__ = ()

    def change(self, envelope: dict[str, Any]) -> None:
        """Without `request_id`."""
        envelope.pop("request_id", None)


class NoRequestIdHeader(ReplyFault):
    """A reply comes without the header `request-id`, as from something in between.

    Contract 3.2: the official client has no other source, so its `request_id` is None.
    """

    __slots__ = ()

    def reaches(self, call: WireCall) -> bool:
        """Any reply."""
        return call.reply.header("request-id") is not None

    def strike(self, call: WireCall) -> Response:
        """The same reply without it."""
        return without_headers(call.reply, "request-id")


@dataclass(frozen=True, slots=True)
class ShouldRetry(ReplyFault):
    """An error says with `x-should-retry` whether to try again, against what its status says.

    Contract 8.4: to the official client this header wins over everything.
    """

    retry: bool = True

    def reaches(self, call: WireCall) -> bool:
        """Errors only."""
        return call.reply.status >= ERROR

    def strike(self, call: WireCall) -> Response:
        """The same error with the header."""
        bare = without_headers(call.reply, "x-should-retry")
        header = ("x-should-retry", "true" if self.retry else "false")
        return msgspec.structs.replace(bare, headers=(*bare.headers, header))


class OddReply(ReplyFault):
    """The base of replies to a call that succeeded, and whose body is not what it should be."""

    __slots__ = ()

    where: ClassVar[tuple[Endpoint, ...]] = tuple(
        endpoint
        for endpoint in Endpoint
        if endpoint not in {Endpoint.RESULTS, Endpoint.OTHER, Endpoint.WRONG_METHOD}
    )

    def reaches(self, call: WireCall) -> bool:
        """What went well."""
        return call.reply.status == OK


class EmptyReply(OddReply):
    """The reply is 200 with nothing in it.

    Contract 8.4: the official client dies of a `JSONDecodeError`, which is none of its own.
    """

    __slots__ = ()

    def strike(self, call: WireCall) -> Response:
        """The same reply without its body."""
        return msgspec.structs.replace(call.reply, body=b"")


class HtmlReply(OddReply):
    """The reply is 200 with a page of HTML, from a login page or a proxy.

    Contract 8.4: the official client hands out a `str` where a batch should be.
    """

    __slots__ = ()

    def strike(self, call: WireCall) -> Response:
        """A page with the headers of the reply."""
        page = html(OK, "Sign in")
        bare = without_headers(call.reply, "content-type")
        return Response(OK, (*page.headers, *bare.headers), page.body)


class ArrayReply(OddReply):
    """The reply is 200 with the object in a JSON array.

    Contract 8.4: the official client hands out a `list`.
    """

    __slots__ = ()

    def strike(self, call: WireCall) -> Response:
        """The same in brackets."""
        return msgspec.structs.replace(call.reply, body=b"[" + call.reply.read() + b"]")


def with_body(response: Response, document: Mapping[str, Any]) -> Response:
    """The same reply, saying something else."""
    return msgspec.structs.replace(response, body=msgspec.json.encode(document))


def without_headers(response: Response, *names: str) -> Response:
    """The same reply without these headers."""
    kept = tuple(header for header in response.headers if header[0] not in names)
    return msgspec.structs.replace(response, headers=kept)
