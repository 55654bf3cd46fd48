"""Collecting: wait for the end, read every line, sort each row into exactly one place."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from anthropic.types.messages import MessageBatch

from controls.core.answer import (
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
from controls.core.decision import Halt, Redownload
from controls.core.ledger import Kept
from controls.core.moment import AfterDownload, Balance, Unfinished
from controls.core.results import DownloadBroke, stream_lines
from controls.core.rows import Row
from controls.core.work import QUARANTINED, STAGED, Desk, SentBatch, Stopped, Work

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

    lines: dict[int, int] = field(default_factory=dict)
    """Ordinal to a fingerprint of its line."""
    broken: dict[int, UnreadableLine] = field(default_factory=dict)
    """Rows of which only a broken line has come. A cut connection breaks a line; another
    download may bring it whole."""
    conflicting: set[int] = field(default_factory=set)
    unexpected: dict[str, None] = field(default_factory=dict)
    unreadable: dict[int, None] = field(default_factory=dict)
    """Fingerprints of unreadable lines."""
    duplicated: int = 0
    recovered: int = 0
    short: Tokens = field(default_factory=Tokens)
    long: Tokens = field(default_factory=Tokens)
    """Tokens of answers to prompts beyond the model's price limit for long ones."""
    accepted: list[tuple[Row, dict[str, Any]]] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    answered: list[tuple[int, str, int, int]] = field(default_factory=list)


class Collector:
    """Brings the answers of a batch home."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._gates = (desk.stack.identity, desk.stack.gate)

    def collect(self, work: Work, batch: SentBatch) -> None:
        """Wait, download until it balances, settle."""
        ended = self._wait(batch)
        counts = ended.request_counts
        counted = {kind: getattr(counts, kind, 0) for kind in sorted(KINDS)}
        harvest = Harvest()
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
        self._settle(work, batch, harvest, balance)
        if isinstance(decision, Halt):
            raise Stopped(decision.why)

    def _wait(self, batch: SentBatch) -> MessageBatch:
        desk = self._desk
        pause = FIRST_POLL
        deadline = desk.clock.now() + PATIENCE
        while True:
            seen = desk.patiently(
                lambda: desk.client.messages.batches.retrieve(batch.id), f"polling {batch.id}"
            )
            if (
                isinstance(seen, MessageBatch)
                and seen.id == batch.id
                and seen.processing_status == "ended"
            ):
                return seen
            if desk.clock.now() >= deadline:
                raise Stopped(f"{batch.id} has not ended after {PATIENCE}")
            desk.clock.sleep(pause)
            pause = min(pause * 1.5, LAST_POLL)

    def _download(self, work: Work, batch: SentBatch, harvest: Harvest) -> str:
        """Read the results once; returns why it broke off, or nothing."""
        seen_now: set[int] = set()
        problem = ""
        try:
            for raw in stream_lines(self._desk.client, batch.id):
                self._take(work, batch, harvest, raw, seen_now)
                if len(harvest.accepted) >= ROWS_PER_WRITE:
                    self._flush(work, batch, harvest)
        except DownloadBroke as broke:
            problem = f"the download of {batch.id} broke off: {broke}"
        self._flush(work, batch, harvest)
        return problem

    def _take(
        self, work: Work, batch: SentBatch, harvest: Harvest, raw: bytes, seen_now: set[int]
    ) -> None:
        """Sort one line: a new row, one we have, a contradiction, a stranger, or unreadable."""
        line = read_line(raw)
        if isinstance(line, UnreadableLine):
            found = _CUSTOM_ID.search(raw)
            custom_id = found[1].decode() if found else ""
        else:
            custom_id = line.custom_id
        ordinal = work.namespace.ordinal(custom_id)
        fingerprint = hash(raw)
        if ordinal is None or ordinal not in batch.ordinals:
            self._take_stranger(batch, harvest, line, custom_id, fingerprint)
        elif isinstance(line, UnreadableLine):
            harvest.broken.setdefault(ordinal, line)
        elif ordinal not in harvest.lines:
            harvest.lines[ordinal] = fingerprint
            seen_now.add(ordinal)
            self._take_new(work, batch, harvest, ordinal, line)
        elif harvest.lines[ordinal] != fingerprint:
            harvest.conflicting.add(ordinal)
        elif ordinal in seen_now:
            harvest.duplicated += 1
        else:
            seen_now.add(ordinal)

    def _take_stranger(
        self,
        batch: SentBatch,
        harvest: Harvest,
        line: ResultLine | UnreadableLine,
        custom_id: str,
        fingerprint: int,
    ) -> None:
        if isinstance(line, UnreadableLine) and not custom_id:
            if fingerprint not in harvest.unreadable:
                harvest.unreadable[fingerprint] = None
                harvest.kept.append(
                    Kept(batch.number, None, None, "", "unreadable", line.problem, line.raw)
                )
        elif custom_id not in harvest.unexpected:
            harvest.unexpected[custom_id] = None
            detail = f"no request of batch {batch.number} has this custom_id"
            harvest.kept.append(
                Kept(batch.number, None, None, custom_id, "unexpected", detail, line.raw)
            )

    def _take_new(
        self,
        work: Work,
        batch: SentBatch,
        harvest: Harvest,
        ordinal: int,
        line: ResultLine,
    ) -> None:
        """The first readable line of a row: unfinished, accepted, or kept back."""
        reference = work.references[ordinal]
        if work.slicing:
            work.slice_lines[ordinal] = (line, reference)
        if line.kind != "succeeded":
            work.unfinished[ordinal] = Unfinished(
                ordinal, line.kind, line.error_type, work.attempts[ordinal]
            )
            harvest.answered.append((ordinal, line.kind, 0, 0))
            return
        usage = line.usage
        (harvest.long if work.price.is_long(usage) else harvest.short).add(usage)
        verdict = examined(self._gates, Answer(line.text, line.stop_reason, reference))
        if isinstance(verdict, Accepted) and verdict.value is not None:
            work.unfinished.pop(ordinal, None)
            row = self._desk.stack.identity.row_of(ordinal, work.rows)
            harvest.accepted.append((row, verdict.value))
            work.state[row.ordinal] = STAGED
            outcome = "accepted"
        else:
            refusal = verdict if isinstance(verdict, Quarantined) else Quarantined("empty", "")
            outcome = refusal.reason
            self._keep_back(work, batch, harvest, ordinal, refusal, line.raw)
        harvest.answered.append((ordinal, outcome, usage.input_tokens, usage.output_tokens))

    def _keep_back(
        self,
        work: Work,
        batch: SentBatch,
        harvest: Harvest,
        ordinal: int,
        refusal: Quarantined,
        raw: bytes,
    ) -> None:
        work.unfinished.pop(ordinal, None)
        row = self._desk.stack.identity.row_of(ordinal, work.rows)
        work.state[row.ordinal] = QUARANTINED
        custom_id = work.namespace.custom_id(ordinal)
        harvest.kept.append(
            Kept(batch.number, ordinal, row.key, custom_id, refusal.reason, refusal.detail, raw)
        )

    def _give_up_broken(self, work: Work, batch: SentBatch, harvest: Harvest) -> None:
        """Rows whose line was broken in every download."""
        for ordinal in sorted(harvest.broken.keys() - harvest.lines.keys()):
            line = harvest.broken[ordinal]
            refusal = Quarantined("unreadable", line.problem)
            self._keep_back(work, batch, harvest, ordinal, refusal, line.raw)
            harvest.answered.append((ordinal, refusal.reason, 0, 0))
        self._flush(work, batch, harvest)

    def _flush(self, work: Work, batch: SentBatch, harvest: Harvest) -> None:
        job = work.job.id
        if harvest.accepted:
            self._desk.stack.sink.stage(job, harvest.accepted)
        if harvest.kept:
            self._desk.ledger.quarantine(job, harvest.kept)
        if harvest.answered:
            self._desk.ledger.answered(job, batch.number, harvest.answered)
        harvest.accepted, harvest.kept, harvest.answered = [], [], []

    def _balance(
        self,
        work: Work,
        batch: SentBatch,
        harvest: Harvest,
        counted: dict[str, int],
        downloads: int,
        problem: str,
    ) -> Balance:
        missing = sorted(batch.ordinals - harvest.lines.keys() - harvest.broken.keys())
        return Balance(
            batch_id=batch.id,
            sent=len(batch.ordinals),
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
        )

    def _give_up_contradictions(self, work: Work, batch: SentBatch, harvest: Harvest) -> None:
        """Two different lines for one row: neither is believed."""
        rows = [work.rows[ordinal] for ordinal in sorted(harvest.conflicting)]
        staged = [row for row in rows if work.state[row.ordinal] == STAGED]
        if staged:
            self._desk.stack.sink.unstage(work.job.id, staged)
        fresh = [row for row in rows if work.state[row.ordinal] != QUARANTINED]
        for row in fresh:
            work.state[row.ordinal] = QUARANTINED
            work.unfinished.pop(row.ordinal, None)
            work.slice_lines.pop(row.ordinal, None)
        self._desk.ledger.quarantine(
            work.job.id,
            [
                Kept(
                    batch.number,
                    row.ordinal,
                    row.key,
                    work.namespace.custom_id(row.ordinal),
                    "conflict",
                    "the results hold two different lines for this row",
                    b"",
                )
                for row in fresh
            ],
        )

    def _settle(self, work: Work, batch: SentBatch, harvest: Harvest, balance: Balance) -> None:
        """Book what the batch really cost, and what came of it."""
        short, long = harvest.short.total(), harvest.long.total()
        cost = work.price.of(short) + work.price.of(long, long=True)
        work.spent_usd += cost
        self._desk.ledger.append(
            work.job.id,
            "collected",
            batch=batch.number,
            batch_id=batch.id,
            sent=balance.sent,
            seen=balance.seen,
            lost=len(balance.lost),
            duplicated=balance.duplicated,
            conflicting=len(balance.conflicting),
            unexpected=len(balance.unexpected),
            recovered=balance.recovered,
            cost_usd=f"{cost:.6f}",
            input_tokens=short.input_tokens + long.input_tokens,
            output_tokens=short.output_tokens + long.output_tokens,
        )
