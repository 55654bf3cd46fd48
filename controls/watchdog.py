"""The watchdog: somebody hears of it when a batch goes wrong while nobody looks.

Protects from batches that fail quietly: many errored rows, a batch that nears its 24 hours or
passes them, results that nobody reads before the service deletes them, batches that nobody knows.

Weakness: while a batch runs the service may count all its rows as processing until the end, so
"nothing is finished yet" is a hint and no proof; and alarms help only if somebody answers them.
Neighbours: `Requeue` sends again what errored or expired, `Reconciliation` counts what is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from controls.core.decision import Decision, Halt, Proceed, Warn
from controls.core.moment import AfterDownload, Balance, Moment, WhileWaiting
from controls.policy import BATCH_HOURS, WatchdogPolicy

LIFE = timedelta(hours=BATCH_HOURS)
KEPT = timedelta(days=29)
"""So long after a batch was created its results can be read. Source: the API's batch page."""


@dataclass(frozen=True, slots=True)
class Watchdog:
    """Warns, and halts what is beyond waiting for."""

    policy: WatchdogPolicy = field(default_factory=WatchdogPolicy)

    def decide(self, moment: Moment, /) -> Decision:
        """Of the age of a running batch; of the errored rows of one that was read."""
        match moment:
            case WhileWaiting():
                return self._while_waiting(moment)
            case AfterDownload(balance=balance):
                return self._after_download(balance)
            case _:
                return Proceed()

    def _while_waiting(self, moment: WhileWaiting) -> Decision:
        age, grace = moment.now - moment.created_at, self.policy.grace_hours
        if age > LIFE + timedelta(hours=grace):
            return Halt(
                f"batch {moment.batch_id} is stuck: it is {_word(moment.status)} more than "
                f"{grace:g} h after the {BATCH_HOURS} h in which the API ends a batch. "
                "Ask the service about it, or cancel it and send its rows again"
            )
        if signs := "; ".join(self._signs(moment, age)):
            return Warn(f"batch {moment.batch_id} {signs}")
        return Proceed()

    def _signs(self, moment: WhileWaiting, age: timedelta) -> Iterator[str]:
        """What looks wrong. Worded without the present's numbers: the same sign, the same words."""
        processing = moment.counted.get("processing", 0)
        if age >= timedelta(hours=self.policy.warn_hours):
            if processing > 0:
                yield (
                    f"has run for {self.policy.warn_hours:g} of its {BATCH_HOURS} h; "
                    "rows that are unprocessed then will expire"
                )
        elif age >= LIFE / 2 and processing >= moment.requests:
            yield (
                "has run for half of its time and no row is reported as finished "
                "(the service may report them only at the end)"
            )
        if sum(moment.counted.values()) != moment.requests:
            yield "has request_counts that do not add up to its requests"

    def _after_download(self, balance: Balance) -> Decision:
        policy, errored = self.policy, _errored(balance)
        share = errored / max(balance.sent, balance.seen, 1)
        told = f"{errored:,} of {balance.sent:,} rows of batch {balance.batch_id} errored"
        if errored >= policy.stop_errored_rows and share >= policy.stop_errored_share:
            return Halt(
                f"{told}, {policy.stop_errored_share:.0%} or more: look at their error types "
                "before anything is sent again"
            )
        if errored >= policy.warn_errored_rows and share >= policy.warn_errored_share:
            return Warn(f"{told}, {policy.warn_errored_share:.0%} or more")
        return Proceed()


@dataclass(frozen=True, slots=True)
class BatchFacts:
    """One batch, as the service lists it and as the ledger knows it."""

    batch_id: str
    job: str
    """Empty when no ledger knows the batch."""
    created_at: datetime
    ended_at: datetime | None = None
    collected_at: datetime | None = None
    """When its results were read to the end."""
    known_to_ledger: bool = True


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a person has to hear of."""

    kind: str
    """`orphan`, `nearing`, `stuck`, `unread` or `gone`; a `Watch` adds `missing` and `blind`."""
    batch_id: str
    job: str
    what: str


def look_over(
    batches: Iterable[BatchFacts],
    now: datetime,
    *,
    days_before: float = 5.0,
    grace_hours: float = 1.0,
    warn_hours: float = 20.0,
) -> tuple[Finding, ...]:
    """What is wrong with the batches of an account, in their order.

    Args:
        batches: of all jobs, also those that no job of this store has made.
        now: the present, in UTC.
        days_before: so long before the results are deleted, unread ones are told.
        grace_hours: a batch that has not ended so long after its 24 hours is stuck.
        warn_hours: one that has not ended after so long is told before it is stuck.
    """
    soon, stuck = KEPT - timedelta(days=days_before), LIFE + timedelta(hours=grace_hours)
    warn = timedelta(hours=warn_hours)
    return tuple(
        Finding(kind, batch.batch_id, batch.job, what)
        for batch in batches
        for kind, what in _wrong(batch, now - batch.created_at, soon, warn, stuck)
    )


def _wrong(
    batch: BatchFacts, age: timedelta, soon: timedelta, warn: timedelta, stuck: timedelta
) -> Iterator[tuple[str, str]]:
    """Kind and text of each thing that is wrong with one batch of this age."""
    if not batch.known_to_ledger:
        created = f"{batch.created_at:%Y-%m-%d %H:%M}"
        what = f"no ledger knows batch {batch.batch_id}, created {created}: find out who made it"
        yield "orphan", f"{what}, then read it or cancel it"
    if batch.ended_at is None and warn <= age <= stuck:
        what = f"batch {batch.batch_id} nears the end of its {BATCH_HOURS} h"
        yield "nearing", f"{what}: rows that are unprocessed then will expire"
    if batch.ended_at is None and stuck < age < KEPT:
        yield "stuck", f"batch {batch.batch_id} has not ended, though its {BATCH_HOURS} h are over"
    if batch.collected_at is not None or not batch.known_to_ledger:
        return
    if age >= KEPT:
        yield "gone", f"the results of batch {batch.batch_id} were deleted after 29 days, unread"
    elif age >= soon:
        deleted = f"{batch.created_at + KEPT:%Y-%m-%d %H:%M}"
        yield "unread", f"the results of batch {batch.batch_id} are deleted on {deleted}, unread"


def _errored(balance: Balance) -> int:
    """As counted by us or, if we could not read them, by the service: whichever is worse."""
    counts: tuple[Mapping[str, int], ...] = (balance.kinds, balance.counted)
    return max(count.get("errored", 0) for count in counts)


def _word(status: str) -> str:
    """A status that a report can show: the service may say anything."""
    return status if status in {"in_progress", "canceling"} else repr(status[:40])
