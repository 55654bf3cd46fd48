"""Shelf: a long list that lies in a temporary file, in blocks, of which memory holds one.

The file has no name, so it is gone as soon as nobody holds the shelf, however the process ends.
Only its owner can read it while it is there. Where no file can be had, or the disk has no more
room, blocks stay in memory.
"""

from __future__ import annotations

import weakref
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from io import FileIO
from tempfile import TemporaryFile
from threading import Lock
from typing import Final, TypeVar, overload

T = TypeVar("T")

FILES_AT_MOST: Final = 64
"""Open at a time in this process; some systems allow 256, and connections need theirs."""

_OPEN: Final[weakref.WeakSet[Blocks]] = weakref.WeakSet()


class Blocks:
    """Pieces of bytes, in the order in which they were added."""

    def __init__(self) -> None:
        self._file = _new_file() if open_files() < FILES_AT_MOST else None
        self._bounds = array("Q", [0])
        self._loose: dict[int, bytes] = {}
        self._lock = Lock()
        if self._file is not None:
            _OPEN.add(self)
            weakref.finalize(self, self._file.close)

    def __len__(self) -> int:
        return len(self._bounds) - 1

    def __getitem__(self, place: int) -> bytes:
        if place in self._loose:
            return self._loose[place]
        start, end = self._bounds[place], self._bounds[place + 1]
        assert self._file is not None
        with self._lock:  # several downloads share one position
            self._file.seek(start)
            return self._file.read(end - start)

    def __iter__(self) -> Iterator[bytes]:
        """Each of them, read when its turn comes."""
        return (self[place] for place in range(len(self)))

    def add(self, block: bytes) -> None:
        """One more."""
        start = self._bounds[-1]
        if self._write(start, block):
            self._bounds.append(start + len(block))
        else:
            self._loose[len(self)] = block
            self._bounds.append(start)

    def _write(self, start: int, block: bytes) -> bool:
        if self._file is None:
            return False
        try:
            with self._lock:
                self._file.seek(start)
                left = memoryview(block)
                while left:
                    left = left[self._file.write(left) :]
        except OSError:
            return False
        return True


class Shelf(Sequence[T]):
    """A list, of whose blocks `decode` makes items again."""

    def __init__(self, decode: Callable[[bytes], list[T]]) -> None:
        self.blocks = Blocks()
        self._decode = decode
        self._firsts = array("Q", [0])
        self._at_hand: tuple[int, list[T]] = (-1, [])

    def __len__(self) -> int:
        return self._firsts[-1]

    @overload
    def __getitem__(self, place: int) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> list[T]: ...
    def __getitem__(self, place: int | slice) -> T | list[T]:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        position = range(len(self))[place]
        block = bisect_right(self._firsts, position) - 1
        number, items = self._at_hand
        if number != block:
            items = self._decode(self.blocks[block])
            self._at_hand = (block, items)
        return items[position - self._firsts[block]]

    def __iter__(self) -> Iterator[T]:
        """Each item, block by block."""
        for block in self.blocks:
            yield from self._decode(block)

    def add(self, block: bytes, count: int) -> None:
        """So many items more, encoded."""
        self.blocks.add(block)
        self._firsts.append(len(self) + count)


def open_files() -> int:
    """How many there are."""
    return len(_OPEN)


def _new_file() -> FileIO | None:
    try:
        return TemporaryFile(buffering=0)
    except OSError:
        return None
