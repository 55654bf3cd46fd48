"""History: the list of the calls the service saw, and what it did."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping

from simulator.books import Call


class History:
    """Calls in the order of arrival. Bodies are kept as a digest and a size, keys not at all.

    The last `keep` calls are remembered; of older ones only their number, by endpoint and status.
    """

    __slots__ = ("_calls", "_counts", "total")

    def __init__(self, keep: int = 100_000) -> None:
        self._calls: deque[Call] = deque(maxlen=keep)
        self._counts: Counter[tuple[str, int]] = Counter()
        self.total = 0
        """How many calls there were, forgotten ones included."""

    def __iter__(self) -> Iterator[Call]:
        return iter(self._calls)

    def __len__(self) -> int:
        return len(self._calls)

    def __repr__(self) -> str:
        return f"History({self.total} calls)"

    @property
    def dropped(self) -> int:
        """How many of the oldest calls were forgotten."""
        return self.total - len(self._calls)

    def counts(self) -> Mapping[tuple[str, int], int]:
        """How many calls of each endpoint got each status; forgotten ones are counted too."""
        return dict(self._counts)

    def append(self, call: Call) -> None:
        """One call more."""
        self._calls.append(call)
        self._counts[call.endpoint.value, call.status] += 1
        self.total += 1

    def calls(self) -> tuple[Call, ...]:
        """The remembered ones, frozen."""
        return tuple(self._calls)

    def select(
        self,
        *,
        limit: int,
        endpoint: str | None = None,
        status: int | None = None,
        batch_id: str | None = None,
    ) -> list[Call]:
        """The last so many calls of which all this is true, oldest first."""
        chosen: list[Call] = []
        for call in reversed(self._calls):
            if len(chosen) == limit:
                break
            if endpoint is not None and call.endpoint.value != endpoint:
                continue
            if status is not None and call.status != status:
                continue
            if batch_id is None or call.batch_id == batch_id:
                chosen.append(call)
        return chosen[::-1]
