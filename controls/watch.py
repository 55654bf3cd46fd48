"""The watch: everything that the account has at the service, held against the ledger.

Protects from what no running job looks at: batches of jobs that nobody runs any more, batches that
no ledger knows, results that will be deleted unread, and a watch that has gone blind itself. One
`look` lists the batches of the account, judges them by `look_over`, and tells the owner of each
job by the rules of the `AlertBook`.

Weakness: it sees one workspace, that of its key; and it looks when it is run. A batch that is
younger than an hour and unknown is left alone: a worker may be about to write it down. Neighbour:
`Watchdog` looks at the batches of a job while it runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import anthropic
import msgspec
from anthropic.types.messages import MessageBatch
from sqlalchemy import select

from controls.alert_book import AlertBook, KnownAlert
from controls.core.alerts import Alert, Pager
from controls.core.ledger import Ledger
from controls.core.locks import Locks
from controls.core.results import problem_of
from controls.core.store import BATCHES, JOBS
from controls.core.work import ODD_REPLIES
from controls.policy import JobType
from controls.watchdog import KEPT, BatchFacts, Finding, look_over

REPEAT = timedelta(hours=4)
YOUNG = timedelta(hours=1)
LISTED = KEPT + timedelta(days=2)
"""What is older has no results any more, and is not asked for."""
ACCOUNT = "the account"
BLIND = "blind"


@dataclass(frozen=True, slots=True)
class _Ours:
    """A batch as the ledger knows it."""

    job: str
    team: str
    owner: str
    created_at: datetime
    collected_at: datetime | None
    deleted: bool


class Watch:
    """Looks over the account, and tells.

    Args:
        repeat: so long after it was told, an alert that nobody acknowledged is told again.
        team: only the jobs of this team; then strangers' batches are nobody's business.
        owner: who hears of what belongs to no job.
        strangers: whether batches that no ledger entry knows are told.
    """

    def __init__(
        self,
        client: anthropic.Anthropic,
        ledger: Ledger,
        pager: Pager,
        *,
        repeat: timedelta = REPEAT,
        team: str | None = None,
        owner: str = "account owner",
        strangers: bool = True,
    ) -> None:
        self._client, self._ledger, self._pager = client, ledger, pager
        self._repeat, self._team, self._owner = repeat, team, owner
        self._strangers = strangers and team is None
        self._book, self._locks = AlertBook(ledger), Locks(ledger.engine)

    def look(self) -> list[KnownAlert]:
        """Look once; all alerts that last. While another watch of this store looks, only those."""
        with self._locks.attempt("watch") as mine:
            if mine:
                self._look()
        return self._book.alerts()

    def _look(self) -> None:
        before = {alert.about: alert for alert in self._book.alerts()}
        try:
            listed = self._listed()
        except ODD_REPLIES as error:
            what = f"the batches of the account cannot be listed: {problem_of(error)}"
            self._tell(before, Finding(BLIND, "", "", what), self._owner)
            return
        ours = self._ours()
        found = list(self._findings(listed, ours))
        for finding in found:
            batch = ours.get(finding.batch_id)
            self._tell(before, finding, batch.owner if batch else self._owner)
        about = {(finding.kind, finding.batch_id) for finding in found}
        for key, alert in before.items():
            if key not in about and self._concerns(alert, ours):
                self._book.end(alert)

    def _concerns(self, alert: KnownAlert, ours: dict[str, _Ours]) -> bool:
        """Whether this watch would have found it again."""
        batch = ours.get(alert.finding.batch_id)
        if alert.finding.kind == BLIND:
            return True
        if batch is None or not alert.finding.job:
            return self._strangers
        return self._team in {None, batch.team}

    def _tell(
        self, before: dict[tuple[str, str], KnownAlert], finding: Finding, owner: str
    ) -> None:
        """Page once, and again after a time as long as nobody answers."""
        alert = before.get((finding.kind, finding.batch_id)) or self._book.note(finding, owner)
        now = self._ledger.now()
        late = alert.paged_at is None or now - alert.paged_at >= self._repeat
        if alert.acknowledged_by or not late:
            return
        what = f"{finding.what}; gameday alerts acknowledge {alert.id}"
        if alert.paged:
            what += f" (told {alert.paged} times since {alert.at:%Y-%m-%d %H:%M} UTC)"
        try:
            self._pager.page(Alert(now, owner, finding.job or ACCOUNT, what))
        except Exception as error:  # noqa: BLE001 - the others are still to be told
            self._book.failed(alert, type(error).__name__)
            return
        self._book.paged(alert)

    def _listed(self) -> dict[str, MessageBatch]:
        """What the service has, by id."""
        since, found = self._ledger.now() - LISTED, dict[str, MessageBatch]()
        for listing in self._client.messages.batches.list(limit=100):
            if listing.id in found or listing.created_at < since:
                break
            found[listing.id] = listing
        return found

    def _ours(self) -> dict[str, _Ours]:
        """What the ledger has, by id. Read after the list: what was made meanwhile is young."""
        query = (
            select(BATCHES, JOBS.c.id, JOBS.c.team, JOBS.c.type)
            .join(JOBS, JOBS.c.number == BATCHES.c.job)
            .where(BATCHES.c.batch_id.is_not(None))
            .order_by(BATCHES.c.job, BATCHES.c.number)
        )
        owners: dict[str, str] = {}
        ours: dict[str, _Ours] = {}
        with self._ledger.engine.connect() as connection:
            for row in connection.execute(query):
                if row.id not in owners:
                    owners[row.id] = msgspec.json.decode(row.type, type=JobType).owner
                ours[row.batch_id] = _Ours(
                    row.id,
                    row.team,
                    owners[row.id],
                    datetime.fromisoformat(row.created_at),
                    row.collected_at and datetime.fromisoformat(row.collected_at),
                    row.deleted_at is not None,
                )
        return ours

    def _findings(
        self, listed: dict[str, MessageBatch], ours: dict[str, _Ours]
    ) -> Iterator[Finding]:
        now = self._ledger.now()
        doubles = {str(entry.body["batch_id"]) for entry in self._ledger.entries(kind="canceled")}
        facts = []
        for batch_id, seen in listed.items():
            known = ours.get(batch_id)
            if known is None:
                old = now - seen.created_at >= YOUNG and batch_id not in doubles
                if self._strangers and old:
                    facts.append(
                        BatchFacts(
                            batch_id, "", seen.created_at, seen.ended_at, known_to_ledger=False
                        )
                    )
            elif self._team in {None, known.team}:
                facts.append(
                    BatchFacts(
                        batch_id, known.job, seen.created_at, seen.ended_at, known.collected_at
                    )
                )
        for batch_id, known in ours.items():
            read = known.deleted or known.collected_at is not None
            if batch_id in listed or read or self._team not in {None, known.team}:
                continue
            if now - known.created_at < KEPT:
                what = (
                    f"the service does not list batch {batch_id} of {known.job}, which was not "
                    "read: was it deleted by hand, or is the key of another workspace?"
                )
                yield Finding("missing", batch_id, known.job, what)
            else:
                facts.append(BatchFacts(batch_id, known.job, known.created_at, known.created_at))
        yield from look_over(facts, now)
