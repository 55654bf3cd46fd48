"""Where a pipeline puts its rows: safe copies, and what stands in them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import URL, NullPool, create_engine, text

from scenarios.harness.errors import UsageError
from scenarios.harness.pipeline.places import (
    SCRATCH,
    Copies,
    Place,
    contents_of,
    drop_forgotten,
    place_of,
)
from tests.postgres import database as postgres_database
from tests.postgres import server_for_tests


def database(path: Path) -> str:
    """The URL of a SQLite database with two answers, one of them still in its write-ahead log."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE answers (id TEXT, label TEXT, score REAL)")
    connection.execute("INSERT INTO answers VALUES ('a', 'pos', 1)")
    connection.commit()
    connection.close()
    return f"sqlite:///{path}"


def test_a_copy_of_a_sqlite_file_is_whole_and_the_original_stays(tmp_path: Path) -> None:
    """What stands in the write-ahead log is copied too; what the copy gets, the original does
    not."""
    place = place_of(database(tmp_path / "sink.db"), "--sink", "answers")
    with closing(sqlite3.connect(tmp_path / "sink.db")) as open_one:
        open_one.execute("INSERT INTO answers VALUES ('b', 'neg', 0)")
        open_one.commit()
        with closing(Copies(tmp_path, 1)) as copies:
            copy = copies.of(place)
            with closing(sqlite3.connect(str(copy.url.database))) as changed:
                changed.execute("DELETE FROM answers WHERE id = 'a'")
                changed.commit()

            assert {"b"} == contents_of(copy, ("id",)).rows.keys()

    assert {"a", "b"} == contents_of(place, ("id",)).rows.keys()


def test_sink_and_quarantine_of_one_database_are_one_copy(tmp_path: Path) -> None:
    """Or a pipeline with one connection would miss a table."""
    url = database(tmp_path / "sink.db")
    with closing(Copies(tmp_path, 1)) as copies:
        sink = copies.of(place_of(url, "--sink", "answers"))
        aside = copies.of(place_of(f"{url}#aside", "--quarantine"))

    assert sink.address == aside.address
    assert ("answers", "aside") == (sink.table, aside.table)


def test_what_is_not_there_yet_is_empty(tmp_path: Path) -> None:
    """A pipeline may make its file and its table itself."""
    for place in (Place(str(tmp_path / "none.jsonl")), Place(f"sqlite:///{tmp_path}/no.db", "t")):
        with closing(Copies(tmp_path, 1)) as copies:
            found = contents_of(copies.of(place), ("id",))

        assert ({}, "") == (found.rows, found.problem)


def test_lines_are_read_with_what_is_wrong_with_them(tmp_path: Path) -> None:
    """The last line of a key counts, repeats and broken lines are told."""
    file = tmp_path / "sink.jsonl"
    file.write_text('{"id": 1, "label": "pos"}\n\n{"id": 1, "label": "neg"}\n{"id": "2"\n[]\n')

    found = contents_of(Place(str(file)), ("id",))

    assert {"1": {"label": "neg"}} == found.rows
    assert {"1": 2} == found.twice
    assert "2 lines are no JSON object with 'id', first line 4" == found.problem


def test_a_table_without_the_key_is_told(tmp_path: Path) -> None:
    """By the name of the column that was asked for."""
    place = place_of(database(tmp_path / "sink.db"), "--sink", "answers")

    assert "the table 'answers' has no column 'key'" == contents_of(place, ("key",)).problem


@pytest.mark.parametrize(
    ("given", "table", "says"),
    [
        ("sqlite://", "t", "in memory"),
        ("sqlite:///x.db", None, "names no table"),
        ("mysql://u@h/d", "t", "no safe copy can be made"),
        ("oracle+oracledb://u@h/d", "t", "no safe copy can be made"),
        ("bogus://x", "t", "no SQLAlchemy URL"),
        ("x.jsonl", "t", "--table names a table"),
        ("/tmp", None, "is a folder"),
    ],
)
def test_a_place_without_a_safe_copy_is_refused(given: str, table: str | None, says: str) -> None:
    """Before anything runs, with the way out."""
    with pytest.raises(UsageError, match=says):
        place_of(given, "--sink", table)


@pytest.mark.postgres
def test_a_postgresql_database_is_copied_whole_and_dropped() -> None:
    """The pipeline writes to its copy even where it names the schema; nothing is left on the
    server, not of a run that was killed either."""
    with server_for_tests() as server, postgres_database(server) as url:
        run_in(url, "CREATE TABLE answers (id TEXT PRIMARY KEY, label TEXT)")
        run_in(url, "INSERT INTO answers VALUES ('a', 'pos')")
        place = place_of(url, "--sink", "answers")
        with closing(Copies(Path(), 1)) as copies:
            copy = copies.of(place)
            run_in(copy.address, "UPDATE public.answers SET label = 'neg'")

            assert "neg" == contents_of(copy, ("id",)).rows["a"]["label"]
            assert "pos" == contents_of(place, ("id",)).rows["a"]["label"]
            assert 1 == len(scratches(server))

        assert [] == scratches(server)
        run_in(server.render_as_string(hide_password=False), f'CREATE DATABASE "{SCRATCH}999999_1"')
        drop_forgotten((place,))

        assert [] == scratches(server)


def run_in(url: str, statement: str) -> None:
    """One statement, committed."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text(statement))


def scratches(server: URL) -> list[str]:
    """Our databases on this server."""
    engine = create_engine(server, poolclass=NullPool)
    with engine.connect() as connection:
        names = connection.execute(text("SELECT datname FROM pg_database")).scalars().all()
    return [name for name in names if name.startswith(SCRATCH)]
