"""The lists of a batch, each kept as one value: MessagePack of columns.

They are read whole and never searched. One value is ten times as fast as a line per row, and a
column of numbers costs the garbage collector nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

import msgspec


class Sent(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The requests of a batch, written before the call that sends them."""

    ordinals: list[int]
    keys: list[str]
    digests: list[bytes]
    """Of `params`; see `digest16`."""
    references: list[str]
    """What each answer must echo; empty where nothing is asked back."""


class Answered(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A part of the results of a batch, as they came."""

    ordinals: list[int]
    outcomes: list[str]
    """`accepted`, a reason code, or a row's status."""
    input_tokens: list[int]
    output_tokens: list[int]
    cache_written: list[int]
    cache_read: list[int]
    digests: list[bytes]
    """Of the lines; see `digest16`."""


class Staged(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Accepted answers of a part, as they wait for promotion."""

    ordinals: list[int]
    keys: list[str]
    values: list[bytes]
    """JSON."""


packed: Callable[[Sent | Answered | Staged], bytes] = msgspec.msgpack.Encoder().encode
"""As the store keeps a list."""
read_sent = msgspec.msgpack.Decoder(Sent).decode
read_answered = msgspec.msgpack.Decoder(Answered).decode
read_staged = msgspec.msgpack.Decoder(Staged).decode


def part_digest(part: int, lines: bytes) -> bytes:
    """SHA-256 of a part of a list: of its number, from 0, and its content."""
    digest = hashlib.sha256(b"%d/" % part)
    digest.update(lines)
    return digest.digest()


def list_digest(parts: Iterable[bytes]) -> str:
    """The digest of a list that is kept in parts, by the digests of those in their order."""
    return hashlib.sha256(b"".join(parts)).hexdigest()
