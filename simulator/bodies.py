"""Request bodies on their way in: with a limit on size, on patience, and on how many at a time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any, Final

import msgspec

from simulator.encoding import Inflation, Undecodable, named_encoding
from simulator.errors import ApiError, too_large
from simulator.intake import Intake
from simulator.limits import Limits
from simulator.validation import Prepared, digest
from simulator.wire import Request

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

IDLE_SECONDS: Final = 30.0
"""So long may a client be silent in the middle of a body."""
DRAIN_BYTES: Final = 32 * 2**20
"""So much of a body that is too large is read before the refusal, and the connection goes on;
one that claims to be larger is refused unread."""
LINGER_SECONDS: Final = 2.0
"""So long may a client be silent that was refused and still has to send the rest of a body."""
SMALL_BYTES: Final = 64 * 1024
LARGE_AT_A_TIME: Final = 4
"""Bodies above `SMALL_BYTES` that are taken in at a time; the others wait, unread."""


class Gone(Exception):  # noqa: N818 - the client is, and nothing is left to say
    """The client went away, or was silent for too long."""


class Plain:
    """A body that is kept as it is, up to its limit."""

    def __init__(self, limit: int) -> None:
        self.body = bytearray()
        self._limit = limit

    def feed(self, piece: bytes | bytearray) -> None:
        """The next piece; of what is too large only as much as shows it."""
        if len(self.body) <= self._limit:
            self.body += piece


class Bodies:
    """Reads the bodies of one server's calls."""

    def __init__(self, limits: Limits, *, idle_seconds: float = IDLE_SECONDS) -> None:
        self._limits = limits
        self._idle_seconds = idle_seconds
        self._large = asyncio.Semaphore(LARGE_AT_A_TIME)

    async def read(self, request: Request, receive: Receive, *, create: bool) -> Request:
        """The request with its body; `prepared`, if it is a create or cannot be decoded."""
        limit = self._limit(create=create)
        if _claimed(request.headers) > max(limit, DRAIN_BYTES):
            refused = Prepared([], too_large(), digest(b""))
            return msgspec.structs.replace(request, prepared=refused, decoded=True, unread=True)
        if request.method == "GET" and _announces_nothing(request.headers):
            return request
        first = await self._next(receive)
        if not first.get("more_body", False) and not create:
            encoding = named_encoding(request.headers) if first.get("body") else ""
            if not encoding:
                return msgspec.structs.replace(request, body=first.get("body", b""))
        async with contextlib.AsyncExitStack() as stack:
            if first.get("more_body", False) and len(first.get("body", b"")) >= SMALL_BYTES:
                await stack.enter_async_context(self._large)
            return await self._read_all(request, first, receive, create=create)

    async def _read_all(
        self,
        request: Request,
        message: MutableMapping[str, Any],
        receive: Receive,
        *,
        create: bool,
    ) -> Request:
        limit = self._limit(create=create)
        sink: Intake | Plain = Intake(self._limits) if create else Plain(limit)
        decode = _decoder(request.headers, limit)
        endless = "content-length" not in request.headers
        taken, refusal = 0, None if callable(decode) else decode
        while True:
            piece = message.get("body", b"")
            taken += len(piece)
            if refusal is None and callable(decode):
                try:
                    for part in decode(piece):
                        sink.feed(part)
                        await asyncio.sleep(0)
                except Undecodable as wrong:
                    refusal = wrong.error
            if not message.get("more_body", False):
                break
            if taken > (limit if endless else limit + DRAIN_BYTES):
                request = msgspec.structs.replace(request, unread=True)
                break
            message = await self._next(receive)
        if refusal is None and isinstance(decode, Inflating):
            refusal = decode.finish()
        return await self._finished(request, sink, refusal)

    async def drain(self, request: Request, receive: Receive) -> None:
        """Throw away what a refused client still sends, so that it comes to hear why."""
        if request.headers.get("expect", "").lower() == "100-continue":
            return
        left = self._limits.batch_body_bytes + DRAIN_BYTES
        with contextlib.suppress(Gone):
            while left > 0:
                message = await self._next(receive, LINGER_SECONDS)
                left -= len(message.get("body", b""))
                if not message.get("more_body", False):
                    return

    def _limit(self, *, create: bool) -> int:
        limits = self._limits
        return limits.batch_body_bytes if create else limits.message_body_bytes

    async def _finished(
        self, request: Request, sink: Intake | Plain, refusal: ApiError | None
    ) -> Request:
        replace = msgspec.structs.replace
        if refusal is not None:
            return replace(request, prepared=Prepared([], refusal, digest(b"")), decoded=True)
        if isinstance(sink, Plain) and request.unread:
            return replace(request, prepared=Prepared([], too_large(), digest(b"")), decoded=True)
        if isinstance(sink, Plain):
            return replace(request, body=sink.body, decoded=True)
        prepared = sink.finish() or await asyncio.to_thread(sink.read_slowly)
        return replace(request, prepared=prepared, decoded=True)

    async def _next(
        self, receive: Receive, seconds: float | None = None
    ) -> MutableMapping[str, Any]:
        try:
            async with asyncio.timeout(seconds or self._idle_seconds):
                message = await receive()
        except TimeoutError:
            raise Gone from None
        if message["type"] == "http.disconnect":
            raise Gone
        return message


def _announces_nothing(headers: Mapping[str, str]) -> bool:
    """Whether no body follows: then nothing has to be waited for."""
    return "content-length" not in headers and "transfer-encoding" not in headers


def _claimed(headers: Mapping[str, str]) -> int:
    """The size that a body is said to have."""
    claimed = headers.get("content-length", "")
    return int(claimed) if claimed.isascii() and claimed.isdecimal() else 0


class Inflating:
    """Undoes the compression of a body."""

    def __init__(self, inflation: Inflation) -> None:
        self._inflation = inflation

    def __call__(self, piece: bytes) -> Iterable[bytes]:
        """What the next piece decodes to."""
        return self._inflation.feed(piece)

    def finish(self) -> ApiError | None:
        """The body is over."""
        try:
            self._inflation.finish()
        except Undecodable as wrong:
            return wrong.error
        return None


def _decoder(
    headers: Mapping[str, str], limit: int
) -> Callable[[bytes], Iterable[bytes]] | ApiError:
    encoding = named_encoding(headers)
    if not encoding:
        return lambda piece: (piece,)
    try:
        return Inflating(Inflation(encoding, limit))
    except Undecodable as wrong:
        return wrong.error
