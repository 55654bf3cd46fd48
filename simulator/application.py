"""The simulator as an ASGI application.

The service runs on the event loop alone, so `Api.handle` is never called twice at a time. Big
create bodies are read in a thread and long work is done in steps, so that a small call beside
them is answered soon.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Coroutine, Iterable, MutableMapping
from typing import Any, Final
from urllib.parse import parse_qsl

from simulator import admin
from simulator.api import Api
from simulator.routes import match
from simulator.wire import Endpoint, Request, Response

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]

READ_IN_THREAD_BYTES: Final = 256 * 1024
"""From here on, reading a create body takes longer than a thread costs."""
LINGER: Final = (1, 0)


def app(api: Api, *, token: str | None = None) -> Application:
    """The application; `token` opens `/_gameday/` to callers that are not on this machine."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        request = await _read(api, scope, receive)
        if request is None:
            return
        if request.path.startswith(admin.PREFIX):
            client = scope.get("client")
            peer = client[0] if client else ""
            await _send(admin.handle(api, request, peer=peer, token=token), scope, receive, send)
            return
        await _send(await _answer(api, request), scope, receive, send)

    return application


async def _answer(api: Api, request: Request) -> Response:
    """The reply of the service, letting others in between its steps."""
    if len(request.body) >= READ_IN_THREAD_BYTES and _is_create(request):
        request = await asyncio.to_thread(api.prepare, request)
    steps = api.steps(request)
    while True:
        try:
            next(steps)
        except StopIteration as done:
            response: Response = done.value
            return response
        await asyncio.sleep(0)


def _is_create(request: Request) -> bool:
    return match(request.method, request.path)[0] is Endpoint.CREATE


async def _read(api: Api, scope: Scope, receive: Receive) -> Request | None:
    """The whole request, its body in one growing buffer; None if the client went away."""
    headers = {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
    }
    body = await _read_body(receive, api.limits.batch_body_bytes)
    if body is None:
        return None
    scheme = headers.get("x-forwarded-proto", scope.get("scheme", "http"))
    raw_path = scope.get("raw_path") or scope["path"].encode("utf-8")
    query = scope.get("query_string", b"").decode("latin-1")
    return Request(
        method=scope["method"],
        path=raw_path.split(b"?", 1)[0].decode("latin-1"),
        query=tuple(parse_qsl(query, keep_blank_values=True)),
        headers=headers,
        body=body,
        scheme=scheme if scheme in {"http", "https"} else "http",
    )


async def _read_body(receive: Receive, limit: int) -> bytearray | None:
    """The body; of one that is too large only as much as shows it, the rest is read and lost."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        if len(body) <= limit:
            body += message.get("body", b"")
        if not message.get("more_body", False):
            return body


async def _send(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """The reply, in the pieces in which it comes, up to where the connection breaks."""
    transport = scope.get("state", {}).get("transport")
    cut = response.cut
    if cut is not None and cut.after_bytes is None:
        await _break(transport, receive, hard=cut.kind == "reset")
        return
    headers = [
        (name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers
    ]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    pieces: Iterable[bytes] = (
        (response.body,) if isinstance(response.body, bytes) else response.body
    )
    left = None if cut is None else cut.after_bytes
    for piece in pieces:
        if transport is not None and transport.is_closing():
            return
        if left is not None and len(piece) >= left:
            await send(_body(piece[:left]))
            await _break(transport, receive, hard=False)
            return
        left = None if left is None else left - len(piece)
        await send(_body(piece))
        await asyncio.sleep(0)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _body(piece: bytes) -> Message:
    return {"type": "http.response.body", "body": piece, "more_body": True}


async def _break(transport: Any, receive: Receive, *, hard: bool) -> None:
    """Close the connection without finishing the reply; `hard` resets it."""
    if transport is None:
        raise ConnectionResetError("This server does not let the simulator close a connection.")
    if hard:
        reset(transport)
    else:
        transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass


def reset(transport: Any) -> None:
    """Tear the connection down, so that the client sees a reset and not an end."""
    raw = transport.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", *LINGER))
    transport.abort()


async def _lifespan(receive: Receive, send: Send) -> None:
    """Starting and stopping need nothing here."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
