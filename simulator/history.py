"""History: the append-only list of every call the service saw, and what it did."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.books import Call


class History:
    """Calls in the order of arrival. Bodies are kept as a digest and a size, keys not at all."""

    __slots__ = ("_calls",)

    def __init__(self) -> None:
        self._calls: list[Call] = []

    def __iter__(self) -> Iterator[Call]:
        return iter(self._calls)

    def __len__(self) -> int:
        return len(self._calls)

    def __repr__(self) -> str:
        return f"History({len(self)} calls)"

    def append(self, call: Call) -> None:
        """One call more."""
        self._calls.append(call)

    def calls(self) -> tuple[Call, ...]:
        """All of them, frozen."""
        return tuple(self._calls)
