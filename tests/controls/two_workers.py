"""`python -m tests.controls.two_workers --rows 100000`: two workers, one PostgreSQL, one job.

Each worker is a process; the service answers over a socket in a third, on a clock that moves when
it is asked. Once half of the rows are collected, a worker is killed with `kill -9` in the middle of
a batch of which some answers are written down and some are not. What became of every row is read
from the service's own books and from the system of record.
"""

from __future__ import annotations

import argparse
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import anthropic
from sqlalchemy import Engine, Select, exists, func, select, text
from sqlalchemy.engine import make_url

from controls import (
    Alerts,
    BatchRunner,
    Chunking,
    Job,
    JobType,
    Ledger,
    Register,
    Staging,
    SystemOfRecord,
    default_stack,
    open_store,
)
from controls.core import collector
from controls.core.book import COLLECTED
from controls.core.locks import number_of
from controls.core.store import ANSWERED, BATCHES, JOBS
from simulator import FromCallable, PollClock, Question
from simulator.server import Server
from simulator.sharing import SharedApi
from tests import postgres
from tests.controls.builders import a_job_type, an_answer, approvals, rows

T = TypeVar("T")
Worker = subprocess.Popen[bytes]

JOB = "job_1"
BATCHES_OF_A_JOB, WRITES_OF_A_JOB = 10, 100
PATIENCE = 300.0
"""Seconds for the whole run."""
ROW_NUMBER = re.compile(r"text (\d+)")


class Hurried:
    """The real time for a worker, who never sleeps longer than a moment."""

    def now(self) -> datetime:
        """The present."""
        return datetime.now(UTC)

    def sleep(self, duration: timedelta, /) -> None:
        """Wait, but not as long as one says."""
        time.sleep(min(duration.total_seconds(), 0.1))


@dataclass(frozen=True, slots=True)
class Story:
    """What happened, from the service's books and the record."""

    sent: Counter[str]
    """How often the service answered each custom_id."""
    record: dict[str, str]
    """Label by row key."""
    killed_at: int
    """Rows that were collected when the worker was killed."""
    exit_codes: tuple[int, int]
    """Of the killed worker and of the one that was left."""
    seconds: float


def label_of(number: int) -> str:
    """What the model says of a row."""
    return "neg" if number % 3 else "pos"


def says(question: Question) -> str:
    """A cheap model: the label follows from the number in the text."""
    found = ROW_NUMBER.search(question.user)
    assert found is not None
    return an_answer(question, label_of(int(found[1])))


def the_type() -> JobType:
    """The policy of the job."""
    return a_job_type(ceiling="500.00")


def work(store_url: str, api_url: str, count: int) -> None:
    """What one worker does: the whole job, as far as the other leaves it."""
    collector.ROWS_PER_WRITE = max(count // WRITES_OF_A_JOB, 1)
    engine, job_type, clock = open_store(store_url), the_type(), Hurried()
    stack = default_stack(job_type, Staging(engine, SystemOfRecord(engine, "answers", "key")))
    stack = replace(stack, chunking=Chunking(max_requests=max(count // BATCHES_OF_A_JOB, 1)))
    with anthropic.Anthropic(api_key="worker", base_url=api_url, max_retries=0) as client:
        ledger = Ledger(engine, clock.now)
        runner = BatchRunner(client, ledger, clock, stack, pager=Alerts())
        outcome = runner.run(Job(JOB, job_type, approvals("500", "0")), rows(count))
    engine.dispose()
    assert ("done", count) == (outcome.status, outcome.promoted), outcome.why


@contextmanager
def worker(name: str, store_url: str, api_url: str, count: int) -> Iterator[Worker]:
    """A worker in a process of its own, whose connections carry its name."""
    named = make_url(store_url).update_query_dict({"application_name": name})
    url = named.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.controls.two_workers", "--worker"]
    process = subprocess.Popen([*command, url, api_url, str(count)])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def run(store_url: str, count: int) -> Story:
    """Let two workers do the job, kill one of them, and tell what became of it."""
    engine = open_store(store_url)
    with engine.begin() as connection:
        connection.execute(
            text("CREATE TABLE answers (key text PRIMARY KEY, label text, score float8)")
        )
    Register(Ledger(engine, Hurried().now)).note(the_type(), by="A. Reviewer")
    clock = PollClock(start=datetime.now(UTC), polls=1)
    api = SharedApi(clock=clock, responder=FromCallable(says))
    start = time.monotonic()
    with Server(api) as server, worker("one", store_url, server.url, count) as one:
        until(lambda: number(engine, select(func.count()).select_from(JOBS)), [one])
        with worker("two", store_url, server.url, count) as two:
            until(lambda: collected(engine) >= count / 2, [one, two])
            victim = until(lambda: stopped_within_a_batch(engine, one, two), [one, two])
            victim.kill()
            killed_at = collected(engine)
            codes = (victim.wait(), (two if victim is one else one).wait(PATIENCE))
    seconds = time.monotonic() - start
    with engine.connect() as connection:
        record = {row.key: row.label for row in connection.execute(text("SELECT * FROM answers"))}
    engine.dispose()
    sent = Counter(request.custom_id for request in api.books().requests)
    return Story(sent, record, killed_at, codes, seconds)


def until(look: Callable[[], T | None], workers: Sequence[Worker]) -> T:
    """What `look` sees once it sees something."""
    deadline = time.monotonic() + PATIENCE
    while not (seen := look()):
        assert [None] * len(workers) == [worker.poll() for worker in workers], "a worker has ended"
        assert time.monotonic() < deadline, "nothing happens"
        time.sleep(0.005)
    return seen


def number(engine: Engine, query: Select[Any]) -> int:
    """The number that a query finds; 0 for none."""
    with engine.connect() as connection:
        return int(connection.scalar(query) or 0)


def collected(engine: Engine) -> int:
    """Rows of the batches that are collected."""
    query = select(func.sum(BATCHES.c.requests)).where(BATCHES.c.state == COLLECTED)
    return number(engine, query)


def stopped_within_a_batch(engine: Engine, one: Worker, two: Worker) -> Worker | None:
    """The worker that has written some answers of a batch and not all, stopped; or None."""
    for batch in half_done(engine):
        holder = holder_of(engine, f"job {JOB} batch {batch}")
        if not holder:
            continue
        worker = one if holder == "one" else two
        worker.send_signal(signal.SIGSTOP)
        if batch in half_done(engine):
            return worker
        worker.send_signal(signal.SIGCONT)
    return None


def half_done(engine: Engine) -> list[int]:
    """Batches that are not collected, of which some answers are written down."""
    parts = exists().where(ANSWERED.c.job == BATCHES.c.job, ANSWERED.c.batch == BATCHES.c.number)
    with engine.connect() as connection:
        query = select(BATCHES.c.number).where(BATCHES.c.state != COLLECTED, parts)
        return list(connection.scalars(query))


def holder_of(engine: Engine, lock: str) -> str:
    """The worker that holds a lock, or nothing."""
    query = text(
        "SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid) "
        "WHERE locktype = 'advisory' AND granted "
        "AND classid::bigint << 32 | objid::bigint = :number"
    )
    with engine.connect() as connection:
        return str(connection.scalar(query, {"number": number_of(lock)}) or "")


def check(story: Story, count: int) -> None:
    """Every row exactly once: sent once, answered once, in the record once, with its own answer."""
    assert (-9, 0) == story.exit_codes
    assert count / 2 <= story.killed_at < count, story.killed_at
    assert (count, {1}) == (len(story.sent), set(story.sent.values()))
    assert {f"key-{number}": label_of(number) for number in range(count)} == story.record


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it and say how long it took."""
    parser = argparse.ArgumentParser(prog="python -m tests.controls.two_workers")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--worker", nargs=3, metavar=("STORE", "API", "ROWS"))
    options = parser.parse_args(arguments)
    if options.worker:
        store_url, api_url, count = options.worker
        work(store_url, api_url, int(count))
        return 0
    with postgres.server() as server, postgres.database(server) as url:
        story = run(url, options.rows)
    check(story, options.rows)
    print(  # noqa: T201 - a command
        f"{options.rows:,} rows, two workers, one killed within a batch after {story.killed_at:,} "
        f"rows: every row exactly once, in {story.seconds:.1f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
