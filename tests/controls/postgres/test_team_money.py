"""The money of a team on PostgreSQL: jobs of real threads that decide at the same moment."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from threading import Barrier, Lock

import anthropic
import httpx2
import pytest

from controls import BatchRunner, JobOutcome, Ledger, LedgerEntry, Register
from controls.core.book import DONE, Book
from controls.core.decision import Decision, Proceed
from controls.core.moment import BeforeSubmit, Moment
from controls.policy import SpendPolicy
from simulator import Api, VirtualClock
from tests.controls.builders import NOW, SECRET, BentTransport, a_job_type, rows, straight
from tests.controls.postgres.test_runner import OnPostgres

pytestmark = pytest.mark.postgres
JOBS, AFFORDED = 4, 2


@dataclass
class AllAtOnce:
    """Every job has seen the team's money before any of them reserves."""

    barrier: Barrier
    asked: int = 0

    def decide(self, moment: Moment, /) -> Decision:
        """Wait for the others, the first time."""
        if isinstance(moment, BeforeSubmit):
            self.asked += 1
            if self.asked == 1:
                self.barrier.wait(60)
        return Proceed()


class Patient:
    """Virtual time that waits a little for the other threads: else a day of waiting is over before
    they have done anything."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock

    def now(self) -> datetime:
        """The present."""
        return self._clock.now()

    def sleep(self, duration: timedelta, /) -> None:
        """Time passes."""
        time.sleep(0.005)
        self._clock.sleep(duration)


class OneCallAtATime(BentTransport):
    """Threads share a service that lives in this process."""

    def __init__(self, api: Api) -> None:
        super().__init__(api, straight)
        self._one = Lock()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """One call."""
        with self._one:
            response = super().handle_request(request)
            response.read()
            return response


def test_jobs_that_begin_at_once_never_oversubscribe_a_team(postgres_url: str) -> None:
    """Money for two of four, and all have seen it unspent: whenever one has reserved, what is
    reserved or spent stays within it; who was overtaken decides again, or is halted by it."""
    bench = OnPostgres(url=postgres_url)
    assert "done" == bench.run(60, name="alone").status
    book = Book(bench.ledger)
    limit = AFFORDED * taken(book, "alone", spent=False) + taken(book, "alone")
    spend = SpendPolicy(ceiling_usd=Decimal(5), max_tokens_cap=128, team_usd_per_day=limit)
    bench.job_type = a_job_type(spend=spend)
    Register(bench.ledger).note(bench.job_type, by="A. Reviewer")
    names = [f"job_{number}" for number in range(JOBS)]
    barrier, transport, sums = Barrier(JOBS), OneCallAtATime(bench.api), list[Decimal]()
    meeting = [AllAtOnce(barrier) for _ in names]

    def listen(entry: LedgerEntry) -> None:
        if entry.kind == "cleared":
            sums.append(sum((taken(book, name) for name in ("alone", *names)), Decimal(0)))

    def run(number: int) -> JobOutcome:
        stack = replace(bench.stack, controls=(*bench.stack.controls, meeting[number]))
        client = anthropic.Anthropic(
            api_key="test",
            base_url="http://simulator.invalid",
            http_client=httpx2.Client(transport=transport),
            max_retries=0,
        )
        ledger = Ledger(bench.store, bench.clock.now, listen)
        clock = Patient(bench.clock)
        runner = BatchRunner(client, ledger, clock, stack, pager=bench.alerts, secret=SECRET)
        return runner.run(bench.a_job(names[number]), rows(60))

    with ThreadPoolExecutor(JOBS) as pool:
        outcomes = list(pool.map(run, range(JOBS)))

    assert AFFORDED <= len(sums) <= JOBS
    assert max(sums) <= limit
    assert bench.books.billed_usd <= limit
    assert sum(one.asked for one in meeting) > JOBS, "nobody was overtaken"
    assert all(one.status == "done" or "the team" in one.why for one in outcomes)
    assert NOW.date() == bench.clock.now().date(), "all of it was on one day"
    bench.store.dispose()


def taken(book: Book, name: str, *, spent: bool = True) -> Decimal:
    """What a job has spent once it is done; else, or without `spent`, what it has reserved."""
    record = book.job(name)
    if record is None:
        return Decimal(0)
    return book.spent_usd(record) if spent and record.status == DONE else record.reserved_usd
