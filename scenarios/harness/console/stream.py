"""Server-sent events over ASGI: nobody waits for a reader that does not read."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Any, Final

from starlette.types import Receive, Scope, Send

PATIENCE_SECONDS: Final = 10.0
"""A reader that takes nothing for so long is dropped; its page comes back by itself."""
HEADERS: Final = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]


class EventStream:
    """A response that goes on until the reader leaves or the server ends."""

    def __init__(
        self, pieces: AsyncGenerator[bytes, None], *, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        self._pieces = pieces
        self._patience_seconds = patience_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send piece by piece."""
        leaving = asyncio.ensure_future(_left(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            async for piece in self._pieces:
                if leaving.done():
                    return
                async with asyncio.timeout(self._patience_seconds):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
        except (TimeoutError, asyncio.CancelledError):  # it does not read, or the server ends
            transport: Any = scope.get("state", {}).get("transport")
            if transport is not None:
                transport.abort()
                await asyncio.sleep(0)  # the server hears of it before this application is done
        finally:
            leaving.cancel()
            with contextlib.suppress(RuntimeError):
                await self._pieces.aclose()


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
