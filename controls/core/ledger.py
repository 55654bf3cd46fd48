"""The ledger: what was intended, sent, answered, decided and paid.

Append-only and hash-chained. An intention is written before the act, the outcome after it; what
stands between the two after a crash is exactly what has to be looked into.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Engine, func, insert, select
from sqlalchemy.exc import IntegrityError

from controls.core.answer import EVIDENCE_BYTES
from controls.core.rows import DressedRow
from controls.core.store import ANSWERED, ENTRIES, QUARANTINE, SENT, insert_many

GENESIS = "0" * 64
CHANCES = 50
"""How often an entry is tried when other jobs write to the same ledger."""


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One thing that happened in a job."""

    seq: int
    at: datetime
    job: str
    kind: str
    """`opened`, `decided`, `intended`, `created`, `collected`, `promoted`, …"""
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kept:
    """One answer for the quarantine."""

    batch: int
    ordinal: int | None
    """None when the line could not be attributed to a row."""
    row_key: str | None
    custom_id: str
    reason: str
    detail: str
    evidence: bytes


class Ledger:
    """The memory of all jobs in one store. One writer at a time per job.

    Args:
        engine: from `open_store`.
        now: the clock's present, for the time of entries.
        listen: called with every new entry, e.g. to show progress.
    """

    def __init__(
        self,
        engine: Engine,
        now: Callable[[], datetime],
        listen: Callable[[LedgerEntry], None] = lambda _entry: None,
    ) -> None:
        self.engine = engine
        self._now = now
        self._listen = listen

    def append(self, job: str, kind: str, **body: Any) -> LedgerEntry:
        """Add one entry to the chain."""
        at = self._now()
        text = msgspec.json.encode(body, order="sorted").decode()
        values = {"at": at.isoformat(), "job": job, "kind": kind, "body": text}
        seq = self._chain(values)
        entry = LedgerEntry(seq, at, job, kind, body)
        self._listen(entry)
        return entry

    def _chain(self, values: Mapping[str, Any]) -> int:
        """Add a link to the chain that all jobs share: whoever comes late tries again."""
        for _ in range(CHANCES - 1):
            with suppress(IntegrityError):
                return self._link(values)
        return self._link(values)

    def _link(self, values: Mapping[str, Any]) -> int:
        with self.engine.begin() as connection:
            last = connection.execute(
                select(ENTRIES.c.seq, ENTRIES.c.hash).order_by(ENTRIES.c.seq.desc()).limit(1)
            ).first()
            seq, previous = (last.seq + 1, last.hash) if last else (1, GENESIS)
            link = {"seq": seq, **values}
            digest = entry_hash(previous, link)
            connection.execute(insert(ENTRIES), link | {"previous": previous, "hash": digest})
        return seq

    def intend(self, job: str, batch: int, requests: Sequence[DressedRow]) -> None:
        """Write down every request of a batch, before the call that sends them."""
        with self.engine.begin() as connection:
            insert_many(
                connection,
                SENT,
                ("job", "batch", "ordinal", "custom_id", "row_key", "digest"),
                [
                    (
                        job,
                        batch,
                        request.row.ordinal,
                        request.custom_id,
                        request.row.key,
                        hashlib.sha256(request.params).digest()[:16],
                    )
                    for request in requests
                ],
            )
        self.append(job, "intended", batch=batch, requests=len(requests))

    def answered(self, job: str, batch: int, lines: Sequence[tuple[int, str, int, int]]) -> None:
        """Write down results: ordinal, outcome, input tokens, output tokens."""
        with self.engine.begin() as connection:
            insert_many(
                connection,
                ANSWERED,
                ("job", "batch", "ordinal", "outcome", "input_tokens", "output_tokens"),
                [(job, batch, *line) for line in lines],
            )

    def quarantine(self, job: str, kept: Sequence[Kept]) -> None:
        """Keep answers back, each with its reason and the first bytes of what came."""
        at = self._now().isoformat()
        with self.engine.begin() as connection:
            insert_many(
                connection,
                QUARANTINE,
                (
                    "job",
                    "batch",
                    "ordinal",
                    "row_key",
                    "custom_id",
                    "reason",
                    "detail",
                    "evidence",
                    "at",
                ),
                [
                    (
                        job,
                        item.batch,
                        item.ordinal,
                        item.row_key,
                        item.custom_id[:200],
                        item.reason[:64],
                        item.detail,
                        item.evidence[:EVIDENCE_BYTES],
                        at,
                    )
                    for item in kept
                ],
            )

    def quarantined(self, job: str) -> Counter[str]:
        """How many answers of a job are in quarantine, by reason."""
        query = (
            select(QUARANTINE.c.reason, func.count().label("answers"))
            .where(QUARANTINE.c.job == job)
            .group_by(QUARANTINE.c.reason)
        )
        with self.engine.connect() as connection:
            return Counter({row.reason: row.answers for row in connection.execute(query)})

    def batch_ids(self) -> set[str]:
        """Every batch that a job of this store has made or adopted."""
        query = select(ENTRIES.c.body).where(ENTRIES.c.kind == "created")
        with self.engine.connect() as connection:
            bodies = connection.scalars(query).all()
        return {msgspec.json.decode(body)["batch_id"] for body in bodies}

    def was_sent(self, job: str) -> bool:
        """Whether a request of this job was ever written down for sending."""
        query = select(SENT.c.ordinal).where(SENT.c.job == job).limit(1)
        with self.engine.connect() as connection:
            return connection.execute(query).first() is not None

    def entries(self, job: str) -> list[LedgerEntry]:
        """All entries of a job, oldest first."""
        query = select(ENTRIES).where(ENTRIES.c.job == job).order_by(ENTRIES.c.seq)
        with self.engine.connect() as connection:
            return [
                LedgerEntry(
                    row.seq,
                    datetime.fromisoformat(row.at),
                    row.job,
                    row.kind,
                    msgspec.json.decode(row.body),
                )
                for row in connection.execute(query)
            ]

    def first_broken_entry(self) -> int | None:
        """The number of the first entry that was changed, removed or inserted; None if intact.

        Weakness: entries cut off at the end leave no trace, and who can rewrite the whole chain
        can hash it anew; note the last hash elsewhere if that matters.
        """
        previous, expected = GENESIS, 1
        with self.engine.connect() as connection:
            for row in connection.execute(select(ENTRIES).order_by(ENTRIES.c.seq)):
                values = row._asdict()
                intact = (
                    row.seq == expected
                    and row.previous == previous
                    and row.hash == entry_hash(previous, values)
                )
                if not intact:
                    return expected
                previous, expected = row.hash, expected + 1
        return None


def entry_hash(previous: str, values: Mapping[str, Any]) -> str:
    """SHA-256 over the hash before and every field of an entry."""
    fields = [previous, *(str(values[name]) for name in ("seq", "at", "job", "kind", "body"))]
    return hashlib.sha256(msgspec.json.encode(fields)).hexdigest()
