"""Promotion and rollback on PostgreSQL: its own types, byte for byte, and fast."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from controls import Ledger, Staging, SystemOfRecord, open_store
from controls.core.book import Book, JobRecord
from tests import postgres
from tests.controls.builders import NOW, a_job_type, staged_digests

pytestmark = pytest.mark.postgres
MANY = 100_000
RICH = """
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE DOMAIN share AS numeric(6, 5) CHECK (VALUE <= 1);
CREATE TYPE pair AS (one int, two text);
CREATE TABLE answers (
    id serial UNIQUE,
    number bigint GENERATED ALWAYS AS IDENTITY,
    "key" text PRIMARY KEY,
    label text,
    score numeric,
    part share,
    "Odd Name" jsonb,
    raw json,
    tags text[],
    mood mood,
    pair pair,
    uid uuid,
    blob bytea,
    at timestamptz,
    ratio float8,
    flag boolean,
    count int,
    where_ inet,
    span int4range,
    size int GENERATED ALWAYS AS (length(label)) STORED
);
INSERT INTO answers ("key", label, score, part, "Odd Name", raw, tags, mood, pair, uid, blob, at,
                     ratio, flag, count, where_, span)
VALUES ('a', E'tab\\t\\\\N "quote"', 1.10, 0.5, '{"b": 1, "a": [1.10]}', '{"b":1,  "a":1.10}',
        '{x,NULL,"y z"}', 'good', '(1,"a b")', '6ecd8c99-4036-403d-bf84-cf8400f67836', '\\xdead00',
        '2026-11-20 09:00:00.123456+02', 'NaN', true, 7, '10.0.0.1/8', '[1,5)'),
       ('b', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        '-0', NULL, NULL, NULL, NULL);
"""


@pytest.fixture
def engine(postgres_url: str) -> Iterator[Engine]:
    """A store, and a record in the same database."""
    engine = open_store(postgres_url)
    yield engine
    engine.dispose()


def run(engine: Engine, sql: str) -> None:
    """Statements as they are."""
    with engine.begin() as connection:
        connection.exec_driver_sql(sql)


def raw(engine: Engine, table: str = "answers") -> list[str]:
    """Every row as PostgreSQL writes it."""
    with engine.connect() as connection:
        return sorted(connection.exec_driver_sql(f"SELECT t::text FROM {table} t").scalars())


def a_job(engine: Engine, name: str = "job_1") -> JobRecord:
    """A job in the store."""
    book = Book(Ledger(engine, lambda: NOW))
    book.open(
        name,
        a_job_type(),
        rows=1,
        rows_digest="",
        prefix="",
        seed=0,
        approvals=[],
        price={},
    )
    job = book.job(name)
    assert job is not None
    return job


def promoted(engine: Engine, values: Mapping[str, Mapping[str, Any]], key: str = "key") -> Staging:
    """These values by key, staged and promoted as `job_1`."""
    staging, job = Staging(engine, SystemOfRecord(engine, "answers", key)), a_job(engine)
    answers = [(place, name, value) for place, (name, value) in enumerate(values.items())]
    digests = staged_digests(staging, engine, job, answers)
    assert len(values) == staging.promote(job, digests)
    return staging


def test_columns_of_all_types_are_written_and_put_back(engine: Engine) -> None:
    """Serial, identity, numeric, domains, JSON, arrays, enums, composites, ranges, generated: what
    was there comes back byte for byte, what was not there goes."""
    run(engine, RICH)
    before = raw(engine)
    news = {
        "label": 'new\ttab \\N "quote"',
        "score": 0.1,
        "part": 0.25,
        "Odd Name": {"x": [1, None, "\u00e9"]},
        "raw": "text",
        "tags": ["p", "q r", None],
        "mood": "bad",
        "uid": "00000000-0000-0000-0000-000000000001",
        "ratio": 1e-300,
        "flag": False,
        "count": 3.0,
        "number": 99,
        "id": 98,
        "size": 97,
    }
    staging = promoted(engine, {"a": news, "c": {"label": "c", "Odd Name": None}})

    after = {line.split(",")[2]: line for line in raw(engine)}
    assert (
        '(98,1,a,"new\ttab \\\\N ""quote""",0.1,0.25000,'
        '"{""x"": [1, null, ""\u00e9""]}","""text""","{p,""q r"",NULL}",bad,"(1,""a b"")",'
        '00000000-0000-0000-0000-000000000001,"\\\\xdead00","2026-11-20 07:00:00.123456+00",'
        '1e-300,f,3,10.0.0.1/8,"[1,5)",18)'
    ) == after["a"].replace("+00:00", "+00")
    assert after["c"].endswith(",c,c,,,,,,,,,,,,,,,,1)")
    assert 3 == len(after)
    assert 2 == staging.rollback("job_1")
    assert before == raw(engine)


@pytest.mark.parametrize(
    ("kind", "known", "new"),
    [
        ("bigint", "12", "14"),
        ("uuid", str(UUID(int=12)), str(UUID(int=14))),
        ("varchar(40)", "x'y", 'x"z %s'),
        ("numeric", "1.5", "2.5"),
    ],
)
def test_keys_of_all_types(engine: Engine, kind: str, known: str, new: str) -> None:
    """Rows have text as their key, the table has its own type."""
    run(engine, f'CREATE TABLE answers ("key" {kind} UNIQUE NOT NULL, id serial, label text)')
    quoted = known.replace("'", "''")
    run(engine, f"INSERT INTO answers (key, label) VALUES ('{quoted}', 'old')")
    before = raw(engine)

    staging = promoted(engine, {known: {"label": "one"}, new: {"label": "two"}})

    assert 2 == len(raw(engine))
    assert 1 == staging.rollback("job_1", [new])
    assert 1 == len(raw(engine))
    assert before != raw(engine)
    assert 1 == staging.rollback("job_1")
    assert before == raw(engine)


VALUES = st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
NUMBERS = st.none() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, width=32)
KEYS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4)
ANSWERS = st.fixed_dictionaries(
    {}, optional={"label": VALUES, "score": NUMBERS, "more": st.lists(VALUES) | NUMBERS}
)


@settings(max_examples=15)
@given(
    st.dictionaries(KEYS, st.tuples(VALUES, NUMBERS), max_size=4),
    st.dictionaries(KEYS, ANSWERS, max_size=6),
    st.data(),
)
def test_promote_then_rollback_leaves_no_trace(
    postgres_server: URL,
    prior: dict[str, tuple[str | None, float | None]],
    answers: dict[str, dict[str, Any]],
    data: st.DataObject,
) -> None:
    """Whatever stood there and whatever was promoted over it: byte for byte, in two steps too."""
    with postgres.database(postgres_server) as url:
        engine = open_store(url)
        run(
            engine,
            "CREATE TABLE answers (key text PRIMARY KEY, label text, score float8, more jsonb)",
        )
        with engine.begin() as connection:
            for key, (label, score) in prior.items():
                connection.exec_driver_sql(
                    "INSERT INTO answers (key, label, score) VALUES (%s, %s, %s)",
                    (key, label, score),
                )
        before = raw(engine)
        staging = promoted(engine, answers | {key: {"label": "x"} for key in sorted(prior)[:1]})
        some = data.draw(st.sets(st.sampled_from(sorted(answers)))) if answers else set()

        staging.rollback("job_1", some)
        staging.rollback("job_1")

        assert before == raw(engine)
        engine.dispose()


def test_workers_that_start_at_the_same_time_make_the_tables_once(postgres_url: str) -> None:
    """None of them fails."""
    engines = [open_store(postgres_url) for _ in range(4)]
    run(engines[0], "CREATE TABLE answers (key text PRIMARY KEY, label text)")

    with ThreadPoolExecutor(4) as pool:
        records = list(pool.map(lambda engine: SystemOfRecord(engine, "answers", "key"), engines))

    assert [["key", "label"]] * 4 == [[column.name for column in one.columns] for one in records]
    for engine in engines:
        engine.dispose()


def test_a_promotion_that_fails_writes_nothing(engine: Engine) -> None:
    """One value too long among many: an error of SQLAlchemy, and the table is as it was."""
    run(engine, "CREATE TABLE answers (key text PRIMARY KEY, label varchar(3))")
    run(engine, "INSERT INTO answers VALUES ('k1', 'old')")
    values = {f"k{number}": {"label": "new"} for number in range(10)}

    with pytest.raises(DBAPIError):
        promoted(engine, values | {"last": {"label": "long"}})

    assert ["(k1,old)"] == raw(engine)
    assert [] == raw(engine, "answers__promotions")


def test_many_rows_are_promoted_in_bulk(engine: Engine) -> None:
    """Half of them new, half of them there: promotion and rollback of 100,000 rows."""
    run(engine, "CREATE TABLE answers (key text PRIMARY KEY, label text, score float8, visits int)")
    run(
        engine,
        "INSERT INTO answers SELECT 'key-' || n, 'old', 0, n "
        f"FROM generate_series(0, {MANY - 1}, 2) n",
    )
    before = raw(engine)
    staging, job = Staging(engine, SystemOfRecord(engine, "answers", "key")), a_job(engine)
    news = [(n, f"key-{n}", {"label": "new", "score": 0.5}) for n in range(MANY)]
    digests = staged_digests(staging, engine, job, news)
    statements: list[bool] = []

    def count(*execution: Any) -> None:
        statements.append(execution[-1])

    event.listen(engine, "before_cursor_execute", count)
    assert MANY == staging.promote(job, digests)
    assert MANY // 2 == sum(line.endswith(",new,0.5,)") for line in raw(engine))
    assert MANY == staging.rollback(job.id)

    assert before == raw(engine)
    assert len(statements) < 60
    assert True not in statements, "a statement per row"


def test_store_and_record_may_be_two_databases(postgres_url: str, postgres_server: URL) -> None:
    """The record in another database, by an engine that is the user's own."""
    with postgres.database(postgres_server) as other:
        store, record_engine = open_store(postgres_url), create_engine(other)
        run(record_engine, "CREATE TABLE answers (key text PRIMARY KEY, label text)")
        staging, job = (
            Staging(store, SystemOfRecord(record_engine, "answers", "key")),
            a_job(store),
        )
        digests = staged_digests(staging, store, job, [(0, "a", {"label": "new"})])

        assert 1 == staging.promote(job, digests)
        assert ["(a,new)"] == raw(record_engine)
        assert 1 == staging.rollback(job.id)
        assert [] == raw(record_engine)
        store.dispose()
        record_engine.dispose()
