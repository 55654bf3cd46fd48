"""What the in-process transports share: requests in, replies and broken connections out.

`library` is `httpx2` or `httpx`: both have the same names, and a client knows its own only.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Generator, Iterable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from anyio.lowlevel import checkpoint

from simulator.wire import Cut, Request, Response


class Service(Protocol):
    """What a transport needs of an `Api`."""

    def steps(self, request: Request, /) -> Generator[None, None, Response]:
        """One call, in steps between which others may be answered."""


class Serial:
    """A service that several threads may call: one step at a time, of any of them."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._lock = threading.Lock()

    def steps(self, request: Request) -> Generator[None, None, Response]:
        """The same steps, each alone."""
        return one_at_a_time(self._service.steps(request), self._lock)


def one_at_a_time(
    steps: Generator[None, None, Response], lock: AbstractContextManager[Any]
) -> Generator[None, None, Response]:
    """The same steps, each while holding the lock."""
    while True:
        with lock:
            try:
                next(steps)
            except StopIteration as done:
                response: Response = done.value
                return response
        yield


def answer(service: Service, request: Any, body: bytes) -> Response:
    """The reply to a call of a synchronous client."""
    steps = service.steps(read_request(request, body))
    while True:
        try:
            next(steps)
        except StopIteration as done:
            response: Response = done.value
            return response


async def answer_async(service: Service, request: Any, body: bytes) -> Response:
    """The reply to a call of an asynchronous client; other tasks run in between."""
    steps = service.steps(read_request(request, body))
    while True:
        await checkpoint()
        try:
            next(steps)
        except StopIteration as done:
            response: Response = done.value
            return response


def read_request(request: Any, body: bytes) -> Request:
    """A request of httpx2 or httpx as a plain value."""
    url = request.url
    return Request(
        method=request.method,
        path=url.raw_path.split(b"?", 1)[0].decode("ascii"),
        query=tuple(url.params.multi_items()) if url.query else (),
        headers={
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in request.headers.raw
        },
        body=body,
        scheme=url.scheme,
    )


def raise_cut(response: Response, library: Any, request: Any) -> None:
    """What a client sees where no reply arrives."""
    cut = response.cut
    if cut is None or cut.after_bytes is not None or cut.kind == "closed":
        return
    match cut.kind:
        case "stall" | "drip":
            if cut.seconds > patience(request):
                raise library.ReadTimeout("The reply came too late.", request=request)
        case "lost":
            raise library.ReadTimeout("The reply never arrived.", request=request)
        case "refused":
            raise library.ConnectError("Connection refused", request=request)
        case "tls":
            raise library.ConnectError("TLS handshake failed", request=request)
        case _:
            raise library.ReadError("The connection was reset.", request=request)


def patience(request: Any) -> float:
    """How many seconds of silence the client bears. In process nobody waits for real."""
    seconds = (request.extensions.get("timeout") or {}).get("read")
    return float("inf") if seconds is None else float(seconds)


def delivered(
    response: Response, library: Any, seconds: float = float("inf")
) -> Generator[bytes, None, None]:
    """The body, up to where the connection breaks or is silent for longer than `seconds`."""
    body: Iterable[bytes] = [response.body] if isinstance(response.body, bytes) else response.body
    cut = response.cut
    left = None if cut is None else cut.after_bytes
    if cut is None or left is None or (cut.kind in {"stall", "drip"} and cut.seconds <= seconds):
        yield from body
        return
    for piece in body:
        if len(piece) >= left:
            yield piece[:left]
            break
        left -= len(piece)
        yield piece
    if cut.kind != "closed":  # an end of the connection that looks like an end of the body
        raise broken(cut, library)


async def delivered_async(
    response: Response, library: Any, seconds: float = float("inf")
) -> AsyncGenerator[bytes, None]:
    """The same; between the pieces other tasks may run."""
    for piece in delivered(response, library, seconds):
        yield piece
        await checkpoint()


def broken(cut: Cut, library: Any) -> Exception:
    """What a client sees in the middle of a body."""
    if cut.kind in {"lost", "stall", "drip"}:
        kind, text = library.ReadTimeout, "The rest of the body never arrived."
    elif cut.kind == "torn":
        kind, text = library.ReadError, "The connection was reset."
    else:
        kind = library.RemoteProtocolError
        text = "peer closed connection without sending complete message body"
    error: Exception = kind(text)
    return error
