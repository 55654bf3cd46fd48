"""The tables of an arm, looked at from outside: the system of record and the quarantine."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Engine,
    Float,
    Integer,
    MetaData,
    Table,
    Text,
    insert,
    select,
)

from controls import JobType, Row, SystemOfRecord, open_store
from controls.core.store import QUARANTINE
from scenarios.harness.record import Value

RECORD_TABLE = "answers"
RECORD_KEY = "row_key"
OLD_SHARE = 0.1
"""Share of the rows that have a value of an earlier day in the system of record."""
OLD_LABEL = "from an earlier day"
COLUMN_TYPES = {"string": Text, "number": Float, "integer": Integer, "boolean": Boolean}


def make_record(job_type: JobType, rows: Sequence[Row], seed: int) -> SystemOfRecord:
    """A system of record of its own: a column per property of the answer, and old values."""
    engine = open_store("sqlite://")
    properties = job_type.answer.schema["properties"]
    table = Table(
        RECORD_TABLE,
        MetaData(),
        Column(RECORD_KEY, Text, primary_key=True),
        *(
            Column(name, COLUMN_TYPES.get(str(schema.get("type")), Text))
            for name, schema in properties.items()
        ),
    )
    table.create(engine)
    chosen = Random(f"{seed}/earlier day").sample(rows, round(OLD_SHARE * len(rows)))
    old: list[dict[str, Any]] = [
        {RECORD_KEY: row.key, **dict.fromkeys(properties), job_type.answer.label: OLD_LABEL}
        for row in chosen
    ]
    if old:
        with engine.begin() as connection:
            connection.execute(insert(table), old)
    return SystemOfRecord(engine, RECORD_TABLE, RECORD_KEY)


def read_record(record: SystemOfRecord) -> dict[str, Value]:
    """Every row of the system of record, by key."""
    table = record.table
    names = [column.name for column in table.c if column.name != RECORD_KEY]
    columns = [table.c[RECORD_KEY], *(table.c[name] for name in names)]
    with record.engine.connect() as connection:
        return {
            key: dict(zip(names, values, strict=True))
            for key, *values in connection.execute(select(*columns))
        }


def read_quarantine(store: Engine) -> dict[str, str]:
    """Row key to reason code of everything that was kept back."""
    query = select(QUARANTINE.c.row_key, QUARANTINE.c.reason).where(
        QUARANTINE.c.row_key.is_not(None)
    )
    with store.connect() as connection:
        return {row.row_key: row.reason for row in connection.execute(query)}
