"""Taking in a create body while it arrives.

A body of 256 MB that is collected first and read afterwards keeps the interpreter busy for a
second at a stretch and costs twice its size. Here it is cut between two requests every 256 KiB
and each part is read at once, so that a small call beside it is answered within milliseconds
and nothing is kept but the parts, of which the requests are slices. The parts of a body beyond
`SHELF_BYTES` go to a temporary file (`shelf.py`), the first ones too, and are read again when
the batch is worked.

Where to cut: in JSON, `,{"custom_id"` cannot stand inside a string, because its first quote
would end the string and be followed by a letter. So the last such place in what has arrived is
a border, unless it lies deeper in the document; then the part cannot be read, and the whole
body is read slowly instead (`validation.read_envelope`), which also finds the words for what
is wrong with it.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

import msgspec

from simulator.batch import BatchRequest
from simulator.errors import too_large
from simulator.limits import Limits
from simulator.shelf import Shelf
from simulator.validation import (
    CREATE_BODY,
    Prepared,
    check_utf8,
    length_refusal,
    prepare,
    well_formed,
)

PART_BYTES: Final = 256 * 1024
SHELF_BYTES: Final = 8 * 2**20
"""A batch of more than this does not stay in memory."""
_HEAD: Final = re.compile(rb'\s*\{\s*"requests"\s*:\s*\[\s*(?=\{\s*("custom_id"|"params")\s*:)')
_BORDER: Final = re.compile(rb",\s*\{\s*\Z")
_LOOK_BACK: Final = 64
_TRIES: Final = 32
_PART: Final = msgspec.json.Decoder(list[BatchRequest])
_ENCODE: Final = msgspec.json.Encoder().encode


class Unreadable(Exception):  # noqa: N818 - a fact, not an error of ours
    """This body is not laid out as expected, or something is wrong with it."""


class Intake:
    """A create body on its way in."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._digest = hashlib.sha256()
        self._size = 0
        self._head = b""
        self._key = b""
        self._parts: list[tuple[bytes, int]] = []
        self._shelf: Shelf[BatchRequest] | None = None
        self._pending = bytearray()
        self._requests: list[BatchRequest] = []
        self._ids: set[str] = set()
        self._count = 0
        self._try_at = PART_BYTES
        self._readable = True

    def is_too_large(self) -> bool:
        """Whether more has arrived than is allowed."""
        return self._size > self._limits.batch_body_bytes

    def feed(self, piece: bytes | bytearray | memoryview) -> None:
        """The next piece of the body."""
        if self.is_too_large():
            return
        self._size += len(piece)
        self._digest.update(piece)
        if self.is_too_large():
            self._forget()
            return
        self._pending += piece
        if self._readable and len(self._pending) >= self._try_at:
            try:
                self._cut()
            except Unreadable:
                self._readable = False

    def finish(self) -> Prepared | None:
        """The body as it was read; None if it has to be read slowly, in a thread perhaps."""
        if self.is_too_large():
            return self._prepared(refusal=True)
        if not self._readable or not self._head:
            return None
        tail = b'{"requests":' + self._pending
        try:
            if b'"requests"' in self._pending:
                return None
            check_utf8(tail)
            requests = CREATE_BODY.decode(tail).requests
            self._check(requests)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, Unreadable):
            return None
        self._keep(requests, _ENCODE(requests) if self._size > SHELF_BYTES else b"")
        return self._prepared()

    def read_slowly(self) -> Prepared:
        """The whole body in one piece."""
        if self._count > self._limits.requests_per_batch:
            return self._prepared()
        pending = memoryview(self._pending)[1:] if self._head else self._pending
        shelved = () if self._shelf is None else self._shelf.blocks
        parts = [part for part, _ in self._parts]
        body = b",".join([*(part[1:-1] for part in (*shelved, *parts)), pending])
        self._forget()
        return prepare(self._head + body if self._head else body, self._limits)

    def _forget(self) -> None:
        self._parts, self._requests, self._ids, self._shelf = [], [], set(), None
        self._pending = bytearray()

    def _prepared(self, *, refusal: bool = False) -> Prepared:
        refused = too_large() if refusal else length_refusal(self._count, self._limits)
        kept = self._requests if self._shelf is None else self._shelf
        requests = [] if refused else kept
        return Prepared(requests, refused, self._digest.hexdigest()[:16], self._size)

    def _cut(self) -> None:
        """Read all but the last request of what has arrived."""
        if not self._head:
            self._open()
        border = self._border()
        if border is None:
            self._try_at = 2 * len(self._pending)
            return
        part = bytes(memoryview(self._pending)[:border]) + b"]"
        try:
            check_utf8(part)
            requests = _PART.decode(part)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise Unreadable from None
        self._check(requests)
        self._keep(requests, part)
        del self._pending[: border + 1]
        self._pending[:0] = b"["
        self._try_at = PART_BYTES

    def _open(self) -> None:
        found = _HEAD.match(self._pending)
        if found is None:
            raise Unreadable
        self._key = found[1]
        self._head = bytes(self._pending[: found.end()])
        self._pending[: found.end()] = b"["

    def _border(self) -> int | None:
        """Where the comma before the last request stands."""
        end = len(self._pending)
        for _ in range(_TRIES):
            end = self._pending.rfind(self._key, 0, end)
            if end < 0:
                return None
            start = max(end - _LOOK_BACK, 0)
            found = _BORDER.search(self._pending[start:end])
            if found is not None and start + found.start() > 0:
                return start + found.start()
        return None

    def _check(self, requests: list[BatchRequest]) -> None:
        """Count them, and see that they are what they should be."""
        self._count += len(requests)
        if self._count > self._limits.requests_per_batch:
            return
        if not well_formed(requests):
            raise Unreadable
        self._ids.update([request.custom_id for request in requests])
        if len(self._ids) < self._count:
            raise Unreadable

    def _keep(self, requests: list[BatchRequest], part: bytes) -> None:
        if self._count > self._limits.requests_per_batch:  # only their number matters now
            self._parts, self._requests, self._ids, self._shelf = [], [], set(), None
            return
        if self._shelf is not None:
            self._shelf.add(part, len(requests))
            return
        self._parts.append((part, len(requests)))
        self._requests += requests
        if self._size > SHELF_BYTES:
            self._shelf = Shelf(_PART.decode)
            for earlier, count in self._parts:
                self._shelf.add(earlier, count)
            self._parts, self._requests = [], []
