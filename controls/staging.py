"""Staging, promotion and rollback: every write to the system of record can be undone.

Protects from wrong answers that stand where nobody can take them back. Accepted answers wait in
staging. Promotion writes them in one transaction, after copying each row it replaces; rollback puts
exactly those rows back, and removes exactly those that were not there.

Weakness: rollback restores what stood there before, also over changes that somebody else made to
the same rows since. Neighbour: `Reconciliation` decides whether a promotion may happen at all.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from itertools import chain, islice
from typing import Any, Protocol

import msgspec
from sqlalchemy import (
    ARRAY,
    JSON,
    Column,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    bindparam,
    column,
    delete,
    func,
    insert,
    inspect,
    select,
    table,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection
from sqlalchemy.exc import NoSuchTableError, SAWarning
from sqlalchemy.types import NullType, UserDefinedType

from controls.core import queries
from controls.core.book import JobRecord
from controls.core.columns import Staged, list_digest, packed, part_digest, read_staged
from controls.core.errors import ControlError
from controls.core.store import (
    BESIDE,
    PREPARATION,
    chunks,
    copied_beside,
    insert_many,
    merge_many,
)

KEYS_PER_STATEMENT = 5_000
"""SQLite takes 32,766 bound values per statement, PostgreSQL 65,535 (their documented limits)."""

KEYS_PER_COPY = 50_000
"""On PostgreSQL keys are copied into a table, which pays for large parts."""

KEYS, OWN = "keys", "own"
"""Lists of keys that a statement for SQLite is given."""

Value = Mapping[str, Any]


class Sink(Protocol):
    """Where accepted answers go."""

    def stage(
        self, connection: Connection, job: JobRecord, batch: int, part: int, answers: Staged
    ) -> bytes:
        """Take the answers of a part in, within this transaction. SHA-256 of what the store now
        holds of them, for the trail; nothing where it holds nothing."""
        ...

    def forget(self, connection: Connection, job: JobRecord, batch: int) -> None:
        """Drop what a collection that was interrupted has left, within this transaction."""
        ...

    def promote(self, job: JobRecord, digests: Mapping[int, str]) -> int:
        """Write what is staged to the system of record, once; the number of rows. What turned
        out to be contradictory since, as the book says, stays behind.

        Args:
            digests: by batch, SHA-256 of what `stage` returned for its parts.

        Raises:
            ControlError: what is staged is not what was collected.
        """
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
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SAWarning)  # of a type that it does not know
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
        self.columns = [column for column in self.table.c if _is_ours(column)]
        for written in self.columns:
            if isinstance(written.type, JSON):
                written.type.none_as_null = True
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
        self._make_tables()
        self._on_postgres = engine.dialect.name == "postgresql"
        self._upserts: dict[tuple[str, ...], Any] = {}
        self._make_statements()

    def _make_tables(self) -> None:
        """Make the tables beside the user's, once, whoever else does it at the same time."""
        with self.engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text(f"SELECT pg_advisory_xact_lock({PREPARATION})"))
                self._make_before(connection)
            self.metadata.create_all(connection)

    def _make_before(self, connection: Connection) -> None:
        """PostgreSQL has types that only it can name: the table of before-images copies them."""
        if inspect(connection).has_table(self.before.name):
            return
        quote = connection.dialect.identifier_preparer.quote
        columns = ", ".join(quote(column.name) for column in self.columns)
        connection.exec_driver_sql(
            f"CREATE TABLE {quote(self.before.name)} AS "  # noqa: S608 - quoted names only
            f"SELECT CAST('' AS VARCHAR(128)) AS {quote(self.mark)}, {columns} "
            f"FROM {quote(self.table.name)} WITH NO DATA"
        )
        for index in self.before.indexes:
            index.create(connection)

    def _make_statements(self) -> None:
        """The statements that every promotion and every rollback asks, made once."""
        names = [column.name for column in self.columns]
        others = tuple(name for name in names if name != self.key.name)
        promotion, these, own = bindparam("promotion", type_=String), self._in(KEYS), self._in(OWN)
        here, saved = self.key.in_(these), self.before.c[self.key.name]
        mine = (self.before.c[self.mark] == promotion) & saved.in_(own)
        was = select(*(self.before.c[name] for name in names)).where(mine)
        self._known = select(self.promotions.c.number_of_rows).where(
            self.promotions.c.promotion == promotion
        )
        self._keep = insert(self.before).from_select(
            [self.mark, *names], select(promotion, *self.columns).where(here)
        )
        self._held = select(func.count()).select_from(self.table).where(here)
        self._spelled = select(self.key).where(here)
        self._remove = delete(self.table).where(here, self.key.not_in(select(saved).where(mine)))
        self._restore = self._upsert(others).from_select(names, was)

    def _in(self, name: str) -> Any:
        """What `IN` takes to find keys: on PostgreSQL a table of them, which has the type of the
        key and is searched as a whole; else a list that is given by this name."""
        if self._on_postgres:
            return select(table(BESIDE, column(self.key.name, self.key.type)).c[self.key.name])
        return bindparam(name, expanding=True)

    @contextmanager
    def _among(self, connection: Connection, keys: Sequence[str]) -> Iterator[dict[str, Any]]:
        """These keys where `_in` looks for them; with what to bind."""
        if not self._on_postgres:
            yield {KEYS: keys}
            return
        rows = [(key,) for key in keys]
        with copied_beside(connection, self.table, (self.key.name,), rows):
            yield {}

    def known(self, connection: Connection, promotion: str) -> int | None:
        """How many rows a promotion wrote; None if there was none."""
        return connection.execute(self._known, {"promotion": promotion}).scalar()

    def keep(self, connection: Connection, promotion: str, keys: Sequence[str]) -> None:
        """Copy what a promotion is about to replace."""
        with self._among(connection, keys) as these:
            connection.execute(self._keep, {"promotion": promotion, **these})

    @property
    def keys_per_part(self) -> int:
        """How many rows are promoted or put back at a time."""
        return KEYS_PER_COPY if self._on_postgres else KEYS_PER_STATEMENT

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
        alike: dict[tuple[str, ...], list[tuple[str, Value]]] = {}
        for key, value in rows:
            alike.setdefault(tuple(name for name in mine if name in value), []).append((key, value))
        for written, some in alike.items():
            if self._on_postgres:
                self._merge(connection, written, some)
                continue
            key_name, columns = self.key.name, [(name, self.table.c[name]) for name in written]
            stored = [
                {key_name: key, **{name: _storable(value[name], of) for name, of in columns}}
                for key, value in some
            ]
            connection.execute(self._upsert(written), stored)

    def _upsert(self, names: tuple[str, ...]) -> Any:
        """INSERT into these columns, or UPDATE them where the key is there already."""
        if names not in self._upserts:
            make = postgresql.insert if self._on_postgres else sqlite.insert
            statement = make(self.table)
            news = {name: statement.excluded[name] for name in names}
            self._upserts[names] = (
                statement.on_conflict_do_update(index_elements=[self.key], set_=news)
                if names
                else statement.on_conflict_do_nothing(index_elements=[self.key])
            )
        return self._upserts[names]

    def _merge(
        self, connection: Connection, written: Sequence[str], rows: Sequence[tuple[str, Value]]
    ) -> None:
        makers = [(name, _copyable(self.table.c[name])) for name in written]
        merge_many(
            connection,
            self.table,
            (self.key.name, *written),
            [(key, *[make(value[name]) for name, make in makers]) for key, value in rows],
            (self.key.name,),
        )

    def confirm(self, connection: Connection, keys: Sequence[str]) -> None:
        """See that rows just written are there: a trigger or a rule may have dropped some, and the
        database says nothing of it.

        Raises:
            ControlError: some are not.
        """
        with self._among(connection, keys) as these:
            found = connection.execute(self._held, these).scalar_one()
        if found != len(keys):
            raise ControlError(
                f"Of {len(keys):,} rows written, the table {self.table.name!r} holds {found:,}.",
                fix="See which trigger, rule or collation of the table drops or joins rows.",
            )

    def put_back(self, connection: Connection, promotion: str, keys: Sequence[str]) -> None:
        """Restore these rows as they were before a promotion; remove those that were not there.

        Rows are changed in place, never deleted and inserted again: other tables may refer to
        them. The table may know a key by another spelling (`NOCASE`), so its own is asked for.
        """
        with self._among(connection, keys) as these:
            which = {"promotion": promotion, **these}
            if not self._on_postgres:
                found = connection.scalars(self._spelled, these).all()
                which[OWN] = [*{*keys, *found}]
            connection.execute(self._remove, which)
            connection.execute(self._restore, which)


def _is_ours(column: Column[Any]) -> bool:
    """Whether a value can be written: not where the database computes or numbers it always."""
    numbered = column.identity is not None and column.identity.always
    return column.computed is None and not numbered


def _storable(value: Any, column: Column[Any]) -> Any:
    """A list or an object goes into its column as JSON."""
    if not isinstance(value, dict | list) or isinstance(column.type, JSON):
        return value  # a column for JSON writes it as such
    return msgspec.json.encode(value).decode()


def _copyable(column: Column[Any]) -> Callable[[Any], Any]:
    """What makes a value ready for COPY, which reads each column in the text form of its type."""
    if isinstance(column.type, JSON):
        return lambda value: None if value is None else msgspec.json.encode(value).decode()
    whole, many = isinstance(column.type, Integer), isinstance(column.type, ARRAY)

    def copyable(value: Any) -> Any:
        if isinstance(value, dict | list) and not (many and isinstance(value, list)):
            return msgspec.json.encode(value).decode()
        if isinstance(value, bool):
            return str(value).lower()
        if whole and isinstance(value, float) and value.is_integer():
            return int(value)
        return value

    return copyable


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

    def stage(
        self, connection: Connection, job: JobRecord, batch: int, part: int, answers: Staged
    ) -> bytes:
        """Put the answers of a part into staging."""
        if not answers.ordinals:
            return b""
        lines = packed(answers)
        connection.execute(
            queries.ADD_STAGED, {"job": job.number, "batch": batch, "part": part, "lines": lines}
        )
        return part_digest(part, lines)

    def forget(self, connection: Connection, job: JobRecord, batch: int) -> None:
        """Take the answers of a batch out of staging."""
        connection.execute(queries.FORGET_STAGED, {"job": job.number, "batch": batch})

    def promote(self, job: JobRecord, digests: Mapping[int, str]) -> int:
        """Write the staged answers of a job in one transaction.

        A second call does nothing, after a rollback too: what was undone stays undone.

        Raises:
            ControlError: staging is not what was collected, or the table does not hold what was
                written into it. Nothing was changed.
        """
        record = self._record
        with record.engine.begin() as connection:
            known = record.known(connection, job.id)
            if known is not None:
                return known
            answers = chain.from_iterable(
                self._staged(job, batch, digest, connection)
                for batch, digest in sorted(digests.items())
            )
            count = 0
            while part := list(islice(answers, record.keys_per_part)):
                keys = [key for key, _ in part]
                self._keep_before(connection, job.id, keys)
                record.write(connection, part)
                record.confirm(connection, keys)
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
            for part in chunks(affected, record.keys_per_part):
                record.put_back(connection, job, part)
            if len(affected) == len(promoted):
                connection.execute(delete(record.promoted).where(mine))
                return len(affected)
            for part in chunks(affected, KEYS_PER_STATEMENT):
                connection.execute(
                    delete(record.promoted).where(mine, record.promoted.c.row_key.in_(part))
                )
        return len(affected)

    def _staged(
        self, job: JobRecord, batch: int, digest: str, writer: Connection
    ) -> list[tuple[str, Value]]:
        """What a batch has staged, in the order of the rows; read through `writer` where both
        share one store, as two connections to a store in memory are one transaction."""
        which = {"job": job.number, "batch": batch}
        shared = self._store is self._record.engine
        with nullcontext(writer) if shared else self._store.connect() as connection:
            found = connection.execute(queries.STAGED, which).all()
            doubted = set(connection.scalars(queries.REFUSED, which))
        if list_digest(part_digest(row.part, row.lines) for row in found) != digest:
            raise ControlError(
                f"What batch {batch} of {job.id!r} has in staging is not what was collected.",
                fix="See who writes to the store; `gameday audit verify` says what was changed.",
            )
        answers: list[tuple[int, str, bytes]] = []
        for row in found:
            part = read_staged(row.lines)
            answers += zip(part.ordinals, part.keys, part.values, strict=True)
        decode = msgspec.json.decode
        return [
            (key, decode(value))
            for ordinal, key, value in sorted(answers)
            if ordinal not in doubted
        ]

    def _keep_before(self, connection: Connection, job: str, keys: Sequence[str]) -> None:
        """Copy what is about to be replaced, and note what is about to be written."""
        self._record.keep(connection, job, keys)
        rows = [(job, key) for key in keys]
        insert_many(connection, self._record.promoted, ("promotion", "row_key"), rows)
