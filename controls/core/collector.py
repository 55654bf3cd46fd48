"""Collecting: wait for the end, read every line, sort each row into exactly one place."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal

import msgspec
from anthropic.types.messages import MessageBatch

from controls.core.answer import (
    EVIDENCE_BYTES,
    KINDS,
    Accepted,
    Answer,
    Quarantined,
    ResultLine,
    UnreadableLine,
    Usage,
    examined,
    read_line,
)
from controls.core.book import ENDED_BY_THEN, HALTED, Batch
from controls.core.columns import list_digest, packed, part_digest
from controls.core.decision import Halt, Redownload
from controls.core.harvest import ACCEPTED, BrokenLine, Harvest
from controls.core.labels import grader
from controls.core.ledger import Kept, digest16
from controls.core.moment import AfterDownload, Balance, WhileWaiting
from controls.core.results import DownloadBroke, stream_parts
from controls.core.rows import Row
from controls.core.swift import plain_reader, swift_taker
from controls.core.work import Desk, Stopped, Work
from controls.quarantine import Quarantine

ROWS_PER_WRITE = 5_000
COUNTS = ("processing", *sorted(KINDS))
NAMED_IDS = 20
"""How many offending ids a balance names; the rest is counted."""

_JSON = msgspec.json.Encoder().encode
_CUSTOM_ID = re.compile(rb'"custom_id"\s*:\s*"([a-zA-Z0-9_-]{1,64})"')


class Collector:
    """Brings the answers of a batch home."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._gates = (desk.stack.identity, desk.stack.gate)

    def collect(self, work: Work, batch: Batch) -> None:
        """Wait, download until it balances, settle. The caller holds the lock of this batch."""
        ended = self._wait(work, batch)
        self._begin(work, batch)
        counts = ended.request_counts
        counted = {kind: getattr(counts, kind, 0) for kind in sorted(KINDS)}
        harvest = Harvest(frozenset(batch.ordinals))
        if batch.round == 0 and batch.stage == 0:
            harvest.second = (self._desk.stack.identity, Quarantine(work.job.type.answer.schema))
        downloads = 0
        while True:
            downloads += 1
            before = harvest.lines.keys() | harvest.broken.keys()
            problem = self._download(work, batch, harvest)
            harvest.recovered += len(harvest.lines.keys() - before) if downloads > 1 else 0
            balance = self._balance(work, batch, harvest, counted, downloads, problem)
            decision = self._desk.ask(work.job, AfterDownload(balance))
            if isinstance(decision, Redownload):
                self._desk.alarm(work.job, f"{decision.why}; the results are read again")
                self._desk.clock.sleep(timedelta(seconds=decision.after_seconds))
                continue
            break
        self._give_up_broken(work, harvest)
        self._give_up_contradictions(work, batch, harvest)
        self._flush(work, batch, harvest)
        halt = decision.why if isinstance(decision, Halt) else ""
        if halt:
            self._desk.alarm(work.job, f"{HALTED}: {halt}")
        self._settle(work, batch, harvest, balance, halt)
        if halt:
            raise Stopped(halt, noted=True)

    def _wait(self, work: Work, batch: Batch) -> MessageBatch:
        desk = self._desk
        polling = desk.stack.polling
        pause, created_at = polling.first, batch.created_at or desk.clock.now()
        too_early = created_at + pause - desk.clock.now()
        if not polling.at_once and too_early > timedelta(0):
            desk.clock.sleep(too_early)
            pause = polling.after(pause)
        while True:
            seen = desk.patiently(
                lambda: desk.client.messages.batches.retrieve(batch.batch_id),
                f"polling {batch.batch_id}",
            )
            if (
                isinstance(seen, MessageBatch)
                and seen.id == batch.batch_id
                and seen.processing_status == "ended"
            ):
                return seen
            now = desk.clock.now()
            counts = getattr(seen, "request_counts", None)
            decision = desk.ask(
                work.job,
                WhileWaiting(
                    job_id=work.job.id,
                    batch_id=batch.batch_id,
                    created_at=created_at,
                    now=now,
                    status=str(getattr(seen, "processing_status", "unknown"))[:40],
                    requests=batch.requests,
                    counted={kind: getattr(counts, kind, 0) for kind in COUNTS},
                    halts=desk.book.halts(work.record),
                ),
                work.said,
            )
            if isinstance(decision, Halt):
                raise Stopped(decision.why)
            if now >= created_at + ENDED_BY_THEN:
                raise Stopped(f"{batch.batch_id} has not ended after {ENDED_BY_THEN}")
            desk.clock.sleep(pause)
            pause = polling.after(pause)

    def _begin(self, work: Work, batch: Batch) -> None:
        """Note that the service has finished; forget what a collection that had noted so before,
        and was interrupted, has left behind."""
        desk, record = self._desk, work.record
        with desk.ledger.transaction() as transaction:
            desk.book.ended(transaction, record, batch.number)
            if batch.ended_at and desk.book.forget_answers(transaction, record, batch.number):
                desk.stack.sink.forget(transaction.connection, record, batch.number)

    def _download(self, work: Work, batch: Batch, harvest: Harvest) -> str:
        """Read the results once; returns why it broke off, or nothing."""
        take = self._taker(work, batch, harvest)
        news = harvest.news.answered.ordinals
        problem = ""
        try:
            for part in stream_parts(self._desk.client, batch.batch_id):
                lines = part
                while lines:
                    room = ROWS_PER_WRITE - len(news)
                    take(lines[:room])
                    lines = lines[room:]
                    if len(news) >= ROWS_PER_WRITE:
                        self._flush(work, batch, harvest)
        except DownloadBroke as broke:
            problem = f"the download of {batch.batch_id} broke off: {broke}"
        self._flush(work, batch, harvest)
        return problem

    def _taker(
        self, work: Work, batch: Batch, harvest: Harvest
    ) -> Callable[[Sequence[bytes]], None]:
        """What sorts lines. Rows beyond doubt go a short way, where the stack has one and nothing
        is to be compared with an earlier download or judged twice."""
        take = self._take_one(work, batch, harvest)
        plain = plain_reader(*self._gates)
        if plain is not None and not harvest.lines and not harvest.second:
            sent = self._desk.book.sent(work.record, batch.number)
            return swift_taker(work, harvest, sent, plain, take)

        def take_all(lines: Sequence[bytes]) -> None:
            for raw in lines:
                take(raw)

        return take_all

    def _take_one(self, work: Work, batch: Batch, harvest: Harvest) -> Callable[[bytes], None]:
        """What sorts one line: a new row, one we have, a contradiction, a stranger, unreadable.

        Everything a line needs is looked up once: this is the inside of the longest loop.
        """
        lines, mine = harvest.lines, harvest.ordinals
        ordinal_of = work.namespace.ordinal
        seen_now: set[int] | dict[int, bytes] = set() if lines else lines
        take_new = self._take_new(work, harvest)

        def take(raw: bytes) -> None:
            line = read_line(raw)
            if line.__class__ is UnreadableLine:
                self._take_unreadable(work, harvest, line)
                return
            assert isinstance(line, ResultLine)
            ordinal = ordinal_of(line.custom_id)
            if ordinal is None or ordinal not in mine:
                self._take_stranger(batch, harvest, line.custom_id, raw)
                return
            digest = digest16(raw)
            before = lines.get(ordinal)
            if before is None:
                lines[ordinal] = digest
                take_new(ordinal, line, digest)
            elif before != digest:
                harvest.conflicting.add(ordinal)
            elif ordinal in seen_now:
                harvest.duplicated += 1
            if seen_now is not lines:
                seen_now.add(ordinal)  # type: ignore[union-attr]

        return take

    def _take_unreadable(self, work: Work, harvest: Harvest, line: UnreadableLine) -> None:
        """A line that cannot be read may still say whose it is."""
        found = _CUSTOM_ID.search(line.raw)
        custom_id = found[1].decode() if found else ""
        ordinal = work.namespace.ordinal(custom_id)
        head, digest = line.raw[:EVIDENCE_BYTES], digest16(line.raw)
        if ordinal is not None and ordinal in harvest.ordinals:
            harvest.broken.setdefault(ordinal, BrokenLine(line.problem, head, digest))
        elif digest not in harvest.unreadable:
            harvest.unreadable[digest] = None
            harvest.news.kept.append(Kept(None, None, custom_id, "unreadable", line.problem, head))

    def _take_stranger(self, batch: Batch, harvest: Harvest, custom_id: str, raw: bytes) -> None:
        if custom_id not in harvest.unexpected:
            harvest.unexpected[custom_id] = None
            detail = f"no request of batch {batch.number} has this custom_id"
            head = raw[:EVIDENCE_BYTES]
            harvest.news.kept.append(Kept(None, None, custom_id, "unexpected", detail, head))

    def _take_new(self, work: Work, harvest: Harvest) -> Callable[[int, ResultLine, bytes], None]:
        """What takes the first readable line of a row: unfinished, accepted, or kept back."""
        rows, kinds, gates, is_long = work.rows, harvest.kinds, self._gates, work.price.is_long
        reference, row_of = work.dresser.reference, self._desk.stack.identity.row_of
        grade = grader(work.job.type, harvest.tally)

        def take_new(ordinal: int, line: ResultLine, digest: bytes) -> None:
            news = harvest.news
            kinds[line.kind] += 1
            if line.kind != "succeeded":
                outcome = f"errored:{line.error_type}"[:64] if line.kind == "errored" else line.kind
                harvest.outcomes[ordinal] = outcome
                harvest.regraded[ordinal] = line.kind
                news.add(ordinal, outcome, line.usage, digest)
                return
            row = rows[ordinal]
            answer = Answer(line.text, line.stop_reason, reference(row))
            verdict = examined(gates, answer)
            if isinstance(verdict, Accepted) and verdict.value is not None:
                about = row_of(row)
                staged = news.staged
                staged.ordinals.append(about.ordinal)
                staged.keys.append(about.key)
                staged.values.append(_JSON(verdict.value))
                grade(row, verdict.value)
                outcome = ACCEPTED
            else:
                refusal = verdict if isinstance(verdict, Quarantined) else Quarantined("empty", "")
                outcome = refusal.reason
                self._keep_back(work, harvest, row, refusal, line.raw)
            if harvest.second:
                opinion = examined(harvest.second, answer)
                if isinstance(opinion, Quarantined) or opinion.value is None:
                    harvest.regraded[ordinal] = getattr(opinion, "reason", "empty")
            usage = line.usage
            news.add(ordinal, outcome, usage, digest)
            if usage.cache_creation_input_tokens or usage.inference_geo == "us" or is_long(usage):
                news.priced_alone.append(usage)

        return take_new

    def _keep_back(
        self, work: Work, harvest: Harvest, row: Row, refusal: Quarantined, raw: bytes
    ) -> None:
        custom_id = work.namespace.custom_id(row.ordinal)
        key = self._desk.stack.identity.row_of(row).key
        harvest.outcomes[row.ordinal] = refusal.reason
        harvest.news.kept.append(
            Kept(row.ordinal, key, custom_id, refusal.reason, refusal.detail, raw[:EVIDENCE_BYTES])
        )

    def _give_up_broken(self, work: Work, harvest: Harvest) -> None:
        """Rows whose line was broken in every download."""
        for ordinal in sorted(harvest.broken.keys() - harvest.lines.keys()):
            line = harvest.broken[ordinal]
            refusal = Quarantined("unreadable", line.problem)
            self._keep_back(work, harvest, work.rows[ordinal], refusal, line.head)
            harvest.news.add(ordinal, refusal.reason, Usage(), line.digest)
            harvest.regraded[ordinal] = refusal.reason

    def _flush(self, work: Work, batch: Batch, harvest: Harvest) -> None:
        """Write down what has come, in one transaction."""
        news, book = harvest.news, self._desk.book
        if not (news.answered.ordinals or news.kept):
            return
        part, lines = len(harvest.parts), packed(news.answered)
        with self._desk.ledger.transaction() as transaction:
            staged = self._desk.stack.sink.stage(
                transaction.connection, work.record, batch.number, part, news.staged
            )
            transaction.keep(work.record.number, batch.number, news.kept)
            book.not_accepted(transaction, work.record, batch.number, news.refused)
            book.answered(transaction, work.record, batch.number, part, lines)
        harvest.parts.append((part_digest(part, lines), staged))
        harvest.kept.update(item.ordinal for item in news.kept)
        self._price(work, harvest)
        news.clear()

    def _price(self, work: Work, harvest: Harvest) -> None:
        """Add up what these answers cost: most of them together, the others one by one."""
        price, news = work.price, harvest.news
        came = news.answered
        read, said = sum(came.input_tokens), sum(came.output_tokens)
        written, cached = sum(came.cache_written), sum(came.cache_read)
        harvest.tokens = (harvest.tokens[0] + read, harvest.tokens[1] + said)
        for usage in news.priced_alone:
            harvest.cost_usd += price.bill(usage)
            read -= usage.input_tokens
            said -= usage.output_tokens
            written -= usage.cache_creation_input_tokens or 0
            cached -= usage.cache_read_input_tokens or 0
        harvest.cost_usd += price.of(Usage(read, said, written, cached))

    def _balance(
        self,
        work: Work,
        batch: Batch,
        harvest: Harvest,
        counted: dict[str, int],
        downloads: int,
        problem: str,
    ) -> Balance:
        missing = harvest.missing()
        return Balance(
            batch_id=batch.batch_id,
            sent=batch.requests,
            seen=len(harvest.lines),
            lost=tuple(work.namespace.custom_id(ordinal) for ordinal in missing),
            duplicated=harvest.duplicated,
            conflicting=tuple(sorted(harvest.conflicting)),
            unexpected=tuple(list(harvest.unexpected)[:NAMED_IDS]),
            unreadable=len(harvest.unreadable) + len(harvest.broken.keys() - harvest.lines.keys()),
            recovered=harvest.recovered,
            counted=counted,
            downloads=downloads,
            problem=problem,
            kinds=dict(harvest.kinds),
        )

    def _give_up_contradictions(self, work: Work, batch: Batch, harvest: Harvest) -> None:
        """Two different lines for one row: neither is believed."""
        if not harvest.conflicting:
            return
        ordinals = sorted(harvest.conflicting)
        kept_before = {item.ordinal for item in harvest.news.kept} | harvest.kept
        fresh = [work.rows[ordinal] for ordinal in ordinals if ordinal not in kept_before]
        detail = "the results hold two different lines for this row"
        harvest.news.kept += [
            Kept(
                row.ordinal,
                row.key,
                work.namespace.custom_id(row.ordinal),
                "conflict",
                detail,
                b"",
            )
            for row in fresh
        ]
        doubted = dict.fromkeys(ordinals, "conflict")
        with self._desk.ledger.transaction() as transaction:
            self._desk.book.not_accepted(transaction, work.record, batch.number, doubted)
        harvest.outcomes |= doubted
        harvest.regraded |= doubted

    def _settle(
        self, work: Work, batch: Batch, harvest: Harvest, balance: Balance, halt: str
    ) -> None:
        """Book what the batch really cost, and what came of it; and halt the job if it must.

        Both in one step: a batch that is collected is not looked at again, so nobody would ever
        come to the same decision.

        Rows of which no readable line came were perhaps billed: they count with what was
        reserved for them.
        """
        unknown = batch.requests - balance.seen
        assumed = work.record.reserved_usd / work.record.rows * unknown
        lost = harvest.missing()
        tally = harvest.tally
        tally.rows = batch.requests - len(lost)
        tally.bad = dict(Counter(harvest.outcomes.values()))
        tally.accepted = tally.rows - len(harvest.outcomes)
        tally.regraded = dict(Counter(harvest.regraded.values())) if harvest.second else None
        self._desk.book.collected(
            work.record,
            batch.number,
            tally=tally,
            cost_usd=harvest.cost_usd + assumed.quantize(Decimal("0.000001")),
            lost=lost,
            halt=halt,
            body={
                "batch_id": batch.batch_id,
                "sent": balance.sent,
                "seen": balance.seen,
                "lost": len(balance.lost),
                "duplicated": balance.duplicated,
                "conflicting": len(balance.conflicting),
                "unexpected": len(balance.unexpected),
                "recovered": balance.recovered,
                "outcomes": {ACCEPTED: tally.accepted, **tally.bad},
                "good": tally.accepted * 2 >= batch.requests,
                "assumed_usd": f"{assumed:.6f}",
                "input_tokens": harvest.tokens[0],
                "output_tokens": harvest.tokens[1],
                "answered_digest": list_digest(answered for answered, _ in harvest.parts),
                "staged_digest": list_digest(staged for _, staged in harvest.parts),
            },
        )
