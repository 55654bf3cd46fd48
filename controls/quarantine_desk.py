"""The quarantine desk: look at what was kept back, send it again or let it go.

Protects from a quarantine that nobody empties and from one that is emptied without a trace: each
answer is settled once, by a named person, with a reason, and the ledger says so.

To send rows again: `requeue` marks them and gives back their ordinals and keys; start a new job
with these rows and `Job(requeued_from=...)`, so that the ledger of the new job names the old one.

Weakness: it takes the person's word for name and reason. What it shows is untrusted: it came from a
model or the service. Whoever prints it makes it visible first. Neighbour: `QuarantineThreshold`
stops a job of which too much was kept back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, select, update

from controls.core.errors import ControlError
from controls.core.ledger import Ledger
from controls.core.store import JOBS, QUARANTINE, chunks

REQUEUED, DISCARDED = "requeued", "discarded"
IDS_PER_STATEMENT = 5_000


@dataclass(frozen=True, slots=True)
class KeptBack:
    """One answer in quarantine, all of it untrusted but the numbers."""

    id: int
    job: str
    batch: int
    """0 or negative for a row that has no answer at all."""
    ordinal: int | None
    """None when the line could not be attributed to a row."""
    row_key: str | None
    custom_id: str
    reason: str
    detail: str
    evidence: bytes
    """The first bytes of what came; empty once it was purged."""
    at: datetime
    settled: str
    """Empty, `requeued` or `discarded`."""


@dataclass(frozen=True, slots=True)
class RowAgain:
    """A row for a new job."""

    ordinal: int
    """In the old job."""
    key: str


class QuarantineDesk:
    """The quarantine of one store."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def count(self, job: str | None = None) -> dict[str, Counter[str]]:
        """By job: how many open answers for each reason, and how many are `requeued` and
        `discarded`.

        Raises:
            ControlError: there is no such job.
        """
        number = func.count().label("answers")
        query = (
            select(JOBS.c.id, QUARANTINE.c.reason, QUARANTINE.c.settled, number)
            .join(JOBS, JOBS.c.number == QUARANTINE.c.job)
            .group_by(JOBS.c.id, QUARANTINE.c.reason, QUARANTINE.c.settled)
            .order_by(JOBS.c.id, QUARANTINE.c.reason)
        )
        if job is not None:
            self._check(job)
            query = query.where(JOBS.c.id == job)
        counted: dict[str, Counter[str]] = {}
        with self._ledger.engine.connect() as connection:
            for name, reason, settled, answers in connection.execute(query):
                counted.setdefault(name, Counter())[settled or reason] += answers
        return counted

    def each(
        self, job: str, *, reason: str | None = None, settled: bool = False
    ) -> Iterator[KeptBack]:
        """The answers of a job, oldest first: the open ones, or all.

        Raises:
            ControlError: there is no such job.
        """
        self._check(job)
        query = _all().where(JOBS.c.id == job)
        if reason is not None:
            query = query.where(QUARANTINE.c.reason == reason)
        if not settled:
            query = query.where(QUARANTINE.c.settled == "")
        with self._ledger.engine.connect() as connection:
            rows = connection.execute(query, execution_options={"yield_per": 1_000})
            yield from map(_kept_back, rows)

    def one(self, identifier: int) -> KeptBack:
        """One answer by its number.

        Raises:
            ControlError: there is none.
        """
        with self._ledger.engine.connect() as connection:
            row = connection.execute(_all().where(QUARANTINE.c.id == identifier)).first()
        if row is None:
            raise ControlError(
                f"Number {identifier} is not in quarantine.",
                fix="`gameday quarantine list JOB` shows the numbers.",
            )
        return _kept_back(row)

    def requeue(
        self, job: str, ids: Collection[int] | None = None, *, by: str, why: str
    ) -> list[RowAgain]:
        """Mark answers as `requeued`; their rows, each once, for a new job.

        Args:
            ids: numbers; by default all open answers of the job that belong to a row.

        Raises:
            ControlError: a number is not an open answer of this job, belongs to no row, or
                nobody and nothing is named as the reason.
        """
        settled = self._settle(job, ids, REQUEUED, by, why)
        keys = {row.ordinal: row.row_key or "" for row in settled}
        return [RowAgain(ordinal, keys[ordinal]) for ordinal in sorted(keys)]

    def discard(self, job: str, ids: Collection[int] | None = None, *, by: str, why: str) -> int:
        """Mark answers as `discarded`, by default all open ones; how many.

        Raises:
            ControlError: a number is not an open answer of this job, or nobody and nothing is
                named as the reason.
        """
        return len(self._settle(job, ids, DISCARDED, by, why))

    def _settle(
        self, job: str, ids: Collection[int] | None, how: str, by: str, why: str
    ) -> list[Row[Any]]:
        """Mark and write down, in one transaction; what was marked."""
        if not by.strip() or not why.strip():
            raise ControlError("Nobody, or no reason, is named.", fix="Say who does this and why.")
        self._check(job)
        open_ = _all().where(JOBS.c.id == job, QUARANTINE.c.settled == "")
        with self._ledger.transaction() as transaction:
            found = {row.id: row for row in transaction.connection.execute(open_)}
            if ids is None:
                chosen = [
                    row.id for row in found.values() if how == DISCARDED or row.ordinal is not None
                ]
            else:
                chosen = sorted(set(ids))
                _check_open(chosen, found, job, how)
            if not chosen:
                return []
            for part in chunks(chosen, IDS_PER_STATEMENT):
                transaction.connection.execute(
                    update(QUARANTINE).where(QUARANTINE.c.id.in_(part)).values(settled=how)
                )
            transaction.append(job, how, ids=chosen, by=by, why=why)
        return [found[number] for number in chosen]

    def _check(self, job: str) -> None:
        with self._ledger.engine.connect() as connection:
            known = connection.execute(select(JOBS.c.id).where(JOBS.c.id == job)).first()
        if known is None:
            raise ControlError(
                f"There is no job {job!r} in this store.",
                fix="`gameday quarantine count` names the jobs that have something in quarantine.",
            )


def _check_open(chosen: list[int], found: dict[int, Row[Any]], job: str, how: str) -> None:
    strangers = [number for number in chosen if number not in found]
    if strangers:
        raise ControlError(
            f"{len(strangers):,} of {len(chosen):,} numbers are no open answers of {job!r}, first "
            f"{strangers[0]}.",
            fix=f"`gameday quarantine list {job}` shows the open ones.",
        )
    rowless = [number for number in chosen if found[number].ordinal is None]
    if how == REQUEUED and rowless:
        raise ControlError(
            f"Number {rowless[0]} belongs to no row of {job!r}: it cannot be sent again.",
            fix="Discard it, or leave it out.",
        )


def _all() -> Select[Any]:
    return (
        select(QUARANTINE, JOBS.c.id.label("job_id"))
        .join(JOBS, JOBS.c.number == QUARANTINE.c.job)
        .order_by(QUARANTINE.c.id)
    )


def _kept_back(row: Row[Any]) -> KeptBack:
    return KeptBack(
        row.id,
        row.job_id,
        row.batch,
        row.ordinal,
        row.row_key,
        row.custom_id,
        row.reason,
        row.detail,
        row.evidence,
        datetime.fromisoformat(row.at),
        row.settled,
    )
