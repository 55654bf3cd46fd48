"""The tables that controls keep, on SQLite or another database that SQLAlchemy speaks.

Rows are keyed by their ordinal, an integer: results arrive in random order, and a random text key
makes a large B-tree ten times slower than an integer (see benchmarks).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    Column,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    create_engine,
    event,
)
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from controls.core.errors import ControlError

T = TypeVar("T")
ROWS_PER_STATEMENT = 10_000

METADATA = MetaData()

ENTRIES = Table(
    "ledger_entries",
    METADATA,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("at", String(32), nullable=False),
    Column("job", String(128), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("body", Text, nullable=False),
    Column("previous", String(64), nullable=False, unique=True),
    Column("hash", String(64), nullable=False),
)
"""What was intended, sent, answered, decided and paid: append-only, each entry hashes the last."""

SENT = Table(
    "ledger_sent",
    METADATA,
    Column("job", String(128), nullable=False),
    Column("batch", Integer, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("custom_id", String(64), nullable=False),
    Column("row_key", Text, nullable=False),
    Column("digest", LargeBinary(16), nullable=False),
    PrimaryKeyConstraint("job", "batch", "ordinal"),
)
"""One line per request, written before the call that sends it; `digest` is of its `params`."""

ANSWERED = Table(
    "ledger_answered",
    METADATA,
    Column("job", String(128), nullable=False),
    Column("batch", Integer, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("outcome", String(64), nullable=False),
    Column("input_tokens", Integer, nullable=False),
    Column("output_tokens", Integer, nullable=False),
)
"""One line per result that was read; `outcome` is `accepted`, a reason code or a row's status."""

STAGING = Table(
    "staging",
    METADATA,
    Column("job", String(128), nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("row_key", Text, nullable=False),
    Column("value", Text, nullable=False),
    PrimaryKeyConstraint("job", "ordinal"),
)
"""Accepted answers that wait for promotion."""

QUARANTINE = Table(
    "quarantine",
    METADATA,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("job", String(128), nullable=False, index=True),
    Column("batch", Integer, nullable=False),
    Column("ordinal", Integer),
    Column("row_key", Text),
    Column("custom_id", Text, nullable=False),
    Column("reason", String(64), nullable=False),
    Column("detail", Text, nullable=False),
    Column("evidence", LargeBinary, nullable=False),
    Column("at", String(32), nullable=False),
)
"""Answers that were kept back, with the reason and the first bytes of what came. Untrusted."""


def open_store(url: str) -> Engine:
    """An engine with all tables made. `sqlite://` is a store in memory.

    SQLite files run in WAL mode with `synchronous=FULL`: a commit survives a power cut.

    Raises:
        ControlError: the URL is not one of SQLAlchemy's, or nothing answers there.
    """
    try:
        parsed = make_url(url)
        engine = _engine(parsed)
        METADATA.create_all(engine)
    except (ArgumentError, ImportError) as error:
        raise ControlError(
            f"{url.rpartition('@')[2]!r} is not the URL of a store: {type(error).__name__}.",
            fix="Write a SQLAlchemy URL such as sqlite:///gameday.db, and install its driver.",
        ) from None
    except SQLAlchemyError as error:
        raise ControlError(
            f"The store {parsed.render_as_string()} cannot be opened: "
            f"{getattr(error, 'orig', None) or type(error).__name__}.",
            fix="Check the path or the address, and the rights.",
        ) from None
    return engine


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(url)
    in_memory = url.database in {None, "", ":memory:"}
    engine = (
        create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False})
        if in_memory
        else create_engine(url)
    )
    event.listen(engine, "connect", _durable)
    return engine


def _durable(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")


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
    """Insert rows in bulk, past the per-row work of the expression layer (twice as fast).

    A row that agrees with an older one in the columns `replacing` takes its place.
    """
    marker = "?" if connection.dialect.paramstyle == "qmark" else "%s"
    sql = (
        f"INSERT INTO {table.name} ({', '.join(columns)}) "  # noqa: S608 - our own names only
        f"VALUES ({', '.join([marker] * len(columns))})"
    )
    if replacing:
        news = [f"{name} = excluded.{name}" for name in columns if name not in replacing]
        sql += f" ON CONFLICT ({', '.join(replacing)}) DO UPDATE SET {', '.join(news)}"
    for part in chunks(rows, ROWS_PER_STATEMENT):
        connection.exec_driver_sql(sql, list(part))
