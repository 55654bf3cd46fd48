"""Staging, promotion and rollback: every write to the system of record can be undone.

Accepted answers wait in staging. Promotion writes them in one transaction, after copying each row
it replaces; rollback puts exactly those rows back, and removes exactly those that were not there.

Weakness: rollback restores what stood there before, also over changes that somebody else made to
the same rows since. Neighbour: `Reconciliation` decides whether a promotion may happen at all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
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
    inspect,
    insert,
    literal,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection
from sqlalchemy.exc import NoSuchTableError

from controls.core.errors import ControlError
from controls.core.rows import Row
from controls.core.store import STAGING, chunks, insert_many

KEYS_PER_STATEMENT = 5_000
"""SQLite takes 32,766 bound values per statement, PostgreSQL 65,535 (their documented limits)."""

Value = Mapping[str, Any]


class Sink(Protocol):
    """Where accepted answers go."""

    def stage(self, job: str, accepted: Sequence[tuple[Row, Value]]) -> None:
        """Take answers in; the last one of a row counts."""
        ...

    def unstage(self, job: str, rows: Sequence[Row]) -> None:
        """Forget answers that turned out to be contradictory."""
        ...

    def promote(self, job: str) -> int:
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
        self.before = Table(
            f"{table}__before",
            self.metadata,
            Column("promotion", String(128), nullable=False, index=True),
            *(Column(column.name, column.type) for column in self.table.c),
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

    def write(self, connection: Connection, rows: Sequence[tuple[str, Value]]) -> None:
        """Insert or replace the answer's columns of these rows; other columns stay."""
        given = {name for _, value in rows for name in value}
        written = [c.name for c in self.table.c if c.name in given and c is not self.key]
        values = [
            {self.key.name: key} | {name: value.get(name) for name in written}
            for key, value in rows
        ]
        upsert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        statement = upsert(self.table)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=[self.key], set_={name: statement.excluded[name] for name in written}
            ),
            values,
        )


class Staging:
    """The reversible sink."""

    def __init__(self, store: Engine, record: SystemOfRecord) -> None:
        self._store = store
        self._record = record

    def __repr__(self) -> str:
        return "Staging()"

    def stage(self, job: str, accepted: Sequence[tuple[Row, Value]]) -> None:
        """Put answers into staging."""
        with self._store.begin() as connection:
            insert_many(
                connection,
                STAGING,
                ("job", "ordinal", "row_key", "value"),
                [
                    (job, row.ordinal, row.key, msgspec.json.encode(value).decode())
                    for row, value in accepted
                ],
            )

    def unstage(self, job: str, rows: Sequence[Row]) -> None:
        """Take answers out of staging."""
        with self._store.begin() as connection:
            for part in chunks([row.ordinal for row in rows], KEYS_PER_STATEMENT):
                connection.execute(
                    delete(STAGING).where(STAGING.c.job == job, STAGING.c.ordinal.in_(part))
                )

    def promote(self, job: str) -> int:
        """Write the staged answers of a job in one transaction. A second call does nothing."""
        record = self._record
        with record.engine.begin() as connection:
            known = connection.execute(
                select(record.promotions.c.number_of_rows).where(
                    record.promotions.c.promotion == job
                )
            ).scalar()
            if known is not None:
                return int(known)
            count = 0
            for part in self._staged(job):
                self._keep_before(connection, job, [key for key, _ in part])
                record.write(connection, part)
                count += len(part)
            connection.execute(
                insert(record.promotions), {"promotion": job, "number_of_rows": count}
            )
        return count

    def rollback(self, job: str, keys: Collection[str] | None = None) -> int:
        """Put back what stood there before the promotion of this job."""
        record = self._record
        with record.engine.begin() as connection:
            mine = record.promoted.c.promotion == job
            promoted = connection.scalars(select(record.promoted.c.row_key).where(mine)).all()
            affected = [key for key in promoted if keys is None or key in keys]
            for part in chunks(affected, KEYS_PER_STATEMENT):
                columns = [record.before.c[column.name] for column in record.table.c]
                was = select(*columns).where(
                    record.before.c.promotion == job, record.before.c[record.key.name].in_(part)
                )
                connection.execute(delete(record.table).where(record.key.in_(part)))
                connection.execute(
                    insert(record.table).from_select([column.name for column in columns], was)
                )
                connection.execute(
                    delete(record.promoted).where(mine, record.promoted.c.row_key.in_(part))
                )
        return len(affected)

    def _staged(self, job: str) -> Iterator[list[tuple[str, Value]]]:
        query = (
            select(STAGING.c.row_key, STAGING.c.value)
            .where(STAGING.c.job == job)
            .order_by(STAGING.c.ordinal)
        )
        with self._store.connect() as connection:
            result = connection.execution_options(yield_per=KEYS_PER_STATEMENT).execute(query)
            for part in result.partitions():
                yield [(row.row_key, msgspec.json.decode(row.value)) for row in part]

    def _keep_before(self, connection: Connection, job: str, keys: Sequence[str]) -> None:
        record = self._record
        columns = list(record.table.c)
        was = select(literal(job), *columns).where(record.key.in_(keys))
        connection.execute(
            insert(record.before).from_select(
                ["promotion", *(column.name for column in columns)], was
            )
        )
        insert_many(
            connection, record.promoted, ("promotion", "row_key"), [(job, key) for key in keys]
        )
