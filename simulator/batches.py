"""The six batch endpoints (contract 4.1 to 4.6)."""

from __future__ import annotations

from array import array
from collections.abc import Generator, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from simulator import errors, filing, pages, results
from simulator.access import Caller
from simulator.batch import Batch
from simulator.books import RequestBook
from simulator.choices import Choices, Order
from simulator.clock import Clock
from simulator.errors import ApiError, invalid_request, rate_limited
from simulator.faults.plan import FaultPlan
from simulator.lifecycle import Event, IllegalTransition, Status, advance
from simulator.limits import Limits
from simulator.randomness import Ids, Streams
from simulator.schedule import Pace, Timeline, natural_duration
from simulator.shelf import Shelf
from simulator.store import Store
from simulator.upsets import Upsets
from simulator.validation import Prepared
from simulator.wire import Cut, Endpoint, Headers, Request, Response
from simulator.work import Worker

JSON: Final = ("content-type", "application/json")
POLL_HINT: Final = ("retry-after", "10")
"""Contract 3.2: on the retrieve of a batch that has not ended."""
QUEUE_RETRY_SECONDS: Final = 60
"""Ours: the service's value for a full queue is not known."""

NOT_DELETABLE: Final = (
    "In progress batches cannot be deleted. Consider canceling the batch instead."
)


Reply = Response | ApiError

UNFINISHED: Final = (Status.IN_PROGRESS, Status.CANCELING)


class Batches:
    """Everything about batches, one method for each endpoint."""

    def __init__(
        self,
        *,
        clock: Clock,
        limits: Limits,
        store: Store,
        worker: Worker,
        plan: FaultPlan,
        ids: Ids,
        streams: Streams,
        choices: Choices | None = None,
    ) -> None:
        self._choices = choices or Choices()
        self.store = store
        self.newest_id = ""
        self._clock = clock
        self._limits = limits
        self._worker = worker
        self._plan = plan
        self._ids = ids
        self._streams = streams
        self._numbers: dict[str, int] = {}
        self._upsets = Upsets(store, streams)

    def number(self, batch_id: str) -> int:
        """How many batches were created before this one; before the next one, if unknown."""
        return self._numbers.get(batch_id, len(self.store))

    def ready(
        self, endpoint: Endpoint, batch_id: str, workspace: str
    ) -> Generator[None, None, datetime]:
        """Do the work that is due before a call; give back the instant at which it is served.

        Others may be answered in between, so the last look at the clock is the one that counts:
        nothing is due then, and the call is served without a pause.
        """
        if endpoint is Endpoint.RETRIEVE:
            batch = self.store.find(batch_id, workspace)
            if batch is not None and batch.status(self._clock.now()) in UNFINISHED:
                self._clock.on_poll(Polled(batch.id, min(batch.ends_at, batch.expires_at)))
        now = self._clock.now()
        while due := self._due(now):
            for batch in due:
                yield from self._settle(batch)
            now = self._clock.now()
        self._upsets.after_settling(now)
        return now

    def catch_up(self) -> datetime:
        """Settle every batch that has ended by now, in the order in which they ended."""
        steps = self.ready(Endpoint.OTHER, "", "")
        while True:
            try:
                next(steps)
            except StopIteration as done:
                now: datetime = done.value
                return now

    def create(self, request: Request, caller: Caller, now: datetime) -> Reply:
        """Accept a batch, or refuse it as a whole."""
        prepared = request.prepared
        assert isinstance(prepared, Prepared)
        if prepared.refusal is not None:
            return prepared.refusal
        queue = self._limits.queued_requests
        if queue is not None:
            waiting = self.store.waiting_requests(caller.account, now)
            if waiting + len(prepared.requests) > queue:
                return rate_limited(
                    f"This request would exceed your organization's limit of {queue:,} batch "
                    "requests in the processing queue.",
                    QUEUE_RETRY_SECONDS,
                )
        batch = self._new_batch(prepared, caller, now)
        self.store.add(batch)
        return ok(self._show(batch, request, now))

    def _show(self, batch: Batch, request: Request, now: datetime) -> dict[str, Any]:
        choices = self._choices
        return batch.to_wire(
            now, request.base_url, drain=choices.drain_counts, keep_url=choices.keep_archived_url
        )

    def list(self, request: Request, caller: Caller, now: datetime) -> Reply:
        """One page of batches, newest first."""
        page = pages.read_page(dict(request.query))
        if isinstance(page, ApiError):
            return page
        shown = pages.cut_page(
            self.store.newest_first(caller.workspace),
            page,
            lambda batch: batch.id,
            lambda batch: self._show(batch, request, now),
            lenient=self._choices.unknown_cursor_is_empty,
        )
        return shown if isinstance(shown, ApiError) else ok(shown)

    def retrieve(self, batch: Batch, request: Request, now: datetime) -> Reply:
        """The batch as it is now."""
        status = batch.seen_status(now)
        hinted = status in UNFINISHED and (
            status is not Status.CANCELING or self._choices.hint_while_canceling
        )
        return ok(self._show(batch, request, now), *((POLL_HINT,) if hinted else ()))

    def cancel(self, batch: Batch, request: Request, now: datetime) -> Reply:
        """Stop a batch; one that is canceling or has ended stays as it is."""
        status = batch.status(now)
        if advance(status, Event.CANCEL_ASKED) is not status:
            batch.timeline.cancel(now, self._streams.stream(f"cancel/{batch.number}"))
            self._upsets.cancel_asked(batch)
            while batch.ends_at <= now and batch.settled is None:
                next(self._settle(batch), None)
        elif self._choices.refuse_late_cancel:
            return invalid_request(f"Message Batch {batch.id} can no longer be canceled.")
        return ok(self._show(batch, request, now))

    def delete(self, batch: Batch, _: Request, now: datetime) -> Reply:
        """Remove a batch that has ended."""
        try:
            advance(batch.status(now), Event.DELETE_ASKED)
        except IllegalTransition:
            return invalid_request(NOT_DELETABLE)
        self.store.delete(batch)
        return ok({"id": batch.id, "type": "message_batch_deleted"})

    def results(self, batch: Batch, _: Request, now: datetime) -> Reply:
        """The results file, made as it is read."""
        if batch.settled is None or batch.archived_at(now) is not None:
            return errors.no_results(batch.id)
        if self._upsets.download_begins(batch):
            return errors.no_such_batch(batch.id)
        cut: Cut | None = None
        length = 0
        body: Iterator[bytes]
        if self._plan.bends_results:
            rows = tuple(batch.settled)
            lines = results.lines_of(self._order(batch, rows), rows)
            whole = tuple(lines)
            cut = self._plan.bend_results(lines, rows, now, batch.number)
            if cut is not None and cut.stated:
                length = sum(map(len, results.pieces(whole, rows)))
            body = results.pieces(lines, rows)
        elif batch.file is not None:
            body = iter(batch.file)
        else:
            body = self._unbent(batch, tuple(batch.settled))
        headers: Headers = (
            ("content-type", "application/x-jsonl"),
            ("content-disposition", f"attachment; filename*=utf-8''{batch.id}_results.jsonl"),
        )
        if length:
            headers += (("content-length", str(length)),)
        return Response(200, headers, body, cut)

    def _unbent(self, batch: Batch, rows: Sequence[RequestBook]) -> Iterator[bytes]:
        """The results file of a batch that no fault bends."""
        choices = self._choices
        finish = results.finisher(
            escape=choices.escape_results, leave_out=choices.leave_out_optional_keys
        )
        return results.straight(self._order(batch, rows), rows, finish)

    def _keep(self, batch: Batch, fates: Sequence[RequestBook]) -> Iterator[None]:
        """The fates of a batch whose requests lay in a file go to one too, and its results."""
        kept: Sequence[RequestBook] = tuple(fates)
        repeats = self._choices.results_order is not Order.RESHUFFLED
        if isinstance(batch.requests, Shelf) and repeats and not self._plan.bends_results:
            written = yield from filing.written(self._unbent(batch, kept))
            shelved = yield from filing.shelved(kept)
            if shelved is not None:
                batch.file, batch.order, kept = written, None, shelved
        batch.settle(fates, kept)

    def _order(self, batch: Batch, rows: Sequence[RequestBook]) -> Sequence[int]:
        """The order of the lines; kept, because a shuffle of 100,000 takes a while."""
        match self._choices.results_order:
            case Order.SUBMITTED:
                return range(len(rows))
            case Order.RESHUFFLED:
                dice = self._streams.stream(f"results/{batch.number}/{batch.downloads}")
                batch.downloads += 1
                return results.shuffled(rows, dice)
        if batch.order is None:
            dice = self._streams.stream(f"results/{batch.number}")
            batch.order = array("I", results.shuffled(rows, dice))
        return batch.order

    def _due(self, now: datetime) -> Sequence[Batch]:
        self._upsets.before_settling(now)
        due = [batch for batch in self.store.open() if batch.ends_at <= now]
        return sorted(due, key=lambda batch: (batch.ends_at, batch.number))

    def _settle(self, batch: Batch) -> Iterator[None]:
        """Work one batch in steps; another caller may finish it in between."""
        if batch.settling is None:
            batch.settling = self._worker.settle(batch, self._keep)
        while batch.settled is None and next(batch.settling, _DONE) is not _DONE:
            yield

    def _new_batch(self, prepared: Prepared, caller: Caller, now: datetime) -> Batch:
        number = len(self.store)
        day = self._limits.processing_time
        size = len(prepared.requests)
        dooms = self._plan.dooms(prepared.requests, now, number)
        held = any(doom.fate.outcome == "expired" for doom in dooms.values())
        duration = natural_duration(self._streams.stream(f"schedule/{number}"), day)
        pace, causes = self._plan.bend_pace(Pace(size, duration, held=held), now, number)
        batch = Batch(
            batch_id=self._ids.batch(),
            number=number,
            workspace=caller.workspace,
            account=caller.account,
            requests=prepared.requests,
            timeline=Timeline(now, day, pace),
            dooms=dooms,
            results_kept=self._limits.results_kept,
            version=caller.version,
            beta=caller.beta,
            profile=caller.profile,
        )
        self._upsets.watch(batch, causes)
        self._numbers[batch.id] = number
        self.newest_id = batch.id
        return batch


class Polled(msgspec.Struct, frozen=True):
    """What a clock gets to see of a batch: one that never ends is due when its day has passed."""

    id: str
    ends_at: datetime


_DONE: Final = object()


def ok(document: Any, *headers: tuple[str, str]) -> Response:
    """200 with a JSON document."""
    own: Headers = (JSON, *headers)
    return Response(200, own, msgspec.json.encode(document))
