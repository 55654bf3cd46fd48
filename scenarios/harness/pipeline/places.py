"""Where a pipeline puts its rows: a table behind an SQLAlchemy URL, or a JSON Lines file.

Each arm works on a copy. A SQLite file and a JSON Lines file are copied; a PostgreSQL database is
copied as a whole (`CREATE DATABASE ... TEMPLATE`), so that a pipeline that names schemas reaches
nothing but its copy. Everything else is refused: there is no safe copy of it.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import zlib
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from platform import node
from typing import Any
from urllib.parse import quote

import msgspec
from sqlalchemy import MetaData, Table, create_engine, inspect, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from scenarios.harness.errors import UsageError

SCRATCH = f"gameday_arm_{zlib.crc32(node().encode()):08x}_"
"""How the databases begin that are ours on a PostgreSQL server; then follow process and number."""

JSON = (str, int, float, bool, list, dict, type(None))


@dataclass(frozen=True, slots=True)
class Place:
    """A table behind a URL, or a JSON Lines file."""

    address: str
    """An SQLAlchemy URL, or the path of a file."""
    table: str = ""
    """Empty for a file."""

    @property
    def is_file(self) -> bool:
        """Whether it is a JSON Lines file."""
        return not self.table

    @property
    def url(self) -> URL:
        """The URL of a table."""
        return make_url(self.address)


@dataclass(frozen=True, slots=True)
class Contents:
    """What stands in a place, row by row."""

    rows: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By key; of a key that stands there several times the last."""
    twice: Mapping[str, int] = field(default_factory=dict)
    """How often a key stands there that stands there more than once."""
    problem: str = ""
    """Why some of it, or all of it, cannot be read."""


def place_of(given: str, option: str, table: str | None = None) -> Place:
    """The place that an option names, known to be there or to be one that the pipeline can make.

    Raises:
        UsageError: it is no place of which a safe copy can be made.
    """
    if "://" not in given:
        if table:
            raise UsageError(f"{option} is a file, and --table names a table.", fix="Drop --table.")
        if Path(given).is_dir():
            raise UsageError(f"{option} {given} is a folder.", fix="Give a JSON Lines file.")
        return Place(str(Path(given).absolute()))
    address, _, fragment = given.partition("#")
    try:
        url = make_url(address)
        dialect = url.get_dialect().name
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise UsageError(
            f"{option} is no SQLAlchemy URL.", fix="Example: sqlite:///answers.db"
        ) from None
    name = table or fragment
    if not name:
        fix = "Give --table T." if option == "--sink" else "Write URL#TABLE."
        raise UsageError(f"{option} names no table.", fix=fix)
    if dialect == "sqlite":
        if url.database in {None, "", ":memory:"}:
            raise UsageError(
                f"{option} is a database in memory.", fix="Give a file: sqlite:///answers.db"
            )
        url = url.set(database=str(Path(str(url.database)).absolute()))
    elif dialect != "postgresql":
        raise UsageError(
            f"{option} is a {dialect} database, of which no safe copy can be made.",
            fix="Rehearse on SQLite, PostgreSQL or a JSON Lines file.",
        )
    return Place(url.render_as_string(hide_password=False), name)


class Copies:
    """The copies of one arm; gone when it is closed."""

    def __init__(self, folder: Path, number: int) -> None:
        self._folder = folder
        self._number = number
        self._made: dict[str, str] = {}
        self._databases: list[tuple[URL, str]] = []

    def of(self, place: Place) -> Place:
        """The arm's own copy of a place; of one database there is one copy."""
        if place.address not in self._made:
            self._made[place.address] = self._copy(place)
        return Place(self._made[place.address], place.table)

    def close(self) -> None:
        """Drop what does not lie in the arm's folder."""
        for server, name in self._databases:
            with suppress(SQLAlchemyError):
                _execute(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _copy(self, place: Place) -> str:
        if place.is_file:
            source = Path(place.address)
            target = self._folder / f"{len(self._made)}-{source.name}"
            if source.exists():
                shutil.copyfile(source, target)
            return str(target)
        url = place.url
        if url.get_dialect().name == "postgresql":
            return self._copy_database(url)
        target = self._folder / f"{len(self._made)}.db"
        copy_sqlite(Path(str(url.database)), target)
        return url.set(database=str(target)).render_as_string(hide_password=False)

    def _copy_database(self, url: URL) -> str:
        name = f"{SCRATCH}{os.getpid()}_{self._number}_{len(self._made)}"
        try:
            _execute(
                url.set(database="postgres"), f'CREATE DATABASE "{name}" TEMPLATE {_quoted(url)}'
            )
        except SQLAlchemyError as error:
            raise UsageError(
                f"The database of the sink cannot be copied: {str(error).splitlines()[0][:200]}.",
                fix="Name a database of its own for rehearsals, to which nobody else is "
                "connected, and a user with CREATEDB who owns it.",
            ) from None
        self._databases.append((url.set(database="postgres"), name))
        return url.set(database=name).render_as_string(hide_password=False)


def copy_sqlite(source: Path, target: Path) -> None:
    """A whole copy of a database, also while others write to it; none of one that is not there.

    Raises:
        UsageError: it cannot be read.
    """
    if not source.exists():
        return
    try:
        with (
            closing(sqlite3.connect(f"file:{quote(str(source))}?mode=ro", uri=True)) as original,
            closing(sqlite3.connect(target)) as copy,
        ):
            original.backup(copy)
    except sqlite3.Error as error:
        raise UsageError(f"{source} cannot be copied: {error}.", fix="Check the file.") from None


def drop_forgotten(places: tuple[Place, ...]) -> None:
    """Drop databases that a run left behind which was killed. Only ours, of this machine."""
    for place in places:
        if place.is_file or place.url.get_dialect().name != "postgresql":
            continue
        server = place.url.set(database="postgres")
        with suppress(SQLAlchemyError):
            for name in _scratches(server):
                if not _lives(int(name.removeprefix(SCRATCH).split("_")[0])):
                    _execute(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _scratches(server: URL) -> list[str]:
    engine = create_engine(server)
    try:
        with engine.connect() as connection:
            query = text("SELECT datname FROM pg_database WHERE starts_with(datname, :ours)")
            return [row[0] for row in connection.execute(query, {"ours": SCRATCH})]
    finally:
        engine.dispose()


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _execute(server: URL, statement: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(statement.replace(":", r"\:")))
    finally:
        engine.dispose()


def _quoted(url: URL) -> str:
    return '"' + str(url.database).replace('"', '""') + '"'


def contents_of(place: Place, keys: tuple[str, ...]) -> Contents:
    """Everything in a place, joined by the first of these columns that is there."""
    return _lines(Path(place.address), keys) if place.is_file else _table(place, keys)


def _lines(path: Path, keys: tuple[str, ...]) -> Contents:
    try:
        data = path.read_bytes() if path.exists() else b""
    except OSError as error:
        return Contents(problem=f"{path.name}: {error.strerror}")
    found: list[tuple[str, Mapping[str, Any]]] = []
    bad: list[int] = []
    for number, line in enumerate(data.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            record = msgspec.json.decode(line)
        except (msgspec.DecodeError, RecursionError):
            record = None
        key = next((name for name in keys if isinstance(record, dict) and name in record), None)
        if key is None:
            bad.append(number)
        else:
            name = record.pop(key)
            found.append(
                (name if isinstance(name, str) else msgspec.json.encode(name).decode(), record)
            )
    problem = ""
    if bad:
        problem = f"{len(bad):,} lines are no JSON object with {keys[0]!r}, first line {bad[0]:,}"
    return _gathered(found, problem)


def _table(place: Place, keys: tuple[str, ...]) -> Contents:
    url = place.url
    if url.get_dialect().name == "sqlite" and not Path(str(url.database)).exists():
        return Contents()
    engine = create_engine(url)
    try:
        if not inspect(engine).has_table(place.table):
            return Contents()
        table = Table(place.table, MetaData(), autoload_with=engine)
        key = next((name for name in keys if name in table.c), None)
        if key is None:
            return Contents(problem=f"the table {place.table!r} has no column {keys[0]!r}")
        with engine.connect() as connection:
            rows = [dict(row._mapping) for row in connection.execute(select(table))]  # noqa: SLF001 - SQLAlchemy's public name
    except SQLAlchemyError as error:
        return Contents(problem=f"{type(error).__name__}: {str(error).splitlines()[0][:200]}")
    finally:
        engine.dispose()
    named = [(row.pop(key), row) for row in rows]
    return _gathered([(str(name), _plain(row)) for name, row in named if name is not None])


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Values as JSON knows them; what JSON does not know is text."""
    return {name: value if isinstance(value, JSON) else str(value) for name, value in row.items()}


def _gathered(found: list[tuple[str, Mapping[str, Any]]], problem: str = "") -> Contents:
    counts: dict[str, int] = {}
    for key, _ in found:
        counts[key] = counts.get(key, 0) + 1
    twice = {key: count for key, count in counts.items() if count > 1}
    return Contents(dict(found), twice, problem)
