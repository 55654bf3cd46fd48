"""Where each job and each of its batches stands: what a worker reads before it does anything.

A batch goes from `planned` to `intended` (written down, perhaps sent), `created` (the service has
it) and `collected`. Every step is one transaction, together with its entry in the ledger: whoever
comes after a crash sees either the whole step or nothing of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import Engine, Row, and_, func, not_, select
from sqlalchemy.engine import Connection

from controls.core import queries
from controls.core.columns import Sent, packed, read_sent
from controls.core.ledger import Kept, Ledger, Transaction, digest16, kept_digest, storable
from controls.core.locks import LockLostError
from controls.core.moment import Create, Demand, InFlight, Outcome
from controls.core.ordinals import pack, unpack
from controls.core.rows import DressedRow
from controls.core.store import (
    BATCHES,
    QUARANTINE,
    UNACCEPTED,
    insert_many,
)
from controls.policy import JobType

PLANNED, INTENDED, CREATED, COLLECTED = "planned", "intended", "created", "collected"
RUNNING, DONE, HALTED, WAITING = "running", "done", "halted", "waiting for approval"
ENDED_BY_THEN = timedelta(hours=25)
"""The API ends a batch 24 hours after its creation at the latest; clocks may differ."""
STILL_WANTED = timedelta(minutes=15)
"""Who has not asked for so long is dead, and nobody keeps room for it."""
BEFORE = {
    RUNNING: (HALTED, WAITING),
    HALTED: (RUNNING,),
    WAITING: (RUNNING,),
    DONE: (RUNNING, HALTED, WAITING),
}
"""From where a job may come to each status; a promotion that has happened is a fact."""
OUTCOMES_KEPT = 20
"""How many of the last create calls and batches a circuit breaker is shown."""


class Tally(msgspec.Struct, omit_defaults=True):
    """What came of one batch."""

    rows: int = 0
    """Rows that a line came for."""
    accepted: int = 0
    bad: dict[str, int] = {}
    """Rows without an accepted answer, by reason."""
    known: int = 0
    correct: int = 0
    labels: dict[str, int] = {}
    regraded: dict[str, int] | None = None
    """`bad` by a second opinion that does not ask the gate; of the canary only."""


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A job as it stands in the store."""

    number: int
    id: str
    team: str
    status: str
    why: str
    rows: int
    rows_digest: str
    type_digest: str
    prefix: str
    seed: int
    reserved_usd: Decimal
    purged_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as it stands in the store."""

    number: int
    round: int
    stage: int
    packed: bytes
    requests: int
    state: str
    intended_at: datetime | None
    asked_at: datetime | None
    batch_id: str
    created_at: datetime | None
    ended_at: datetime | None
    """When a worker saw that the service has finished with it."""
    cost_usd: Decimal
    tally: Tally
    lost: tuple[int, ...]

    @property
    def ordinals(self) -> list[int]:
        """Its rows, ascending."""
        return unpack(self.packed)


def type_digest_of(document: str) -> str:
    """SHA-256 of a job type as JSON."""
    return hashlib.sha256(document.encode()).hexdigest()


def document_of(job_type: JobType) -> str:
    """A job type as JSON, the same for the same policy."""
    return msgspec.json.encode(job_type, order="deterministic").decode()


def plan_digest(batch: Mapping[str, Any]) -> str:
    """SHA-256 of what was planned of a batch."""
    plan = [batch[name] for name in ("number", "round", "stage", "ordinals", "requests")]
    return hashlib.sha256(msgspec.msgpack.encode(plan)).hexdigest()


def batch_digest(connection: Connection, job: int, number: int) -> str:
    """SHA-256 of all that `BATCHES` says of a batch that was collected; only `deleted_at` and
    `state` stand in entries of their own."""
    stored = connection.execute(queries.COVERED_BATCH, {"job": job, "batch": number}).one()
    return hashlib.sha256(msgspec.msgpack.encode(tuple(stored))).hexdigest()


class Book:
    """Jobs and batches of one store."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.engine: Engine = ledger.engine

    def job(self, identifier: str) -> JobRecord | None:
        """A job by its id."""
        with self.engine.connect() as connection:
            row = connection.execute(queries.JOB, {"id": identifier}).first()
        return None if row is None else _job(row)

    def open(
        self,
        identifier: str,
        job_type: JobType,
        *,
        rows: int,
        rows_digest: str,
        prefix: str,
        seed: int,
        approvals: Sequence[Mapping[str, str]],
        price: Mapping[str, Any],
        requeued_from: str = "",
    ) -> None:
        """Write a new job down."""
        document = document_of(job_type)
        with self._ledger.transaction() as transaction:
            now = transaction.now.isoformat()
            number = transaction.connection.execute(
                queries.ADD_JOB,
                {
                    "id": identifier,
                    "team": job_type.team,
                    "type_digest": type_digest_of(document),
                    "type": document,
                    "rows": rows,
                    "rows_digest": rows_digest,
                    "prefix": prefix,
                    "seed": seed,
                    "status": RUNNING,
                    "why": "",
                    "opened_at": now,
                    "day": now[:10],
                    "reserved_usd": "0",
                },
            ).scalar_one()
            transaction.append(
                identifier,
                "opened",
                number=number,
                prefix=prefix,
                seed=seed,
                rows=rows,
                rows_digest=rows_digest,
                job_type=job_type.name,
                team=job_type.team,
                model=job_type.prompt.model,
                type_digest=type_digest_of(document),
                policy_version=job_type.policy_version,
                approved_by=job_type.approved_by,
                approvals=approvals,
                price=price,
                **({"requeued_from": requeued_from} if requeued_from else {}),
            )

    def turn(self, identifier: str, status: str, kind: str, *, why: str = "", **body: Any) -> None:
        """Change the status of a job, with the entry that says why.

        Only a job that runs is stopped, and only one that stopped goes on: another worker may
        have been faster, and then nothing is written.
        """
        with self._ledger.transaction() as transaction:
            _turn(transaction, identifier, status, kind, why, body)

    def batches(self, job: JobRecord) -> list[Batch]:
        """All batches of a job, in order."""
        with self.engine.connect() as connection:
            found = connection.execute(queries.BATCHES_OF_JOB, {"job": job.number})
            return [_batch(row) for row in found]

    def batch(self, job: JobRecord, number: int) -> Batch:
        """One batch as it stands now."""
        which = {"job": job.number, "batch": number}
        with self.engine.connect() as connection:
            return _batch(connection.execute(queries.BATCH, which).one())

    def plan(
        self, job: JobRecord, chunks: Iterable[Collection[int]], *, stage: int, round_: int
    ) -> None:
        """Write down which rows go together into a batch; all of a stage, or none of it."""
        with self._ledger.transaction() as transaction:
            last = transaction.connection.execute(queries.LAST_BATCH, {"job": job.number}).scalar()
            planned = [
                {
                    "job": job.number,
                    "number": number,
                    "round": round_,
                    "stage": stage,
                    "ordinals": pack(chunk),
                    "requests": len(chunk),
                    "state": PLANNED,
                    "cost_usd": "0",
                    "tally": "{}",
                    "lost": pack(()),
                }
                for number, chunk in enumerate(chunks, (last or 0) + 1)
            ]
            transaction.connection.execute(queries.ADD_BATCH, planned)
            transaction.append(
                job.id,
                "planned",
                stage=stage,
                round=round_,
                batches=[batch["number"] for batch in planned],
                requests=sum(int(str(batch["requests"])) for batch in planned),
                plan_digests=[plan_digest(batch) for batch in planned],
            )

    def asked(self, job: JobRecord, batch: Batch) -> None:
        """Note since when a batch waits to be admitted, and that somebody still wants it."""
        with self._ledger.transaction() as transaction:
            now = transaction.now.isoformat()
            since = now if batch.asked_at is None else batch.asked_at.isoformat()
            _note(transaction, job, batch.number, asked_at=since, asked_last=now)

    def intend(self, job: JobRecord, number: int, requests: Sequence[DressedRow]) -> None:
        """Write down every request of a batch, before the call that sends them."""
        lines = packed(
            Sent(
                [request.row.ordinal for request in requests],
                [request.row.key for request in requests],
                [digest16(request.params) for request in requests],
                [request.reference for request in requests],
            )
        )
        with self._ledger.transaction() as transaction:
            transaction.connection.execute(
                queries.ADD_SENT, {"job": job.number, "batch": number, "lines": lines}
            )
            now = transaction.now.isoformat()
            _note(transaction, job, number, state=INTENDED, intended_at=now)
            transaction.append(
                job.id,
                "intended",
                batch=number,
                requests=len(requests),
                sent_digest=hashlib.sha256(lines).hexdigest(),
            )

    def sent(self, job: JobRecord, number: int) -> Sent:
        """The requests of a batch, as they were written down."""
        which = {"job": job.number, "batch": number}
        with self.engine.connect() as connection:
            return read_sent(connection.execute(queries.SENT_LINES, which).scalar_one())

    def created(self, job: JobRecord, number: int, batch_id: str, how: str) -> None:
        """Write down that the service has the batch; `how` is `created` or `adopted`.

        Raises:
            LockLostError: another worker has written so before.
        """
        with self._ledger.transaction() as transaction:
            now = transaction.now.isoformat()
            news = {"state": CREATED, "batch_id": batch_id, "created_at": now}
            _step(transaction, job, number, INTENDED, news)
            transaction.append(job.id, "created", batch=number, batch_id=batch_id, how=how)

    def ended(self, transaction: Transaction, job: JobRecord, number: int) -> None:
        """Note that the service has finished with a batch: it is in flight no longer."""
        _note(transaction, job, number, ended_at=transaction.now.isoformat())

    def forget_answers(self, transaction: Transaction, job: JobRecord, number: int) -> bool:
        """Drop what an interrupted collection has left; whether there was anything."""
        which = {"job": job.number, "batch": number}
        gone = [transaction.connection.execute(forget, which).rowcount for forget in queries.FORGET]
        return any(gone)

    def collected(
        self,
        job: JobRecord,
        number: int,
        *,
        tally: Tally,
        cost_usd: Decimal,
        lost: Sequence[int],
        halt: str,
        body: Mapping[str, Any],
    ) -> None:
        """Write down what a batch brought and cost; `halt` is why the job stops here, or empty.

        Raises:
            LockLostError: another worker has written so before.
        """
        with self._ledger.transaction() as transaction:
            news = {
                "state": COLLECTED,
                "collected_at": transaction.now.isoformat(),
                "cost_usd": f"{cost_usd:f}",
                "tally": msgspec.json.encode(tally).decode(),
                "lost": pack(lost),
            }
            _step(transaction, job, number, CREATED, news)
            transaction.append(
                job.id,
                "collected",
                batch=number,
                cost_usd=f"{cost_usd:.6f}",
                batch_digest=batch_digest(transaction.connection, job.number, number),
                kept_digest=kept_digest(transaction.connection, job.number, number),
                **body,
            )
            if halt:
                _turn(transaction, job.id, HALTED, HALTED, halt, {})

    def answered(
        self, transaction: Transaction, job: JobRecord, number: int, part: int, lines: bytes
    ) -> None:
        """Write down a part of the results; see `ANSWERED`."""
        transaction.connection.execute(
            queries.ADD_ANSWERED,
            {"job": job.number, "batch": number, "part": part, "lines": lines},
        )

    def not_accepted(
        self, transaction: Transaction, job: JobRecord, number: int, rows: Mapping[int, str]
    ) -> None:
        """Write down which rows of a batch have no accepted answer, and why; a later word on a
        row replaces an earlier one."""
        insert_many(
            transaction.connection,
            UNACCEPTED,
            ("job", "batch", "ordinal", "outcome"),
            [(job.number, number, ordinal, outcome) for ordinal, outcome in rows.items()],
            replacing=("job", "batch", "ordinal"),
        )

    def unaccepted(self, job: JobRecord) -> list[tuple[int, int, str]]:
        """Batch, ordinal and outcome of every answer that was not accepted."""
        with self.engine.connect() as connection:
            found = connection.execute(queries.UNACCEPTED_OF_JOB, {"job": job.number})
            return [(batch, ordinal, outcome) for batch, ordinal, outcome in found]

    def give_up(self, job: JobRecord, kept: Sequence[Kept], kind: str) -> None:
        """Put rows into quarantine that have no answer. They form a group of their own, with a
        negative number in place of a batch's; `kind` is `gave up` or `withheld`."""
        with self._ledger.transaction() as transaction:
            lowest = transaction.connection.execute(
                select(func.min(QUARANTINE.c.batch)).where(QUARANTINE.c.job == job.number)
            ).scalar()
            group = min(0, lowest or 0) - 1
            transaction.keep(job.number, group, kept)
            digest = kept_digest(transaction.connection, job.number, group)
            transaction.append(job.id, kind, rows=len(kept), group=group, kept_digest=digest)

    def given_up(self, job: JobRecord) -> set[int]:
        """Rows without an answer that nobody will send again."""
        with self.engine.connect() as connection:
            return set(connection.scalars(queries.GIVEN_UP, {"job": job.number}))

    def reserve(self, transaction: Transaction, job: JobRecord, usd: Decimal) -> None:
        """Money that this job may spend counts from today."""
        transaction.connection.execute(
            queries.CHANGE_JOB,
            {
                "of_job": job.id,
                "reserved_usd": f"{usd:f}",
                "day": transaction.now.date().isoformat(),
            },
        )

    def spent_usd(self, job: JobRecord) -> Decimal:
        """What the collected batches of a job cost."""
        with self.engine.connect() as connection:
            costs = connection.scalars(queries.COSTS, {"job": job.number})
            return sum(map(Decimal, costs), Decimal(0))

    def team_today_usd(self, job: JobRecord) -> Decimal:
        """Reserved by the running, spent by the ended jobs of this team today; not by this one."""
        today = self._ledger.now().date().isoformat()
        which = {"id": job.id, "team": job.team, "day": today}
        with self.engine.connect() as connection:
            others = [_job(row) for row in connection.execute(queries.OTHERS_TODAY, which)]
        return sum(
            (
                spent if other.status == DONE else max(spent, other.reserved_usd)
                for other in others
                for spent in [self.spent_usd(other)]
            ),
            Decimal(0),
        )

    def in_flight(self) -> tuple[InFlight, ...]:
        """Batches of all jobs that were perhaps sent and have not been seen to end. Where nobody
        looks any more, because the job was stopped, they have ended by themselves in a day."""
        since = (self._ledger.now() - ENDED_BY_THEN).isoformat()
        which = {"intended": INTENDED, "created": CREATED, "since": since}
        with self.engine.connect() as connection:
            return tuple(
                InFlight(team, job, requests, datetime.fromisoformat(at))
                for team, job, requests, at in connection.execute(queries.IN_FLIGHT, which)
            )

    def creates(self) -> tuple[Create, ...]:
        """Batches of all jobs that were sent, or were to be sent, within the last minute."""
        since = (self._ledger.now() - timedelta(minutes=1)).isoformat()
        with self.engine.connect() as connection:
            found = connection.execute(queries.CREATES, {"since": since}).all()
        return tuple(Create(team, datetime.fromisoformat(at)) for team, at in found)

    def waiting(self, job: JobRecord) -> tuple[Demand, ...]:
        """Batches of all other running jobs that were told to wait and still ask."""
        since = (self._ledger.now() - STILL_WANTED).isoformat()
        which = {"id": job.id, "since": since, "planned": PLANNED, "running": RUNNING}
        with self.engine.connect() as connection:
            return tuple(
                Demand(team, other, requests, _priority(document), datetime.fromisoformat(asked))
                for team, other, requests, document, asked in connection.execute(
                    queries.WAITING, which
                )
            )

    def outcomes(self) -> tuple[Outcome, ...]:
        """How the last create calls and batches of all jobs went, oldest first."""
        kinds = ("created", "create failed", "collected")
        entries = self._ledger.last(kinds, OUTCOMES_KEPT)
        return tuple(
            Outcome(entry.at, entry.body.get("good", entry.kind == "created"), entry.kind)
            for entry in entries
        )

    def halts(self, job: JobRecord) -> tuple[str, ...]:
        """Why a person has stopped this job, its team or everything."""
        scopes = {"all": "all", "team": f"team {job.team}", "job": f"job {job.id}"}
        with self.engine.connect() as connection:
            return tuple(
                f"{row.by} has stopped {row.scope}: {row.why}"
                for row in connection.execute(queries.HALTS_ON, scopes)
            )

    def batch_ids(self) -> set[str]:
        """Every batch that a job of this store has made or adopted."""
        query = select(BATCHES.c.batch_id).where(BATCHES.c.batch_id.is_not(None))
        with self.engine.connect() as connection:
            return set(connection.scalars(query))

    def rivals(self, job: JobRecord, batch: Batch) -> int:
        """Other batches of all jobs, as large as this one, that were perhaps sent."""
        mine = and_(BATCHES.c.job == job.number, BATCHES.c.number == batch.number)
        query = select(func.count()).where(
            BATCHES.c.state == INTENDED, BATCHES.c.requests == batch.requests, not_(mine)
        )
        with self.engine.connect() as connection:
            return connection.execute(query).scalar_one()

    def ran_before(self, job: JobRecord) -> bool:
        """Whether another job of exactly this job type was ever promoted."""
        which = {"type_digest": job.type_digest, "done": DONE, "id": job.id}
        with self.engine.connect() as connection:
            return connection.execute(queries.RAN_BEFORE, which).first() is not None


def _turn(
    transaction: Transaction,
    identifier: str,
    status: str,
    kind: str,
    why: str,
    body: Mapping[str, Any],
) -> None:
    ended = transaction.now.isoformat() if status == DONE else None
    turned = transaction.connection.execute(
        queries.TURN_JOB,
        {
            "of_job": identifier,
            "before": BEFORE[status],
            "status": status,
            "why": storable(why),
            "ended_at": ended,
        },
    )
    if turned.rowcount:
        transaction.append(identifier, kind, **({"why": why} if why else {}), **body)


def _note(transaction: Transaction, job: JobRecord, number: int, **news: Any) -> None:
    """Change columns of one batch."""
    which = {"of_job": job.number, "of_batch": number}
    transaction.connection.execute(queries.CHANGE_BATCH, which | news)


def _step(
    transaction: Transaction, job: JobRecord, number: int, before: str, news: Mapping[str, Any]
) -> None:
    """A batch takes its next step, once.

    Raises:
        LockLostError: it is not where this worker believes it to be.
    """
    which = {"of_job": job.number, "of_batch": number, "before": before}
    if not transaction.connection.execute(queries.STEP, {**which, **news}).rowcount:
        raise LockLostError(
            f"Batch {number} of {job.id!r} is {before} no longer: another worker has it.",
            fix="Run the job again; it goes on where the other is.",
        )


def _priority(document: str) -> int:
    return int(msgspec.json.decode(document).get("schedule", {}).get("priority", 0))


def _job(row: Row[Any]) -> JobRecord:
    return JobRecord(
        number=row.number,
        id=row.id,
        team=row.team,
        status=row.status,
        why=row.why,
        rows=row.rows,
        rows_digest=row.rows_digest,
        type_digest=row.type_digest,
        prefix=row.prefix,
        seed=row.seed,
        reserved_usd=Decimal(row.reserved_usd),
        purged_at=_time(row.purged_at),
    )


def _time(stamp: str | None) -> datetime | None:
    return None if stamp is None else datetime.fromisoformat(stamp)


def _batch(row: Row[Any]) -> Batch:
    return Batch(
        number=row.number,
        round=row.round,
        stage=row.stage,
        packed=row.ordinals,
        requests=row.requests,
        state=row.state,
        intended_at=_time(row.intended_at),
        asked_at=_time(row.asked_at),
        batch_id=row.batch_id or "",
        created_at=_time(row.created_at),
        ended_at=_time(row.ended_at),
        cost_usd=Decimal(row.cost_usd),
        tally=msgspec.json.decode(row.tally, type=Tally),
        lost=tuple(unpack(row.lost)),
    )
