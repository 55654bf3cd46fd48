"""In process: the official SDK talks to the simulator without a socket.

    client = anthropic.Anthropic(
        api_key="test",
        base_url="http://simulator.invalid",
        http_client=anthropic.DefaultHttpxClient(transport=SimulatorTransport(api)),
        max_retries=0,
    )

Retrying is off because the SDK's retries sleep in real time, with jitter that no seed holds.
For SDK 0.x, which speaks `httpx`, `transport_httpx.py` has the same.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx2

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


class SimulatorTransport(httpx2.BaseTransport):
    """For `httpx2.Client`, and so for `anthropic.Anthropic` 1.x and 2.x."""

    def __init__(self, api: Service) -> None:
        self._api = api

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """One call."""
        response = answer(self._api, request, request.read())
        raise_cut(response, httpx2, request)
        return httpx2.Response(
            response.status,
            headers=list(response.headers),
            stream=_Pieces(response, patience(request)),
            request=request,
        )


class AsyncSimulatorTransport(httpx2.AsyncBaseTransport):
    """For `httpx2.AsyncClient`, and so for `anthropic.AsyncAnthropic` 1.x and 2.x."""

    def __init__(self, api: Service) -> None:
        self._api = api

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """One call."""
        response = await answer_async(self._api, request, await request.aread())
        raise_cut(response, httpx2, request)
        return httpx2.Response(
            response.status,
            headers=list(response.headers),
            stream=_AsyncPieces(response, patience(request)),
            request=request,
        )


class _Pieces(httpx2.SyncByteStream):
    def __init__(self, response: Response, seconds: float) -> None:
        self._pieces = delivered(response, httpx2, seconds)

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def close(self) -> None:
        self._pieces.close()


class _AsyncPieces(httpx2.AsyncByteStream):
    def __init__(self, response: Response, seconds: float) -> None:
        self._pieces = delivered_async(response, httpx2, seconds)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._pieces

    async def aclose(self) -> None:
        await self._pieces.aclose()
