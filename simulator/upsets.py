"""What faults of the lifecycle family have in store for batches, and when it comes to pass."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from simulator.batch import Batch
from simulator.faults.armed import Armed
from simulator.faults.seams import LifecycleFault
from simulator.lifecycle import Status
from simulator.randomness import Streams
from simulator.store import Store

Cause = tuple[Armed, int | None]
"""A fault, and the position of the pause that it made, if it made one."""


class Watched(msgspec.Struct):
    """One fault that will strike one batch, if it comes to that."""

    batch: Batch
    armed: Armed
    pause: int | None
    moment: str


class Upsets:
    """Counts a fault when it strikes, and not when it is planned."""

    __slots__ = ("_store", "_streams", "_watched")

    def __init__(self, store: Store, streams: Streams) -> None:
        self._store = store
        self._streams = streams
        self._watched: list[Watched] = []

    def watch(self, batch: Batch, causes: Sequence[Cause]) -> None:
        """A batch was created, and these faults have had a hand in it."""
        for armed, pause in causes:
            fault = armed.fault
            moment = fault.moment if isinstance(fault, LifecycleFault) else ""
            if pause is None and moment == "creation":
                armed.record(batch.id)
            else:
                self._watched.append(Watched(batch, armed, pause, moment))

    def before_settling(self, now: datetime) -> None:
        """Pauses that have begun, and batches that somebody else has canceled."""
        for seen in list(self._watched):
            batch = seen.batch
            if seen.pause is not None:
                self._notice_pause(seen, now)
            elif seen.moment == "canceled" and batch.settled is None:
                self._cancel(seen, now)

    def after_settling(self, now: datetime) -> None:
        """Batches that somebody else has deleted."""
        for seen in self._of("deleted"):
            batch, deletion = seen.batch, seen.batch.timeline.pace.deletion
            if deletion is None or deletion.after_end is None or batch.settled is None:
                continue
            if now >= batch.ends_at + deletion.after_end:
                self._delete(seen)

    def cancel_asked(self, batch: Batch) -> None:
        """The caller cancels this batch."""
        for seen in self._of("cancel"):
            if seen.batch is batch:
                self._strike(seen, batch.id)

    def download_begins(self, batch: Batch) -> bool:
        """Whether somebody deletes the batch in this moment."""
        for seen in self._of("deleted"):
            deletion = batch.timeline.pace.deletion
            if seen.batch is batch and deletion is not None and deletion.after_end is None:
                self._delete(seen)
                return True
        return False

    def _of(self, moment: str) -> list[Watched]:
        return [seen for seen in self._watched if seen.moment == moment]

    def _notice_pause(self, seen: Watched, now: datetime) -> None:
        batch, timeline = seen.batch, seen.batch.timeline
        assert seen.pause is not None
        if seen.pause in timeline.begun_pauses(now):
            after = timeline.pace.pauses[seen.pause].after_requests
            self._strike(seen, f"{batch.id} after {after} of {len(batch)} requests")
        elif batch.settled is not None:
            self._watched.remove(seen)

    def _cancel(self, seen: Watched, now: datetime) -> None:
        batch, after = seen.batch, seen.batch.timeline.pace.canceled_after
        if after is None or now < (at := batch.created_at + after):
            return
        if batch.status(at) is Status.IN_PROGRESS:
            batch.timeline.cancel(at, self._streams.stream(f"cancel/{batch.number}"))
            self._strike(seen, batch.id)
        else:
            self._watched.remove(seen)

    def _delete(self, seen: Watched) -> None:
        if not seen.batch.deleted:
            self._store.delete(seen.batch)
            seen.armed.record(seen.batch.id)
        self._watched.remove(seen)

    def _strike(self, seen: Watched, place: str) -> None:
        seen.armed.record(place)
        self._watched.remove(seen)
