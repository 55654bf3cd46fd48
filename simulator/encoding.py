"""Compressed request bodies, undone in small pieces (contract 8.2: the documented error codes).

The size limit counts the decoded body, so a bomb is noticed after as many bytes as a body may
have, and none of them is kept.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from typing import Final

from simulator.errors import ApiError

PIECE_BYTES: Final = 256 * 1024
_WINDOWS: Final = {"gzip": 31, "x-gzip": 31, "deflate": 15}
"""What zlib wants to be told about each encoding."""


class Undecodable(Exception):  # noqa: N818 - carries the reply
    """The body is not what its `content-encoding` says."""

    def __init__(self, error: ApiError) -> None:
        super().__init__(error.message)
        self.error = error


class Inflation:
    """One compressed body on its way in."""

    __slots__ = ("_limit", "_size", "_stream")

    def __init__(self, encoding: str, limit: int) -> None:
        window = _WINDOWS.get(encoding)
        if window is None:
            raise Undecodable(unsupported(encoding))
        self._stream = zlib.decompressobj(window)
        self._limit = limit
        self._size = 0

    def feed(self, piece: bytes | bytearray) -> Iterator[bytes]:
        """What this piece decodes to, in pieces."""
        left = bytes(piece)
        while left and not self._stream.eof:
            try:
                decoded = self._stream.decompress(left, PIECE_BYTES)
            except zlib.error:
                raise Undecodable(invalid()) from None
            left = self._stream.unconsumed_tail
            self._size += len(decoded)
            if self._size > self._limit:
                raise Undecodable(too_large_after_decoding())
            if decoded:
                yield decoded
            elif not left:
                break
        if left or self._stream.unused_data:
            raise Undecodable(invalid())

    def finish(self) -> None:
        """The end of the body: nothing may be missing."""
        if not self._stream.eof:
            raise Undecodable(invalid())


def named_encoding(headers: Mapping[str, str]) -> str:
    """The `content-encoding` of a call; empty for none."""
    name = headers.get("content-encoding", "").strip().lower()
    return "" if name == "identity" else name


def decode(body: bytes | bytearray, encoding: str, limit: int) -> bytearray | ApiError:
    """A whole body, or the error that the call gets."""
    decoded = bytearray()
    try:
        inflation = Inflation(encoding, limit)
        for piece in inflation.feed(body):
            decoded += piece
        inflation.finish()
    except Undecodable as wrong:
        return wrong.error
    return decoded


def unsupported(encoding: str) -> ApiError:
    """400: not an encoding that is understood."""
    return ApiError(
        400,
        "invalid_request_error",
        f"content-encoding: {encoding[:40]!r} is not supported; use gzip or deflate",
        {"error_code": "request_body_encoding_unsupported"},
    )


def invalid() -> ApiError:
    """400: the body is not in the encoding it claims."""
    return ApiError(
        400,
        "invalid_request_error",
        "The request body does not match its content-encoding",
        {"error_code": "request_body_encoding_invalid"},
    )


def too_large_after_decoding() -> ApiError:
    """413: the limit counts the decoded body."""
    return ApiError(
        413,
        "request_too_large",
        "Request exceeds the maximum size after decoding",
        {"error_code": "request_body_too_large_after_decoding"},
    )
