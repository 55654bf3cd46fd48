"""In process, for clients of classic `httpx`: the official SDK 0.x, and code of your own.

The same as `transport.py`, line by line, because each library accepts its own base classes only.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx

from simulator.delivery import (
    Service,
    answer,
    answer_async,
    delivered,
    delivered_async,
    patience,
    raise_cut,
)
from simulator.wire import Response


class HttpxTransport(httpx.BaseTransport):
    """For `httpx.Client`, and so for `anthropic.Anthropic` 0.x."""

    def __init__(self, api: Service) -> None:
        self._api = api

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One call."""
        response = answer(self._api, request, request.read())
        raise_cut(response, httpx, request)
        return httpx.Response(
            response.status,
            headers=list(response.headers),
            stream=_Pieces(response, patience(request)),
            request=request,
        )


class AsyncHttpxTransport(httpx.AsyncBaseTransport):
    """For `httpx.AsyncClient`, and so for `anthropic.AsyncAnthropic` 0.x."""

    def __init__(self, api: Service) -> None:
        self._api = api

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One call."""
        response = await answer_async(self._api, request, await request.aread())
        raise_cut(response, httpx, request)
        return httpx.Response(
            response.status,
            headers=list(response.headers),
            stream=_AsyncPieces(response, patience(request)),
            request=request,
        )


class _Pieces(httpx.SyncByteStream):
    def __init__(self, response: Response, seconds: float) -> None:
        self._pieces = delivered(response, httpx, seconds)

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def close(self) -> None:
        self._pieces.close()


class _AsyncPieces(httpx.AsyncByteStream):
    def __init__(self, response: Response, seconds: float) -> None:
        self._pieces = delivered_async(response, httpx, seconds)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._pieces

    async def aclose(self) -> None:
        await self._pieces.aclose()
