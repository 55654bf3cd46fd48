"""Sending: intention, call, outcome, in this order, and never one without the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from inspect import signature

import anthropic
from anthropic.types.messages import MessageBatch

from controls.core.decision import Adopt, Halt, LookAgain, SendAgain
from controls.core.errors import ControlError
from controls.core.moment import Candidate, CreateFailed
from controls.core.results import problem_of
from controls.core.rows import DressedRow
from controls.core.work import ODD_REPLIES, Desk, SentBatch, Stopped, Work

OLDEST_CLIENT = "0.76.0"
"""The first whose `post` takes `content`: what is sent is what the ledger wrote down."""
REQUESTS_PER_BATCH = 20_000
"""The API takes 100,000; smaller batches finish earlier and hurt less."""
BYTES_PER_BATCH = 64 * 2**20
"""The API takes 256 MB; a smaller body is cheaper to hold and to send again."""
CLOCK_SKEW = timedelta(minutes=2)
"""How far the service's clock may lag behind ours when we look for an orphan."""
TURNED_AWAY = frozenset({429, 529})
"""Statuses under which nothing was accepted and another try makes sense."""
UNCLEAR = frozenset({408, 409})
"""Client errors that do not say whether the call took effect."""
REFUSED = frozenset(range(400, 500)) - TURNED_AWAY - UNCLEAR
"""Statuses under which the same call would be turned away again."""


class Submitter:
    """Turns rows into batches at the service."""

    def __init__(self, desk: Desk) -> None:
        if "content" not in signature(desk.client.post).parameters:
            raise ControlError(
                f"anthropic {anthropic.__version__} cannot send a body that is ready-made.",
                fix=f"Install anthropic {OLDEST_CLIENT} or newer; "
                "0.x, 1.x and 2.x will do from there on.",
            )
        self._desk = desk

    def send(self, work: Work, ordinals: Sequence[int]) -> list[SentBatch]:
        """Send these rows in as many batches as it takes."""
        sent = [self._submit(work, requests) for requests in self._chunks(work, ordinals)]
        if all(work.attempts):
            work.dresser.forget()
        return sent

    def _chunks(self, work: Work, ordinals: Sequence[int]) -> Iterator[list[DressedRow]]:
        chunk: list[DressedRow] = []
        size = 0
        for ordinal in ordinals:
            request = work.dresser.dress(work.rows[ordinal])
            size += len(request.params) + 100
            if chunk and (size > BYTES_PER_BATCH or len(chunk) == REQUESTS_PER_BATCH):
                yield chunk
                chunk, size = [], len(request.params) + 100
            chunk.append(request)
        if chunk:
            yield chunk

    def _submit(self, work: Work, requests: list[DressedRow]) -> SentBatch:
        desk, job = self._desk, work.job
        batch = SentBatch(
            number=len(work.batches) + 1,
            ordinals=frozenset(request.row.ordinal for request in requests),
            intended_at=desk.clock.now(),
        )
        desk.ledger.intend(job.id, batch.number, requests)
        work.batches.append(batch)
        for request in requests:
            ordinal = request.row.ordinal
            work.attempts[ordinal] = min(work.attempts[ordinal] + 1, 255)
            work.references[ordinal] = request.reference
        body = b'{"requests":[' + b",".join(request.body for request in requests) + b"]}"
        attempt = 0
        while not batch.id:
            attempt += 1
            failure = self._create(batch, body)
            if failure is not None:
                self._after_failure(work, batch, failure, attempt)
        desk.ledger.append(
            job.id, "created", batch=batch.number, batch_id=batch.id, requests=len(requests)
        )
        return batch

    def _create(self, batch: SentBatch, body: bytes) -> Exception | None:
        """One call; sets the batch's id, or returns what went wrong."""
        try:
            created = self._desk.client.post(
                "/v1/messages/batches",
                cast_to=MessageBatch,
                content=body,
                options={"max_retries": 0},
            )
        except ODD_REPLIES as error:
            return error
        identifier = getattr(created, "id", None)
        if not isinstance(identifier, str) or not identifier:
            return ValueError("the reply is not a batch")
        batch.id = identifier
        return None

    def _after_failure(
        self, work: Work, batch: SentBatch, failure: Exception, attempt: int
    ) -> None:
        """Ask the controls what a failed create means; returns when it may be repeated, or with
        the batch's id set."""
        desk = self._desk
        status = failure.status_code if isinstance(failure, anthropic.APIStatusError) else 0
        refused = status in REFUSED
        ambiguous = not refused and status not in TURNED_AWAY
        looks = 0
        while True:
            looks += ambiguous
            decision = desk.ask(
                work.job,
                CreateFailed(
                    problem=problem_of(failure),
                    ambiguous=ambiguous,
                    refused=refused,
                    intended_at=batch.intended_at,
                    requests=len(batch.ordinals),
                    attempt=attempt,
                    looks=looks,
                    candidates=self._orphans(batch) if ambiguous else (),
                ),
            )
            match decision:
                case Adopt(batch_id=identifier, why=why):
                    desk.alarm(work.job, why)
                    batch.id = identifier
                    return
                case SendAgain(after_seconds=seconds):
                    desk.clock.sleep(timedelta(seconds=seconds))
                    return
                case LookAgain(after_seconds=seconds):
                    desk.clock.sleep(timedelta(seconds=seconds))
                case Halt(why=why):
                    raise Stopped(why)
                case _:
                    raise Stopped(f"nobody knows whether the batch exists: {problem_of(failure)}")

    def _orphans(self, batch: SentBatch) -> tuple[Candidate, ...]:
        """Batches of the right size, made since the intention, that the ledger does not know."""
        known = self._desk.ledger.batch_ids()
        since = batch.intended_at - CLOCK_SKEW

        def listed() -> tuple[Candidate, ...]:
            found: list[Candidate] = []
            seen: set[str] = set()
            for listing in self._desk.client.messages.batches.list(limit=100):
                if listing.id in seen or listing.created_at < since:
                    break
                seen.add(listing.id)
                counts = listing.request_counts
                total = (
                    counts.processing
                    + counts.succeeded
                    + counts.errored
                    + counts.canceled
                    + counts.expired
                )
                if listing.id not in known and total == len(batch.ordinals):
                    found.append(Candidate(listing.id, listing.created_at, total))
            return tuple(found)

        result = self._desk.patiently(listed, "listing the batches")
        assert isinstance(result, tuple)
        return result
