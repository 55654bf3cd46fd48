"""What goes in and what comes out, as plain values: no sockets, no HTTP library."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, Final

import msgspec

Headers = tuple[tuple[str, str], ...]


class Endpoint(Enum):
    """What a call is about; `OTHER` is a path that nobody serves."""

    CREATE = "create"
    RETRIEVE = "retrieve"
    LIST = "list"
    CANCEL = "cancel"
    DELETE = "delete"
    RESULTS = "results"
    MESSAGES = "messages"
    COUNT_TOKENS = "count_tokens"
    MODELS = "models"
    MODEL = "model"
    WRONG_METHOD = "wrong method"
    OTHER = "other"

    @property
    def is_batch(self) -> bool:
        """Whether it counts against the limits of the batch endpoints."""
        return self in _BATCH_ENDPOINTS


_BATCH_ENDPOINTS = frozenset(
    {
        Endpoint.CREATE,
        Endpoint.RETRIEVE,
        Endpoint.LIST,
        Endpoint.CANCEL,
        Endpoint.DELETE,
        Endpoint.RESULTS,
    }
)


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One call as it arrived."""

    method: str
    path: str
    """As sent, still percent-encoded, without the query."""
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = {}
    """Names in lower case."""
    body: bytes | bytearray = b""
    scheme: str = "http"
    prepared: Any = None
    """The envelope of a create call, if a skin has already read it (`validation.prepare`)."""
    decoded: bool = False
    """Whether a skin has already undone a `content-encoding`."""
    unread: bool = False
    """Whether more of the body was coming than anybody wanted to read."""

    @property
    def base_url(self) -> str:
        """Where the client thinks that we are: what `results_url` must begin with."""
        return f"{self.scheme}://{self.headers.get('host', 'api.anthropic.com')}"


class Cut(msgspec.Struct, frozen=True):
    """The connection breaks or falters instead of, or in the middle of, the reply.

    `lost`: the reply never arrives; in process the client sees a read timeout, over a socket
    the connection is closed without a reply. `reset`: the connection is torn down; in the
    middle of a body it is only closed, and `torn` is the hard way there. `refused` and `tls`:
    no connection comes about. `stall`: silence for `seconds`, then it goes on. `drip`: so many
    bytes at a time, `seconds` apart. `closed`: without chunks or length, so that the end of
    the connection looks like the end of the body; `aborted`: with them, so that it does not.
    """

    kind: str = "lost"
    after_bytes: int | None = None
    """None: nothing arrives, no status line either. Else the body breaks after so many bytes."""
    seconds: float = 0.0
    """In real time, as the client feels it."""
    stated: bool = False
    """Whether the reply tells how long it would have been."""


WHOLE: Final = 2**62
"""`after_bytes` of a cut that comes once the whole body was sent, but not its end."""


class Response(msgspec.Struct, frozen=True):
    """One reply: a whole body, or pieces that are made as they are taken."""

    status: int
    headers: Headers = ()
    body: bytes | Iterable[bytes] = b""
    cut: Cut | None = None

    def read(self) -> bytes:
        """The whole body."""
        return self.body if isinstance(self.body, bytes) else b"".join(self.body)

    def header(self, name: str) -> str | None:
        """The first header of this lower-case name."""
        return next((value for key, value in self.headers if key == name), None)
