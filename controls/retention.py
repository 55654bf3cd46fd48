"""Retention: what may not stay is removed on the team's schedule, with a certificate.

Protects from payload that lies about after its time: results at the service, staged answers,
evidence in quarantine, before-images in the system of record, keys of rows. The service deletes
results after 29 days by itself; nothing here waits for that, and a batch that cannot be deleted
is an alarm.

What stays for good holds no payload: ledger entries, which are append-only, and per answer its
outcome, tokens and the digest of its line. Keys of rows are identifiers; they stay for
`keys_days`, because without them nobody can say which rows a job has touched. Entries may name
single keys, and quote labels where a canary found them out of proportion.

Every step is intention, act, outcome: a purge that was killed goes on when it is run again.

Weakness: backups, copies and PostgreSQL's own log of the store are beyond it. Neighbour: `audit`
proves that what is gone was purged, not lost.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import anthropic
import msgspec
from sqlalchemy import ColumnElement, Engine, and_, delete, func, select, update

from controls.core.alerts import Alert, Pager
from controls.core.book import COLLECTED, DONE, INTENDED, RUNNING, Tally, batch_digest
from controls.core.columns import read_staged
from controls.core.errors import ControlError
from controls.core.ledger import Ledger, Transaction, kept_digest
from controls.core.locks import Locks
from controls.core.results import problem_of
from controls.core.store import BATCHES, JOBS, QUARANTINE, SENT, STAGING
from controls.core.work import ODD_REPLIES
from controls.policy import JobType, RetentionPolicy
from controls.staging import SystemOfRecord

PAYLOAD, EVIDENCE, BEFORE_IMAGES, KEYS = "payload", "evidence", "before-images", "keys"
WITHHELD = "(purged)"
NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Certificate:
    """What was purged of one job; the ledger has it as an entry `purged`."""

    job: str
    what: str
    """`payload`, `evidence`, `before-images` or `keys`."""
    at: datetime
    said: Mapping[str, Any]
    """Numbers of what was removed, batch ids, digests of what is left."""


@dataclass(slots=True)
class Purge:
    """What a purge has done."""

    certificates: list[Certificate] = field(default_factory=list)
    alarms: dict[str, list[str]] = field(default_factory=dict)
    """By job: what is due and could not be removed."""


@dataclass(frozen=True, slots=True)
class Due:
    """Something whose time is over."""

    job: str
    number: int
    owner: str
    status: str
    what: str
    since: datetime


def due(ledger: Ledger) -> list[Due]:
    """Everything in the store whose time is over and that was not purged yet, oldest job first."""
    now, found = ledger.now(), list[Due]()
    purged = {(entry.job, entry.body["what"]) for entry in ledger.entries(kind="purged")}
    with ledger.engine.connect() as connection:
        jobs = connection.execute(select(JOBS).order_by(JOBS.c.number)).all()
    for job in jobs:
        job_type = msgspec.json.decode(job.type, type=JobType)
        opened_at = datetime.fromisoformat(job.opened_at)
        for what, days in _days(job_type.retention).items():
            since = opened_at + timedelta(days=days)
            if since <= now and (job.id, what) not in purged:
                found.append(Due(job.id, job.number, job_type.owner, job.status, what, since))
    return found


def purge(
    client: anthropic.Anthropic,
    ledger: Ledger,
    pager: Pager,
    *,
    record: SystemOfRecord | None = None,
    gone: Collection[str] = (),
    by: str = "",
) -> Purge:
    """Remove everything whose time is over. What cannot be removed is an alarm to the owner.

    A job that is running is left alone, with an alarm: halt it first. A job that is not done
    cannot go on after its payload was purged.

    Args:
        record: where the jobs were promoted to, for the before-images.
        gone: batches that a person knows to be deleted already, by id or as `JOB/NUMBER`; else one
            that the service does not find is an alarm, because the key may be of another
            workspace. The ledger keeps who said so.
        by: who purges; needed for `gone`.

    Raises:
        ControlError: a batch that is said to be gone is none of this store, or nobody says it.
    """
    _note_gone(ledger, gone, by)
    purger = _Purger(client, ledger, record, frozenset(gone), by)
    done = Purge()
    for item in due(ledger):
        with purger.locks.attempt(f"job {item.job}") as mine:
            problems = purger.remove(item, done) if mine else ["another worker has the job"]
        if problems:
            done.alarms.setdefault(item.job, []).extend(problems)
            what = f"{item.what} was to be purged on {item.since:%Y-%m-%d}: {'; '.join(problems)}"
            ledger.append(item.job, "paged", owner=item.owner, what=what)
            pager.page(Alert(ledger.now(), item.owner, item.job, what))
    if done.certificates:
        _compact(ledger.engine)
        if record is not None and record.engine is not ledger.engine:
            _compact(record.engine)
    return done


def _note_gone(ledger: Ledger, gone: Collection[str], by: str) -> None:
    """Write down that a person says of these batches that they are deleted already."""
    if not gone:
        return
    if not by.strip():
        raise ControlError(
            "Nobody is named who knows that a batch is gone.", fix="Say who does, with --by NAME."
        )
    query = select(JOBS.c.id, BATCHES.c.number, BATCHES.c.batch_id).join(
        JOBS, JOBS.c.number == BATCHES.c.job
    )
    with ledger.engine.connect() as connection:
        batches = connection.execute(query).all()
    jobs = {str(entry.body["batch_id"]): entry.job for entry in ledger.entries(kind="canceled")}
    for job, number, batch_id in batches:
        jobs |= {f"{job}/{number}": job} | ({batch_id: job} if batch_id else {})
    strangers = [name for name in gone if name not in jobs]
    if strangers:
        raise ControlError(
            f"No job of this store has the batch {strangers[0][:80]!r}.",
            fix="Name it by its id, or as JOB/NUMBER, as `gameday purge` writes it.",
        )
    said: dict[str, list[str]] = {}
    for name in dict.fromkeys(gone):
        said.setdefault(jobs[name], []).append(name)
    with ledger.transaction() as transaction:
        for job, names in said.items():
            transaction.append(job, "said to be gone", batches=names, by=by)


def _compact(engine: Engine) -> None:
    """SQLite leaves deleted bytes in its file until they are written over."""
    if engine.dialect.name == "sqlite":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


class _Purger:
    """The hands of one purge."""

    def __init__(
        self,
        client: anthropic.Anthropic,
        ledger: Ledger,
        record: SystemOfRecord | None,
        gone: frozenset[str],
        by: str,
    ) -> None:
        self._client = client
        self._ledger = ledger
        self._record = record
        self._gone = gone
        self._by = {"by": by} if by else {}
        self.locks = Locks(ledger.engine)

    def remove(self, item: Due, done: Purge) -> list[str]:
        """One kind of things of one job; why some of it is still there."""
        if item.what == BEFORE_IMAGES and (problem := self._unreachable(item)):
            return [problem]
        if not self._intend(item):
            return [f"the job is running; stop it first: gameday halt {item.job}"]
        problems = list(self._delete_batches(item)) if item.what == PAYLOAD else []
        said = self._before_images(item) if item.what == BEFORE_IMAGES else {}
        acts = {PAYLOAD: self._payload, EVIDENCE: self._evidence, KEYS: self._keys}
        with self._ledger.transaction() as transaction:
            if item.what in acts:
                said = acts[item.what](item, transaction)
            kind = "purged in part" if problems else "purged"
            entry = transaction.append(item.job, kind, what=item.what, **self._by, **said)
        if not problems:
            done.certificates.append(Certificate(item.job, item.what, entry.at, said))
        return problems

    def _intend(self, item: Due) -> bool:
        """Whether the job may be purged. Once its payload may, it cannot be resumed."""
        before = self._ledger.entries(item.job, "purge intended")
        again = any(entry.body["what"] == item.what for entry in before)
        mine = JOBS.c.number == item.number
        with self._ledger.transaction() as transaction:
            status = transaction.connection.scalar(select(JOBS.c.status).where(mine))
            if status == RUNNING:
                return False
            if again:
                return True
            if item.what == PAYLOAD:
                at = transaction.now.isoformat()
                transaction.connection.execute(update(JOBS).where(mine).values(purged_at=at))
            transaction.append(item.job, "purge intended", what=item.what, **self._by)
        return True

    def _delete_batches(self, item: Due) -> Iterator[str]:
        """Delete at the service what this job has there."""
        query = select(BATCHES).where(BATCHES.c.job == item.number).order_by(BATCHES.c.number)
        with self._ledger.engine.connect() as connection:
            batches = connection.execute(query).all()
        known: dict[str, int | None] = {
            str(entry.body["batch_id"]): None
            for entry in self._ledger.entries(item.job, "canceled")
        }
        for batch in batches:
            if batch.batch_id:
                known[batch.batch_id] = batch.number
            elif batch.state == INTENDED:
                name = f"{item.job}/{batch.number}"
                if name not in self._gone:
                    yield (
                        f"batch {batch.number} was perhaps sent and its id is not known: look for "
                        f"it at the service, then say --gone {name}"
                    )
        told = {"delete intended": "", "deleted": "", "delete failed": ""}
        states = {
            entry.body["batch_id"]: entry.kind
            for entry in self._ledger.entries(item.job)
            if entry.kind in told
        }
        for batch_id, number in known.items():
            if states.get(batch_id) != "deleted":
                interrupted = states.get(batch_id) == "delete intended"
                if problem := self._delete(item, batch_id, number, interrupted=interrupted):
                    yield problem

    def _delete(
        self, item: Due, batch_id: str, number: int | None, *, interrupted: bool
    ) -> str | None:
        """Delete one batch; why it is perhaps still there."""
        named: dict[str, Any] = {"batch_id": batch_id}
        if number is not None:
            named["batch"] = number
        if not interrupted:
            self._ledger.append(item.job, "delete intended", **named)
        how, problem = "deleted", ""
        try:
            reply = self._client.messages.batches.delete(batch_id)
            if getattr(reply, "id", None) != batch_id:
                problem = "the reply does not confirm it"
        except anthropic.APIStatusError as error:
            how = "was gone"
            if error.status_code != NOT_FOUND:
                problem = problem_of(error)
            elif not interrupted and batch_id not in self._gone:
                problem = "the service does not know it; is the key of another workspace?"
        except ODD_REPLIES as error:
            problem = problem_of(error)
        with self._ledger.transaction() as transaction:
            if problem:
                transaction.append(item.job, "delete failed", problem=problem, **named)
                return f"{batch_id} cannot be deleted: {problem}"
            transaction.connection.execute(
                update(BATCHES)
                .where(BATCHES.c.job == item.number, BATCHES.c.number == number)
                .values(deleted_at=transaction.now.isoformat())
            )
            transaction.append(item.job, "deleted", how=how, **named)
        return None

    def _payload(self, item: Due, transaction: Transaction) -> dict[str, Any]:
        """Staged answers, and labels that were counted: a label may be any text of a model."""
        connection = transaction.connection
        parts = connection.scalars(select(STAGING.c.lines).where(STAGING.c.job == item.number))
        staged = sum(len(read_staged(lines).ordinals) for lines in parts)
        connection.execute(delete(STAGING).where(STAGING.c.job == item.number))
        mine = BATCHES.c.job == item.number
        digests = {}
        for batch in connection.execute(select(BATCHES).where(mine)).all():
            tally = msgspec.json.decode(batch.tally, type=Tally)
            tally.labels = {}
            connection.execute(
                update(BATCHES)
                .where(mine, BATCHES.c.number == batch.number)
                .values(tally=msgspec.json.encode(tally).decode())
            )
            if batch.state == COLLECTED:
                digests[str(batch.number)] = batch_digest(connection, item.number, batch.number)
        deleted = select(BATCHES.c.batch_id).where(mine, BATCHES.c.deleted_at.is_not(None))
        return {
            "staged": staged,
            "batches": list(connection.scalars(deleted.order_by(BATCHES.c.number))),
            "batch_digests": digests,
        }

    def _evidence(self, item: Due, transaction: Transaction) -> dict[str, Any]:
        """The bytes, and all words that quote them; reason and digest stay."""
        mine = QUARANTINE.c.job == item.number
        with_evidence = and_(mine, func.length(QUARANTINE.c.evidence) > 0)
        execute = transaction.connection.execute
        count = execute(update(QUARANTINE).where(with_evidence).values(evidence=b"")).rowcount
        execute(update(QUARANTINE).where(mine).values(detail=WITHHELD))
        strangers = and_(mine, QUARANTINE.c.ordinal.is_(None))
        execute(update(QUARANTINE).where(strangers).values(custom_id=WITHHELD))
        return {"answers": count, "kept_digests": self._kept_digests(mine, item, transaction)}

    def _keys(self, item: Due, transaction: Transaction) -> dict[str, Any]:
        """Keys of rows, and the lists of requests that hold them."""
        execute, sent = transaction.connection.execute, SENT.c.job == item.number
        batches = list(transaction.connection.scalars(select(SENT.c.batch).where(sent)))
        execute(delete(SENT).where(sent))
        mine = QUARANTINE.c.job == item.number
        execute(update(QUARANTINE).where(mine).values(row_key=None))
        return {
            "requests_of": sorted(batches),
            "kept_digests": self._kept_digests(mine, item, transaction),
        }

    def _kept_digests(
        self, mine: ColumnElement[bool], item: Due, transaction: Transaction
    ) -> dict[str, str]:
        connection = transaction.connection
        groups = list(connection.scalars(select(QUARANTINE.c.batch).where(mine).distinct()))
        return {str(group): kept_digest(connection, item.number, group) for group in sorted(groups)}

    def _unreachable(self, item: Due) -> str:
        """Why before-images cannot be removed; empty if they can."""
        if item.status != DONE:
            return ""
        record = self._record
        if record is None:
            return "the system of record was not named (--record, --table, --key)"
        query = select(record.promotions).where(record.promotions.c.promotion == item.job)
        with record.engine.connect() as connection:
            if connection.execute(query).first() is None:
                return f"it was not promoted to {record.table.name}: name the right table"
        return ""

    def _before_images(self, item: Due) -> dict[str, Any]:
        """Both tables or none: a rollback without before-images would delete rows.

        In a transaction of its own: the system of record may lie in the file of the store.
        """
        record = self._record
        if record is None or item.status != DONE:
            return {"rows": 0}
        with record.engine.begin() as connection:
            before = delete(record.before).where(record.before.c.promotion == item.job)
            count = connection.execute(before).rowcount
            promoted = delete(record.promoted).where(record.promoted.c.promotion == item.job)
            connection.execute(promoted)
        return {"rows": count, "table": str(record.table.name)}


def _days(policy: RetentionPolicy) -> dict[str, int]:
    return {
        PAYLOAD: policy.payload_days,
        EVIDENCE: policy.evidence_days,
        BEFORE_IMAGES: policy.before_images_days,
        KEYS: policy.keys_days,
    }
