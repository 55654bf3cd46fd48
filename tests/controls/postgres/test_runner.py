"""Whole jobs with the store and the system of record in one PostgreSQL database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from controls import (
    BatchRunner,
    Canary,
    Job,
    Ledger,
    LedgerEntry,
    Register,
    SystemOfRecord,
    open_store,
)
from controls.audit import verify_trail
from controls.core.book import PLANNED, Batch
from controls.core.columns import read_staged
from controls.core.store import STAGING
from controls.core.work import Work
from simulator import Question
from simulator.faults import RowsErrored, RowsExpired
from tests.controls.builders import (
    SECRET,
    Bench,
    a_client,
    a_record,
    an_answer,
    approvals,
    content,
    rows,
)

pytestmark = pytest.mark.postgres
COUNT = 60
BROKEN = ("7", "31")
"""Rows whose answers are no JSON."""


@dataclass
class OnPostgres(Bench):
    """A bench whose two databases are one, and PostgreSQL's."""

    url: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.store = open_store(self.url)
        self.record = a_record(self.store, self.prior)
        Register(Ledger(self.store, self.clock.now)).note(self.job_type, by="A. Reviewer")
        self.ledger = Ledger(self.store, self.clock.now, self.listen)
        self.runner = self.a_runner(self.stack)

    def a_job(self, name: str = "job_1", **settings: Any) -> Job:
        """A job that need not wait for a person after its first canary."""
        return super().a_job(name, **{"approvals": approvals("1"), **settings})


@pytest.fixture
def url(postgres_url: str) -> Iterator[str]:
    """A database whose connections are all closed at the end."""
    yield postgres_url
    for bench in BENCHES:
        bench.store.dispose()
    BENCHES.clear()


BENCHES: list[OnPostgres] = []


def a_bench(**settings: Any) -> OnPostgres:
    """A bench that the fixture closes."""
    bench = OnPostgres(**settings)
    BENCHES.append(bench)
    return bench


def test_a_good_day_and_its_rollback(url: str) -> None:
    """60 rows in canary and rest, over two that were there; undone, the two are as they were."""
    prior = [{"key": f"key-{n}", "label": "old", "score": 0.1, "visits": n} for n in (0, 59)]
    bench = a_bench(url=url, prior=prior)
    before = content(bench.record)

    outcome = bench.run(COUNT)

    assert ("done", COUNT, 0) == (outcome.status, outcome.promoted, outcome.quarantined)
    assert {f"key-{n}": "pos" for n in range(COUNT)} == bench.labels
    assert [0, 59] == [row[3] for row in content(bench.record) if row[3] is not None]
    assert [] == bench.alerts
    spent = Decimal(bench.entries("promoted")[0]["spent_usd"])
    assert abs(bench.books.billed_usd - spent) < Decimal("0.000001")
    assert COUNT == bench.runner.rollback(bench.a_job())
    assert before == content(bench.record)


def test_rows_without_an_answer_are_sent_again_and_broken_ones_are_kept(url: str) -> None:
    """Expired and errored rows go a second time, answers that are no JSON into quarantine; every
    row is in exactly one place."""

    def says(question: Question) -> str:
        number = question.user.split("text ")[1].split("\n")[0]
        return "no \0 JSON \ud7ff" if number in BROKEN else an_answer(question)

    faults = [RowsExpired(0.1, times=9), RowsErrored(0.1, times=3)]
    bench = a_bench(url=url, faults=faults, says=says, without=[Canary])

    outcome = bench.run(COUNT)

    assert ("done", "") == (outcome.status, outcome.why)
    assert len(bench.books.batches) > 1
    assert {"not_json": len(BROKEN)} == bench.reasons
    assert () == verify_trail(bench.store).tampering
    kept = [item["row_key"] for item in bench.kept]
    assert {row.key: 1 for row in rows(COUNT)} == Counter([*bench.labels, *kept])
    assert {f"key-{n}" for n in BROKEN} == set(kept)


class Late(BatchRunner):
    """A worker that always comes just after another has sent the batch that it wants to send."""

    other: BatchRunner

    @contextmanager
    def _mine(self, work: Work, number: int) -> Iterator[Batch | None]:
        with self.other._mine(work, number) as first:
            if first and first.state == PLANNED:
                self.other._submitter.submit(work, first)
        with super()._mine(work, number) as mine:
            yield mine


def test_a_batch_that_another_worker_has_just_sent_is_not_sent_again(url: str) -> None:
    """The list of what is left was read before the lock was taken; the batch itself after."""
    bench = a_bench(url=url)
    client = a_client(bench.api)
    late = Late(client, bench.ledger, bench.clock, bench.stack, pager=bench.alerts, secret=SECRET)
    late.other = bench.runner

    outcome = late.run(bench.a_job(), rows(COUNT))

    assert ("done", COUNT) == (outcome.status, outcome.promoted)
    assert {1} == set(Counter(request.custom_id for request in bench.books.requests).values())
    assert [] == bench.entries("create failed")


class Killed(BaseException):
    """What a crash looks like from inside."""


@pytest.mark.parametrize(
    "step", ["opened", "intended", "created", "collected", "passed", "promoted"]
)
def test_a_job_goes_on_after_a_crash(url: str, step: str) -> None:
    """The worker ends right after a step was committed; another finishes: nothing is paid twice,
    every row is promoted once."""

    def die(entry: LedgerEntry) -> None:
        if entry.kind == step:
            raise Killed

    first = a_bench(url=url, listen=die)
    with pytest.raises(Killed):
        first.run(COUNT)
    first.ledger = Ledger(open_store(url), first.clock.now)
    first.store.dispose()
    first.store = first.ledger.engine
    first.record = SystemOfRecord(first.store, "answers", "key")
    second = first.a_runner(first.stack)

    outcome = second.run(first.a_job(), rows(COUNT))

    assert ("done", COUNT) == (outcome.status, outcome.promoted)
    assert {f"key-{n}": "pos" for n in range(COUNT)} == first.labels
    sent = Counter(request.custom_id for request in first.books.requests)
    assert {1} == set(sent.values())
    with first.store.connect() as connection:
        parts = connection.scalars(select(STAGING.c.lines)).all()
    assert COUNT == sum(len(read_staged(lines).ordinals) for lines in parts)
