"""The audit: whatever is changed in the trail is found, and named."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, Table, and_, delete, insert, select, update
from sqlalchemy.engine import Connection

from controls import Ledger, open_store
from controls.audit import Verification, knows, verify_trail
from controls.core.ledger import entry_hash
from controls.core.store import (
    ANSWERED,
    BATCHES,
    ENTRIES,
    HALTS,
    JOBS,
    QUARANTINE,
    REVIEWS,
    SENT,
    STAGING,
    set_meta,
)
from controls.policy import CanaryPolicy
from controls.registry import Register
from controls.runbook import Runbook
from simulator import Question
from simulator.faults import RowsErrored
from tests.controls.builders import NOW, Bench, a_job_type, an_answer

TRAIL = (ENTRIES, JOBS, BATCHES, SENT, ANSWERED, STAGING, QUARANTINE, REVIEWS, HALTS)
KEYS = {table: [column.name for column in table.primary_key] for table in TRAIL}


def says(question: Question) -> str:
    """A model that sometimes talks."""
    return "nonsense" if "text 7" in question.user else an_answer(question)


def a_finished_job() -> Bench:
    """Approved, sent in two batches, answers kept back, rows given up, promoted; a team halted."""
    job_type = a_job_type(
        canary=CanaryPolicy(min_rows=10, max_bad_share=0.5, ramp=()), max_rounds=1
    )
    faults = [RowsErrored(share=0.1, error_type="invalid_request_error")]
    bench = Bench(says=says, job_type=job_type, faults=faults)
    Register(bench.ledger).approve(job_type, by="A. Person")
    assert "done" == bench.run(40).status
    Runbook(bench.ledger).halt("team other", by="A. Person", why="a test")
    return bench


@pytest.fixture(scope="module")
def finished() -> Bench:
    """One for all tests that change one thing and put it back."""
    return a_finished_job()


def cells(store: Engine) -> Iterator[tuple[Table, dict[str, Any], str]]:
    """Every column of every row of the trail."""
    with store.connect() as connection:
        for table in TRAIL:
            for row in connection.execute(select(table)).all():
                values = row._asdict()
                yield from ((table, values, name) for name in values)


def flipped(value: Any, place: int) -> Any:
    """Another value: one byte, character or bit is different."""
    match value:
        case None:
            return "2026"
        case int():
            return value ^ (1 << 8 + place % 8)
        case bytes():
            at = place % max(len(value), 1)
            return value[:at] + bytes([(value[at] if value else 0) ^ 1]) + value[at + 1 :]
        case _:
            at = place % max(len(value), 1)
            other = "y" if value[at : at + 1] == "x" else "x"
            return value[:at] + other + value[at + 1 :]


def raw(store: Engine) -> sqlite3.Connection:
    """The one connection of a store in memory."""
    with store.connect() as connection:
        driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


def saved(store: Engine) -> bytes:
    """The whole store."""
    return raw(store).serialize()


def put_back(store: Engine, whole: bytes) -> None:
    """The store as it was saved."""
    raw(store).deserialize(whole)


def the_row(table: Table, values: dict[str, Any]) -> Any:
    """The condition that finds this row."""
    return and_(*(table.c[name] == values[name] for name in KEYS[table]))


def expected_place(table: Table, values: dict[str, Any]) -> str:
    """Where a change of this row must be reported."""
    match table.name:
        case "ledger_entries":
            return f"entry {values['seq']}"
        case "jobs":
            return "job job_1"
        case "batches":
            return f"batch {values['number']} of job_1"
        case "ledger_sent":
            return f"requests of batch {values['batch']} of job_1"
        case "ledger_answered":
            return f"answers of batch {values['batch']} of job_1"
        case "staging":
            return f"staging of batch {values['batch']} of job_1"
        case "quarantine":
            return f"quarantine of batch {values['batch']} of job_1"
        case "reviews":
            return f"review {values['id']}"
        case _:
            return f"halt of {values['scope']}"


def places(verification: Verification) -> list[str]:
    """Where something was found."""
    return [tampering.where for tampering in verification.tampering]


def test_an_untouched_trail_is_intact(finished: Bench) -> None:
    """Every list is compared: requests, answers, staging and quarantine, of all batches."""
    verification = verify_trail(finished.store)

    assert () == verification.tampering
    entries = finished.ledger.entries()
    assert len(entries) == verification.entries
    assert {"gave up", "collected"} <= {entry.kind for entry in entries}
    assert 4 * 2 + 1 == verification.lists
    assert 64 == len(verification.last_hash)


def test_an_empty_store_is_intact() -> None:
    """No entries, nothing wrong."""
    assert Verification(0, 0, "0" * 64, ()) == verify_trail(open_store("sqlite://"))


@settings(max_examples=4)
@given(st.integers(0, 2_000))
def test_one_changed_byte_anywhere_is_found_and_named(finished: Bench, place: int) -> None:
    """In every column of every row of every table of the trail."""
    whole = saved(finished.store)
    for table, values, name in cells(finished.store):
        change = update(table).where(the_row(table, values))
        with finished.store.begin() as connection:
            connection.execute(change.values({name: flipped(values[name], place)}))
        found = verify_trail(finished.store)
        put_back(finished.store, whole)

        where = expected_place(table, values)
        assert where in places(found), f"{table.name}.{name} of {values}: {found.tampering}"
    assert () == verify_trail(finished.store).tampering


@pytest.mark.parametrize("table", TRAIL, ids=lambda table: table.name)
def test_a_row_that_is_gone_is_found_and_named(finished: Bench, table: Table) -> None:
    """Any row of any table of the trail."""
    whole = saved(finished.store)
    rows = {
        tuple(values.values()): values for kind, values, _ in cells(finished.store) if kind is table
    }
    for values in rows.values():
        with finished.store.begin() as connection:
            connection.execute(delete(table).where(the_row(table, values)))
        found = verify_trail(finished.store)
        put_back(finished.store, whole)

        last = table is ENTRIES and values["seq"] == len(rows)
        where = "end of the chain" if last else expected_place(table, values)
        assert where in places(found)


@pytest.mark.parametrize("table", TRAIL[1:], ids=lambda table: table.name)
def test_a_row_that_was_slipped_in_is_found(finished: Bench, table: Table) -> None:
    """A copy of a row under another key."""
    whole = saved(finished.store)
    values = next(values for kind, values, _ in cells(finished.store) if kind is table)
    changed = {name: values[name] for name in KEYS[table][-1:]}
    changed = {name: f"{old}x" if isinstance(old, str) else 99 for name, old in changed.items()}
    if table is JOBS:
        changed["id"] = "job_9"
    with finished.store.begin() as connection:
        connection.execute(insert(table), values | changed)
    found = verify_trail(finished.store)
    put_back(finished.store, whole)

    assert found.tampering


# --- the chain alone


def a_ledger(count: int = 6) -> Ledger:
    """A ledger with so many entries of two jobs."""
    ledger = Ledger(open_store("sqlite://"), lambda: NOW)
    for number in range(count):
        ledger.append(f"job_{number % 2}", "decided", why=f"reason {number}")
    return ledger


def renumber(connection: Connection, old: int, new: int) -> None:
    """Give an entry another number."""
    connection.execute(update(ENTRIES).where(ENTRIES.c.seq == old).values(seq=new))


@pytest.mark.parametrize("seq", range(1, 7))
@pytest.mark.parametrize("count", [5, 6])
def test_a_removed_entry_is_located(seq: int, count: int) -> None:
    """Renumbering those after it does not hide it, nor does a corrected number of entries."""
    ledger = a_ledger()
    with ledger.engine.begin() as connection:
        connection.execute(delete(ENTRIES).where(ENTRIES.c.seq == seq))
        for later in range(seq + 1, 7):
            renumber(connection, later, later - 1)
        set_meta(connection, "head", str(count))

    where = f"entry {seq}" if seq < 6 else "end of the chain"
    found = places(verify_trail(ledger.engine))
    assert found[:1] == ([where] if (seq, count) != (6, 5) else [])


def test_a_shorter_chain_is_told_by_the_hash_that_was_kept_elsewhere() -> None:
    """Cut off at the end, with the number of entries corrected: only the noted hash tells."""
    ledger = a_ledger()
    noted = verify_trail(ledger.engine).last_hash
    with ledger.engine.begin() as connection:
        connection.execute(delete(ENTRIES).where(ENTRIES.c.seq == 6))
        set_meta(connection, "head", "5")

    assert noted != verify_trail(ledger.engine).last_hash
    assert not knows(ledger.engine, noted)
    ledger.append("job_1", "decided", why="reason 5")
    assert knows(ledger.engine, noted)


def test_an_end_that_was_cut_off_shows_as_soon_as_its_writer_goes_on() -> None:
    """Who has written the last entry links the next one to it, whatever the store holds now."""
    ledger = a_ledger()
    with ledger.engine.begin() as connection:
        connection.execute(delete(ENTRIES).where(ENTRIES.c.seq == 6))
    ledger.append("job_1", "decided", why="reason 7")

    assert ["entry 6"] == places(verify_trail(ledger.engine))[:1]


@pytest.mark.parametrize("seq", range(1, 7))
def test_an_inserted_entry_is_located(seq: int) -> None:
    """An entry that was slipped in does not fit its neighbours, even if its own hash is right."""
    ledger = a_ledger()
    slipped = {"at": "x", "job": "j", "kind": "k", "body": "{}", "seq": seq}
    with ledger.engine.begin() as connection:
        for later in range(6, seq - 1, -1):
            renumber(connection, later, later + 1)
        slipped |= {"previous": "p", "hash": entry_hash("p", slipped)}
        connection.execute(insert(ENTRIES), slipped)

    assert f"entry {seq}" == places(verify_trail(ledger.engine))[0]


def test_two_entries_that_changed_places_are_located() -> None:
    """Order is part of the chain."""
    ledger = a_ledger()
    with ledger.engine.begin() as connection:
        for old, new in ((3, 100), (4, 3), (100, 4)):
            renumber(connection, old, new)

    assert "entry 3" == places(verify_trail(ledger.engine))[0]


def test_an_entry_of_another_shape_is_told_not_raised() -> None:
    """Rightly chained, and nothing that gameday writes."""
    ledger = a_ledger(1)
    ledger.append("job_0", "intended", batch=[])

    assert ["entry 2"] == places(verify_trail(ledger.engine))


def test_a_collection_under_way_is_no_tampering(finished: Bench) -> None:
    """Parts of a batch that is being collected lie there before an entry closes them."""
    whole = saved(finished.store)
    with finished.store.begin() as connection:
        seq = connection.scalar(select(ENTRIES.c.seq).where(ENTRIES.c.kind == "collected").limit(1))
        connection.execute(delete(ENTRIES).where(ENTRIES.c.seq >= seq))
        connection.execute(delete(REVIEWS).where(REVIEWS.c.id > 2))
        connection.execute(delete(HALTS))
        connection.execute(delete(BATCHES).where(BATCHES.c.number > 1))
        connection.execute(delete(QUARANTINE).where(QUARANTINE.c.batch != 1))
        for table in (SENT, ANSWERED, STAGING):
            connection.execute(delete(table).where(table.c.batch > 1))
        connection.execute(update(BATCHES).values(state="created", collected_at=None))
        connection.execute(update(JOBS).values(status="running", ended_at=None))
        set_meta(connection, "head", str(int(seq or 0) - 1))
    found = verify_trail(finished.store)
    put_back(finished.store, whole)

    assert () == found.tampering
