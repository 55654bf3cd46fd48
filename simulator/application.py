"""The simulator as an ASGI application.

The service runs on the event loop alone, so `Api.handle` is never called twice at a time. Big
create bodies are read while they arrive and long work is done in steps, so that a small call
beside them is answered soon.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

from simulator import breaking
from simulator.api import Api
from simulator.bodies import Bodies, Gone
from simulator.routes import ADMIN, match
from simulator.wire import Endpoint, Request, Response

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]


def app(api: Api, *, token: str | None = None) -> Application:
    """The application; `token` opens `/_gameday/` to callers that are not on this machine."""
    bodies = Bodies(api.limits)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        request = _head(scope)
        is_create = match(request.method, request.path)[0] is Endpoint.CREATE
        try:
            request = await bodies.read(request, receive, create=is_create)
        except Gone:
            _leave(scope)
            return
        if request.path.startswith(ADMIN):
            from simulator import admin  # noqa: PLC0415 - it needs the catalogue of faults

            for _ in api.settle():
                await asyncio.sleep(0)
            client = scope.get("client")
            peer = client[0] if client else ""
            await _send(admin.handle(api, request, peer=peer, token=token), scope, receive, send)
            return
        response = await _answer(api, request)
        if request.unread and response.cut is None:
            await _send_early(response, send)
            await bodies.drain(request, receive)
            await send(breaking.body(b"", more=False))
            return
        await _send(response, scope, receive, send)

    return application


def _leave(scope: Scope) -> None:
    """Nobody is there to answer."""
    transport = scope.get("state", {}).get("transport")
    if transport is not None:
        transport.abort()


async def _answer(api: Api, request: Request) -> Response:
    """The reply of the service, letting others in between its steps."""
    steps = api.steps(request)
    while True:
        try:
            next(steps)
        except StopIteration as done:
            response: Response = done.value
            return response
        await asyncio.sleep(0)


def _head(scope: Scope) -> Request:
    """The request without its body."""
    headers = {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
    }
    scheme = headers.get("x-forwarded-proto", scope.get("scheme", "http"))
    raw_path = scope.get("raw_path") or scope["path"].encode("utf-8")
    query = scope.get("query_string", b"").decode("latin-1")
    return Request(
        method=scope["method"],
        path=raw_path.split(b"?", 1)[0].decode("latin-1"),
        query=tuple(parse_qsl(query, keep_blank_values=True)),
        headers=headers,
        scheme=scheme if scheme in {"http", "https"} else "http",
    )


async def _send(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """The reply, in the pieces in which it comes; what breaks is sent by `breaking.py`."""
    transport = scope.get("state", {}).get("transport")
    if response.cut is not None:
        await breaking.send_cut(response, response.cut, transport, receive, send)
        return
    await send(breaking.start(response))
    if isinstance(response.body, bytes):
        await send(breaking.body(response.body, more=False))
        return
    for piece in response.body:
        if transport is not None and transport.is_closing():
            return
        await send(breaking.body(piece))
        await asyncio.sleep(0)
    await send(breaking.body(b"", more=False))


async def _send_early(response: Response, send: Send) -> None:
    """A reply that the client has whole while it is still sending; the connection ends with it."""
    whole = response.read()
    framing = (("connection", "close"), ("content-length", str(len(whole))))
    others = (one for one in response.headers if one[0] not in {"connection", "content-length"})
    await send(breaking.start(Response(response.status, (*others, *framing))))
    await send(breaking.body(whole))


async def _lifespan(receive: Receive, send: Send) -> None:
    """Starting and stopping need nothing here."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
