"""The store and the two clocks of production."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from controls import ControlError, SystemClock, open_store
from controls.core.store import ROWS_PER_STATEMENT, chunks, insert_many
from tests.controls.builders import SAMPLE

COLUMNS = ("job", "ordinal", "row_key", "value")


def test_a_store_keeps_what_was_committed(tmp_path: Path) -> None:
    """Opened again, everything is there; writes are durable."""
    url = f"sqlite:///{tmp_path}/store.db"
    first = open_store(url)
    SAMPLE.create(first)
    with first.begin() as connection:
        insert_many(connection, SAMPLE, COLUMNS, [(1, 0, "a", "{}")])
    first.dispose()
    second = open_store(url)

    with second.connect() as connection:
        assert [(1, 0, "a", "{}")] == [tuple(row) for row in connection.execute(select(SAMPLE))]
        assert "wal" == connection.exec_driver_sql("PRAGMA journal_mode").scalar()
        assert 2 == connection.exec_driver_sql("PRAGMA synchronous").scalar()
    second.dispose()


@pytest.mark.parametrize(
    "url", ["", "no url", "nosuch://me:secret@x", "postgresql+nosuch://me:secret@x"]
)
def test_what_is_no_url_is_refused(url: str) -> None:
    """With an example of one, and without the password."""
    with pytest.raises(ControlError, match="is not the URL of a store") as caught:
        open_store(url)

    assert "sqlite:///gameday.db" in caught.value.fix
    assert "secret" not in str(caught.value)


def test_a_store_that_does_not_answer_is_refused(tmp_path: Path) -> None:
    """With the address and what its driver says."""
    with pytest.raises(ControlError, match="unable to open database file"):
        open_store(f"sqlite:///{tmp_path}/nowhere/store.db")


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_store_in_memory_is_one_for_all_its_connections(url: str) -> None:
    """However it is spelt."""
    engine = open_store(url)
    SAMPLE.create(engine)
    with engine.begin() as connection:
        insert_many(connection, SAMPLE, COLUMNS, [(1, 0, "a", "{}")])

    with engine.connect() as one, engine.connect() as other:
        assert one.execute(select(SAMPLE)).all() == other.execute(select(SAMPLE)).all()


def test_many_rows_are_inserted_in_parts() -> None:
    """More than one statement takes, and none at all."""
    engine = open_store("sqlite://")
    SAMPLE.create(engine)
    with engine.begin() as connection:
        insert_many(connection, SAMPLE, COLUMNS, [])
        many = [(1, ordinal, "a", "{}") for ordinal in range(ROWS_PER_STATEMENT + 1)]
        insert_many(connection, SAMPLE, COLUMNS, many)
        count = connection.scalar(select(func.count()).select_from(SAMPLE))

    assert ROWS_PER_STATEMENT + 1 == count


def test_a_row_replaces_another_only_where_that_is_asked_for() -> None:
    """By default a second row with the same key is an error."""
    engine = open_store("sqlite://")
    one, two = (1, 0, "a", "one"), (1, 0, "b", "two")
    SAMPLE.create(engine)
    with engine.begin() as connection:
        insert_many(connection, SAMPLE, COLUMNS, [one])
        insert_many(connection, SAMPLE, COLUMNS, [two], replacing=("job", "ordinal"))
        assert [two] == [tuple(row) for row in connection.execute(select(SAMPLE))]
    with pytest.raises(IntegrityError), engine.begin() as connection:
        insert_many(connection, SAMPLE, COLUMNS, [one])


def test_chunks_are_consecutive_and_complete() -> None:
    """The last may be shorter; of nothing there are none."""
    assert [[0, 1], [2, 3], [4]] == [list(part) for part in chunks(list(range(5)), 2)]
    assert [] == list(chunks([], 2))


def test_the_clock_of_production_tells_the_time_in_utc() -> None:
    """Aware, and now; waiting for no time returns at once."""
    clock = SystemClock()
    before = datetime.now(UTC)
    clock.sleep(timedelta(0))

    assert before <= clock.now() <= datetime.now(UTC)
    assert UTC is clock.now().tzinfo
