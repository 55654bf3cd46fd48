"""The chain on PostgreSQL: many writers, no gap, every link."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, func, select

from controls import Ledger, open_store
from controls.core.ledger import GENESIS, Kept, entry_hash
from controls.core.store import ENTRIES, QUARANTINE, meta
from tests.controls.builders import NOW

pytestmark = pytest.mark.postgres
WRITERS, EACH = 4, 50
WRITER = """
import sys
from datetime import UTC, datetime
from controls import Ledger, open_store
engine = open_store(sys.argv[1])
ledger = Ledger(engine, lambda: datetime(2026, 11, 20, tzinfo=UTC))
for number in range(int(sys.argv[3])):
    with ledger.transaction() as transaction:
        transaction.append(sys.argv[2], "decided", number=number)
        transaction.append(sys.argv[2], "told", number=number)
engine.dispose()
"""


def whole(engine: Engine) -> int:
    """How many entries there are; each number is there and each hash is that of its entry."""
    with engine.connect() as connection:
        entries = connection.execute(select(ENTRIES).order_by(ENTRIES.c.seq)).all()
        assert str(len(entries)) == meta(connection, "head")
    previous = GENESIS
    for seq, entry in enumerate(entries, start=1):
        assert (seq, previous) == (entry.seq, entry.previous)
        assert entry.hash == entry_hash(previous, entry._asdict())
        previous = entry.hash
    return len(entries)


def test_four_processes_write_one_chain(postgres_url: str) -> None:
    """No entry is lost, none fails; the two of a transaction stand side by side."""
    engine = open_store(postgres_url)
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, postgres_url, f"job_{number}", str(EACH)])
        for number in range(WRITERS)
    ]

    assert [0] * WRITERS == [writer.wait(60) for writer in writers]
    assert WRITERS * EACH * 2 == whole(engine)
    entries = Ledger(engine, lambda: NOW).entries()
    assert all(
        one.job == two.job and one.body == two.body
        for one, two in zip(entries[::2], entries[1::2], strict=True)
    )
    engine.dispose()


def test_writers_in_threads_share_an_engine(postgres_url: str) -> None:
    """Each thread has a connection of its own; every entry has its own place."""
    engine = open_store(postgres_url)
    ledger = Ledger(engine, lambda: NOW)

    def write(number: int) -> None:
        for _ in range(EACH):
            ledger.append(f"job_{number}", "decided")

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, range(WRITERS)))

    assert WRITERS * EACH == whole(engine)
    assert {EACH} == set(Counter(entry.job for entry in ledger.entries()).values())
    engine.dispose()


def test_a_transaction_that_fails_leaves_no_gap(postgres_url: str) -> None:
    """Its entries take no number."""
    engine = open_store(postgres_url)
    ledger = Ledger(engine, lambda: NOW)
    ledger.append("job_1", "opened")
    with pytest.raises(TypeError), ledger.transaction() as transaction:
        transaction.append("job_1", "told", about=(transaction.append("job_1", "x"), object()))
    ledger.append("job_1", "promoted")

    assert 2 == whole(engine)
    engine.dispose()


def test_entries_and_quarantine_take_any_text(postgres_url: str) -> None:
    """NUL and halves of surrogate pairs, which PostgreSQL refuses, in every field that is not
    ours: the digest covers what is stored."""
    engine = open_store(postgres_url)
    ledger = Ledger(engine, lambda: NOW)
    odd = "a\0b\ud800\t\\N"
    kept = Kept(1, odd, odd, odd, odd, odd.encode("utf-8", "surrogatepass"))
    with ledger.transaction() as transaction:
        transaction.keep(1, 1, [kept, kept])
        transaction.append("job_1", "decided", why=odd)

    with engine.connect() as connection:
        assert 2 == connection.scalar(select(func.count()).select_from(QUARANTINE))
        row = connection.execute(select(QUARANTINE)).first()
    assert row is not None
    stored = (row.ordinal, row.row_key, row.custom_id, row.reason, row.detail)
    assert kept.stored() == (*stored, row.evidence, row.evidence_digest)
    assert 1 == whole(engine)
    engine.dispose()
