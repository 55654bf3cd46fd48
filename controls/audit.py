"""The audit: proof that nobody has changed the trail since it was written.

Protects from a past that somebody has mended, by mistake or by will: `verify_trail` compares each
ledger entry with the chain of hashes, each list that an entry closes (requests, answers, staging,
quarantine) with the digest in that entry, and each table that repeats what entries say (jobs,
batches, reviews, halts) with the entries.

Weakness: whoever can write the store can hash a whole new chain. Keep `last_hash` elsewhere, each
day: it must still be found in the chain. Neighbour: `retention` removes what may not stay, with
entries that say so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from itertools import groupby
from typing import Any

import msgspec
from sqlalchemy import Engine, Row, Table, select
from sqlalchemy.engine import Connection

from controls.core import queries
from controls.core.book import (
    COLLECTED,
    CREATED,
    DONE,
    HALTED,
    INTENDED,
    PLANNED,
    RUNNING,
    WAITING,
    batch_digest,
    plan_digest,
)
from controls.core.columns import list_digest, part_digest
from controls.core.ledger import GENESIS, digest16, digest_of, entry_hash
from controls.core.store import (
    ANSWERED,
    BATCHES,
    ENTRIES,
    HALTS,
    JOBS,
    QUARANTINE,
    REVIEWS,
    SENT,
    STAGING,
    meta,
)

STATUS_BY_KIND = {
    "asked again": RUNNING,
    "resumed": RUNNING,
    "halted": HALTED,
    "waiting for approval": WAITING,
    "promoted": DONE,
}
"""What an entry of this kind makes of its job."""
SHOWN = 80
"""Characters of a value that stands where it should not."""
STREAMED = {"yield_per": 1_000}
NOTHING = hashlib.sha256(b"").hexdigest()
"""The digest of a list without a line."""


@dataclass(frozen=True, slots=True)
class Tampering:
    """Something in the trail that is not as it was written."""

    where: str
    """`entry 7`, `end of the chain`, `job J`, `batch 2 of J`, `requests of batch 2 of J`,
    `answers of …`, `staging of …`, `quarantine of …`, `review 1` or `halt of SCOPE`."""
    what: str
    """Untrusted: quotes what stands there."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What a reading of the whole trail has shown."""

    entries: int
    lists: int
    """How many lists were compared with the digest of the entry that closes them."""
    last_hash: str
    """Of the last entry. Kept elsewhere, it proves that the chain up to here is the same."""
    tampering: tuple[Tampering, ...]


@dataclass(slots=True)
class _Told:
    """What the entries say of one job."""

    id: str
    columns: dict[str, Any] = field(default_factory=dict)
    """Its line in `JOBS`; without a `number` no entry has opened it."""
    reserved_usd: str = "0.000000"
    batches: dict[int, dict[str, Any]] = field(default_factory=dict)
    """By number: columns of `BATCHES`, with `plan_digest` and `batch_digest`."""
    lists: dict[tuple[str, int], str] = field(default_factory=dict)
    """Kind (`requests`, `answers`, `staging`, `quarantine`) and batch or group, to the digest of
    the list."""
    settled: dict[int, str] = field(default_factory=dict)
    """By id in quarantine."""
    purged: set[str] = field(default_factory=set)

    def hear(self, entry: Row[Any], body: Mapping[str, Any]) -> None:
        """Take in one entry. An entry that lacks what its kind holds raises."""
        if hearing := _HEARINGS.get(entry.kind):
            hearing(self, entry, body)
        if entry.kind in STATUS_BY_KIND:
            status = STATUS_BY_KIND[entry.kind]
            self.columns |= {
                "status": status,
                "why": body.get("why", ""),
                "ended_at": entry.at if status == DONE else None,
            }
        if "group" in body:
            self.lists["quarantine", body["group"]] = body["kept_digest"]

    def opened(self, entry: Row[Any], body: Mapping[str, Any]) -> None:
        names = ("number", "team", "type_digest", "rows", "rows_digest", "prefix", "seed")
        self.columns = {name: body[name] for name in names} | {
            "id": entry.job,
            "opened_at": entry.at,
            "day": entry.at[:10],
            "status": RUNNING,
            "why": "",
            "ended_at": None,
            "purged_at": None,
        }

    def cleared(self, entry: Row[Any], body: Mapping[str, Any]) -> None:
        if "usd" in body:
            self.reserved_usd = body["usd"]
            self.columns["day"] = entry.at[:10]

    def planned(self, _entry: Row[Any], body: Mapping[str, Any]) -> None:
        for number, digest in zip(body["batches"], body["plan_digests"], strict=True):
            self.batches[number] = {"state": PLANNED, "plan_digest": digest, "deleted_at": None}

    def intended(self, entry: Row[Any], body: Mapping[str, Any]) -> None:
        self.batches[body["batch"]] |= {"state": INTENDED, "intended_at": entry.at}
        self.lists["requests", body["batch"]] = body["sent_digest"]

    def created(self, entry: Row[Any], body: Mapping[str, Any]) -> None:
        news = {"state": CREATED, "created_at": entry.at, "batch_id": body["batch_id"]}
        self.batches[body["batch"]] |= news

    def collected(self, entry: Row[Any], body: Mapping[str, Any]) -> None:
        number = body["batch"]
        self.batches[number] |= {
            "state": COLLECTED,
            "collected_at": entry.at,
            "batch_digest": body["batch_digest"],
        }
        self.lists["answers", number] = body["answered_digest"]
        self.lists["staging", number] = body["staged_digest"]
        self.lists["quarantine", number] = body["kept_digest"]

    def settle(self, entry: Row[Any], body: Mapping[str, Any]) -> None:
        self.settled |= dict.fromkeys(body["ids"], entry.kind)

    def purge_intended(self, entry: Row[Any], body: Mapping[str, Any]) -> None:
        if body["what"] == "payload":
            self.columns["purged_at"] = entry.at

    def deleted(self, entry: Row[Any], body: Mapping[str, Any]) -> None:
        if "batch" in body:
            self.batches[body["batch"]]["deleted_at"] = entry.at

    def was_purged(self, _entry: Row[Any], body: Mapping[str, Any]) -> None:
        """A purge changes lists; its certificate says how they stand since."""
        self.purged.add(body["what"])
        for number, digest in body.get("batch_digests", {}).items():
            self.batches[int(number)]["batch_digest"] = digest
        for number, digest in body.get("kept_digests", {}).items():
            self.lists["quarantine", int(number)] = digest
        if body["what"] == "payload":
            staged = [place for place in self.lists if place[0] == "staging"]
            self.lists |= dict.fromkeys(staged, NOTHING)
        for number in body.get("requests_of", ()):
            del self.lists["requests", number]


_HEARINGS: dict[str, Callable[[_Told, Row[Any], Mapping[str, Any]], None]] = {
    "opened": _Told.opened,
    "cleared": _Told.cleared,
    "planned": _Told.planned,
    "intended": _Told.intended,
    "created": _Told.created,
    "collected": _Told.collected,
    "requeued": _Told.settle,
    "discarded": _Told.settle,
    "purge intended": _Told.purge_intended,
    "deleted": _Told.deleted,
    "purged": _Told.was_purged,
    "purged in part": _Told.was_purged,
}


@dataclass(slots=True)
class _Trail:
    """All that the entries say."""

    entries: int = 0
    last_hash: str = GENESIS
    jobs: dict[str, _Told] = field(default_factory=dict)
    reviews: dict[int, dict[str, Any]] = field(default_factory=dict)
    halts: dict[str, dict[str, Any]] = field(default_factory=dict)

    def hear(self, entry: Row[Any], body: Mapping[str, Any]) -> None:
        """Take in one entry."""
        match entry.kind:
            case "reviewed":
                self.reviews[body["review"]] = {
                    "name": body["job_type"],
                    "digest": body["type_digest"],
                    "by": body["by"],
                    "at": entry.at,
                    "expires_at": body["expires_at"],
                }
            case "stopped":
                said = {"why": body["why"], "by": body["by"], "at": entry.at}
                self.halts[body["scope"]] = said
            case "lifted":
                self.halts.pop(body["scope"], None)
        if entry.job:
            self.jobs.setdefault(entry.job, _Told(entry.job)).hear(entry, body)


def verify_trail(engine: Engine) -> Verification:
    """Read the whole trail.

    What was changed in an entry makes the entry worthless: what it said is then missing and told
    as well. The first tampering of the list is the one to look at first.
    """
    trail = _Trail()
    with engine.connect() as connection:
        found = list(_entries(connection, trail))
        found += _end(connection, trail)
        found += _jobs(connection, trail)
        found += _batches(connection, trail)
        found += _requests_and_answers(connection, trail)
        found += _quarantine(connection, trail)
        found += _reviews(connection, trail)
        found += _halts(connection, trail)
    lists = sum(len(job.lists) for job in trail.jobs.values())
    return Verification(trail.entries, lists, trail.last_hash, tuple(found))


def knows(engine: Engine, noted: str) -> bool:
    """Whether an entry has this hash, which was noted elsewhere when it was the last."""
    with engine.connect() as connection:
        query = select(ENTRIES.c.seq).where(ENTRIES.c.hash == noted)
        return connection.execute(query).first() is not None


def _entries(connection: Connection, trail: _Trail) -> Iterator[Tampering]:
    """The chain, and what it says."""
    query, expected = select(ENTRIES).order_by(ENTRIES.c.seq), 1
    for entry in connection.execute(query, execution_options=STREAMED):
        whole = entry.hash == entry_hash(entry.previous, entry._asdict())
        where = f"entry {expected}"
        if entry.seq != expected:
            yield Tampering(where, f"it is missing; entry {entry.seq} stands in its place")
        elif not whole:
            yield Tampering(where, "it does not have the content that its hash was made of")
        elif entry.previous != trail.last_hash:
            yield Tampering(where, "it does not follow the entry before it")
        if whole:
            try:
                trail.hear(entry, msgspec.json.decode(entry.body))
            except (LookupError, TypeError, ValueError, AttributeError):
                yield Tampering(where, f"it is not what gameday writes as {_shown(entry.kind)}")
        expected, trail.last_hash = entry.seq + 1, entry.hash
        trail.entries += 1


def _end(connection: Connection, trail: _Trail) -> Iterator[Tampering]:
    head = meta(connection, "head")
    if head != str(trail.entries):
        what = f"there are {trail.entries} entries, and {_shown(head)} were written"
        yield Tampering("end of the chain", what)


def _jobs(connection: Connection, trail: _Trail) -> Iterator[Tampering]:
    missing = {job.id: job for job in _numbered(trail).values()}
    for row in connection.execute(select(JOBS).order_by(JOBS.c.number)):
        where, job = f"job {row.id}", missing.pop(row.id, None)
        if job is None:
            yield Tampering(where, "no entry has opened it")
            continue
        yield from _differences(where, row._asdict(), job.columns)
        if hashlib.sha256(str(row.type).encode()).hexdigest() != job.columns["type_digest"]:
            yield Tampering(where, "its job type is not the one that its digest was made of")
        if _money(row.reserved_usd) != job.reserved_usd:
            what = f"reserved_usd is {_shown(row.reserved_usd)}, not {job.reserved_usd}"
            yield Tampering(where, what)
    for name in missing:
        yield Tampering(f"job {name}", "it was opened and is gone")


def _batches(connection: Connection, trail: _Trail) -> Iterator[Tampering]:
    numbered = _numbered(trail)
    missing = {(number, batch) for number, job in numbered.items() for batch in job.batches}
    for row in connection.execute(select(BATCHES).order_by(BATCHES.c.job, BATCHES.c.number)):
        where = _name(numbered, row.job, row.number)
        if (row.job, row.number) not in missing:
            yield Tampering(where, "no entry has planned it")
            continue
        missing.discard((row.job, row.number))
        said, columns = numbered[row.job].batches[row.number], row._asdict()
        named = {name: said[name] for name in said if name in columns}
        different = list(_differences(where, columns, named))
        if not different and plan_digest(columns) != said["plan_digest"]:
            different = [Tampering(where, "its rows, round or stage are not those planned")]
        sealed = said.get("batch_digest")
        if not different and sealed not in {None, batch_digest(connection, row.job, row.number)}:
            different = [Tampering(where, "it is not as it was when it was collected")]
        yield from different
    for number, batch in sorted(missing):
        yield Tampering(_name(numbered, number, batch), "it was planned and is gone")


def _requests_and_answers(connection: Connection, trail: _Trail) -> Iterator[Tampering]:
    requests = {
        (row.job, row.batch): hashlib.sha256(row.lines).hexdigest()
        for row in _streamed(connection, SENT, "job", "batch")
    }
    yield from _compared("requests", requests, _numbered(trail))
    for kind, table in (("answers", ANSWERED), ("staging", STAGING)):
        lists: dict[tuple[int, int], str] = {}
        rows = _streamed(connection, table, "job", "batch", "part")
        for place, parts in groupby(rows, key=lambda row: (row.job, row.batch)):
            lists[place] = list_digest(part_digest(row.part, row.lines) for row in parts)
        yield from _compared(kind, lists, _numbered(trail))


def _quarantine(connection: Connection, trail: _Trail) -> Iterator[Tampering]:
    numbered, digests, spoiled = _numbered(trail), {}, list[Tampering]()
    rows = _streamed(connection, QUARANTINE, "job", "batch", "id")
    for place, kept in groupby(rows, key=lambda row: (row.job, row.batch)):
        covered = []
        job, where = numbered.get(place[0]), _name(numbered, *place)
        for row in kept:
            covered.append(tuple(getattr(row, name) for name in queries.KEPT_COLUMNS))
            gone = row.evidence == b"" and job is not None and "evidence" in job.purged
            if not gone and digest16(row.evidence) != row.evidence_digest:
                what = f"the evidence of number {row.id} is not what was kept"
                spoiled.append(Tampering(f"quarantine of {where}", what))
            settled = job.settled.get(row.id, "") if job else ""
            if row.settled != settled:
                what = f"number {row.id} is {_shown(row.settled)}, not {_shown(settled)}"
                spoiled.append(Tampering(f"quarantine of {where}", what))
        digests[place] = digest_of(covered)
    yield from _compared("quarantine", digests, numbered)
    yield from spoiled


def _compared(
    kind: str, found: Mapping[tuple[int, int], str], numbered: Mapping[int, _Told]
) -> Iterator[Tampering]:
    """Lists as they are against the digests of the entries that closed them."""
    closed = {
        (number, batch): digest
        for number, job in numbered.items()
        for (what, batch), digest in job.lists.items()
        if what == kind
    }
    for place in sorted(found.keys() | closed.keys()):
        where = f"{kind} of {_name(numbered, *place)}"
        if place not in closed:
            if not _being_collected(numbered, *place):
                yield Tampering(where, "no entry closes this list")
        elif place not in found:
            if closed[place] != NOTHING:
                yield Tampering(where, "the list is gone")
        elif found[place] != closed[place]:
            yield Tampering(where, "the list is not the one that was closed")


def _being_collected(numbered: Mapping[int, _Told], number: int, batch: int) -> bool:
    """Whether parts of lists may lie about: somebody collects this batch, or was interrupted."""
    job = numbered.get(number)
    return job is not None and job.batches.get(batch, {}).get("state") == CREATED


def _reviews(connection: Connection, trail: _Trail) -> Iterator[Tampering]:
    missing = dict(trail.reviews)
    for row in connection.execute(select(REVIEWS).order_by(REVIEWS.c.id)):
        where, said = f"review {row.id}", missing.pop(row.id, None)
        if said is None:
            yield Tampering(where, "no entry says that anybody made it")
            continue
        yield from _differences(where, row._asdict(), said)
        if hashlib.sha256(str(row.document).encode()).hexdigest() != said["digest"]:
            yield Tampering(where, "its document is not the one that was approved")
    for number in missing:
        yield Tampering(f"review {number}", "it was made and is gone")


def _halts(connection: Connection, trail: _Trail) -> Iterator[Tampering]:
    missing = dict(trail.halts)
    for row in connection.execute(select(HALTS).order_by(HALTS.c.scope)):
        where, said = f"halt of {row.scope}", missing.pop(row.scope, None)
        if said is None:
            yield Tampering(where, "no entry says that anybody stopped this")
        else:
            yield from _differences(where, row._asdict(), said)
    for scope in missing:
        yield Tampering(f"halt of {scope}", "it was not lifted and is gone")


def _differences(
    where: str, found: Mapping[str, Any], said: Mapping[str, Any]
) -> Iterator[Tampering]:
    """Columns that are not what the entries say."""
    for name, value in said.items():
        if found[name] != value:
            yield Tampering(where, f"{name} is {_shown(found[name])}, not {_shown(value)}")


def _streamed(connection: Connection, table: Table, *order: str) -> Iterable[Row[Any]]:
    query = select(table).order_by(*(table.c[name] for name in order))
    return connection.execute(query, execution_options=STREAMED)


def _numbered(trail: _Trail) -> dict[int, _Told]:
    """Jobs by the number under which tables know them."""
    return {job.columns["number"]: job for job in trail.jobs.values() if "number" in job.columns}


def _name(numbered: Mapping[int, _Told], number: int, batch: int) -> str:
    job = numbered.get(number)
    return f"batch {batch} of {job.id if job else f'job number {number}'}"


def _money(amount: object) -> str:
    """US dollars to six places; what is no amount stays as it is."""
    try:
        return f"{Decimal(str(amount)):.6f}"
    except InvalidOperation:
        return str(amount)


def _shown(value: object) -> str:
    return repr(value)[:SHOWN]
