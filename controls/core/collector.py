"""Collecting: wait for the end, read every line, sort each row into exactly one place."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from anthropic.types.messages import MessageBatch

from controls.core.answer import (
    KINDS,
    Accepted,
    Answer,
    Gate,
    Quarantined,
    ResultLine,
    UnreadableLine,
    Usage,
    examined,
    read_line,
)
from controls.core.book import Batch, Tally
from controls.core.decision import Halt, Redownload
from controls.core.ledger import Kept, digest16, digest_of
from controls.core.moment import AfterDownload, Balance, WhileWaiting
from controls.core.results import DownloadBroke, stream_lines
from controls.core.rows import Row
from controls.core.work import Desk, Stopped, Work
from controls.quarantine import Quarantine

FIRST_POLL = timedelta(seconds=30)
LAST_POLL = timedelta(minutes=15)
PATIENCE = timedelta(hours=25)
"""A batch ends 24 hours after its creation; an hour later it counts as stuck."""
ROWS_PER_WRITE = 5_000
NAMED_IDS = 20
"""How many offending ids a balance names; the rest is counted."""

_CUSTOM_ID = re.compile(rb'"custom_id"\s*:\s*"([a-zA-Z0-9_-]{1,64})"')


@dataclass(slots=True)
class Tokens:
    """Tokens of many answers."""

    input: int = 0
    output: int = 0
    written: int = 0
    read: int = 0

    def add(self, usage: Usage) -> None:
        """Count one more answer."""
        self.input += usage.input_tokens
        self.output += usage.output_tokens
        self.written += usage.cache_creation_input_tokens or 0
        self.read += usage.cache_read_input_tokens or 0

    def total(self) -> Usage:
        """All of them."""
        return Usage(self.input, self.output, self.written, self.read)


@dataclass(slots=True)
class Harvest:
    """What the downloads of one batch have brought so far."""

    ordinals: frozenset[int]
    """The rows of the batch."""
    second: tuple[Gate, ...] = ()
    """Gates for a second opinion, for the canary."""
    lines: dict[int, bytes] = field(default_factory=dict)
    """Ordinal to the digest of its line."""
    broken: dict[int, UnreadableLine] = field(default_factory=dict)
    """Rows of which only a broken line has come. A cut connection breaks a line; another
    download may bring it whole."""
    outcomes: dict[int, str] = field(default_factory=dict)
    """Of rows without an accepted answer."""
    conflicting: set[int] = field(default_factory=set)
    unexpected: dict[str, None] = field(default_factory=dict)
    unreadable: dict[bytes, None] = field(default_factory=dict)
    """Digests of unreadable lines."""
    kinds: Counter[str] = field(default_factory=Counter)
    duplicated: int = 0
    recovered: int = 0
    tally: Tally = field(default_factory=Tally)
    labels: Counter[str] = field(default_factory=Counter)
    regraded: Counter[str] = field(default_factory=Counter)
    short: Tokens = field(default_factory=Tokens)
    long: Tokens = field(default_factory=Tokens)
    """Tokens of answers to prompts beyond the model's price limit for long ones."""
    accepted: list[tuple[Row, dict[str, Any]]] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    answered: list[tuple[Any, ...]] = field(default_factory=list)
    all_answered: list[tuple[Any, ...]] = field(default_factory=list)
    all_kept: list[tuple[Any, ...]] = field(default_factory=list)


class Collector:
    """Brings the answers of a batch home."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._gates = (desk.stack.identity, desk.stack.gate)

    def collect(self, work: Work, batch: Batch) -> None:
        """Wait, download until it balances, settle. The caller holds the lock of this batch."""
        ended = self._wait(work, batch)
        self._desk.book.ended(work.record, batch.number)
        counts = ended.request_counts
        counted = {kind: getattr(counts, kind, 0) for kind in sorted(KINDS)}
        harvest = Harvest(frozenset(batch.ordinals))
        if batch.round == 0 and batch.stage == 0:
            harvest.second = (self._desk.stack.identity, Quarantine(work.job.type.answer.schema))
        self._begin(work, batch, harvest)
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
        self._give_up_broken(work, batch, harvest)
        self._give_up_contradictions(work, batch, harvest)
        self._flush(work, batch, harvest)
        self._settle(work, batch, harvest, balance)
        if isinstance(decision, Halt):
            raise Stopped(decision.why)

    def _wait(self, work: Work, batch: Batch) -> MessageBatch:
        desk = self._desk
        pause = FIRST_POLL
        created_at = batch.created_at or desk.clock.now()
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
                    counted={kind: getattr(counts, kind, 0) for kind in sorted(KINDS)},
                    halts=desk.book.halts(work.record),
                ),
                work.said,
            )
            if isinstance(decision, Halt):
                raise Stopped(decision.why)
            if now >= created_at + PATIENCE:
                raise Stopped(f"{batch.batch_id} has not ended after {PATIENCE}")
            desk.clock.sleep(pause)
            pause = min(pause * 1.5, LAST_POLL)

    def _begin(self, work: Work, batch: Batch, harvest: Harvest) -> None:
        """Forget what a collection that was interrupted has left behind."""
        with self._desk.ledger.transaction() as transaction:
            if self._desk.book.forget_answers(transaction, work.record, batch.number):
                rows = [work.rows[ordinal] for ordinal in sorted(harvest.ordinals)]
                self._desk.stack.sink.unstage(transaction.connection, work.record, rows)

    def _download(self, work: Work, batch: Batch, harvest: Harvest) -> str:
        """Read the results once; returns why it broke off, or nothing."""
        seen_now: set[int] = set()
        problem = ""
        try:
            for raw in stream_lines(self._desk.client, batch.batch_id):
                self._take(work, batch, harvest, raw, seen_now)
                if len(harvest.answered) >= ROWS_PER_WRITE:
                    self._flush(work, batch, harvest)
        except DownloadBroke as broke:
            problem = f"the download of {batch.batch_id} broke off: {broke}"
        self._flush(work, batch, harvest)
        return problem

    def _take(
        self, work: Work, batch: Batch, harvest: Harvest, raw: bytes, seen_now: set[int]
    ) -> None:
        """Sort one line: a new row, one we have, a contradiction, a stranger, or unreadable."""
        line = read_line(raw)
        if isinstance(line, UnreadableLine):
            found = _CUSTOM_ID.search(raw)
            custom_id = found[1].decode() if found else ""
        else:
            custom_id = line.custom_id
        ordinal = work.namespace.ordinal(custom_id)
        if ordinal is None or ordinal not in harvest.ordinals:
            self._take_stranger(batch, harvest, line, custom_id)
            return
        if isinstance(line, UnreadableLine):
            harvest.broken.setdefault(ordinal, line)
            return
        digest = digest16(raw)
        before = harvest.lines.get(ordinal)
        if before is None:
            harvest.lines[ordinal] = digest
            seen_now.add(ordinal)
            self._take_new(work, harvest, ordinal, line, digest)
        elif before != digest:
            harvest.conflicting.add(ordinal)
        elif ordinal in seen_now:
            harvest.duplicated += 1
        else:
            seen_now.add(ordinal)

    def _take_stranger(
        self, batch: Batch, harvest: Harvest, line: ResultLine | UnreadableLine, custom_id: str
    ) -> None:
        if isinstance(line, UnreadableLine) and not custom_id:
            digest = digest16(line.raw)
            if digest not in harvest.unreadable:
                harvest.unreadable[digest] = None
                harvest.kept.append(Kept(None, None, "", "unreadable", line.problem, line.raw))
        elif custom_id not in harvest.unexpected:
            harvest.unexpected[custom_id] = None
            detail = f"no request of batch {batch.number} has this custom_id"
            harvest.kept.append(Kept(None, None, custom_id, "unexpected", detail, line.raw))

    def _take_new(
        self, work: Work, harvest: Harvest, ordinal: int, line: ResultLine, digest: bytes
    ) -> None:
        """The first readable line of a row: unfinished, accepted, or kept back."""
        harvest.kinds[line.kind] += 1
        if line.kind != "succeeded":
            outcome = f"errored:{line.error_type}"[:64] if line.kind == "errored" else line.kind
            harvest.outcomes[ordinal] = outcome
            harvest.regraded[line.kind] += 1
            harvest.answered.append((ordinal, outcome, 0, 0, 0, 0, digest))
            return
        usage = line.usage
        (harvest.long if work.price.is_long(usage) else harvest.short).add(usage)
        row = work.rows[ordinal]
        answer = Answer(line.text, line.stop_reason, work.dresser.reference(row))
        verdict = examined(self._gates, answer)
        if isinstance(verdict, Accepted) and verdict.value is not None:
            mine = self._desk.stack.identity.row_of(ordinal, work.rows)
            harvest.accepted.append((mine, verdict.value))
            self._grade(work, harvest, row, verdict.value)
            outcome = "accepted"
        else:
            refusal = verdict if isinstance(verdict, Quarantined) else Quarantined("empty", "")
            outcome = refusal.reason
            self._keep_back(work, harvest, ordinal, refusal, line.raw)
        if harvest.second:
            opinion = examined(harvest.second, answer)
            if isinstance(opinion, Quarantined) or opinion.value is None:
                harvest.regraded[getattr(opinion, "reason", "empty")] += 1
        harvest.answered.append(
            (
                ordinal,
                outcome,
                usage.input_tokens,
                usage.output_tokens,
                usage.cache_creation_input_tokens or 0,
                usage.cache_read_input_tokens or 0,
                digest,
            )
        )

    def _grade(self, work: Work, harvest: Harvest, row: Row, value: dict[str, Any]) -> None:
        """Count labels, and known answers that are right, for the canary and the ramp."""
        label = str(value.get(work.job.type.answer.label))[:200]
        harvest.labels[label] += 1
        column = work.job.type.rows.label_column
        if column and (truth := row.fields.get(column, "")):
            harvest.tally.known += 1
            harvest.tally.correct += label == truth

    def _keep_back(
        self, work: Work, harvest: Harvest, ordinal: int, refusal: Quarantined, raw: bytes
    ) -> None:
        row = self._desk.stack.identity.row_of(ordinal, work.rows)
        custom_id = work.namespace.custom_id(ordinal)
        harvest.outcomes[ordinal] = refusal.reason
        harvest.kept.append(Kept(ordinal, row.key, custom_id, refusal.reason, refusal.detail, raw))

    def _give_up_broken(self, work: Work, batch: Batch, harvest: Harvest) -> None:
        """Rows whose line was broken in every download."""
        for ordinal in sorted(harvest.broken.keys() - harvest.lines.keys()):
            line = harvest.broken[ordinal]
            refusal = Quarantined("unreadable", line.problem)
            self._keep_back(work, harvest, ordinal, refusal, line.raw)
            harvest.answered.append((ordinal, refusal.reason, 0, 0, 0, 0, digest16(line.raw)))
            harvest.regraded[refusal.reason] += 1
        self._flush(work, batch, harvest)

    def _flush(self, work: Work, batch: Batch, harvest: Harvest) -> None:
        """Write down what has come, in one transaction."""
        if not (harvest.accepted or harvest.kept or harvest.answered):
            return
        with self._desk.ledger.transaction() as transaction:
            if harvest.accepted:
                self._desk.stack.sink.stage(transaction.connection, work.record, harvest.accepted)
            transaction.keep(work.record.number, batch.number, harvest.kept)
            self._desk.book.answered(transaction, work.record, batch.number, harvest.answered)
        harvest.all_answered += harvest.answered
        harvest.all_kept += [item.covered() for item in harvest.kept]
        harvest.accepted, harvest.kept, harvest.answered = [], [], []

    def _balance(
        self,
        work: Work,
        batch: Batch,
        harvest: Harvest,
        counted: dict[str, int],
        downloads: int,
        problem: str,
    ) -> Balance:
        missing = sorted(harvest.ordinals - harvest.lines.keys() - harvest.broken.keys())
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
        kept_before = {item.ordinal for item in harvest.kept} | {
            ordinal for ordinal, *_ in harvest.all_kept
        }
        fresh = [work.rows[ordinal] for ordinal in ordinals if ordinal not in kept_before]
        detail = "the results hold two different lines for this row"
        harvest.kept += [
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
        with self._desk.ledger.transaction() as transaction:
            self._desk.stack.sink.unstage(transaction.connection, work.record, fresh)
            self._desk.book.contradicted(transaction, work.record, batch.number, ordinals)
        doubted = set(ordinals)
        harvest.outcomes |= dict.fromkeys(ordinals, "conflict")
        harvest.all_answered = [
            (line[0], "conflict", *line[2:]) if line[0] in doubted else line
            for line in harvest.all_answered
        ]

    def _settle(self, work: Work, batch: Batch, harvest: Harvest, balance: Balance) -> None:
        """Book what the batch really cost, and what came of it.

        Rows of which no readable line came were perhaps billed: they count with what was
        reserved for them.
        """
        short, long = harvest.short.total(), harvest.long.total()
        cost = work.price.of(short) + work.price.of(long, long=True)
        unknown = batch.requests - balance.seen
        assumed = work.record.reserved_usd / work.record.rows * unknown
        lost = sorted(harvest.ordinals - harvest.lines.keys() - harvest.broken.keys())
        tally = harvest.tally
        tally.rows = batch.requests - len(lost)
        tally.bad = dict(Counter(harvest.outcomes.values()))
        tally.accepted = tally.rows - len(harvest.outcomes)
        tally.labels = dict(harvest.labels)
        tally.regraded = dict(harvest.regraded) if harvest.second else None
        self._desk.book.collected(
            work.record,
            batch.number,
            tally=tally,
            cost_usd=cost + assumed.quantize(Decimal("0.000001")),
            lost=lost,
            body={
                "batch_id": batch.batch_id,
                "sent": balance.sent,
                "seen": balance.seen,
                "lost": len(balance.lost),
                "duplicated": balance.duplicated,
                "conflicting": len(balance.conflicting),
                "unexpected": len(balance.unexpected),
                "recovered": balance.recovered,
                "accepted": tally.accepted,
                "bad": tally.bad,
                "good": tally.accepted * 2 >= batch.requests,
                "assumed_usd": f"{assumed:.6f}",
                "input_tokens": short.input_tokens + long.input_tokens,
                "output_tokens": short.output_tokens + long.output_tokens,
                "answered_digest": digest_of(harvest.all_answered),
                "kept_digest": digest_of(harvest.all_kept),
            },
        )
