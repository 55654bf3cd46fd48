"""A batch: what was asked for, what becomes of it, and its wire form (contract 5)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from simulator.books import RequestBook, RequestCounts
from simulator.faults.armed import Doom
from simulator.lifecycle import Event, Status, advance, after
from simulator.schedule import Timeline
from simulator.shelf import Blocks


class BatchRequest(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """One request of a batch, its params kept as the slice of the body they came in."""

    custom_id: str
    params: msgspec.Raw


class Batch:
    """One Message Batch. Its status is computed from its timeline when somebody looks."""

    __slots__ = (
        "_counts",
        "account",
        "beta",
        "deleted",
        "dooms",
        "downloads",
        "file",
        "id",
        "number",
        "order",
        "profile",
        "requests",
        "results_kept",
        "settled",
        "settling",
        "timeline",
        "version",
        "workspace",
    )

    def __init__(
        self,
        *,
        batch_id: str,
        number: int,
        workspace: str,
        requests: Sequence[BatchRequest],
        timeline: Timeline,
        dooms: dict[int, Doom],
        results_kept: timedelta,
        version: str,
        beta: str,
        profile: str = "",
        account: str = "",
    ) -> None:
        self.id = batch_id
        self.number = number
        """How many batches were created before it."""
        self.workspace = workspace
        self.requests = requests
        """Empty once each has its end."""
        self.timeline = timeline
        self.results_kept = results_kept
        self.version = version
        """`anthropic-version` of the create call; it holds for every request (contract 6.5)."""
        self.beta = beta
        self.profile = profile
        """The user for whom it was created; a request for another one is refused."""
        self.dooms = dooms
        """Position of a request -> what a fault has in store for it."""
        self.settled: Sequence[RequestBook] | None = None
        """Every request's fate, once the batch has ended."""
        self.file: Blocks | None = None
        """Its results file as it will be sent, if that is written down."""
        self.settling: Iterator[None] | None = None
        self.deleted = False
        self.account = account
        """By what the limits of its owner are counted."""
        self.order: Sequence[int] | None = None
        """In which order its results come, once somebody has asked."""
        self.downloads = 0
        self._counts = RequestCounts(processing=len(self))

    def __repr__(self) -> str:
        return f"Batch({self.id}, {len(self)} requests, ends at {self.ends_at.isoformat()})"

    def __len__(self) -> int:
        return self.timeline.pace.requests

    @property
    def created_at(self) -> datetime:
        """When the create call was accepted."""
        return self.timeline.created_at

    @property
    def expires_at(self) -> datetime:
        """When requests that were not worked expire."""
        return self.created_at + self.timeline.deadline

    @property
    def ends_at(self) -> datetime:
        """When it ends, if nothing else happens to it."""
        return self.timeline.ends_at

    def status(self, now: datetime) -> Status:
        """Its status at this instant."""
        status = after(self.timeline.events(now))
        return advance(status, Event.DELETE_ASKED) if self.deleted else status

    def seen_status(self, now: datetime) -> Status:
        """The same as a caller sees it: ended only once every request has its end."""
        status = self.status(now)
        if status is Status.ENDED and self.settled is None:
            canceled = self.timeline.cancel_initiated_at is not None
            return Status.CANCELING if canceled else Status.IN_PROGRESS
        return status

    def archived_at(self, now: datetime) -> datetime | None:
        """When its results stopped being downloadable, if they have."""
        archived = max(self.created_at + self.results_kept, self.ends_at)
        return archived if now >= archived else None

    def settle(self, fates: Sequence[RequestBook], kept: Sequence[RequestBook]) -> None:
        """Every request has its end; `kept` are the same fates, where they stay."""
        tally = {"succeeded": 0, "errored": 0, "canceled": 0, "expired": 0}
        for request in fates:
            tally[request.outcome] += 1
        self._counts = RequestCounts(**tally)
        self.settled = kept
        self.requests = ()

    def counts(self) -> RequestCounts:
        """All in `processing` until the batch has ended, then all final (contract 5.4)."""
        return self._counts

    def running_counts(self, now: datetime) -> RequestCounts:
        """What a batch whose counts drain shows before its end (contract 5.4)."""
        finished = self.timeline.finished_by(now - self.created_at)
        finished = min(finished, self.timeline.finished_requests)
        return RequestCounts(processing=len(self) - finished, succeeded=finished)

    def to_wire(
        self, now: datetime, base_url: str, *, drain: bool = False, keep_url: bool = False
    ) -> dict[str, Any]:
        """The ten keys, in the order of the wire (contract 4.1).

        `drain` and `keep_url` are choices (contract 17).
        """
        status = self.seen_status(now)
        ended = status is Status.ENDED
        archived_at = self.archived_at(now) if ended else None
        downloadable = ended and (keep_url or archived_at is None)
        running = self.running_counts(now) if drain else RequestCounts(processing=len(self))
        return {
            "id": self.id,
            "type": "message_batch",
            "processing_status": status.value,
            "request_counts": self.counts() if ended else running,
            "ended_at": timestamp(self.ends_at) if ended else None,
            "created_at": timestamp(self.created_at),
            "expires_at": timestamp(self.expires_at),
            "archived_at": timestamp(archived_at),
            "cancel_initiated_at": timestamp(self.timeline.cancel_initiated_at),
            "results_url": (
                f"{base_url}/v1/messages/batches/{self.id}/results" if downloadable else None
            ),
        }


def timestamp(instant: datetime | None) -> str | None:
    """RFC 3339 with microseconds and `+00:00`, as on the wire (contract 5.1)."""
    return None if instant is None else instant.isoformat(timespec="microseconds")
