"""The service of one arm: the simulator on a port, which somebody watches.

A pipeline of the user's runs in real time, and nobody wants to wait for a day. So looking at a
batch moves time on (`PollClock`), and so does every failure; a silence becomes a broken
connection, and a wait that the service asks for becomes a short one. The service's day begins
now, because a pipeline may compare `created_at` with its own clock.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import suppress
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

import msgspec

from controls import SystemClock
from simulator import Api, PollClock
from simulator.wire import Cut, Endpoint, Request, Response

SHORT = 0.05
"""Seconds of silence, or between two drops of a slow body, that a client is made to wait."""
LONGEST_WAIT = 1
"""Seconds of `retry-after` that a client is told at most; virtual time moves by what was meant."""
AFTER_A_FAILURE = timedelta(seconds=5)
AFTER_A_LIST = timedelta(minutes=10)
"""A pipeline that waits by listing comes to an end too."""
FAILED = 400

Watcher = Callable[[int, Endpoint, str], bool]
"""Hears of each call: its number from 1, what it is about, and `before` or `after` the work. It
says whether the caller is gone: then nothing more comes of the call."""


def nobody(number: int, endpoint: Endpoint, moment: str) -> bool:
    """Hears of each call, and does nothing."""
    del number, endpoint, moment
    return False


class WatchedApi(Api):
    """The simulated service with somebody who sees each call before and after it is answered."""

    def __init__(self, *, watcher: Watcher = nobody, **settings: Any) -> None:
        super().__init__(clock=PollClock(SystemClock().now()), **settings)
        self._watcher = watcher
        self.calls = 0
        """How many calls came in."""

    def steps(self, request: Request) -> Generator[None, None, Response]:
        """One call; its reply is made bearable for a client that waits in real time."""
        from simulator.routes import match  # noqa: PLC0415

        self.calls += 1
        number, endpoint = self.calls, match(request.method, request.path)[0]
        if self._watcher(number, endpoint, "before"):
            return Response(0, cut=Cut("lost"))
        response = yield from super().steps(request)
        self._watcher(number, endpoint, "after")
        if endpoint is Endpoint.LIST:
            self.clock.sleep(AFTER_A_LIST)
        return self._bearable(response)

    def _bearable(self, response: Response) -> Response:
        asked = response.header("retry-after")
        if response.cut is not None or response.status >= FAILED:
            self.clock.sleep(_wait(asked))
        headers = tuple(
            (name, _shorter(value) if name == "retry-after" else value)
            for name, value in response.headers
        )
        return Response(response.status, headers, response.body, _sooner(response.cut))


def _sooner(cut: Cut | None) -> Cut | None:
    if cut is None or cut.seconds <= SHORT:
        return cut
    if cut.kind == "stall":
        return Cut("lost") if cut.after_bytes is None else Cut("torn", cut.after_bytes)
    return msgspec.structs.replace(cut, seconds=SHORT / 50)


def _wait(asked: str | None) -> timedelta:
    with suppress(ValueError, OverflowError):
        return max(timedelta(seconds=float(asked or "")), AFTER_A_FAILURE)
    return AFTER_A_FAILURE


def _shorter(asked: str) -> str:
    """The same wish in the same form, if it is a number or a date; else as it was."""
    with suppress(ValueError):
        return str(LONGEST_WAIT) if float(asked) > LONGEST_WAIT else asked
    soon = SystemClock().now() + timedelta(seconds=LONGEST_WAIT)
    with suppress(ValueError, TypeError):
        return format_datetime(soon, usegmt=True) if parsedate_to_datetime(asked) > soon else asked
    return asked
