"""Over a socket: replies that break, stall, drip, or end without saying so.

Silence is in real time, because it is the client's patience that is tried; it ends at once
when the client goes away.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from http import HTTPStatus
from typing import Any, Final

from simulator.wire import Cut, Response

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

LINGER: Final = (1, 0)
TLS_ALERT: Final = b"\x15\x03\x01\x00\x02\x02\x28"
"""A fatal handshake failure, as a TLS server says it."""
HARD: Final = frozenset({"reset", "refused", "torn"})
HIGH_WATER_BYTES: Final = 1024 * 1024


async def send_cut(
    response: Response, cut: Cut, transport: Any, receive: Receive, send: Send
) -> None:
    """A reply whose delivery goes wrong."""
    if transport is None:
        raise ConnectionResetError("This server does not let the simulator close a connection.")
    if cut.kind == "closed":
        await _send_unframed(response, transport)
        await _until_gone(receive)
    elif cut.kind == "drip":
        await _send_drops(response, cut, transport, receive, send)
    elif cut.kind == "stall":
        await _send_with_silence(response, cut, transport, receive, send)
    elif cut.after_bytes is None:
        if cut.kind == "tls":
            transport.write(TLS_ALERT)
        await _close(transport, receive, hard=cut.kind in HARD)
    else:
        await send(start(response))
        for piece in parts(response, cut.after_bytes):
            await send(body(piece))
            await asyncio.sleep(0)
        await _close(transport, receive, hard=cut.kind == "torn")


async def _send_with_silence(
    response: Response, cut: Cut, transport: Any, receive: Receive, send: Send
) -> None:
    if cut.after_bytes is None:
        await _silence(cut.seconds, receive)
        left = 0
    else:
        left = cut.after_bytes
    await send(start(response))
    silent = cut.after_bytes is None
    for piece in pieces(response):
        if transport.is_closing():
            return
        if not silent and len(piece) > left:
            await send(body(piece[:left]))
            await _silence(cut.seconds, receive)
            silent, piece = True, piece[left:]  # noqa: PLW2901 - the rest of it
        left -= len(piece)
        await send(body(piece))
    await send(body(b"", more=False))


async def _send_drops(
    response: Response, cut: Cut, transport: Any, receive: Receive, send: Send
) -> None:
    size = cut.after_bytes or 1
    await send(start(response))
    for piece in pieces(response):
        for place in range(0, len(piece), size):
            if transport.is_closing():
                return
            await send(body(piece[place : place + size]))
            await _silence(cut.seconds, receive)
    await send(body(b"", more=False))


async def _send_unframed(response: Response, transport: Any) -> None:
    """HTTP's oldest framing: the body is whatever comes before the connection is closed."""
    lines = [f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in response.headers]
    lines += ["connection: close", "", ""]
    transport.write("\r\n".join(lines).encode("latin-1"))
    for piece in pieces(response):
        transport.write(piece)
        await _until_drained(transport)
    transport.close()


async def _until_drained(transport: Any) -> None:
    while transport.get_write_buffer_size() > HIGH_WATER_BYTES:
        if transport.is_closing():
            return
        await asyncio.sleep(0.001)


async def _silence(seconds: float, receive: Receive) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(_until_gone(receive), seconds)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _close(transport: Any, receive: Receive, *, hard: bool) -> None:
    """Close the connection without finishing the reply; `hard` resets it."""
    if hard:
        reset(transport)
    else:
        transport.close()
    await _until_gone(receive)


def reset(transport: Any) -> None:
    """Tear the connection down, so that the client sees a reset and not an end."""
    raw = transport.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", *LINGER))
    transport.abort()


def pieces(response: Response) -> Iterable[bytes]:
    """The body as it comes."""
    return (response.body,) if isinstance(response.body, bytes) else response.body


def parts(response: Response, after_bytes: int) -> Iterator[bytes]:
    """The body up to so many bytes."""
    left = after_bytes
    for piece in pieces(response):
        yield piece[:left]
        left -= len(piece)
        if left <= 0:
            return


def start(response: Response) -> Message:
    """The status line and the headers."""
    headers = [
        (name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers
    ]
    return {"type": "http.response.start", "status": response.status, "headers": headers}


def body(piece: bytes, *, more: bool = True) -> Message:
    """One piece of the body."""
    return {"type": "http.response.body", "body": piece, "more_body": more}
