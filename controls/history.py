"""The trail, told: the story of one row, and all of it as JSON Lines.

Protects from the question that nobody can answer: what was sent of this row, when, under which
policy, what came, what it cost, where it went.

Weakness: it tells what stands in the trail, true or not, and what it tells may quote a model, a row
or the service: it is untrusted. Neighbour: `audit` proves
that the trail is as it was written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec
from msgspec.structs import astuple
from sqlalchemy import Engine, Row, literal, select

from controls.core.answer import Usage
from controls.core.columns import read_answered, read_sent
from controls.core.errors import ControlError
from controls.core.store import ANSWERED, BATCHES, ENTRIES, JOBS, QUARANTINE, REVIEWS, SENT
from controls.prices import Price

JOB_WIDE = ("promoted", "rolled back", "purged", "purged in part", "approved")
"""Entries about a whole job that belong to the story of each of its rows."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sending of a row."""

    batch: int
    batch_id: str
    round: int
    intended_at: str
    request_digest: str
    """First 16 bytes of SHA-256 of the request's `params`, as hexadecimal digits."""
    outcome: str
    """`accepted`, a reason code, how the row ended; empty while nothing came."""
    line_digest: str
    """The same of the line that came; empty without one."""
    usage: Usage
    cost_usd: Decimal
    """By the price that was agreed when the job was opened."""


@dataclass(frozen=True, slots=True)
class Story:
    """What happened to one row."""

    custom_id: str
    key: str
    job: str
    job_type: str
    policy_version: str
    type_digest: str
    approved_by: tuple[str, ...]
    """Whom the job type names, and whoever approved exactly this version in the register."""
    attempts: tuple[Attempt, ...]
    kept_back: tuple[str, ...]
    """Reason and what became of each answer in quarantine."""
    events: tuple[str, ...]
    """Promotion, rollback, purges, approvals: time and words, in order."""


def story_of(engine: Engine, custom_id: str) -> Story:
    """Everything that the trail knows of one row.

    Raises:
        ControlError: no job of this store has such a row.
    """
    with engine.connect() as connection:
        prefix = JOBS.c.prefix
        query = (
            select(JOBS).where(literal(custom_id).like(prefix.concat("%"))).order_by(JOBS.c.number)
        )
        found = [
            (job, int(digits))
            for job in connection.execute(query)
            if (digits := custom_id.removeprefix(job.prefix)).isdecimal()
            and digits.isascii()
            and digits == str(int(digits))
            and int(digits) < job.rows
        ]
        if not found:
            raise ControlError(
                f"No job of this store has a row {custom_id[:80]!r}.",
                fix="A custom_id looks like TEAM-JOB-12; `gameday assess JOB` writes them all.",
            )
        job, ordinal = found[0]
        entries = [
            (entry.at, entry.kind, msgspec.json.decode(entry.body))
            for entry in connection.execute(
                select(ENTRIES).where(ENTRIES.c.job == job.id).order_by(ENTRIES.c.seq)
            )
        ]
        opened = next((body for _, kind, body in entries if kind == "opened"), None)
        if opened is None:
            raise ControlError(
                f"The entry that opened {job.id!r} is gone.", fix="Run `gameday audit verify`."
            )
        reviews = select(REVIEWS.c.by).where(REVIEWS.c.digest == job.type_digest)
        reviewers = connection.scalars(reviews.order_by(REVIEWS.c.id)).all()
        kept = select(QUARANTINE).where(
            QUARANTINE.c.job == job.number, QUARANTINE.c.ordinal == ordinal
        )
        kept_back = tuple(
            f"{row.at} batch {row.batch} {row.reason}: {row.detail}"
            + (f" ({row.settled})" if row.settled else "")
            for row in connection.execute(kept.order_by(QUARANTINE.c.id))
        )
    key, attempts = _attempts(engine, job, ordinal, msgspec.convert(opened["price"], Price))
    return Story(
        custom_id=custom_id,
        key=key,
        job=job.id,
        job_type=opened["job_type"],
        policy_version=opened["policy_version"],
        type_digest=job.type_digest,
        approved_by=tuple(dict.fromkeys((opened["approved_by"], *reviewers))),
        attempts=tuple(attempts),
        kept_back=kept_back,
        events=tuple(
            f"{at} {kind}{_said(body)}"
            for at, kind, body in entries
            if kind in JOB_WIDE and _concerns(kind, body, key, attempts)
        ),
    )


def export(engine: Engine, job: str | None = None) -> Iterator[dict[str, Any]]:
    """Every entry, then each request, answer and kept answer, as objects for JSON Lines.

    Entries come as they are chained: their `body` is text, `hash` is made of the other fields.
    Evidence stays out.

    Raises:
        ControlError: there is no such job.
    """
    with engine.connect() as connection:
        query, jobs = select(ENTRIES).order_by(ENTRIES.c.seq), select(JOBS).order_by(JOBS.c.number)
        if job is not None:
            query, jobs = query.where(ENTRIES.c.job == job), jobs.where(JOBS.c.id == job)
        known = connection.execute(jobs).all()
        if job is not None and not known:
            raise ControlError(
                f"There is no job {job!r} in this store.", fix="Leave it out to export all."
            )
        for entry in connection.execute(query):
            yield {"entry": entry._asdict()}
    for row in known:
        yield from _lists(engine, row)


def _lists(engine: Engine, job: Row[Any]) -> Iterator[dict[str, Any]]:
    """The lists of one job, a line for each of their lines."""
    with engine.connect() as connection:
        requests = select(SENT).where(SENT.c.job == job.number).order_by(SENT.c.batch)
        for batch in connection.execute(requests):
            sent = read_sent(batch.lines)
            for ordinal, key, digest in zip(sent.ordinals, sent.keys, sent.digests, strict=True):
                where = {"job": job.id, "batch": batch.batch, "ordinal": ordinal}
                yield {"request": where | {"row_key": key, "digest": digest.hex()}}
        answers = select(ANSWERED).where(ANSWERED.c.job == job.number)
        for part in connection.execute(answers.order_by(ANSWERED.c.batch, ANSWERED.c.part)):
            for ordinal, outcome, *tokens, digest in zip(
                *astuple(read_answered(part.lines)), strict=True
            ):
                where = {"job": job.id, "batch": part.batch, "ordinal": ordinal}
                yield {
                    "answer": where | {"outcome": outcome, "tokens": tokens, "digest": digest.hex()}
                }
        kept = select(QUARANTINE).where(QUARANTINE.c.job == job.number).order_by(QUARANTINE.c.id)
        for row in connection.execute(kept):
            values = row._asdict() | {"job": job.id}
            del values["evidence"]
            yield {"kept": values | {"evidence_digest": row.evidence_digest.hex()}}


def _attempts(
    engine: Engine, job: Row[Any], ordinal: int, price: Price
) -> tuple[str, list[Attempt]]:
    """The key of a row, and each of its sendings."""
    key, attempts = "", list[Attempt]()
    mine = SENT.c.job == job.number
    query = (
        select(BATCHES, SENT.c.lines)
        .join(SENT, (SENT.c.job == BATCHES.c.job) & (SENT.c.batch == BATCHES.c.number))
        .where(mine)
        .order_by(BATCHES.c.number)
    )
    with engine.connect() as connection:
        for batch in connection.execute(query).all():
            sent = read_sent(batch.lines)
            if ordinal not in sent.ordinals:
                continue
            at = sent.ordinals.index(ordinal)
            key, digest = sent.keys[at], sent.digests[at]
            parts = select(ANSWERED.c.lines).where(
                ANSWERED.c.job == job.number, ANSWERED.c.batch == batch.number
            )
            outcome, line_digest, usage = "", "", Usage()
            for part in connection.scalars(parts.order_by(ANSWERED.c.part)):
                ordinals, outcomes, *tokens, digests = astuple(read_answered(part))
                if ordinal in ordinals:
                    place = ordinals.index(ordinal)
                    outcome, line_digest = outcomes[place], digests[place].hex()
                    usage = Usage(*(column[place] for column in tokens))
            attempts.append(
                Attempt(
                    batch.number,
                    batch.batch_id or "",
                    batch.round,
                    batch.intended_at or "",
                    digest.hex(),
                    outcome,
                    line_digest,
                    usage,
                    price.of(usage, long=price.is_long(usage)),
                )
            )
    return key, attempts


def _concerns(kind: str, body: dict[str, Any], key: str, attempts: list[Attempt]) -> bool:
    """Whether an entry about a job concerns this row."""
    if kind == "rolled back":
        return bool(body.get("keys", "all") == "all" or key in body["keys"])
    return kind != "promoted" or (bool(attempts) and attempts[-1].outcome == "accepted")


def _said(body: dict[str, Any]) -> str:
    """The words of an entry that are worth a line."""
    words = [f"{name} {body[name]}" for name in ("what", "by", "up_to_usd", "rows") if name in body]
    return f": {', '.join(words)}" if words else ""
