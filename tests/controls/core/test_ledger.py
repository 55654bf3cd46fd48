"""The ledger: append-only, chained, shared."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from controls import Ledger, LedgerEntry, open_store
from controls.core.answer import EVIDENCE_BYTES
from controls.core.ledger import Kept
from controls.core.store import ENTRIES, QUARANTINE, SENT
from tests.controls.builders import NOW, a_dresser, a_row, rows

COLUMNS = ("seq", "at", "job", "kind", "body", "previous", "hash")


def a_ledger(engine: Engine | None = None) -> Ledger:
    """A ledger on a clock that stands."""
    return Ledger(engine or open_store("sqlite://"), lambda: NOW)


def filled(count: int = 6) -> Ledger:
    """A ledger with so many entries of two jobs."""
    ledger = a_ledger()
    for number in range(count):
        ledger.append(f"job_{number % 2}", "decided", why=f"reason {number}")
    return ledger


def kept(**changes: Any) -> Kept:
    """One answer for the quarantine."""
    fields: dict[str, Any] = {
        "batch": 1,
        "ordinal": 0,
        "row_key": "key-0",
        "custom_id": "t-j-0",
        "reason": "schema",
        "detail": "score: too large",
        "evidence": b"{}",
    }
    return Kept(**fields | changes)


def test_entries_come_back_as_they_went_in() -> None:
    """In order, by job, with time and body."""
    ledger = a_ledger()
    first = ledger.append("job_1", "opened", rows=3, name="\u00e9\u2028", none=None)
    ledger.append("job_2", "opened")
    last = ledger.append("job_1", "promoted", rows=3)

    assert [first, last] == ledger.entries("job_1")
    body = {"rows": 3, "name": "\u00e9\u2028", "none": None}
    assert LedgerEntry(1, NOW, "job_1", "opened", body) == first
    assert [1, 3] == [first.seq, last.seq]
    assert [] == ledger.entries("job_3")


def test_an_untouched_chain_is_intact() -> None:
    """Also an empty one."""
    assert a_ledger().first_broken_entry() is None
    assert filled().first_broken_entry() is None


@settings(max_examples=60)
@given(st.integers(1, 6), st.sampled_from(COLUMNS), st.text("0abc", min_size=1, max_size=5))
def test_any_edited_field_is_located(seq: int, column: str, edit: str) -> None:
    """Time, job, kind, body, number or hash: it is the first broken entry."""
    ledger = filled()
    new: Any = 100 + seq if column == "seq" else edit
    with ledger.engine.begin() as connection:
        connection.execute(update(ENTRIES).where(ENTRIES.c.seq == seq).values({column: new}))

    assert seq == ledger.first_broken_entry()


@pytest.mark.parametrize("seq", range(1, 6))
def test_a_removed_entry_is_located(seq: int) -> None:
    """Renumbering those after it does not hide it."""
    ledger = filled()
    with ledger.engine.begin() as connection:
        connection.execute(delete(ENTRIES).where(ENTRIES.c.seq == seq))

    assert seq == ledger.first_broken_entry()

    with ledger.engine.begin() as connection:
        for later in range(seq + 1, 7):
            connection.execute(update(ENTRIES).where(ENTRIES.c.seq == later).values(seq=later - 1))

    assert seq == ledger.first_broken_entry()


@pytest.mark.parametrize("seq", range(1, 7))
def test_an_inserted_entry_is_located(seq: int) -> None:
    """An entry that was slipped in does not fit its neighbours."""
    ledger = filled()
    slipped = {"at": "x", "job": "j", "kind": "k", "body": "{}", "previous": "p", "hash": "h"}
    with ledger.engine.begin() as connection:
        for later in range(6, seq - 1, -1):
            connection.execute(update(ENTRIES).where(ENTRIES.c.seq == later).values(seq=later + 1))
        connection.execute(insert(ENTRIES), {"seq": seq} | slipped)

    assert seq == ledger.first_broken_entry()


def test_two_entries_that_changed_places_are_located() -> None:
    """Order is part of the chain."""
    ledger = filled()
    with ledger.engine.begin() as connection:
        for old, new in ((3, 100), (4, 3), (100, 4)):
            connection.execute(update(ENTRIES).where(ENTRIES.c.seq == old).values(seq=new))

    assert 3 == ledger.first_broken_entry()


def test_jobs_that_share_a_store_share_one_chain(tmp_path: Path) -> None:
    """Four writers at once: no entry is lost, none fails, the chain holds."""
    engines = [open_store(f"sqlite:///{tmp_path}/ledger.db") for _ in range(4)]
    failures: list[BaseException] = []

    def write(number: int) -> None:
        try:
            ledger = a_ledger(engines[number])
            for _ in range(15):
                ledger.append(f"job_{number}", "decided", why="x")
        except Exception as error:  # noqa: BLE001 - told to the test
            failures.append(error)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    ledger = a_ledger(engines[0])

    assert [] == failures
    assert [15] * 4 == [len(ledger.entries(f"job_{number}")) for number in range(4)]
    assert ledger.first_broken_entry() is None
    for engine in engines:
        engine.dispose()


def test_a_ledger_that_cannot_be_written_says_so() -> None:
    """After its chances the error is raised: nothing goes on without a record."""
    ledger = a_ledger()
    with ledger.engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER refuse BEFORE INSERT ON ledger_entries "
            "BEGIN SELECT RAISE(ABORT, 'no'); END"
        )

    with pytest.raises(IntegrityError):
        ledger.append("job_1", "opened")

    assert [] == ledger.entries("job_1")


def test_intentions_are_written_row_by_row() -> None:
    """Every custom_id with its key and the digest of what will be sent."""
    ledger = a_ledger()
    made = [a_dresser().dress(row) for row in rows(3)]

    assert not ledger.was_sent("job_1")
    ledger.intend("job_1", 1, made)

    with ledger.engine.connect() as connection:
        sent = connection.execute(select(SENT).order_by(SENT.c.ordinal)).all()
    assert [(row.custom_id, row.row.key) for row in made] == [
        (line.custom_id, line.row_key) for line in sent
    ]
    assert 3 == len({line.digest for line in sent})
    assert ledger.was_sent("job_1")
    assert not ledger.was_sent("job_2")
    assert [{"batch": 1, "requests": 3}] == [entry.body for entry in ledger.entries("job_1")]


def test_the_ledger_knows_the_batches_of_all_jobs() -> None:
    """Those that were made or adopted."""
    ledger = a_ledger()
    ledger.append("job_1", "created", batch=1, batch_id="msgbatch_1", requests=1)
    ledger.append("job_2", "created", batch=1, batch_id="msgbatch_2", requests=1)
    ledger.append("job_2", "collected", batch=1, batch_id="msgbatch_3")

    assert {"msgbatch_1", "msgbatch_2"} == ledger.batch_ids()


def test_quarantine_is_counted_by_reason_and_job() -> None:
    """For the alert before the promotion."""
    ledger = a_ledger()
    ledger.quarantine("job_1", [kept(), kept(reason="empty"), kept(reason="empty")])
    ledger.quarantine("job_2", [kept()])
    ledger.quarantine("job_2", [])

    assert Counter(schema=1, empty=2) == ledger.quarantined("job_1")


def test_evidence_is_bounded() -> None:
    """A huge answer cannot fill the disk; a strange id cannot either."""
    ledger = a_ledger()
    huge = kept(evidence=b"x" * 10**6, custom_id="y" * 10**6, reason="z" * 100, ordinal=None)
    ledger.quarantine("job_1", [huge])

    with ledger.engine.connect() as connection:
        (row,) = connection.execute(select(QUARANTINE)).all()

    assert (EVIDENCE_BYTES, 200, 64) == (len(row.evidence), len(row.custom_id), len(row.reason))
    assert a_row().key == row.row_key
