"""The runbook: what a person does to a job, in whatever state it is.

Protects from improvising at night: stop the bleeding (`halt`), count what is affected (`assess`),
reverse exactly that (`rollback`), and let it go on (`approve`, `resume`). Each act is an entry in
the ledger with the name of the person. A worker that runs the job meanwhile sees the act before its
next step.

Weakness: it takes the person's word for the name. Neighbour: `Register` holds who approved which
job type.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import anthropic
from sqlalchemy import delete, insert, select, update

from controls.core.book import CREATED, DONE, HALTED, INTENDED, RUNNING, WAITING, Book, JobRecord
from controls.core.columns import read_answered, read_sent
from controls.core.errors import ControlError
from controls.core.ledger import Ledger, LedgerEntry, Transaction
from controls.core.progress import take_stock
from controls.core.results import problem_of
from controls.core.store import ANSWERED, BATCHES, HALTS, JOBS, SENT
from controls.core.work import ODD_REPLIES
from controls.staging import Sink

EVERYTHING = "all"


@dataclass(frozen=True, slots=True)
class Halted:
    """What a halt found."""

    jobs: tuple[str, ...]
    """Jobs that were running or waiting, and do no longer."""
    canceled: tuple[str, ...]
    """Batches that the service was told to cancel."""
    not_canceled: dict[str, str]
    """Batch, and why it still runs."""
    in_flight: int
    """Batches of these jobs that the service may still work on, the canceled ones included."""


@dataclass(frozen=True, slots=True)
class Affected:
    """Where one row of a job stands."""

    custom_id: str
    key: str
    """Empty while the row was not sent, and once keys were purged."""
    state: str
    """`promoted`, `rolled back`, `staged`, `quarantined`, `unfinished`, `lost`, `in flight` or
    `not sent`."""
    outcome: str
    """Of the last answer: `accepted`, a reason code or how the row ended; empty without one."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """A job in numbers."""

    job: str
    status: str
    why: str
    rows: int
    states: dict[str, int]
    """Rows by `Affected.state`."""
    outcomes: dict[str, int]
    """Answers by outcome; a row that was sent twice counts twice."""
    batches: dict[str, int]
    """Batches by state."""
    spent_usd: Decimal
    reserved_usd: Decimal
    affected: tuple[Affected, ...]


class Runbook:
    """What a person can do to the jobs of one store."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._book = Book(ledger)

    def halt(
        self, scope: str, *, by: str, why: str, client: anthropic.Anthropic | None = None
    ) -> Halted:
        """Stop `all`, `team NAME` or `job NAME`: nothing new is sent, nothing promoted.

        What the service has already goes on there and costs, unless `client` is given: then it is
        canceled. Rows that were answered until then are billed and kept.

        Raises:
            ControlError: the scope is none, there is no such job, or nobody is named.
        """
        _named(by)
        self._check_scope(scope)
        if not why.strip():
            raise ControlError("A halt needs a reason.", fix="Say why: whoever lifts it must know.")
        reason = _reason(scope, by, why)
        with self._ledger.transaction() as transaction:
            connection, at = transaction.connection, transaction.now.isoformat()
            connection.execute(delete(HALTS).where(HALTS.c.scope == scope))
            connection.execute(insert(HALTS), {"scope": scope, "why": why, "by": by, "at": at})
            jobs = [job.id for job in self._jobs(scope, transaction, (RUNNING, WAITING))]
            transaction.append(_job_of(scope), "stopped", scope=scope, by=by, why=why, jobs=jobs)
            for job in jobs:
                _turn(transaction, job, HALTED, "halted", why=reason)
        canceled: list[str] = []
        problems: dict[str, str] = {}
        in_flight = list(self._in_flight(scope))
        for job, batch_id, number in in_flight:
            if not batch_id:
                problems[f"batch {number} of {job}"] = "it was perhaps sent; its id is not known"
            elif client is not None:
                self._cancel(client, job, batch_id, canceled, problems)
        return Halted(tuple(jobs), tuple(canceled), problems, len(in_flight))

    def resume(self, scope: str, *, by: str) -> tuple[str, ...]:
        """Lift a halt; the jobs that may go on when they are run the next time.

        `job NAME` also lets a job go on that a control has halted, or that waited for approval.

        Raises:
            ControlError: the scope is none, there is no such job, it was purged, another halt
                still holds it, or nobody is named.
        """
        _named(by)
        self._check_scope(scope)
        name = _job_of(scope)
        if name:
            self._check_resumable(name)
        with self._ledger.transaction() as transaction:
            said = transaction.connection.execute(
                select(HALTS).where(HALTS.c.scope == scope)
            ).first()
            if said is not None:
                transaction.connection.execute(delete(HALTS).where(HALTS.c.scope == scope))
                transaction.append(name, "lifted", scope=scope, by=by)
            elif not name:
                raise ControlError(f"Nobody has stopped {scope}.", fix="Look at `gameday assess`.")
            reason = _reason(scope, said.by, said.why) if said is not None else ""
            jobs = [
                job.id
                for job in self._jobs(scope, transaction, (HALTED, WAITING))
                if name or job.why == reason
            ]
            for job in jobs:
                _turn(transaction, job, RUNNING, "resumed", by=by)
        return tuple(jobs)

    def approve(self, job: str, *, by: str, up_to_usd: Decimal = Decimal(0)) -> LedgerEntry:
        """Say yes to what a job waits for: its first real answers, or to spend so much.

        Raises:
            ControlError: there is no such job, nobody is named, or the amount is none.
        """
        _named(by)
        self.job(job)
        if not up_to_usd.is_finite() or up_to_usd < 0:
            raise ControlError(f"{up_to_usd} is no amount.", fix="Give US dollars, such as 12.50.")
        return self._ledger.append(job, "approved", by=by, up_to_usd=f"{up_to_usd:f}")

    def assess(self, job: str) -> Assessment:
        """Count a job: where its rows stand, what came, what it cost.

        Raises:
            ControlError: there is no such job.
        """
        record = self.job(job)
        batches = self._book.batches(record)
        affected = tuple(self._affected(record))
        return Assessment(
            job=record.id,
            status=record.status,
            why=record.why,
            rows=record.rows,
            states=dict(Counter(row.state for row in affected)),
            outcomes=dict(Counter(outcome for _, outcome in self._outcomes(record))),
            batches=dict(Counter(batch.state for batch in batches)),
            spent_usd=self._book.spent_usd(record),
            reserved_usd=record.reserved_usd,
            affected=affected,
        )

    def rollback(
        self,
        job: str,
        sink: Sink,
        *,
        by: str,
        why: str,
        ids: Collection[str] | None = None,
    ) -> int:
        """Undo the promotion of a job, or of exactly these rows; the number of rows put back.

        A row that was put back, or was never promoted, is not touched again. The job is halted
        only if it is not done: what is still to be promoted is not undone by this.

        Args:
            ids: `custom_id`s or keys of rows.

        Raises:
            ControlError: there is no such job, an id is none of its rows, its before-images were
                purged, or nobody is named.
        """
        _named(by)
        record = self.job(job)
        if any(entry.body["what"] == "before-images" for entry in self._purged(job)):
            raise ControlError(
                f"The before-images of {job!r} were purged: it cannot be undone any more.",
                fix="Correct the rows with a new job.",
            )
        keys = None if ids is None else self._keys(record, ids)
        asked: Any = "all" if keys is None else keys
        self._ledger.append(job, "rollback intended", keys=asked, by=by, why=why)
        count = sink.rollback(job, keys)
        self._ledger.append(job, "rolled back", rows=count, keys=asked, by=by)
        return count

    def job(self, identifier: str) -> JobRecord:
        """A job that exists.

        Raises:
            ControlError: with some that do.
        """
        record = self._book.job(identifier)
        if record is None:
            with self._ledger.engine.connect() as connection:
                latest = select(JOBS.c.id).order_by(JOBS.c.number.desc()).limit(10)
                known = ", ".join(connection.scalars(latest)) or "none"
            raise ControlError(
                f"There is no job {identifier!r} in this store.", fix=f"The latest are: {known}."
            )
        return record

    def _check_scope(self, scope: str) -> None:
        kind, _, name = scope.partition(" ")
        if scope == EVERYTHING or (kind == "team" and name.strip()):
            return
        if kind != "job" or not name:
            raise ControlError(
                f"{scope!r} cannot be stopped.", fix="Name a job, a team, or everything."
            )
        self.job(name)

    def _check_resumable(self, name: str) -> None:
        record = self.job(name)
        if record.purged_at is not None and record.status != DONE:
            raise ControlError(
                f"The answers of the job {name!r} were purged on {record.purged_at:%Y-%m-%d}.",
                fix="Start a new job with the rows that still matter.",
            )
        with self._ledger.engine.connect() as connection:
            query = select(HALTS).where(HALTS.c.scope.in_((EVERYTHING, f"team {record.team}")))
            for halt in connection.execute(query.order_by(HALTS.c.scope)):
                raise ControlError(
                    f"{_reason(halt.scope, halt.by, halt.why)}.",
                    fix="Lift that first: gameday resume --all, or --team NAME.",
                )

    def _jobs(self, scope: str, transaction: Transaction, statuses: Sequence[str]) -> list[Any]:
        query = select(JOBS.c.id, JOBS.c.why).where(JOBS.c.status.in_(statuses), *_within(scope))
        return list(transaction.connection.execute(query.order_by(JOBS.c.number)))

    def _in_flight(self, scope: str) -> Iterator[tuple[str, str, int]]:
        """Job, id and number of the batches that the service may work on."""
        query = (
            select(JOBS.c.id, BATCHES.c.batch_id, BATCHES.c.number)
            .join(JOBS, JOBS.c.number == BATCHES.c.job)
            .where(
                BATCHES.c.state.in_((INTENDED, CREATED)),
                BATCHES.c.ended_at.is_(None),
                *_within(scope),
            )
            .order_by(BATCHES.c.job, BATCHES.c.number)
        )
        with self._ledger.engine.connect() as connection:
            found = connection.execute(query).all()
        return ((job, batch_id or "", number) for job, batch_id, number in found)

    def _cancel(
        self,
        client: anthropic.Anthropic,
        job: str,
        batch_id: str,
        canceled: list[str],
        problems: dict[str, str],
    ) -> None:
        """Tell the service to stop a batch; what it says is told, nothing is raised."""
        try:
            seen = client.messages.batches.retrieve(batch_id)
            if getattr(seen, "processing_status", "") != "in_progress":
                return
            self._ledger.append(job, "cancel intended", batch_id=batch_id)
            client.messages.batches.cancel(batch_id)
        except ODD_REPLIES as error:
            problems[batch_id] = problem_of(error)
            return
        self._ledger.append(job, "canceled", batch_id=batch_id)
        canceled.append(batch_id)

    def _affected(self, job: JobRecord) -> Iterator[Affected]:
        progress = take_stock(self._book, job)
        outcomes = dict(self._outcomes(job))
        keys = self._sent_keys(job)
        flying = {
            ordinal
            for batch in progress.batches
            if batch.state in {INTENDED, CREATED}
            for ordinal in batch.ordinals
        }
        planned = {
            ordinal
            for batch in progress.batches
            if batch.state not in {INTENDED, CREATED} and not batch.created_at
            for ordinal in batch.ordinals
        }
        undone = self._undone(job)
        accepted = "promoted" if job.status == DONE else "staged"
        for ordinal in range(job.rows):
            key = keys.get(ordinal, "")
            if ordinal in progress.quarantined:
                state = "quarantined"
            elif ordinal in flying:
                state = "in flight"
            elif ordinal in progress.unfinished:
                state = "unfinished"
            elif ordinal in progress.lost:
                state = "lost"
            elif not progress.sent[ordinal] or ordinal in planned:
                state = "not sent"
            elif undone == "all" or key in undone:
                state = "rolled back"
            else:
                state = accepted
            yield Affected(f"{job.prefix}{ordinal}", key, state, outcomes.get(ordinal, ""))

    def _undone(self, job: JobRecord) -> Any:
        """Keys of the rows that were put back, or `all`."""
        keys: set[str] = set()
        for entry in self._ledger.entries(job.id, "rolled back"):
            said = entry.body.get("keys", "all")
            if said == "all":
                return "all"
            keys.update(said)
        return keys

    def _outcomes(self, job: JobRecord) -> Iterator[tuple[int, str]]:
        query = (
            select(ANSWERED.c.lines)
            .where(ANSWERED.c.job == job.number)
            .order_by(ANSWERED.c.batch, ANSWERED.c.part)
        )
        with self._ledger.engine.connect() as connection:
            for lines in connection.scalars(query):
                answered = read_answered(lines)
                yield from zip(answered.ordinals, answered.outcomes, strict=True)

    def _sent_keys(self, job: JobRecord) -> dict[int, str]:
        query = select(SENT.c.lines).where(SENT.c.job == job.number)
        with self._ledger.engine.connect() as connection:
            return {
                ordinal: key
                for sent in map(read_sent, connection.scalars(query))
                for ordinal, key in zip(sent.ordinals, sent.keys, strict=True)
            }

    def _keys(self, job: JobRecord, ids: Collection[str]) -> list[str]:
        by_id: dict[str, str] = {}
        for ordinal, key in self._sent_keys(job).items():
            by_id[f"{job.prefix}{ordinal}"] = key
        known = set(by_id.values())
        keys = {name: by_id.get(name) or (name if name in known else "") for name in ids}
        strangers = [name for name, key in keys.items() if not key]
        if strangers:
            raise ControlError(
                f"{len(strangers):,} of {len(keys):,} ids are no rows of {job.id!r}, first "
                f"{strangers[0][:80]!r}.",
                fix="Name custom_ids or keys, one in a line; `gameday assess` writes them.",
            )
        return list(dict.fromkeys(keys.values()))

    def _purged(self, job: str) -> list[LedgerEntry]:
        return self._ledger.entries(job, "purged")


def _turn(transaction: Transaction, job: str, status: str, kind: str, **body: Any) -> None:
    """Change the status of a job, with its entry."""
    transaction.connection.execute(
        update(JOBS)
        .where(JOBS.c.id == job)
        .values(status=status, why=body.get("why", ""), ended_at=None)
    )
    transaction.append(job, kind, **body)


def _within(scope: str) -> list[Any]:
    """The condition on `JOBS` that a scope means."""
    kind, _, name = scope.partition(" ")
    return {"job": [JOBS.c.id == name], "team": [JOBS.c.team == name]}.get(kind, [])


def _job_of(scope: str) -> str:
    kind, _, name = scope.partition(" ")
    return name if kind == "job" else ""


def _reason(scope: str, by: str, why: str) -> str:
    return f"{by} has stopped {scope}: {why}"


def _named(by: str) -> None:
    if not by.strip():
        raise ControlError("Nobody is named.", fix="Say who does this, with --by NAME.")
