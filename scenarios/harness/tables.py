"""The tables of an arm, looked at from outside: the system of record and the quarantine."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache, partial
from random import Random
from typing import Any

import msgspec
from sqlalchemy import Column, Engine, Float, MetaData, Select, Table, Text, insert, select
from sqlalchemy.types import UserDefinedType

from controls import JobType, Row, SystemOfRecord, open_database
from controls.core.store import QUARANTINE
from scenarios.harness.shapes import Shape, Value
from scenarios.harness.shelf import Shelf

RECORD_TABLE = "answers"
RECORD_KEY = "row_key"
OLD_SHARE = 0.1
"""Share of the rows that have a value of an earlier day in the system of record."""
OLD_LABEL = "from an earlier day"
"""A label that no answer of this day has."""


_RECORDS: Shelf[SystemOfRecord] = Shelf(lambda record: record.engine)
_KEPT_BACK = select(QUARANTINE.c.row_key, QUARANTINE.c.reason).where(
    QUARANTINE.c.row_key.is_not(None)
)


class _Anything(UserDefinedType[Any]):
    """A column without a type: SQLite keeps whatever it is given."""

    cache_ok = True

    def get_col_spec(self, **_settings: Any) -> str:
        """Nothing stands in the DDL."""
        return ""


def make_record(job_type: JobType, rows: Sequence[Row], seed: int) -> SystemOfRecord:
    """A system of record of its own: a column per property of the answer, and old values."""
    record = empty_record(job_type)
    fill_record(record, job_type, rows, seed)
    return record


def empty_record(job_type: JobType) -> SystemOfRecord:
    """A column per property of the answer, and no values."""
    engine = open_database("sqlite://")
    shape = Shape.of(job_type.answer.schema)
    label, names = job_type.answer.label, tuple(shape.kinds)
    key = key_column(names)
    table = Table(
        RECORD_TABLE,
        MetaData(),
        Column(key, Text, primary_key=True),
        *(
            Column(name, _column_type(admitted, graded=name == label))
            for name, admitted in shape.kinds.items()
        ),
    )
    table.create(engine)
    return SystemOfRecord(engine, RECORD_TABLE, key)


def take_record(job_type: JobType) -> SystemOfRecord:
    """One that nobody looks at any more, emptied, or a new one."""
    return _RECORDS.take(_kind(job_type), partial(empty_record, job_type))


def give_record_back(job_type: JobType, record: SystemOfRecord) -> None:
    """Nobody looks at it any more."""
    _RECORDS.give_back(_kind(job_type), record)


def _kind(job_type: JobType) -> bytes:
    return msgspec.json.encode(job_type.answer.schema)


def fill_record(record: SystemOfRecord, job_type: JobType, rows: Sequence[Row], seed: int) -> None:
    """Some of the rows have a value of an earlier day."""
    key, label = record.key.name, job_type.answer.label
    names = [column.name for column in record.table.c if column is not record.key]
    chosen = Random(f"{seed}/earlier day").sample(rows, round(OLD_SHARE * len(rows)))
    old: list[dict[str, Any]] = [
        {key: row.key, **dict.fromkeys(names), label: OLD_LABEL} for row in chosen
    ]
    if old:
        with record.engine.begin() as connection:
            connection.execute(insert(record.table), old)


def _column_type(admitted: frozenset[str], *, graded: bool) -> type[Any]:
    """A type that refuses nothing which a careless pipeline would write."""
    match sorted(admitted - {"null"}):
        case ["string"]:
            return Text
        case ["number"] if not graded:
            return Float
        case _:
            return _Anything


def key_column(properties: Collection[str]) -> str:
    """A name for the key that no property has, whatever its case."""
    taken = {name.lower() for name in properties}
    name = RECORD_KEY
    while name in taken:
        name += "_"
    return name


def read_record(record: SystemOfRecord, shape: Shape) -> dict[str, Value]:
    """Every row of the system of record, by key, with its values as JSON values."""
    names = [column.name for column in record.table.c if column is not record.key]
    with record.engine.connect() as connection:
        return {
            name: shape.read(dict(zip(names, values, strict=True)))
            for name, *values in connection.execute(_all_of(record))
        }


@lru_cache(maxsize=8)
def _all_of(record: SystemOfRecord) -> Select[Any]:
    """The key, then the other columns. Tables are few, and each is read many times."""
    return select(record.key, *(each for each in record.table.c if each is not record.key))


def read_quarantine(store: Engine) -> dict[str, str]:
    """Row key to reason code of everything that was kept back."""
    with store.connect() as connection:
        return {row.row_key: row.reason for row in connection.execute(_KEPT_BACK)}
