"""Filing: what is left of a large batch once it has ended, written down to free the memory."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from typing import Final

import msgspec

from simulator.books import RequestBook
from simulator.shelf import Blocks, Shelf

BLOCK_BYTES: Final = 256 * 1024
ROWS_A_BLOCK: Final = 500
_ENCODE: Final = msgspec.json.Encoder().encode
_DECODE: Final = msgspec.json.Decoder(list[RequestBook]).decode


def written(pieces: Iterable[bytes]) -> Generator[None, None, Blocks]:
    """A results file as it will be sent, in steps."""
    blocks = Blocks()
    block = bytearray()
    for piece in pieces:
        block += piece
        if len(block) >= BLOCK_BYTES:
            blocks.add(bytes(block))
            block.clear()
        yield
    blocks.add(bytes(block))
    return blocks


def shelved(rows: Sequence[RequestBook]) -> Generator[None, None, Shelf[RequestBook] | None]:
    """The fates, params included, in steps; None if a responder said what no file can hold."""
    shelf = Shelf(_DECODE)
    for start in range(0, len(rows), ROWS_A_BLOCK):
        block = rows[start : start + ROWS_A_BLOCK]
        try:
            shelf.add(_ENCODE(block), len(block))
        except UnicodeEncodeError:  # a stray surrogate
            return None
        yield
    return shelf
