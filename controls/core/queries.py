"""The statements that every job asks many times, made once.

Making a statement and looking for its compiled form takes three times as long as running it.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, delete, func, insert, select, update

from controls.core.store import (
    ANSWERED,
    BATCHES,
    ENTRIES,
    HALTS,
    JOBS,
    META,
    QUARANTINE,
    REVIEWS,
    SENT,
    STAGING,
    UNACCEPTED,
)

_MY_BATCHES: Final = BATCHES.c.job == bindparam("job")
_THIS_BATCH: Final = _MY_BATCHES & (BATCHES.c.number == bindparam("batch"))
_ITS_JOB: Final = JOBS.c.number == BATCHES.c.job

KEPT_COLUMNS: Final = (
    *("id", "ordinal", "row_key", "custom_id", "reason", "detail", "evidence_digest", "at"),
)
"""What the chain covers of a row in quarantine. Its evidence has a digest of its own, so that it
can be purged but not changed; how it was settled stands in entries."""

ADD_JOB: Final = insert(JOBS).returning(JOBS.c.number)
JOB: Final = select(JOBS).where(JOBS.c.id == bindparam("id"))
CHANGE_JOB: Final = update(JOBS).where(JOBS.c.id == bindparam("of_job"))
TURN_JOB: Final = CHANGE_JOB.where(JOBS.c.status.in_(bindparam("before", expanding=True)))
RAN_BEFORE: Final = (
    select(JOBS.c.number)
    .where(
        JOBS.c.type_digest == bindparam("type_digest"),
        JOBS.c.status == bindparam("done"),
        JOBS.c.id != bindparam("id"),
    )
    .limit(1)
)
OTHERS_TODAY: Final = select(JOBS).where(
    JOBS.c.team == bindparam("team"), JOBS.c.id != bindparam("id"), JOBS.c.day == bindparam("day")
)
"""Jobs of a team that count for a day, but for one."""

BATCH: Final = select(BATCHES).where(_THIS_BATCH)
BATCHES_OF_JOB: Final = select(BATCHES).where(_MY_BATCHES).order_by(BATCHES.c.number)
LAST_BATCH: Final = select(func.max(BATCHES.c.number)).where(_MY_BATCHES)
COSTS: Final = select(BATCHES.c.cost_usd).where(_MY_BATCHES)
COVERED_BATCH: Final = select(
    *(column for column in BATCHES.c if column.name not in {"deleted_at", "state"})
).where(_THIS_BATCH)
"""What the chain covers of a batch; the rest stands in entries of its own."""
ADD_BATCH: Final = insert(BATCHES)
CHANGE_BATCH: Final = update(BATCHES).where(
    BATCHES.c.job == bindparam("of_job"), BATCHES.c.number == bindparam("of_batch")
)
STEP: Final = CHANGE_BATCH.where(BATCHES.c.state == bindparam("before"))

IN_FLIGHT: Final = (
    select(JOBS.c.team, JOBS.c.id, BATCHES.c.requests, BATCHES.c.intended_at)
    .join(JOBS, _ITS_JOB)
    .where(
        BATCHES.c.state.in_([bindparam("intended"), bindparam("created")]),
        BATCHES.c.ended_at.is_(None),
        BATCHES.c.intended_at > bindparam("since"),
    )
    .order_by(BATCHES.c.job, BATCHES.c.number)
)
CREATES: Final = (
    select(JOBS.c.team, BATCHES.c.intended_at)
    .join(JOBS, _ITS_JOB)
    .where(BATCHES.c.intended_at > bindparam("since"))
    .order_by(BATCHES.c.intended_at, BATCHES.c.job, BATCHES.c.number)
)
WAITING: Final = (
    select(JOBS.c.team, JOBS.c.id, BATCHES.c.requests, JOBS.c.type, BATCHES.c.asked_at)
    .join(JOBS, _ITS_JOB)
    .where(
        BATCHES.c.state == bindparam("planned"),
        BATCHES.c.asked_last >= bindparam("since"),
        JOBS.c.status == bindparam("running"),
        JOBS.c.id != bindparam("id"),
    )
    .order_by(BATCHES.c.asked_at, BATCHES.c.job, BATCHES.c.number)
)

ADD_SENT: Final = insert(SENT)
SENT_LINES: Final = select(SENT.c.lines).where(
    SENT.c.job == bindparam("job"), SENT.c.batch == bindparam("batch")
)
ADD_ANSWERED: Final = insert(ANSWERED)
UNACCEPTED_OF_JOB: Final = (
    select(UNACCEPTED.c.batch, UNACCEPTED.c.ordinal, UNACCEPTED.c.outcome)
    .where(UNACCEPTED.c.job == bindparam("job"))
    .order_by(UNACCEPTED.c.batch, UNACCEPTED.c.ordinal)
)
KEPT: Final = select(*(QUARANTINE.c[name] for name in KEPT_COLUMNS)).where(
    QUARANTINE.c.job == bindparam("job"), QUARANTINE.c.batch == bindparam("batch")
)
GIVEN_UP: Final = select(QUARANTINE.c.ordinal).where(
    QUARANTINE.c.job == bindparam("job"), QUARANTINE.c.batch < 0
)
FORGET: Final = tuple(
    delete(table).where(table.c.job == bindparam("job"), table.c.batch == bindparam("batch"))
    for table in (ANSWERED, UNACCEPTED, QUARANTINE)
)
"""Everything that a collection leaves behind before it is settled."""

_STAGED_HERE: Final = (STAGING.c.job == bindparam("job")) & (STAGING.c.batch == bindparam("batch"))
ADD_STAGED: Final = insert(STAGING)
STAGED: Final = select(STAGING.c.part, STAGING.c.lines).where(_STAGED_HERE).order_by(STAGING.c.part)
FORGET_STAGED: Final = delete(STAGING).where(_STAGED_HERE)
REFUSED: Final = select(UNACCEPTED.c.ordinal).where(
    UNACCEPTED.c.job == bindparam("job"), UNACCEPTED.c.batch == bindparam("batch")
)

ADD_REVIEW: Final = insert(REVIEWS).returning(REVIEWS.c.id)
REVIEWS_OF: Final = (
    select(REVIEWS).where(REVIEWS.c.name == bindparam("name")).order_by(REVIEWS.c.id)
)

HALTS_ON: Final = (
    select(HALTS)
    .where(HALTS.c.scope.in_([bindparam("all"), bindparam("team"), bindparam("job")]))
    .order_by(HALTS.c.scope)
)

_ALL_ENTRIES: Final = select(ENTRIES).order_by(ENTRIES.c.seq)
_OF_JOB, _OF_KIND = ENTRIES.c.job == bindparam("job"), ENTRIES.c.kind == bindparam("kind")
ENTRIES_OF: Final = {
    (False, False): _ALL_ENTRIES,
    (True, False): _ALL_ENTRIES.where(_OF_JOB),
    (False, True): _ALL_ENTRIES.where(_OF_KIND),
    (True, True): _ALL_ENTRIES.where(_OF_JOB, _OF_KIND),
}
"""By whether only those of one job, and only those of one kind, are wanted."""
LAST_ENTRY: Final = select(ENTRIES.c.seq, ENTRIES.c.hash).order_by(ENTRIES.c.seq.desc()).limit(1)
LAST_OF_KINDS: Final = (
    select(ENTRIES)
    .where(ENTRIES.c.kind.in_(bindparam("kinds", expanding=True)))
    .order_by(ENTRIES.c.seq.desc())
    .limit(bindparam("count"))
)
ADD_ENTRY: Final = insert(ENTRIES)
CHANGE_META: Final = update(META).where(META.c.name == bindparam("of_name"))
MOVE_META: Final = CHANGE_META.where(META.c.value == bindparam("before"))
