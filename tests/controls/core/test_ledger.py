"""The ledger: append-only, chained, shared."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select, update
from sqlalchemy.exc import IntegrityError

from controls import Ledger, LedgerEntry, open_store
from controls.core.answer import EVIDENCE_BYTES
from controls.core.book import Book
from controls.core.ledger import GENESIS, Kept, digest_of, storable
from controls.core.store import ENTRIES, QUARANTINE
from tests.controls.builders import NOW, a_job_type, a_row


def a_ledger(engine: Engine | None = None) -> Ledger:
    """A ledger on a clock that stands."""
    return Ledger(engine or open_store("sqlite://"), lambda: NOW)


def kept(**changes: Any) -> Kept:
    """One answer for the quarantine."""
    fields: dict[str, Any] = {
        "ordinal": 0,
        "row_key": "key-0",
        "custom_id": "t-j-0",
        "reason": "schema",
        "detail": "score: too large",
        "evidence": b"{}",
    }
    return Kept(**fields | changes)


def open_a_job(ledger: Ledger, name: str) -> None:
    """A line among the jobs of the store."""
    Book(ledger).open(
        name,
        a_job_type(),
        rows=1,
        rows_digest="",
        prefix=name,
        seed=0,
        approvals=(),
        price={},
    )


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
    with engines[0].connect() as connection:
        chain = connection.execute(select(ENTRIES).order_by(ENTRIES.c.seq)).all()

    assert [] == failures
    assert [15] * 4 == [len(ledger.entries(f"job_{number}")) for number in range(4)]
    assert [GENESIS, *(entry.hash for entry in chain)] == [
        *(entry.previous for entry in chain),
        chain[-1].hash,
    ]
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


def test_entries_are_told_once_they_are_committed() -> None:
    """A listener hears nothing of a transaction that failed."""
    heard: list[str] = []
    ledger = Ledger(open_store("sqlite://"), lambda: NOW, lambda entry: heard.append(entry.kind))

    def interrupted() -> None:
        with ledger.transaction() as transaction:
            transaction.append("job_1", "opened")
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        interrupted()
    with ledger.transaction() as transaction:
        transaction.append("job_1", "opened")
        assert [] == heard

    assert ["opened"] == heard
    assert [1] == [entry.seq for entry in ledger.entries()]


def test_the_last_entries_of_a_kind_are_those_of_all_jobs() -> None:
    """Oldest first, and no more than asked for."""
    ledger = a_ledger()
    for number in range(4):
        ledger.append(f"job_{number}", "created" if number else "opened", batch=number)
        ledger.append(f"job_{number}", "decided")

    last = ledger.last(("created", "opened"), 3)

    assert ["job_1", "job_2", "job_3"] == [entry.job for entry in last]
    assert ["opened"] == [entry.kind for entry in ledger.entries("job_0", "opened")]


def keep(ledger: Ledger, job: int, *answers: Kept) -> None:
    """Put answers into quarantine."""
    with ledger.transaction() as transaction:
        transaction.keep(job, 1, answers)


def test_quarantine_is_counted_by_reason_and_job() -> None:
    """For the alert before the promotion; what was settled does not count."""
    ledger = a_ledger()
    for name in ("job_1", "job_2"):
        open_a_job(ledger, name)
    keep(ledger, 1, kept(), kept(reason="empty"), kept(reason="empty"), kept(reason="settled"))
    keep(ledger, 2, kept())
    keep(ledger, 2)
    with ledger.engine.begin() as connection:
        settled = update(QUARANTINE).where(QUARANTINE.c.reason == "settled")
        connection.execute(settled.values(settled="discarded"))

    assert Counter(schema=1, empty=2) == ledger.quarantined("job_1")


def test_evidence_is_bounded() -> None:
    """A huge answer cannot fill the disk; a strange id cannot either."""
    ledger = a_ledger()
    huge = kept(evidence=b"x" * 10**6, custom_id="y" * 10**6, reason="z" * 100, ordinal=None)
    keep(ledger, 1, huge)

    with ledger.engine.connect() as connection:
        (row,) = connection.execute(select(QUARANTINE)).all()

    assert (EVIDENCE_BYTES, 200, 64) == (len(row.evidence), len(row.custom_id), len(row.reason))
    assert a_row().key == row.row_key


@given(st.permutations(range(5)))
def test_the_digest_of_a_list_does_not_depend_on_its_order(order: list[int]) -> None:
    """Answers come in any order; their list has one digest, and each change gives another."""
    answers = [kept(ordinal=number).stored() for number in range(5)]

    assert digest_of(answers) == digest_of([answers[place] for place in order])
    assert digest_of(answers) != digest_of(answers[1:])
    assert digest_of(answers) != digest_of([*answers[1:], kept(ordinal=0, detail="x").stored()])


@given(st.text())
def test_any_text_can_be_stored(text: str) -> None:
    """Whatever an answer holds: UTF-8 takes it, and no NUL is left for PostgreSQL to refuse."""
    stored = storable(text)

    assert "\0" not in stored.encode().decode()
    assert stored == storable(stored)
