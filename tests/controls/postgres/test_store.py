"""The store on both engines: made once, filled in bulk, whatever the text is."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError

from controls import ControlError, open_store
from controls.core import store as store_module
from controls.core.ledger import storable
from controls.core.store import (
    META,
    ROWS_PER_STATEMENT,
    insert_many,
    meta,
    set_meta,
)
from tests.controls.builders import SAMPLE

COLUMNS = ("job", "ordinal", "row_key", "value")
BY_ROW = ("job", "ordinal")
OPEN = "import sys; from controls import open_store; open_store(sys.argv[1]).dispose()"
ODD = (
    "tab\there",
    "line\nbreak\r\n",
    r"back\slash \. \N \\",
    "quote ' and \" and $$",
    "%s %(name)s {}",
    "\u2028\u00e9\U0001f984\ufffe",
    "",
    r"\N",
)


@pytest.fixture
def store(store_url: str) -> Iterator[Engine]:
    """An open store of each kind."""
    engine = open_store(store_url)
    SAMPLE.create(engine)
    yield engine
    engine.dispose()


def sampled(engine: Engine) -> list[tuple[Any, ...]]:
    """All of the sample."""
    with engine.connect() as connection:
        query = select(SAMPLE).order_by(SAMPLE.c.job, SAMPLE.c.ordinal)
        return [tuple(row) for row in connection.execute(query)]


def test_several_processes_may_open_a_new_store_at_the_same_time(store_url: str) -> None:
    """One of three makes the tables, the others find them; there is one secret."""
    openers = [subprocess.Popen([sys.executable, "-c", OPEN, store_url]) for _ in range(3)]

    assert [0] * 3 == [opener.wait(60) for opener in openers]
    engine = open_store(store_url)
    with engine.connect() as connection:
        assert 3 == connection.scalar(select(func.count()).select_from(META))
        assert 64 == len(meta(connection, "secret"))
    engine.dispose()


def test_a_migration_is_applied_once(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An older store is brought up to date by whoever opens it first."""
    open_store(store_url).dispose()
    applied: list[str] = []

    def migrate(connection: Connection) -> None:
        connection.execute(text("ALTER TABLE halts ADD COLUMN until VARCHAR(32)"))
        applied.append("two")

    monkeypatch.setattr(store_module, "MIGRATIONS", (migrate,))
    for _ in range(2):
        open_store(store_url).dispose()
    engine = open_store(store_url)

    assert ["two"] == applied
    with engine.connect() as connection:
        assert "2" == meta(connection, "version")
        assert [] == connection.execute(text("SELECT until FROM halts")).all()
    engine.dispose()


def test_a_migration_that_fails_leaves_the_store_as_it_was(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither half of its tables nor a new version number stays."""
    open_store(store_url).dispose()

    def migrate(connection: Connection) -> None:
        connection.execute(text("ALTER TABLE halts ADD COLUMN until VARCHAR(32)"))
        connection.execute(text("ALTER TABLE nowhere ADD COLUMN until VARCHAR(32)"))

    monkeypatch.setattr(store_module, "MIGRATIONS", (migrate,))
    with pytest.raises(ControlError, match="cannot be opened"):
        open_store(store_url)
    monkeypatch.undo()
    engine = open_store(store_url)

    with engine.connect() as connection:
        assert "1" == meta(connection, "version")
        assert ["scope", "why", "by", "at"] == list(
            connection.execute(text("SELECT * FROM halts")).keys()
        )
    engine.dispose()


@pytest.mark.postgres
def test_two_that_migrate_at_the_same_time_do_it_once(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second waits for the first, and then finds nothing to do."""
    open_store(postgres_url).dispose()
    applied: list[str] = []

    def slowly(_: Connection) -> None:
        applied.append("two")
        time.sleep(0.2)

    monkeypatch.setattr(store_module, "MIGRATIONS", (slowly,))
    with at_once(lambda: open_store(postgres_url).dispose(), 2):
        pass

    assert ["two"] == applied


def test_a_store_of_a_newer_version_is_refused(store_url: str) -> None:
    """It is not touched."""
    engine = open_store(store_url)
    with engine.begin() as connection:
        set_meta(connection, "version", "99")
    engine.dispose()

    with pytest.raises(ControlError, match=r"tables of version 99.*up to 1"):
        open_store(store_url)


def test_many_rows_go_in_and_come_back(store: Engine) -> None:
    """More than one statement takes, and none at all."""
    many = [(1, ordinal, f"key-{ordinal}", "{}") for ordinal in range(ROWS_PER_STATEMENT + 1)]
    with store.begin() as connection:
        insert_many(connection, SAMPLE, COLUMNS, [])
        insert_many(connection, SAMPLE, COLUMNS, many)

    assert many == sampled(store)


def test_odd_text_comes_back_as_it_went_in(store: Engine) -> None:
    """Whatever COPY or SQL give a meaning to: tabs, backslashes, quotes, marks, its end sign."""
    odd = [(1, ordinal, key, key) for ordinal, key in enumerate(ODD)]
    with store.begin() as connection:
        insert_many(connection, SAMPLE, COLUMNS, odd)
        insert_many(connection, SAMPLE, COLUMNS, odd, replacing=BY_ROW)

    assert odd == sampled(store)


@pytest.mark.parametrize("refused", ["a\0b", "\ud800", "\udcff tail"])
def test_what_some_database_refuses_is_made_storable(store: Engine, refused: str) -> None:
    """NUL and halves of surrogate pairs have a form that both engines keep."""
    kept = storable(refused)
    with store.begin() as connection:
        insert_many(connection, SAMPLE, COLUMNS, [(1, 0, kept, kept)])

    assert [(1, 0, kept, kept)] == sampled(store)


def test_a_row_that_is_there_is_replaced_only_where_that_is_asked_for(store: Engine) -> None:
    """Otherwise it is an error, and the transaction writes nothing."""
    with store.begin() as connection:
        insert_many(connection, SAMPLE, COLUMNS, [(1, 0, "a", "one"), (1, 1, "b", "one")])
    with pytest.raises(IntegrityError), store.begin() as connection:
        insert_many(connection, SAMPLE, COLUMNS, [(1, 2, "c", "two"), (1, 0, "a", "two")])

    assert [(1, 0, "a", "one"), (1, 1, "b", "one")] == sampled(store)


def test_rows_are_replaced_twice_in_one_transaction(store: Engine) -> None:
    """New ones and known ones together; of one that is given twice the last counts."""
    with store.begin() as connection:
        insert_many(connection, SAMPLE, COLUMNS, [(1, 0, "a", "one"), (2, 0, "z", "other")])
        for value in ("two", "three"):
            news = [(1, 0, "a", value), (1, 1, "b", "first"), (1, 1, "b", value)]
            insert_many(connection, SAMPLE, COLUMNS, news, replacing=BY_ROW)

    assert [(1, 0, "a", "three"), (1, 1, "b", "three"), (2, 0, "z", "other")] == sampled(store)


@pytest.mark.postgres
@pytest.mark.parametrize(
    "row",
    [
        (1, 0, None, "{}"),
        (1, 0, "a\0b", "{}"),
        (1, 0, "\ud800", "{}"),
        (1, "x", "a", "{}"),
        (1, 2**40, "a", "{}"),
    ],
)
def test_what_copy_refuses_is_an_error_as_any_other(
    postgres_url: str, row: tuple[Any, ...]
) -> None:
    """An error of SQLAlchemy, so that whoever catches those catches it; nothing is written."""
    engine = open_store(postgres_url)
    SAMPLE.create(engine)
    with pytest.raises(DBAPIError), engine.begin() as connection:
        insert_many(connection, SAMPLE, COLUMNS, [(1, 7, "good", "{}"), row])

    assert [] == sampled(engine)
    engine.dispose()


@pytest.mark.postgres
def test_a_server_that_does_not_answer_is_refused_without_the_password() -> None:
    """In one line that says where."""
    with pytest.raises(ControlError, match="cannot be opened") as caught:
        open_store("postgresql+psycopg://me:secret@127.0.0.1:1/gameday")

    assert "127.0.0.1:1" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@contextmanager
def at_once(act: Callable[[], object], count: int) -> Iterator[None]:
    """Run the same thing in several threads, and wait for them."""
    with ThreadPoolExecutor(count) as pool:
        pending = [pool.submit(act) for _ in range(count)]
        yield
        for one in pending:
            one.result()
