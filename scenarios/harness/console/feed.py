"""What the pages see: a feed of items that come once each, and sections of which the newest counts.

Nothing waits for a reader. The feed keeps its last items in one ring that all readers share, each
reader has a place in it, and one that falls behind is told how many items it has missed. So
memory is bounded whatever clients do and however slowly somebody reads.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from typing import Any, Final

import msgspec

KEPT: Final = 2_000
"""Items that a reader can catch up on."""
AT_FIRST: Final = 300
"""Items that a new reader gets."""
PACE_SECONDS: Final = 0.1
"""A reader hears at most so often, of all that came in between at once."""
KEEP_ALIVE_SECONDS: Final = 15.0
"""After so long without news a reader gets a comment, so that a proxy does not hang up."""
RETRY_MILLISECONDS: Final = 1_000
DIGITS: Final = 18
"""A number of an item that is longer is none of ours."""


class Feed:
    """Items and sections, as server-sent events."""

    def __init__(self, epoch: str, *, kept: int = KEPT) -> None:
        self._epoch = epoch
        """Differs from run to run, so that a reader of an earlier one does not skip items."""
        self._items: deque[bytes] = deque(maxlen=kept)
        self._last = 0
        self._sections: dict[str, tuple[int, bytes]] = {}
        self._changed = asyncio.Event()

    @property
    def last_id(self) -> str:
        """Of the newest item."""
        return f"{self._epoch}-{self._last}"

    def add(self, item: Mapping[str, Any]) -> None:
        """One item more."""
        self._last += 1
        data = msgspec.json.encode(item)
        self._items.append(b"id: %b\ndata: %b\n\n" % (self.last_id.encode(), data))
        self._wake()

    def show(self, name: str, document: Any) -> None:
        """A section as it is now; nothing happens if it was so before."""
        data = b"event: %b\ndata: %b\n\n" % (name.encode(), msgspec.json.encode(document))
        version, before = self._sections.get(name, (0, b""))
        if data != before:
            self._sections[name] = (version + 1, data)
            self._wake()

    async def follow(self, role: str, last_id: str = "") -> AsyncGenerator[bytes, None]:
        """Everything after `last_id`, without end: pieces of an event stream."""
        place = self._place(last_id)
        seen: dict[str, int] = {}
        hello = b'event: hello\ndata: {"role":"%b"}\n\n' % role.encode()
        yield b"retry: %d\n\n" % RETRY_MILLISECONDS + hello
        while True:
            changed = self._changed
            told = self._sections_after(seen) + self._items_after(place)
            place = self._last
            if told:
                yield told
                await asyncio.sleep(PACE_SECONDS)
                continue
            try:
                async with asyncio.timeout(KEEP_ALIVE_SECONDS):
                    await changed.wait()
            except TimeoutError:
                yield b": nothing new\n\n"

    def _place(self, last_id: str) -> int:
        """The number of the last item that a reader has."""
        epoch, _, number = last_id.rpartition("-")
        if epoch == self._epoch and number.isascii() and number.isdecimal():
            return min(int(number[:DIGITS]), self._last)
        return max(self._last - min(len(self._items), AT_FIRST), 0)

    def _items_after(self, place: int) -> bytes:
        """What came since, and how much of it is not kept any more."""
        oldest = self._last - len(self._items)
        missed = oldest - place
        told = b'event: gap\ndata: {"missed":%d}\n\n' % missed if missed > 0 else b""
        return told + b"".join(list(self._items)[max(place - oldest, 0) :])

    def _sections_after(self, seen: dict[str, int]) -> bytes:
        told = b""
        for name, (version, data) in self._sections.items():
            if seen.get(name) != version:
                seen[name] = version
                told += data
        return told

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
