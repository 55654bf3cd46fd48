"""Closing the books: from the live service to a frozen record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from simulator.batch import Batch
from simulator.billing import Meter
from simulator.books import BatchBook, Books, Firing, RequestBook
from simulator.faults.plan import FaultPlan
from simulator.history import History
from simulator.lifecycle import Status
from simulator.store import Store


def close_books(
    now: datetime, history: History, store: Store, plan: FaultPlan, meter: Meter
) -> Books:
    """All that is known now. Ended batches must have been settled before."""
    requests: list[RequestBook] = []
    for batch in store:
        requests.extend(_requests(batch))
    return Books(
        at=now,
        calls=history.calls(),
        calls_dropped=history.dropped,
        batches=tuple(_batch(batch, now, meter) for batch in store),
        requests=tuple(requests),
        firings=plan.firings(),
        billed_usd=meter.billed_usd,
    )


class Overview(msgspec.Struct, frozen=True):
    """What there is, in numbers."""

    now: datetime
    calls: int
    calls_dropped: int
    requests: int
    billed_usd: Decimal
    batches: tuple[BatchBook, ...]
    faults: tuple[Firing, ...]


def survey(
    now: datetime, history: History, store: Store, plan: FaultPlan, meter: Meter
) -> Overview:
    """The same without the requests themselves."""
    return Overview(
        now=now,
        calls=history.total,
        calls_dropped=history.dropped,
        requests=sum(map(len, store)),
        billed_usd=meter.billed_usd,
        batches=tuple(_batch(batch, now, meter) for batch in store),
        faults=tuple(plan.firings().values()),
    )


def _requests(batch: Batch) -> Sequence[RequestBook]:
    if batch.settled is not None:
        return batch.settled
    return [
        RequestBook(batch_id=batch.id, custom_id=request.custom_id, params=request.params)
        for request in batch.requests
    ]


def _batch(batch: Batch, now: datetime, meter: Meter) -> BatchBook:
    status = batch.status(now)
    ended = status in {Status.ENDED, Status.DELETED}
    return BatchBook(
        id=batch.id,
        created_at=batch.created_at,
        ended_at=batch.ends_at if ended else None,
        requests=len(batch),
        counts=batch.counts(),
        billed_usd=meter.batch_usd(batch.id),
        processing_status=status.value,
        workspace=batch.workspace,
        cancel_initiated_at=batch.timeline.cancel_initiated_at,
    )
