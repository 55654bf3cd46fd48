"""Staging, promotion and rollback: every write to the system of record can be undone.

Accepted answers wait in staging. Promotion writes them in one transaction, after copying each row
it replaces; rollback puts exactly those rows back, and removes exactly those that were not there.

Weakness: rollback restores what stood there before, also over changes that somebody else made to
the same rows since. Neighbour: `Reconciliation` decides whether a promotion may happen at all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, Protocol

import msgspec
from sqlalchemy import (
    Column,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    delete,
    insert,
    inspect,
    literal,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection
from sqlalchemy.exc import NoSuchTableError
from sqlalchemy.types import NullType, UserDefinedType

from controls.core.book import JobRecord
from controls.core.errors import ControlError
from controls.core.rows import Row
from controls.core.store import STAGING, chunks, insert_many

KEYS_PER_STATEMENT = 5_000
"""SQLite takes 32,766 bound values per statement, PostgreSQL 65,535 (their documented limits)."""

Value = Mapping[str, Any]
Accepted = tuple[int, str, str]
"""An accepted answer: ordinal and key of its row, and its value as JSON."""


class Sink(Protocol):
    """Where accepted answers go."""

    def stage(self, connection: Connection, job: JobRecord, accepted: Iterable[Accepted]) -> None:
        """Take answers in, as a part of this transaction; the last one of a row counts."""
        ...

    def unstage(self, connection: Connection, job: JobRecord, rows: Sequence[Row]) -> None:
        """Forget answers that turned out to be contradictory, or came from a collection that was
        interrupted, as a part of this transaction."""
        ...

    def promote(self, job: JobRecord) -> int:
        """Write what is staged to the system of record, once; the number of rows."""
        ...

    def rollback(self, job: str, keys: Collection[str] | None = None) -> int:
        """Undo the promotion of a job, or of these keys; the number of rows put back."""
        ...


class SystemOfRecord:
    """One table of the user's, written by key. The key column must be unique.

    Raises:
        ControlError: there is no such table or column.
    """

    def __init__(self, engine: Engine, table: str, key: str) -> None:
        self.engine = engine
        self.metadata = MetaData()
        try:
            self.table = Table(table, self.metadata, autoload_with=engine)
        except NoSuchTableError:
            known = ", ".join(sorted(inspect(engine).get_table_names())) or "none"
            raise ControlError(
                f"There is no table {table!r} in {engine.url!r}.", fix=f"Tables there: {known}."
            ) from None
        if key not in self.table.c:
            raise ControlError(
                f"The table {table!r} has no column {key!r}.",
                fix=f"Its columns are: {', '.join(self.table.c.keys())}.",
            )
        self.key = self.table.c[key]
        self.columns = [column for column in self.table.c if column.computed is None]
        self.before = Table(
            f"{table}__before",
            self.metadata,
            Column(self.mark, String(128), nullable=False, index=True),
            *(Column(column.name, _same_type(column)) for column in self.columns),
        )
        self.promoted = Table(
            f"{table}__promoted",
            self.metadata,
            Column("promotion", String(128), primary_key=True),
            Column("row_key", Text, primary_key=True),
        )
        self.promotions = Table(
            f"{table}__promotions",
            self.metadata,
            Column("promotion", String(128), primary_key=True),
            Column("number_of_rows", Integer, nullable=False),
        )
        self.metadata.create_all(engine)

    @property
    def mark(self) -> str:
        """The column of `before` that says by which promotion a row was replaced."""
        taken, name = {column.name.lower() for column in self.columns}, "promotion"
        while name in taken:
            name += "_"
        return name

    def write(self, connection: Connection, rows: Sequence[tuple[str, Value]]) -> None:
        """Insert or replace what each answer says; columns that it does not name stay."""
        mine = [column.name for column in self.columns if column is not self.key]
        alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for key, value in rows:
            written = tuple(name for name in mine if name in value)
            stored = {name: _storable(value[name]) for name in written}
            alike.setdefault(written, []).append({self.key.name: key} | stored)
        for written, values in alike.items():
            connection.execute(_upsert(connection, self.table, self.key, written), values)

    def put_back(self, connection: Connection, promotion: str, keys: Sequence[str]) -> None:
        """Restore these rows as they were before a promotion; remove those that were not there.

        Rows are changed in place, never deleted and inserted again: other tables may refer to
        them. The table may know a key by another spelling (`NOCASE`), so its own is asked for.
        """
        own = connection.scalars(select(self.key).where(self.key.in_(keys))).all()
        saved = [self.before.c[column.name] for column in self.columns]
        was = select(*saved).where(
            self.before.c[self.mark] == promotion,
            self.before.c[self.key.name].in_({*keys, *own}),
        )
        saved_key = was.with_only_columns(self.before.c[self.key.name])
        connection.execute(delete(self.table).where(self.key.in_(keys), self.key.not_in(saved_key)))
        names = [column.name for column in self.columns]
        others = [name for name in names if name != self.key.name]
        connection.execute(
            _upsert(connection, self.table, self.key, others).from_select(names, was)
        )


def _upsert(connection: Connection, table: Table, key: Column[Any], names: Sequence[str]) -> Any:
    """INSERT into these columns, or UPDATE them where the key is there already."""
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = make(table)
    if not names:
        return statement.on_conflict_do_nothing(index_elements=[key])
    news = {name: statement.excluded[name] for name in names}
    return statement.on_conflict_do_update(index_elements=[key], set_=news)


def _storable(value: Any) -> Any:
    """A list or an object goes into its column as JSON."""
    return msgspec.json.encode(value).decode() if isinstance(value, dict | list) else value


class _Anything(UserDefinedType[Any]):
    """A column without a type: SQLite keeps whatever it is given, as in a BLOB."""

    cache_ok = True

    def get_col_spec(self, **_settings: Any) -> str:
        """What stands in the DDL."""
        return "BLOB"


def _same_type(column: Column[Any]) -> Any:
    return _Anything() if isinstance(column.type, NullType) else column.type


class Staging:
    """The reversible sink."""

    def __init__(self, store: Engine, record: SystemOfRecord) -> None:
        self._store = store
        self._record = record

    def __repr__(self) -> str:
        return "Staging()"

    def stage(self, connection: Connection, job: JobRecord, accepted: Iterable[Accepted]) -> None:
        """Put answers into staging."""
        insert_many(
            connection,
            STAGING,
            ("job", "ordinal", "row_key", "value"),
            [(job.number, *answer) for answer in accepted],
            replacing=("job", "ordinal"),
        )

    def unstage(self, connection: Connection, job: JobRecord, rows: Sequence[Row]) -> None:
        """Take answers out of staging."""
        for part in chunks([row.ordinal for row in rows], KEYS_PER_STATEMENT):
            connection.execute(
                delete(STAGING).where(STAGING.c.job == job.number, STAGING.c.ordinal.in_(part))
            )

    def promote(self, job: JobRecord) -> int:
        """Write the staged answers of a job in one transaction.

        A second call does nothing, after a rollback too: what was undone stays undone.
        """
        record = self._record
        with record.engine.begin() as connection:
            known = connection.execute(
                select(record.promotions.c.number_of_rows).where(
                    record.promotions.c.promotion == job.id
                )
            ).scalar()
            if known is not None:
                return int(known)
            count = 0
            for part in self._staged(job, connection):
                self._keep_before(connection, job.id, [key for key, _ in part])
                record.write(connection, part)
                count += len(part)
            connection.execute(
                insert(record.promotions), {"promotion": job.id, "number_of_rows": count}
            )
        return count

    def rollback(self, job: str, keys: Collection[str] | None = None) -> int:
        """Put back what stood there before the promotion of this job."""
        record = self._record
        with record.engine.begin() as connection:
            mine = record.promoted.c.promotion == job
            promoted = connection.scalars(select(record.promoted.c.row_key).where(mine)).all()
            wanted = frozenset(promoted if keys is None else keys)
            affected = [key for key in promoted if key in wanted]
            for part in chunks(affected, KEYS_PER_STATEMENT):
                record.put_back(connection, job, part)
                connection.execute(
                    delete(record.promoted).where(mine, record.promoted.c.row_key.in_(part))
                )
        return len(affected)

    def _staged(self, job: JobRecord, writer: Connection) -> Iterator[list[tuple[str, Value]]]:
        """What is staged, part by part; read through `writer` where both share one store, as two
        connections to a store in memory are one transaction."""
        query = (
            select(STAGING.c.row_key, STAGING.c.value)
            .where(STAGING.c.job == job.number)
            .order_by(STAGING.c.ordinal)
        )
        shared = self._store is self._record.engine
        with nullcontext(writer) if shared else self._store.connect() as connection:
            options = {"yield_per": KEYS_PER_STATEMENT}
            result = connection.execute(query, execution_options=options)
            for part in result.partitions():
                yield [(row.row_key, msgspec.json.decode(row.value)) for row in part]

    def _keep_before(self, connection: Connection, job: str, keys: Sequence[str]) -> None:
        record = self._record
        columns = record.columns
        was = select(literal(job), *columns).where(record.key.in_(keys))
        connection.execute(
            insert(record.before).from_select(
                [record.mark, *(column.name for column in columns)], was
            )
        )
        insert_many(
            connection, record.promoted, ("promotion", "row_key"), [(job, key) for key in keys]
        )
