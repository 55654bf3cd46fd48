"""Sending: intention, call, outcome, in this order, and never one without the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from inspect import signature

import anthropic
from anthropic.types.messages import MessageBatch

from controls.core.answer import UnreadableLine, read_line
from controls.core.book import PLANNED, Batch
from controls.core.decision import Adopt, Decision, Halt, LookAgain, SendAgain, Wait
from controls.core.errors import ControlError
from controls.core.moment import BeforeCreate, Candidate, CreateFailed
from controls.core.results import DownloadBroke, problem_of, stream_lines, told_to_wait
from controls.core.rows import DressedRow
from controls.core.work import ODD_REPLIES, Desk, Stopped, Work

OLDEST_CLIENT = "0.76.0"
"""The first whose `post` takes `content`: what is sent is what the ledger wrote down."""
CLOCK_SKEW = timedelta(hours=1)
"""How far the service's clock may lag behind ours when we look for an orphan."""
TURNED_AWAY = frozenset({429, 529})
"""Statuses under which nothing was accepted and another try makes sense."""
UNCLEAR = frozenset({408, 409})
"""Client errors that do not say whether the call took effect."""
REFUSED = frozenset(range(400, 500)) - TURNED_AWAY - UNCLEAR
"""Statuses under which the same call would be turned away again."""
ADMISSION = "admission"
"""The lock under which any job of the store is admitted."""
CROWDED = timedelta(seconds=1)
"""How long a worker waits for a lock before it tries again."""


class Interrupted(Exception):  # noqa: N818 - it names what happened
    """A worker ended between the intention and its outcome; the call may have been made."""


class Submitter:
    """Turns planned batches into batches at the service."""

    def __init__(self, desk: Desk) -> None:
        if "content" not in signature(desk.client.post).parameters:
            raise ControlError(
                f"anthropic {anthropic.__version__} cannot send a body that is ready-made.",
                fix=f"Install anthropic {OLDEST_CLIENT} or newer; "
                "0.x, 1.x and 2.x will do from there on.",
            )
        self._desk = desk

    def submit(self, work: Work, batch: Batch) -> Wait | None:
        """Take a batch from `planned` or `intended` to `created`; or say how long to wait.

        The caller holds the lock of this batch. Before each call that costs money, and before the
        word of it is written down, the store is asked whether that is still so.

        Raises:
            LockLostError: it is not; if a batch was made, whoever has the lock now finds it.
        """
        requests = [work.dresser.dress(work.rows[ordinal]) for ordinal in batch.ordinals]
        failure: Exception | None = None
        if batch.state == PLANNED:
            wait = self._admit(work, batch, requests)
            if wait is not None:
                return wait
        else:
            failure = Interrupted("the worker ended before the outcome was known")
        intended_at = batch.intended_at or self._desk.clock.now()
        body = b'{"requests":[' + b",".join(request.body for request in requests) + b"]}"
        identifier, how, attempt = "", "created", 1
        while not identifier:
            if failure is None:
                self._desk.locks.confirm(work.lock_of(batch.number))
                identifier, failure = self._create(body)
            if failure is not None:
                adopted = self._after_failure(work, batch, failure, attempt, intended_at)
                identifier, how = adopted, "adopted"
                attempt += 1
                failure = None
        self._desk.locks.confirm(work.lock_of(batch.number))
        self._desk.book.created(work.record, batch.number, identifier, how)
        return None

    def _admit(self, work: Work, batch: Batch, requests: Sequence[DressedRow]) -> Wait | None:
        """Ask whether this batch may be sent now; if so, write the intention down."""
        desk, book = self._desk, self._desk.book
        with desk.locks.hold(ADMISSION, lambda: desk.clock.sleep(CROWDED)):
            now = desk.clock.now()
            decision: Decision = desk.ask(
                work.job,
                BeforeCreate(
                    job_id=work.job.id,
                    team=work.job.type.team,
                    priority=work.job.type.schedule.priority,
                    requests=batch.requests,
                    now=now,
                    since=batch.asked_at or now,
                    in_flight=book.in_flight(),
                    waiting=book.waiting(work.record),
                    creates=book.creates(),
                    outcomes=book.outcomes(),
                    halts=book.halts(work.record),
                ),
                work.said,
            )
            match decision:
                case Wait():
                    book.asked(work.record, batch)
                    return decision
                case Halt(why=why):
                    raise Stopped(why)
                case _:
                    book.intend(work.record, batch.number, requests)
        return None

    def _create(self, body: bytes) -> tuple[str, Exception | None]:
        """One call: the id of the batch, or what went wrong."""
        try:
            created = self._desk.client.post(
                "/v1/messages/batches",
                cast_to=MessageBatch,
                content=body,
                options={"max_retries": 0},
            )
        except ODD_REPLIES as error:
            return "", error
        identifier = getattr(created, "id", None)
        if not isinstance(identifier, str) or not identifier:
            return "", ValueError("the reply is not a batch")
        return identifier, None

    def _after_failure(
        self, work: Work, batch: Batch, failure: Exception, attempt: int, intended_at: datetime
    ) -> str:
        """Ask the controls what a failed create means: the id of the batch that it made, or
        nothing when the call may be repeated."""
        desk = self._desk
        status = failure.status_code if isinstance(failure, anthropic.APIStatusError) else 0
        refused = status in REFUSED
        ambiguous = not refused and status not in TURNED_AWAY
        problem = problem_of(failure)
        desk.ledger.append(work.job.id, "create failed", batch=batch.number, problem=problem)
        looks = 0
        while True:
            looks += ambiguous
            candidates, rivals = self._orphans(work, batch, intended_at) if ambiguous else ((), 0)
            decision = desk.ask(
                work.job,
                CreateFailed(
                    problem=problem,
                    ambiguous=ambiguous,
                    refused=refused,
                    intended_at=intended_at,
                    requests=batch.requests,
                    attempt=attempt,
                    looks=looks,
                    candidates=candidates,
                    rivals=rivals,
                    wait_seconds=told_to_wait(failure, desk.clock.now()),
                ),
            )
            match decision:
                case Adopt(batch_id=identifier, why=why, cancel=doubles):
                    desk.locks.confirm(work.lock_of(batch.number))
                    desk.alarm(work.job, why)
                    for double in doubles:
                        self._cancel(work, double)
                    return identifier
                case SendAgain(after_seconds=seconds):
                    desk.clock.sleep(timedelta(seconds=seconds))
                    return ""
                case LookAgain(after_seconds=seconds):
                    desk.clock.sleep(timedelta(seconds=seconds))
                case Halt(why=why):
                    raise Stopped(why)
                case _:
                    raise Stopped(f"nobody knows whether the batch exists: {problem}")

    def _cancel(self, work: Work, batch_id: str) -> None:
        """Stop a batch that nobody needs; that it could not be stopped is told, not fatal."""
        desk = self._desk
        with suppress(Stopped):
            desk.patiently(
                lambda: desk.client.messages.batches.cancel(batch_id), f"canceling {batch_id}"
            )
        desk.ledger.append(work.job.id, "canceled", batch_id=batch_id)

    def _orphans(
        self, work: Work, batch: Batch, intended_at: datetime
    ) -> tuple[tuple[Candidate, ...], int]:
        """Batches of the right size, made since the intention, that no ledger entry knows; and how
        many other batches of this store could be among them.

        The store is read after the list, and rivals before what is known: another worker's batch
        that is in the list is then either a rival or known, whatever that worker does meanwhile.
        """
        since = intended_at - CLOCK_SKEW

        def listed() -> list[MessageBatch]:
            found: list[MessageBatch] = []
            seen: set[str] = set()
            for listing in self._listed():
                if listing.id in seen or listing.created_at < since:
                    break
                seen.add(listing.id)
                if _total(listing) == batch.requests:
                    found.append(listing)
            return found

        found = self._desk.patiently(listed, "listing the batches")
        assert isinstance(found, list)
        rivals = self._desk.book.rivals(work.record, batch)
        known = self._desk.book.batch_ids()
        candidates = tuple(
            Candidate(
                listing.id, listing.created_at, batch.requests, self._ours(work, batch, listing)
            )
            for listing in found
            if listing.id not in known
        )
        return candidates, rivals

    def _listed(self) -> Iterator[MessageBatch]:
        """The batches of the account, the newest first. The client's own iterator takes an empty
        page for the end of the list, also where the page says that there is more."""
        page = self._desk.client.messages.batches.list(limit=100)
        while True:
            yield from page.data
            if not getattr(page, "has_more", False):
                return
            if not page.data:
                raise ValueError("an empty page of the list says that there is more")
            page = self._desk.client.messages.batches.list(limit=100, after_id=page.data[-1].id)

    def _ours(self, work: Work, batch: Batch, listing: MessageBatch) -> bool | None:
        """Whether the results of an orphan are those of this batch; unknown until it ended."""
        if listing.processing_status != "ended":
            return None
        try:
            for custom_id in self._first_ids(listing.id):
                return work.namespace.ordinal(custom_id) in batch.ordinals
        except DownloadBroke:
            pass
        return None

    def _first_ids(self, batch_id: str) -> Iterator[str]:
        for raw in stream_lines(self._desk.client, batch_id):
            line = read_line(raw)
            if not isinstance(line, UnreadableLine):
                yield line.custom_id


def _total(listing: MessageBatch) -> int:
    counts = listing.request_counts
    return counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired
