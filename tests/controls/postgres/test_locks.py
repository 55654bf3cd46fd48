"""Locks between workers on PostgreSQL: one holder, freed when it dies."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from controls import LedgerEntry, open_store
from controls.core.book import Book
from controls.core.locks import LockLostError, Locks, number_of
from simulator.faults import LostReply
from tests.controls.builders import rows
from tests.controls.postgres.test_runner import OnPostgres

pytestmark = pytest.mark.postgres
HOLDER = """
import sys, time
from controls import open_store
from controls.core.locks import Locks
with Locks(open_store(sys.argv[1])).hold("job a", lambda: time.sleep(0.01)):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def store(postgres_url: str) -> Iterator[Engine]:
    """An open store."""
    engine = open_store(postgres_url)
    yield engine
    engine.dispose()


def free(locks: Locks, name: str) -> bool:
    """Whether a lock can be had."""
    with locks.attempt(name) as held:
        return held


def within(seconds: float, locks: Locks, name: str) -> bool:
    """Whether a lock can be had soon."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if free(locks, name):
            return True
        time.sleep(0.01)
    return False


def test_a_worker_that_is_killed_gives_its_locks_back(store: Engine, postgres_url: str) -> None:
    """Held while it lives, by nobody else; free within a second of `kill -9`."""
    locks = Locks(store)
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, postgres_url], stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert b"held\n" == holder.stdout.readline()

        assert not free(locks, "job a")
        assert free(locks, "job b")
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
    assert within(5, locks, "job a")


def test_two_workers_of_one_process_exclude_each_other(postgres_url: str) -> None:
    """Also where each has an engine of its own; a lock that was given back is free."""
    one, two = open_store(postgres_url), open_store(postgres_url)
    with Locks(one).attempt("x") as first, Locks(two).attempt("x") as second:
        assert (True, False) == (first, second)

    assert free(Locks(two), "x")
    one.dispose()
    two.dispose()


def test_a_worker_goes_on_after_the_server_has_dropped_its_connections(store: Engine) -> None:
    """After a failover: what it held is free for others, and it can hold locks again."""
    locks = Locks(store)
    with locks.attempt("x") as held:
        assert held
        drop_all_others(store)
    assert free(locks, "x")
    drop_all_others(store)

    assert free(locks, "y")


def test_runners_that_are_done_keep_no_connection(store: Engine) -> None:
    """More of them than the pool has connections, one after the other and alive."""
    many = [Locks(store) for _ in range(40)]

    assert all(free(locks, "x") for locks in many)


def test_a_lock_is_confirmed_only_while_it_is_held(store: Engine) -> None:
    """Not before it was taken, not once the server has dropped the connection, not afterwards."""
    locks = Locks(store)
    with pytest.raises(LockLostError, match="has lost the lock 'x'"):
        locks.confirm("x")
    with locks.attempt("x"), locks.attempt("y"):
        locks.confirm("x")
        drop_all_others(store)
        with pytest.raises(LockLostError):
            locks.confirm("x")
        with pytest.raises(LockLostError):
            locks.confirm("y")
    with locks.attempt("x"), pytest.raises(LockLostError):
        locks.confirm("y")


def test_what_another_worker_holds_is_not_confirmed(store: Engine, postgres_url: str) -> None:
    """After the locks were lost, somebody else may have them."""
    locks, other = Locks(store), open_store(postgres_url)
    with locks.attempt("x") as held:
        assert held
        drop_all_others(store)
        with other.connect() as connection:
            number = {"number": number_of("x")}
            connection.execute(text("SELECT pg_advisory_lock(:number)"), number)
            with pytest.raises(LockLostError):
                locks.confirm("x")
    other.dispose()


@pytest.mark.parametrize("kind", ["cleared", "intended", "create failed"])
def test_a_worker_that_is_cut_off_sends_nothing_more(kind: str, postgres_url: str) -> None:
    """Its connections break after this entry: between decision and plan, between intention and
    call, or while it looks for a batch whose reply was lost. Run again, the job ends, and nothing
    is paid twice."""
    cut = [kind]

    def listen(entry: LedgerEntry) -> None:
        if [entry.kind] == cut:
            cut.clear()
            drop_all_others(bench.store)

    bench = OnPostgres(url=postgres_url, listen=listen, faults=[LostReply(times=1)])
    with pytest.raises(LockLostError):
        bench.run(60)

    assert {"cleared": 0, "intended": 0, "create failed": 1}[kind] == bench.creates
    assert "done" == bench.run(60).status
    assert len(bench.books.requests) == len({one.custom_id for one in bench.books.requests}) == 60
    bench.store.dispose()


def test_two_workers_do_not_both_write_down_a_batch(postgres_url: str) -> None:
    """Who comes second is told, and the id that the first wrote stays."""
    bench = OnPostgres(url=postgres_url)
    assert "done" == bench.runner.run(bench.a_job(), rows(60)).status
    book = Book(bench.ledger)
    job = book.job("job_1")
    assert job is not None
    before = book.batches(job)

    with pytest.raises(LockLostError, match="is intended no longer"):
        book.created(job, 1, "msgbatch_other", "created")

    assert before == book.batches(job)
    bench.store.dispose()


def drop_all_others(engine: Engine) -> None:
    """What a failover does to the connections of a worker."""
    with engine.connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )
        )
