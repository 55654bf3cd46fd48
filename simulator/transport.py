"""In process: the official SDK talks to the simulator without a socket.

    client = anthropic.Anthropic(
        api_key="test",
        base_url="http://simulator.invalid",
        http_client=anthropic.DefaultHttpxClient(transport=SimulatorTransport(api)),
        max_retries=0,
    )

Retrying is off because the SDK's retries sleep in real time, with jitter that no seed holds.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

import httpx2

from simulator.api import Api
from simulator.wire import Cut, Request, Response


class SimulatorTransport(httpx2.BaseTransport):
    """For `httpx2.Client`, and so for `anthropic.Anthropic` 1.x and 2.x."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """One call."""
        response = self._api.handle(read_request(request, request.read()))
        raise_cut(response, httpx2, request)
        return httpx2.Response(
            response.status,
            headers=list(response.headers),
            stream=_Pieces(response, httpx2),
            request=request,
        )


class AsyncSimulatorTransport(httpx2.AsyncBaseTransport):
    """For `httpx2.AsyncClient`, and so for `anthropic.AsyncAnthropic`."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """One call."""
        response = self._api.handle(read_request(request, await request.aread()))
        raise_cut(response, httpx2, request)
        return httpx2.Response(
            response.status,
            headers=list(response.headers),
            stream=_AsyncPieces(response, httpx2),
            request=request,
        )


class _Pieces(httpx2.SyncByteStream):
    def __init__(self, response: Response, library: Any) -> None:
        self._pieces = delivered(response, library)

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces


class _AsyncPieces(httpx2.AsyncByteStream):
    def __init__(self, response: Response, library: Any) -> None:
        self._pieces = delivered(response, library)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece


def read_request(request: Any, body: bytes) -> Request:
    """A request of httpx2 or httpx as a plain value."""
    url = request.url
    return Request(
        method=request.method,
        path=url.raw_path.split(b"?", 1)[0].decode("ascii"),
        query=tuple(url.params.multi_items()),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
        scheme=url.scheme,
    )


def raise_cut(response: Response, library: Any, request: Any) -> None:
    """What a client sees where no reply arrives."""
    cut = response.cut
    if cut is None or cut.after_bytes is not None:
        return
    if cut.kind == "lost":
        raise library.ReadTimeout("The reply never arrived.", request=request)
    raise library.ReadError("The connection was reset.", request=request)


def delivered(response: Response, library: Any) -> Iterator[bytes]:
    """The body, up to where the connection breaks."""
    body: Iterable[bytes] = [response.body] if isinstance(response.body, bytes) else response.body
    left = None if response.cut is None else response.cut.after_bytes
    if left is None:
        yield from body
        return
    for piece in body:
        if len(piece) >= left:
            yield piece[:left]
            break
        left -= len(piece)
        yield piece
    raise broken(response.cut, library)


def broken(cut: Cut | None, library: Any) -> Exception:
    """What a client sees in the middle of a body."""
    if cut is not None and cut.kind == "lost":
        kind, text = library.ReadTimeout, "The rest of the body never arrived."
    else:
        kind = library.RemoteProtocolError
        text = "peer closed connection without sending complete message body"
    error: Exception = kind(text)
    return error
