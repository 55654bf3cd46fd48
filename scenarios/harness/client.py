"""The official client on the in-process transport, deaf to the developer's environment."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager

import anthropic
import msgspec

from simulator import Api, Request, Response
from simulator.testing import transports


class ServiceBroke(BaseException):
    """The simulated service or a fault raised, in place of an answer. No `Exception`: a client
    would take it for a bad connection, and try again for ever."""


class Wire:
    """The line to the service, with a witness on it.

    The service's books keep what batches brought. What was sent besides, to be counted or
    answered at once, is kept here, so that nothing leaves the house unseen.
    """

    def __init__(self, api: Api) -> None:
        self._api = api
        self.besides: list[bytes] = []
        """Bodies of all calls that were not about batches."""

    def steps(self, request: Request) -> Generator[None, None, Response]:
        """Pass the call on.

        Raises:
            ServiceBroke: the service did; so do the pieces of its replies.
        """
        if "/batches" not in request.path:
            self.besides.append(bytes(request.body))
        try:
            response = yield from self._api.steps(request)
        except Exception as error:
            raise ServiceBroke from error
        if isinstance(response.body, bytes):
            return response
        return msgspec.structs.replace(response, body=_pieces(response.body))


def _pieces(body: Iterable[bytes]) -> Iterator[bytes]:
    try:
        yield from body
    except Exception as error:
        raise ServiceBroke from error


def make_client(wire: Wire) -> anthropic.Anthropic:
    """A client of the simulated service. It does not retry: that is for controls to decide."""
    transport, _ = transports(anthropic.DefaultHttpxClient)
    with no_anthropic_environment():
        return anthropic.Anthropic(
            api_key="gameday",
            base_url="http://simulator.invalid",
            http_client=anthropic.DefaultHttpxClient(transport=transport(wire)),
            max_retries=0,
        )


@contextmanager
def no_anthropic_environment() -> Iterator[None]:
    """Hide `ANTHROPIC_*` for a moment: keys and headers of a developer stay out of a drill."""
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if "ANTHROPIC_" in name}
    try:
        yield
    finally:
        os.environ.update(hidden)
