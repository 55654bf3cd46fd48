"""Store: batches by id and by workspace. A deleted one vanishes for callers, not for the books."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from simulator.batch import Batch


class Store:
    """All batches of a run."""

    __slots__ = ("_all", "_by_id", "_open", "_shown")

    def __init__(self) -> None:
        self._all: list[Batch] = []
        self._by_id: dict[str, Batch] = {}
        self._shown: dict[str, list[Batch]] = {}
        self._open: list[Batch] = []

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Batch]:
        """In the order of creation, deleted ones included."""
        return iter(self._all)

    def add(self, batch: Batch) -> None:
        """One batch more."""
        self._all.append(batch)
        self._by_id[batch.id] = batch
        self._shown.setdefault(batch.workspace, []).append(batch)
        self._open.append(batch)

    def find(self, batch_id: str, workspace: str) -> Batch | None:
        """The batch, if this workspace may see it."""
        batch = self._by_id.get(batch_id)
        if batch is None or batch.deleted or batch.workspace != workspace:
            return None
        return batch

    def newest_first(self, workspace: str) -> list[Batch]:
        """What this workspace may see."""
        return self._shown.get(workspace, [])[::-1]

    def delete(self, batch: Batch) -> None:
        """It answers 404 from now on."""
        batch.deleted = True
        batch.file = None
        self._shown[batch.workspace].remove(batch)

    def open(self) -> list[Batch]:
        """The batches that were not settled yet."""
        self._open = [batch for batch in self._open if batch.settled is None]
        return self._open

    def waiting_requests(self, account: str, now: datetime) -> int:
        """How many requests stand in the processing queue: what was worked has left it."""
        return sum(
            len(batch) - batch.timeline.finished_by(now - batch.created_at)
            for batch in self.open()
            if batch.account == account
        )
