"""What somebody does every day around a pipeline: audit, purge, look over the account, add up.

Each round asks the world for the control that it is made of. Where an arm goes without it nobody
makes the round, or does by hand what is usually done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from controls import Alert, BatchFacts, Telemetry, attribution, look_over
from controls.audit import verify_trail
from controls.core.store import BATCHES, JOBS, QUARANTINE, STAGING
from controls.ids import Namespace
from controls.prices import default_prices
from controls.retention import purge
from scenarios.harness.client import make_client

if TYPE_CHECKING:
    from scenarios.harness.world import World

PATROL = "account"
"""The job of an alarm about a batch that no job has made."""


@dataclass(frozen=True, slots=True)
class Rounds:
    """The rounds of one arm."""

    world: World

    def repeat(self, act: Callable[[], None], every: timedelta, until: timedelta) -> None:
        """Again and again, from the beginning on."""

        def days() -> None:
            end = self.world.started_at + until
            while self.world.clock.now() < end:
                self.world.rota.sleep(every)
                act()

        self.world.later(timedelta(), days)

    def audit(self) -> None:
        """Read the whole trail, and tell what was changed."""
        if verify := self.world.beside(verify_trail):
            for found in verify(self.world.stage.store).tampering:
                self._tell("audit", f"the trail was changed: {found.where}: {found.what}")

    def purge(self) -> None:
        """Remove whatever is due."""
        if remove := self.world.beside(purge):
            stage = self.world.stage
            client = make_client(stage.wire)
            remove(client, stage.ledger, self.world.pager, record=stage.record)

    def patrol(self) -> None:
        """Look at every batch that the service lists, and tell what nobody would see."""
        if look := self.world.beside(look_over):
            for found in look(self._facts(), self.world.clock.now()):
                self._tell(found.job or PATROL, found.what)

    def costs(self) -> Mapping[str, Decimal]:
        """What each team has spent, as somebody adds it up at the end of the month."""
        stage = self.world.stage
        if add_up := self.world.beside(attribution):
            told = add_up(stage.ledger.entries()).by_team
            return {team: share.usd for team, share in told.items()}
        return dict(self._by_hand())

    def metrics(self) -> Mapping[str, Decimal]:
        """What a dashboard says that each team has spent: it was told entry by entry."""
        if self.world.has(Telemetry):
            return self.world.till.usd
        return dict(self._by_hand())

    def _by_hand(self) -> Iterator[tuple[str, Decimal]]:
        """What is in the record, at the price of an average answer of its own team."""
        record = self.world.record()
        price = default_prices().price(record.job_type.prompt.model)
        for job in record.jobs:
            tokens = [
                (request.input_tokens, request.output_tokens)
                for request in record.books.requests
                if request.custom_id.startswith(job.prefix)
            ]
            mine = len(record.promoted & job.keys)
            read, said = (sum(column) for column in zip(*tokens, strict=True))
            usd = price.worst(read, said, largest_prompt=0) * mine / max(1, len(tokens))
            yield job.team, usd

    def _facts(self) -> Iterator[BatchFacts]:
        stage = self.world.stage
        query = select(BATCHES, JOBS.c.id).join(JOBS, JOBS.c.number == BATCHES.c.job)
        with stage.store.connect() as connection:
            known = {row.batch_id: row for row in connection.execute(query) if row.batch_id}
        for batch in make_client(stage.wire).messages.batches.list(limit=100):
            mine = known.get(batch.id)
            collected = mine.collected_at if mine else None
            yield BatchFacts(
                batch.id,
                mine.id if mine else "",
                batch.created_at,
                batch.ended_at,
                datetime.fromisoformat(collected) if collected else None,
                known_to_ledger=mine is not None,
            )

    def _tell(self, job: str, what: str) -> None:
        owner = self.world.game.job_type.owner
        self.world.pager.page(Alert(self.world.clock.now(), owner, job, what))


def remains(world: World) -> Iterator[str]:
    """Where payload of the jobs is still kept: at the service, in the store, in the record."""
    stage = world.stage
    for batch in stage.api.books().batches:
        if batch.processing_status != "deleted":
            yield f"{batch.id} at the service"
    with stage.store.connect() as connection:
        staged = connection.scalar(select(func.count()).select_from(STAGING))
        evidence = func.length(QUARANTINE.c.evidence) > 0
        kept = connection.scalar(select(func.count()).where(evidence))
        raw = connection.connection.driver_connection
        image: bytes = raw.serialize() if raw else b""
    with stage.record.engine.connect() as connection:
        before = connection.scalar(select(func.count()).select_from(stage.record.before))
    for count, where in (
        (staged, "staged answers"),
        (kept, "answers in quarantine with their evidence"),
        (before, "rows from before the promotion"),
    ):
        if count:
            yield f"{count:,} {where}"
    prefix = Namespace(stage.job.type.team, stage.job.id).prefix
    if f'{{"custom_id":"{prefix}'.encode() in image:
        yield "lines of results in the pages of the store"
