"""The official client on the in-process transport, deaf to the developer's environment."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import anthropic
import msgspec

from controls.core.results import seconds_of
from simulator import Api, Request, Response
from simulator.delivery import Service
from simulator.testing import transports
from simulator.wire import Cut

API_KEY = "gameday"
HOST = "simulator.invalid"
LIVE, OK = "/v1/messages", 200
BASE_URL = f"http://{HOST}"


class ServiceBroke(BaseException):
    """The simulated service or a fault raised, in place of an answer. No `Exception`: a client
    would take it for a bad connection, and try again for ever."""


_TRANSPORT, _ = transports(anthropic.DefaultHttpxClient)

Bend = Callable[[Request, Response], Response]
"""What becomes of a reply on its way."""


class Wire:
    """The line to the service, with a witness on it.

    The service's books keep what batches brought. What was sent besides, to be counted or
    answered at once, is kept here, so that nothing leaves the house unseen.
    """

    def __init__(
        self, api: Api, bent: Sequence[Callable[[Request, Response], Response]] = ()
    ) -> None:
        self._api = api
        self._bent = bent
        self._not_before: dict[tuple[str, str], datetime] = {}
        self.told_to_wait = 0
        """How often a reply said when to come back."""
        self.hurried: list[str] = []
        """Calls that came earlier than the last reply to such a call had asked for."""
        self.besides: list[bytes] = []
        """Bodies of all calls that were not about batches."""
        self.live: list[tuple[bytes, bytes]] = []
        """Bodies and replies of live calls that were answered."""
        self.strangers: list[str] = []
        """Hosts other than the service's that were called, with the key along."""

    def steps(self, request: Request) -> Generator[None, None, Response]:
        """Pass the call on; at any other host nobody listens.

        Raises:
            ServiceBroke: the service did; so do the pieces of its replies.
        """
        host = request.headers.get("host", HOST)
        if host != HOST:
            self.strangers += [host] if request.headers.get("x-api-key") else []
            return _nobody()
        if "/batches" not in request.path:
            self.besides.append(bytes(request.body))
        return self._heeded(request)

    def _heeded(self, request: Request) -> Generator[None, None, Response]:
        """The call, and whether it came when the service had asked for it."""
        call, now = (request.method, request.path), self._api.clock.now()
        earliest = self._not_before.pop(call, now)
        if now < earliest:
            self.hurried.append(f"{request.method} {request.path}: {earliest - now} too early")
        try:
            response = yield from self._api.steps(request)
        except Exception as error:
            raise ServiceBroke from error
        for bend in self._bent:
            response = bend(request, response)
        if request.path == LIVE and response.status == OK:
            self.live.append((bytes(request.body), response.read()))
        if wait := seconds_of(response.header("retry-after"), now):
            self.told_to_wait += 1
            self._not_before[call] = now + timedelta(seconds=wait)
        if isinstance(response.body, bytes):
            return response
        return msgspec.structs.replace(response, body=_pieces(response.body))


def _pieces(body: Iterable[bytes]) -> Iterator[bytes]:
    try:
        yield from body
    except Exception as error:
        raise ServiceBroke from error


def _nobody() -> Generator[None, None, Response]:
    yield
    return Response(0, cut=Cut("refused"))


def make_client(wire: Service) -> anthropic.Anthropic:
    """A client of the simulated service. It does not retry: that is for controls to decide."""
    with no_anthropic_environment():
        return anthropic.Anthropic(
            api_key=API_KEY, base_url=BASE_URL, http_client=make_http(wire), max_retries=0
        )


def make_http(wire: Service) -> Any:
    """The HTTP library under the client, on the same line."""
    return anthropic.DefaultHttpxClient(transport=_TRANSPORT(wire))


@contextmanager
def no_anthropic_environment() -> Iterator[None]:
    """Hide `ANTHROPIC_*` for a moment: keys and headers of a developer stay out of a drill."""
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if "ANTHROPIC_" in name}
    try:
        yield
    finally:
        os.environ.update(hidden)
