"""The tables that controls keep, on SQLite or PostgreSQL.

Rows are keyed by integers, job number and ordinal: results arrive in random order, and a random
text key makes a large B-tree ten times slower than an integer (see benchmarks).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import (
    DDL,
    BigInteger,
    Column,
    Engine,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    create_engine,
    event,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    SQLAlchemyError,
)
from sqlalchemy.pool import StaticPool

from controls.core.errors import ControlError

T = TypeVar("T")
ROWS_PER_STATEMENT = 10_000
LARGE = BigInteger().with_variant(Integer, "sqlite")

METADATA = MetaData()

META = Table(
    "gameday_meta",
    METADATA,
    Column("name", String(32), primary_key=True),
    Column("value", Text, nullable=False),
)
"""The version of these tables, the secret of this store, the end of the chain."""

ENTRIES = Table(
    "ledger_entries",
    METADATA,
    Column("seq", LARGE, primary_key=True),
    Column("at", String(32), nullable=False),
    Column("job", String(128), nullable=False, index=True),
    Column("kind", String(32), nullable=False),
    Column("body", Text, nullable=False),
    Column("previous", String(64), nullable=False, unique=True),
    Column("hash", String(64), nullable=False),
)
"""What was intended, sent, answered, decided and paid: append-only, each entry hashes the last."""

JOBS = Table(
    "jobs",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("id", String(128), nullable=False, unique=True),
    Column("team", String(128), nullable=False, index=True),
    Column("type_digest", String(64), nullable=False),
    Column("type", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("rows_digest", String(64), nullable=False),
    Column("prefix", String(64), nullable=False),
    Column("seed", LARGE, nullable=False),
    Column("status", String(32), nullable=False),
    Column("why", Text, nullable=False),
    Column("opened_at", String(32), nullable=False),
    Column("day", String(10), nullable=False),
    Column("reserved_usd", String(32), nullable=False),
    Column("ended_at", String(32)),
    Column("purged_at", String(32)),
)
"""One line per job: its policy as JSON, and where it stands. `day` is when its money counts."""

BATCHES = Table(
    "batches",
    METADATA,
    Column("job", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("round", Integer, nullable=False),
    Column("stage", Integer, nullable=False),
    Column("ordinals", LargeBinary, nullable=False),
    Column("requests", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("asked_at", String(32)),
    Column("asked_last", String(32)),
    Column("intended_at", String(32)),
    Column("batch_id", String(128), index=True),
    Column("created_at", String(32)),
    Column("ended_at", String(32)),
    Column("collected_at", String(32)),
    Column("deleted_at", String(32)),
    Column("cost_usd", String(32), nullable=False),
    Column("tally", Text, nullable=False),
    Column("lost", LargeBinary, nullable=False),
    PrimaryKeyConstraint("job", "number"),
)
"""One line per batch: which rows it holds, how far it is, what it brought and cost."""

SENT = Table(
    "ledger_sent",
    METADATA,
    Column("job", Integer, nullable=False),
    Column("batch", Integer, nullable=False),
    Column("lines", LargeBinary, nullable=False),
    PrimaryKeyConstraint("job", "batch"),
)
"""The requests of a batch: `columns.Sent`."""

ANSWERED = Table(
    "ledger_answered",
    METADATA,
    Column("job", Integer, nullable=False),
    Column("batch", Integer, nullable=False),
    Column("part", Integer, nullable=False),
    Column("lines", LargeBinary, nullable=False),
    PrimaryKeyConstraint("job", "batch", "part"),
)
"""The results of a batch, in parts as they came: `columns.Answered`."""

UNACCEPTED = Table(
    "unaccepted",
    METADATA,
    Column("job", Integer, nullable=False),
    Column("batch", Integer, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("outcome", String(64), nullable=False),
    PrimaryKeyConstraint("job", "batch", "ordinal"),
    sqlite_with_rowid=False,
)
"""The rows of a batch of which no answer was accepted: what is still to be done about a job."""

STAGING = Table(
    "staging",
    METADATA,
    Column("job", Integer, nullable=False),
    Column("batch", Integer, nullable=False),
    Column("part", Integer, nullable=False),
    Column("lines", LargeBinary, nullable=False),
    PrimaryKeyConstraint("job", "batch", "part"),
)
"""Accepted answers that wait for promotion, in the same parts: `columns.Staged`."""

for _list in (SENT, ANSWERED, STAGING):
    event.listen(
        _list,
        "after_create",
        DDL(  # type: ignore[no-untyped-call]
            f"ALTER TABLE {_list.name} ALTER COLUMN lines SET STORAGE EXTERNAL"
        ).execute_if(dialect="postgresql"),
    )
"""PostgreSQL compresses large values by default: digests cannot be, and half of the time goes."""

QUARANTINE = Table(
    "quarantine",
    METADATA,
    Column("id", LARGE, primary_key=True, autoincrement=True),
    Column("job", Integer, nullable=False),
    Column("batch", Integer, nullable=False),
    Column("ordinal", Integer),
    Column("row_key", Text),
    Column("custom_id", Text, nullable=False),
    Column("reason", String(64), nullable=False),
    Column("detail", Text, nullable=False),
    Column("evidence", LargeBinary, nullable=False),
    Column("evidence_digest", LargeBinary(16), nullable=False),
    Column("at", String(32), nullable=False),
    Column("settled", String(32), nullable=False),
    Index("quarantine_by_batch", "job", "batch"),
)
"""Answers that were kept back, with the reason and the first bytes of what came. Untrusted.
`settled` is empty, `requeued` or `discarded`; below batch 0 are rows without any answer."""

HALTS = Table(
    "halts",
    METADATA,
    Column("scope", String(160), primary_key=True),
    Column("why", Text, nullable=False),
    Column("by", String(128), nullable=False),
    Column("at", String(32), nullable=False),
)
"""What a person has stopped: `all`, `team NAME` or `job NAME`."""

REVIEWS = Table(
    "reviews",
    METADATA,
    Column("id", LARGE, primary_key=True, autoincrement=True),
    Column("name", String(128), nullable=False, index=True),
    Column("digest", String(64), nullable=False),
    Column("document", Text, nullable=False),
    Column("by", String(128), nullable=False),
    Column("at", String(32), nullable=False),
    Column("expires_at", String(32)),
)
"""The register of job types: who approved exactly what, and until when."""

Migration = Callable[[Connection], None]
MIGRATIONS: tuple[Migration, ...] = ()
"""What turns tables of version 1 into version 2, and so on."""
BESIDE = "gameday_news"
"""The temporary table that COPY fills, for what it cannot do in place."""
PREPARATION = 4_711
"""Advisory lock under which one of several workers makes the tables."""


def open_store(url: str) -> Engine:
    """An engine with all tables made or brought up to date. `sqlite://` is a store in memory.

    SQLite files run in WAL mode with `synchronous=FULL`: a commit survives a power cut.

    Raises:
        ControlError: the URL is not one of SQLAlchemy's, nothing answers there, or a newer
            version of gameday made the store.
    """
    return _opened(url, _prepare)


def open_database(url: str) -> Engine:
    """An engine for a system of record, with the settings of a store and without its tables.

    Raises:
        ControlError: the URL is not one of SQLAlchemy's, or nothing answers there.
    """
    return _opened(url, lambda engine: engine.connect().close())


def _opened(url: str, prepare: Callable[[Engine], None]) -> Engine:
    try:
        parsed = make_url(url)
        engine = _engine(parsed)
        try:
            prepare(engine)
        except BaseException:
            engine.dispose()
            raise
    except (ArgumentError, ImportError) as error:
        raise ControlError(
            f"{url.rpartition('@')[2]!r} is not the URL of a store: {type(error).__name__}.",
            fix="Write a SQLAlchemy URL such as sqlite:///gameday.db or "
            "postgresql+psycopg://HOST/DATABASE; for PostgreSQL install "
            "'batch-gameday[postgres]'.",
        ) from None
    except SQLAlchemyError as error:
        said = str(getattr(error, "orig", None) or type(error).__name__)
        raise ControlError(
            f"The store {parsed.render_as_string()} cannot be opened: {' '.join(said.split())}.",
            fix="Check the path or the address, and the rights.",
        ) from None
    return engine


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "postgresql":
        if url.get_driver_name() != "psycopg" and "+" in url.drivername:
            raise ArgumentError("COPY is done by psycopg")
        return create_engine(
            url.set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,
            isolation_level="READ COMMITTED",  # whoever waited for a lock sees what was written
        )
    if url.get_backend_name() != "sqlite":
        raise ArgumentError("neither SQLite nor PostgreSQL")
    if url.database in {None, "", ":memory:"}:
        engine = create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False})
    else:
        engine = create_engine(url, connect_args={"timeout": 30.0})
        event.listen(engine, "begin", _begin)
    event.listen(engine, "connect", _durable)
    return engine


def _durable(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")


def _begin(connection: Connection) -> None:
    """A writer takes its place before it reads: what it has read cannot be outdated."""
    if connection.get_execution_options().get("gameday_write"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def writer(engine: Engine) -> Engine:
    """The engine for transactions that read and then write by what they have read."""
    return engine.execution_options(gameday_write=True)


def _prepare(engine: Engine) -> None:
    """Make the tables, or bring those of an older version up to date.

    Raises:
        ControlError: a newer version has made them.
    """
    mine = len(MIGRATIONS) + 1
    with writer(engine).begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({PREPARATION})"))
        if not inspect(connection).has_table(META.name):
            METADATA.create_all(connection, checkfirst=False)
            connection.execute(
                insert(META),
                [
                    {"name": "version", "value": str(mine)},
                    {"name": "secret", "value": secrets.token_hex(32)},
                    {"name": "head", "value": "0"},
                ],
            )
            return
        found = int(meta(connection, "version"))
        if found > mine:
            raise ControlError(
                f"The store has tables of version {found}; this gameday knows up to {mine}.",
                fix="Use the newer gameday that made it.",
            )
        for migrate in MIGRATIONS[found - 1 :]:
            migrate(connection)
        set_meta(connection, "version", str(mine))


def meta(connection: Connection, name: str) -> str:
    """What the store says of itself."""
    return str(connection.execute(select(META.c.value).where(META.c.name == name)).scalar_one())


def set_meta(connection: Connection, name: str, value: str) -> None:
    """Replace what the store says of itself."""
    connection.execute(update(META).where(META.c.name == name).values(value=value))


def store_secret(engine: Engine) -> bytes:
    """Thirty-two random bytes that belong to this store, drawn when it was made.

    Fences and references are made with it: whoever writes rows must not know it.
    """
    with engine.connect() as connection:
        return bytes.fromhex(meta(connection, "secret"))


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Consecutive slices of at most `size` items."""
    return (items[start : start + size] for start in range(0, len(items), size))


def insert_many(
    connection: Connection,
    table: Table,
    columns: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
    *,
    replacing: Sequence[str] = (),
) -> None:
    """Insert rows in bulk: COPY on PostgreSQL, elsewhere past the per-row work of SQLAlchemy.

    A row that agrees with an older one in the columns `replacing` takes its place.
    """
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        _copy(connection, table, columns, rows, replacing)
        return
    quote = connection.dialect.identifier_preparer.quote
    values = f"VALUES ({', '.join('?' * len(columns))})"
    sql = _insert_sql(quote, table.name, columns, replacing, values)
    for part in chunks(rows, ROWS_PER_STATEMENT):
        connection.exec_driver_sql(sql, list(part))


def _insert_sql(
    quote: Callable[[str], str],
    table: str,
    columns: Sequence[str],
    replacing: Sequence[str],
    values: str,
) -> str:
    sql = f"INSERT INTO {quote(table)} ({', '.join(map(quote, columns))}) {values}"
    if not replacing:
        return sql
    news = ", ".join(
        f"{quote(name)} = excluded.{quote(name)}" for name in columns if name not in replacing
    )
    act = f"UPDATE SET {news}" if news else "NOTHING"
    return f"{sql} ON CONFLICT ({', '.join(map(quote, replacing))}) DO {act}"


def _copy(
    connection: Connection,
    table: Table,
    columns: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
    replacing: Sequence[str],
) -> None:
    """COPY; only where a row is there already, COPY beside the table and merge."""
    if not replacing:
        _copy_into(connection, table.name, columns, rows)
        return
    try:
        with connection.begin_nested():
            _copy_into(connection, table.name, columns, rows)
    except IntegrityError:
        merge_many(connection, table, columns, rows, replacing)


def merge_many(
    connection: Connection,
    table: Table,
    columns: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
    replacing: Sequence[str],
) -> None:
    """On PostgreSQL: COPY beside a table, then insert or update from there in one statement."""
    quote = connection.dialect.identifier_preparer.quote
    names = ", ".join(map(quote, columns))
    last = {tuple(row[columns.index(name)] for name in replacing): row for row in rows}
    with copied_beside(connection, table, columns, list(last.values())) as beside:
        select_all = f"SELECT {names} FROM {beside}"  # noqa: S608 - quoted names only
        connection.exec_driver_sql(_insert_sql(quote, table.name, columns, replacing, select_all))


@contextmanager
def copied_beside(
    connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> Iterator[str]:
    """On PostgreSQL: these rows in a temporary table with the types of another; its name."""
    quote = connection.dialect.identifier_preparer.quote
    names = ", ".join(map(quote, columns))
    connection.exec_driver_sql(
        f"CREATE TEMPORARY TABLE {BESIDE} ON COMMIT DROP AS "  # noqa: S608 - quoted names only
        f"SELECT {names} FROM {quote(table.name)} LIMIT 0"
    )
    _copy_into(connection, BESIDE, columns, rows)
    yield BESIDE
    connection.exec_driver_sql(f"DROP TABLE {BESIDE}")


def _copy_into(
    connection: Connection, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Stream rows through psycopg's COPY.

    Raises:
        DBAPIError: as SQLAlchemy's own, e.g. IntegrityError where a row is there already.
    """
    import psycopg  # noqa: PLC0415 - only where a PostgreSQL store is used

    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    quote = connection.dialect.identifier_preparer.quote
    names = ", ".join(map(quote, columns))
    sql = f"COPY {quote(table)} ({names}) FROM STDIN"
    try:
        with (
            driver.cursor() as cursor,
            cursor.copy(sql.encode()) as copy,
        ):
            for row in rows:
                copy.write_row(row)
    except UnicodeEncodeError as error:
        raise DataError("COPY", None, error) from error
    except psycopg.Error as error:
        raise DBAPIError.instance("COPY", None, error, psycopg.Error) from error
