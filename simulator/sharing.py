"""One service for many: threads of one test, or many tests on one server."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from simulator.api import Api
from simulator.billing import Meter
from simulator.books import Books
from simulator.delivery import one_at_a_time
from simulator.faults.plan import FaultPlan
from simulator.wire import Request, Response


class SharedApi(Api):
    """An `Api` that several threads may call."""

    def __init__(self, **settings: Any) -> None:
        self._lock = threading.RLock()
        super().__init__(**settings)

    def steps(self, request: Request) -> Generator[None, None, Response]:
        """The same steps, each alone."""
        return (yield from one_at_a_time(super().steps(request), self._lock))

    def reset(self) -> None:
        """Forget every batch and every call."""
        with self._lock:
            super().reset()

    @property
    def plan(self) -> FaultPlan:
        """The faults, with all firings up to now."""
        with self._lock:
            return super().plan

    @property
    def meter(self) -> Meter:
        """What was billed up to now."""
        with self._lock:
            return super().meter

    def books(self) -> Books:
        """A frozen record of all that was seen, done and billed up to now."""
        with self._lock:
            return super().books()


class Scopes(SharedApi):
    """One service for many tests at a time: each API key has an `Api` of its own behind it.

    Nothing crosses: batches, clock, dice, faults, history and bill belong to one key.
    """

    def __init__(self) -> None:
        super().__init__(keys={})
        self._behind: dict[str, Api] = {}

    def open(self, key: str, api: Api) -> None:
        """From now on this key means this api."""
        self._behind[key] = api

    def close(self, key: str) -> None:
        """The key is refused from now on."""
        self._behind.pop(key, None)

    def steps(self, request: Request) -> Generator[None, None, Response]:
        """The call, served by whom its key belongs to; 401 if to nobody."""
        api = self._behind.get(key_of(request.headers))
        return super().steps(request) if api is None else api.steps(request)


class SharedServer:
    """One loopback server for many handles, started when the first needs it."""

    def __init__(self) -> None:
        self._scopes = Scopes()
        self._running = ExitStack()
        self._url = ""
        self._lock = threading.Lock()

    def open(self, key: str, api: Api) -> str:
        """Serve this api under this key; the URL."""
        self._scopes.open(key, api)
        with self._lock:
            if not self._url:
                self._url = self._running.enter_context(served(self._scopes))
        return self._url

    def close(self, key: str) -> None:
        """Serve it no more."""
        self._scopes.close(key)

    def stop(self) -> None:
        """The end of all of it."""
        self._running.close()


@contextmanager
def served(api: Api) -> Iterator[str]:
    """The api on a port of this machine; uvicorn is imported only now."""
    from simulator.server import Server  # noqa: PLC0415 - most tests need no socket

    with Server(api) as server:
        yield server.url


def key_of(headers: Mapping[str, str]) -> str:
    """The API key of a call, in either header."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "").strip()
