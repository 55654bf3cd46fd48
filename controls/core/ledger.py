"""The ledger: what was intended, sent, answered, decided and paid.

Append-only and hash-chained. An intention is written before the act, the outcome after it; what
stands between the two after a crash is exactly what has to be looked into. What is too much for
an entry (a line per request, a line per answer) lies in tables of its own; the entry that closes
such a list holds its digest, so that the chain covers every byte of it.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Engine, Row, func, select, text
from sqlalchemy.engine import Connection

from controls.core import queries
from controls.core.answer import EVIDENCE_BYTES
from controls.core.store import (
    ENTRIES,
    JOBS,
    QUARANTINE,
    insert_many,
    writer,
)

GENESIS = "0" * 64
CHAIN = 4_712
"""Advisory lock under which one of several workers writes the next entry."""


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One thing that happened in a job."""

    seq: int
    at: datetime
    job: str
    """Empty for what concerns the whole store."""
    kind: str
    """`opened`, `decided`, `intended`, `created`, `collected`, `promoted`, …"""
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kept:
    """One answer for the quarantine."""

    ordinal: int | None
    """None when the line could not be attributed to a row."""
    row_key: str | None
    custom_id: str
    reason: str
    detail: str
    evidence: bytes

    def stored(self) -> tuple[int | None, str | None, str, str, str, bytes, bytes]:
        """As it goes into the table: bounded, and nothing in it that a database refuses."""
        evidence = self.evidence[:EVIDENCE_BYTES]
        return (
            self.ordinal,
            None if self.row_key is None else storable(self.row_key),
            storable(self.custom_id[:200]),
            storable(self.reason[:64]),
            storable(self.detail),
            evidence,
            digest16(evidence),
        )


def digest16(content: bytes) -> bytes:
    """The first 16 bytes of SHA-256: of a request, of a result line, of evidence."""
    return hashlib.sha256(content).digest()[:16]


def digest_of(rows: Iterable[tuple[Any, ...]]) -> str:
    """SHA-256 over rows, whatever order they come in."""
    lines = sorted(map(msgspec.msgpack.encode, rows))
    return hashlib.sha256(b"\n".join(lines)).hexdigest()


def kept_digest(connection: Connection, job: int, batch: int) -> str:
    """The digest that the chain holds of what a batch has in quarantine, as it was stored."""
    found = connection.execute(queries.KEPT, {"job": job, "batch": batch})
    return digest_of(tuple(row) for row in found)


def storable(untrusted: str) -> str:
    """Text without what some database refuses: NUL and halves of surrogate pairs."""
    if untrusted.isascii() and "\0" not in untrusted:
        return untrusted
    return untrusted.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


@dataclass(slots=True)
class Transaction:
    """Writes that happen together or not at all. Entries come last: they wait for each other."""

    connection: Connection
    now: datetime
    head: tuple[int, str] | None = None
    """Number and hash of the last entry, as far as is known."""
    told: list[LedgerEntry] = field(default_factory=list)

    def append(self, job: str, kind: str, **body: Any) -> LedgerEntry:
        """Add one entry to the chain that all jobs of the store share."""
        connection = self.connection
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({CHAIN})"))
        before, previous = self._moved() or self._found()
        seq = before + 1
        link = {
            "seq": seq,
            "at": self.now.isoformat(),
            "job": job,
            "kind": kind,
            "body": _document(body),
        }
        digest = entry_hash(previous, link)
        connection.execute(queries.ADD_ENTRY, link | {"previous": previous, "hash": digest})
        self.head = (seq, digest)
        entry = LedgerEntry(seq, self.now, job, kind, body)
        self.told.append(entry)
        return entry

    def _moved(self) -> tuple[int, str] | None:
        """The last entry, if it is the one that is known here; it is the last no longer."""
        if self.head is None:
            return None
        before, after = str(self.head[0]), str(self.head[0] + 1)
        move = {"of_name": "head", "before": before, "value": after}
        return self.head if self.connection.execute(queries.MOVE_META, move).rowcount else None

    def _found(self) -> tuple[int, str]:
        """The last entry as the store has it, where another worker wrote it; likewise."""
        last = self.connection.execute(queries.LAST_ENTRY).first()
        seq, digest = (last.seq, last.hash) if last else (0, GENESIS)
        self.connection.execute(queries.CHANGE_META, {"of_name": "head", "value": str(seq + 1)})
        return seq, digest

    def keep(self, job: int, batch: int, kept: Sequence[Kept]) -> None:
        """Put answers into quarantine."""
        rows = [item.stored() for item in kept]
        insert_many(
            self.connection,
            QUARANTINE,
            (
                *("job", "batch", "ordinal", "row_key", "custom_id", "reason"),
                *("detail", "evidence", "evidence_digest", "at", "settled"),
            ),
            [(job, batch, *row, self.now.isoformat(), "") for row in rows],
        )


class Ledger:
    """The memory of all jobs in one store.

    Args:
        engine: from `open_store`.
        now: the clock's present, for the time of entries.
        listen: called with every new entry once it is written, e.g. to show progress.
    """

    def __init__(
        self,
        engine: Engine,
        now: Callable[[], datetime],
        listen: Callable[[LedgerEntry], None] = lambda _entry: None,
    ) -> None:
        self.engine = engine
        self.now = now
        self._listen = listen
        self._writer = writer(engine)
        self._head: tuple[int, str] | None = None

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A transaction; its entries are told once it is committed."""
        with self._writer.begin() as connection:
            transaction = Transaction(connection, self.now(), self._head)
            yield transaction
        self._head = transaction.head
        for entry in transaction.told:
            self._listen(entry)

    def append(self, job: str, kind: str, **body: Any) -> LedgerEntry:
        """Add one entry to the chain."""
        with self.transaction() as transaction:
            return transaction.append(job, kind, **body)

    def quarantined(self, job: str) -> Counter[str]:
        """How many answers of a job are in quarantine, by reason; settled ones do not count."""
        query = (
            select(QUARANTINE.c.reason, func.count().label("answers"))
            .join(JOBS, JOBS.c.number == QUARANTINE.c.job)
            .where(JOBS.c.id == job, QUARANTINE.c.settled == "")
            .group_by(QUARANTINE.c.reason)
        )
        with self.engine.connect() as connection:
            return Counter({row.reason: row.answers for row in connection.execute(query)})

    def entries(self, job: str | None = None, kind: str | None = None) -> list[LedgerEntry]:
        """Entries, oldest first: of one job or of all, of one kind or of all."""
        query = queries.ENTRIES_OF[job is not None, kind is not None]
        wanted = {"job": job, "kind": kind}
        which = {name: value for name, value in wanted.items() if value is not None}
        with self.engine.connect() as connection:
            return [_entry(row) for row in connection.execute(query, which)]

    def of_kinds(self, kinds: Sequence[str]) -> list[LedgerEntry]:
        """Entries of these kinds, of all jobs, oldest first."""
        query = select(ENTRIES).where(ENTRIES.c.kind.in_(kinds)).order_by(ENTRIES.c.seq)
        with self.engine.connect() as connection:
            return [_entry(row) for row in connection.execute(query)]

    def last(self, kinds: Sequence[str], count: int) -> list[LedgerEntry]:
        """The last entries of these kinds, of all jobs, oldest first."""
        which = {"kinds": tuple(kinds), "count": count}
        with self.engine.connect() as connection:
            found = connection.execute(queries.LAST_OF_KINDS, which).all()
        return [_entry(row) for row in reversed(found)]


def _document(body: Mapping[str, Any]) -> str:
    """The body of an entry as JSON that every database takes."""
    try:
        return msgspec.json.encode(body, order="sorted").decode()
    except UnicodeEncodeError:
        return msgspec.json.encode(_plain(body), order="sorted").decode()


def _plain(value: Any) -> Any:
    """The same with text that can be encoded."""
    match value:
        case str():
            return storable(value)
        case Mapping():
            return {storable(str(name)): _plain(item) for name, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case _:
            return value


def _entry(row: Row[Any]) -> LedgerEntry:
    at = datetime.fromisoformat(row.at)
    return LedgerEntry(row.seq, at, row.job, row.kind, msgspec.json.decode(row.body))


def entry_hash(previous: str, values: Mapping[str, Any]) -> str:
    """SHA-256 over the hash before and every field of an entry."""
    fields = [previous, *(str(values[name]) for name in ("seq", "at", "job", "kind", "body"))]
    return hashlib.sha256(msgspec.json.encode(fields)).hexdigest()
