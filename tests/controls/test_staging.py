"""Staging, promotion and rollback, on real SQLite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, insert, select
from sqlalchemy.exc import IntegrityError

from controls import ControlError, Row, Staging, SystemOfRecord, open_store
from controls.core.book import JobRecord
from controls.core.columns import list_digest, read_staged
from controls.core.store import STAGING, UNACCEPTED
from controls.staging import KEYS_PER_STATEMENT
from tests.controls.builders import (
    a_job_record,
    a_record,
    a_row,
    content,
    rows,
    staged_digests,
)

COLUMN_TYPES = (
    "TEXT",
    "INTEGER",
    "REAL",
    "BLOB",
    "",
    "NUMERIC",
    "DECIMAL(10, 2)",
    "VARCHAR(3)",
    "BOOLEAN",
    "DATETIME",
    "JSON",
    "TEXT COLLATE NOCASE",
)
STORED = (
    st.none()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.binary()
)
KEYS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)


def a_table(ddl: str, prior: Sequence[Sequence[Any]] = (), table: str = "answers") -> Engine:
    """A store with a table of the user's."""
    engine = open_store("sqlite://")
    with engine.begin() as connection:
        connection.exec_driver_sql(ddl)
        for row in prior:
            marks = ", ".join("?" * len(row))
            connection.exec_driver_sql(f"INSERT INTO {table} VALUES ({marks})", tuple(row))
    return engine


def raw(engine: Engine, table: str = "answers") -> list[tuple[Any, ...]]:
    """Every stored value with its storage class, past all Python types."""
    with engine.connect() as connection:
        names = [row[1] for row in connection.exec_driver_sql(f"PRAGMA table_xinfo({table})").all()]
        columns = ", ".join(f'"{name}", typeof("{name}")' for name in names)
        found = connection.exec_driver_sql(f"SELECT {columns} FROM {table}").all()
    return sorted((tuple(row) for row in found), key=repr)


def the_job(name: str) -> JobRecord:
    """One of four jobs of a store."""
    return a_job_record(name, number=("j", "j1", "j2", "k").index(name) + 1)


def stage(
    staging: Staging, job: str, accepted: Sequence[tuple[Row, Mapping[str, Any]]], batch: int = 1
) -> dict[int, str]:
    """Put answers into staging, in a transaction of their own; what `promote` takes."""
    answers = [(row.ordinal, row.key, value) for row, value in accepted]
    return staged_digests(staging, staging._store, the_job(job), answers, batch)


def a_staging(record: SystemOfRecord) -> Staging:
    """Staging in a store of its own."""
    return Staging(open_store("sqlite://"), record)


def promoted(record: SystemOfRecord, values: dict[str, dict[str, Any]], job: str = "j") -> Staging:
    """These values by key, staged and promoted."""
    staging = a_staging(record)
    digests = stage(
        staging,
        job,
        [(Row(place, key, {}), value) for place, (key, value) in enumerate(values.items())],
    )
    staging.promote(the_job(job), digests)
    return staging


# --- the round trip


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from(COLUMN_TYPES), min_size=1, max_size=4),
    st.dictionaries(KEYS, st.lists(STORED, min_size=4, max_size=4), max_size=5),
    st.dictionaries(KEYS, st.text("abc", max_size=3) | st.none(), max_size=8),
    st.data(),
)
def test_promote_then_rollback_leaves_no_trace(
    types: list[str], prior: dict[str, list[Any]], answers: dict[str, Any], data: st.DataObject
) -> None:
    """Whatever stood in the table, in columns of any type, ours and others': byte for byte."""
    others = "".join(f', "c{place}" {kind}' for place, kind in enumerate(types))
    ddl = f'CREATE TABLE answers ("key" TEXT PRIMARY KEY, "label" TEXT{others})'
    known = [[key, "old", *values[: len(types)]] for key, values in prior.items()]
    engine = a_table(ddl, known)
    before = raw(engine)
    record = SystemOfRecord(engine, "answers", "key")
    mine = data.draw(st.sets(st.sampled_from(sorted(prior)))) if prior else set()
    values = answers | dict.fromkeys(mine, "new")

    staging = promoted(record, {key: {"label": label} for key, label in values.items()})
    after = {row[0]: row[2] for row in raw(engine)}
    count = staging.rollback("j")

    assert {key: row[0] for key, row in prior.items()}.keys() | values.keys() == after.keys()
    assert values == {key: after[key] for key in values}
    assert len(values) == count
    assert before == raw(engine)


@settings(max_examples=40)
@given(st.data())
def test_a_rollback_of_some_keys_restores_exactly_those(data: st.DataObject) -> None:
    """The others keep their promoted values; a second rollback restores the rest."""
    keys = [f"key-{number}" for number in range(8)]
    prior = data.draw(st.sets(st.sampled_from(keys)))
    chosen = data.draw(st.sets(st.sampled_from([*keys, "of another job"])))
    record = a_record(prior=[{"key": key, "label": "old", "visits": 1} for key in sorted(prior)])
    before = content(record)
    staging = promoted(record, {key: {"label": "new"} for key in keys})

    count = staging.rollback("j", chosen)
    labels = {row[0]: row[1] for row in content(record)}

    assert len(chosen & set(keys)) == count
    assert dict.fromkeys(set(keys) - chosen, "new") | dict.fromkeys(prior & chosen, "old") == labels
    assert 8 - count == staging.rollback("j")
    assert before == content(record)


def test_a_rollback_touches_no_row_of_others() -> None:
    """Rows that somebody else wrote meanwhile stay."""
    record = a_record(prior=[{"key": "a", "label": "old"}])
    staging = promoted(record, {"a": {"label": "new"}})
    with record.engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO answers VALUES ('b', 'theirs', 1, 1)")

    staging.rollback("j")

    assert [("a", "old", None, None), ("b", "theirs", 1.0, 1)] == content(record)


def test_two_jobs_are_undone_one_after_the_other() -> None:
    """The later first: each rollback restores what its own promotion replaced."""
    record = a_record(prior=[{"key": "a", "label": "old"}])
    one = promoted(record, {"a": {"label": "one"}}, "j1")
    two = promoted(record, {"a": {"label": "two"}, "b": {"label": "two"}}, "j2")

    assert 2 == two.rollback("j2")
    assert {"a": "one"} == {row[0]: row[1] for row in content(record)}
    assert 1 == one.rollback("j1")
    assert {"a": "old"} == {row[0]: row[1] for row in content(record)}


@pytest.mark.parametrize(
    "ddl",
    [
        'CREATE TABLE answers (id INTEGER PRIMARY KEY, "key" TEXT UNIQUE NOT NULL, label TEXT)',
        'CREATE TABLE answers (id INTEGER PRIMARY KEY, "key" TEXT COLLATE NOCASE UNIQUE, label)',
        'CREATE TABLE answers (id INTEGER PRIMARY KEY, "key" INTEGER UNIQUE, label TEXT)',
        'CREATE TABLE answers (id INTEGER, "key" PRIMARY KEY, label TEXT) WITHOUT ROWID',
        'CREATE TABLE answers (id, "key" TEXT PRIMARY KEY, label, size AS (length(label)) STORED)',
    ],
)
def test_tables_of_all_kinds_are_restored(ddl: str) -> None:
    """Surrogate keys, case-blind keys, numbers as keys, no types, computed columns."""
    engine = a_table(ddl)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO answers (id, key, label) VALUES (7, '12', 'old'), (9, '13', 'other')"
        )
    before = raw(engine)
    staging = promoted(
        SystemOfRecord(engine, "answers", "key"), {"12": {"label": "x"}, "14": {"label": "y"}}
    )

    assert 3 == len(raw(engine))
    assert 2 == staging.rollback("j")
    assert before == raw(engine)


def test_a_column_named_as_our_own_does_not_disturb() -> None:
    """The users' columns have the right of way: ours takes another name."""
    engine = a_table(
        "CREATE TABLE answers (k TEXT PRIMARY KEY, Promotion TEXT, promotion_ TEXT)",
        [("a", "x", "y")],
    )
    record, before = SystemOfRecord(engine, "answers", "k"), raw(engine)
    staging = promoted(record, {"a": {"Promotion": "new"}, "b": {"promotion_": "new"}})

    assert before != raw(engine)
    assert 2 == staging.rollback("j")
    assert before == raw(engine)


def test_a_key_in_another_spelling_is_restored_in_its_own() -> None:
    """A case-blind key: `ABC` is updated through `abc`, and comes back as `ABC`."""
    engine = a_table(
        'CREATE TABLE answers ("key" TEXT COLLATE NOCASE PRIMARY KEY, label TEXT)',
        [("ABC", "old")],
    )
    staging = promoted(SystemOfRecord(engine, "answers", "key"), {"abc": {"label": "new"}})

    assert [("ABC", "text", "new", "text")] == raw(engine)
    staging.rollback("j")

    assert [("ABC", "text", "old", "text")] == raw(engine)


def test_rows_that_others_refer_to_survive_a_rollback() -> None:
    """A row is put back in place: nothing that refers to it is cascaded away."""
    engine = a_table('CREATE TABLE answers ("key" TEXT PRIMARY KEY, label TEXT)', [("a", "old")])
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE notes (of TEXT REFERENCES answers (key) ON DELETE CASCADE)"
        )
        connection.exec_driver_sql("INSERT INTO notes VALUES ('a')")
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys = ON")
    staging = promoted(SystemOfRecord(engine, "answers", "key"), {"a": {"label": "new"}})

    staging.rollback("j")

    assert [("a", "text", "old", "text")] == raw(engine)
    assert [("a", "text")] == raw(engine, "notes")


# --- promoting


def test_a_promotion_writes_what_the_answers_say_and_nothing_else() -> None:
    """Columns that an answer does not name stay, whatever its neighbours name."""
    record = a_record(
        prior=[{"key": key, "label": "old", "score": 0.1, "visits": 5} for key in "ab"]
    )
    promoted(record, {"a": {"label": "new"}, "b": {"label": "new", "score": 0.9}})

    assert [("a", "new", 0.1, 5), ("b", "new", 0.9, 5)] == content(record)


def test_a_column_that_an_answer_sets_to_null_is_null() -> None:
    """Null is a value."""
    record = a_record(prior=[{"key": "a", "label": "old", "score": 0.1}])
    promoted(record, {"a": {"label": "new", "score": None}})

    assert [("a", "new", None, None)] == content(record)


def test_lists_and_objects_are_stored_as_json() -> None:
    """A schema may have them; a column takes their text."""
    record = a_record()
    promoted(record, {"a": {"label": ["x", {"y": None}]}, "b": {"label": {}}})

    assert ['["x",{"y":null}]', "{}"] == [row[1] for row in content(record)]


def test_an_answer_cannot_move_its_row() -> None:
    """A property with the name of the key column is not written."""
    record = a_record()
    promoted(record, {"a": {"key": "b", "label": "new"}})

    assert [("a", "new", None, None)] == content(record)


def test_properties_without_a_column_are_left_out() -> None:
    """The table says what is stored; an answer of which nothing fits still makes its row."""
    record = a_record()
    promoted(record, {"a": {"label": "new", "why": "x"}, "b": {"why": "x"}})

    assert [("a", "new", None, None), ("b", None, None, None)] == content(record)


def test_a_promotion_is_all_or_nothing() -> None:
    """The last row breaks a constraint: none of 5,001 is written, and nothing is remembered."""
    engine = a_table(
        "CREATE TABLE answers (key TEXT PRIMARY KEY, label TEXT CHECK (label <> 'no'))"
    )
    record = SystemOfRecord(engine, "answers", "key")
    staging = a_staging(record)
    good = [(row, {"label": "yes"}) for row in rows(KEYS_PER_STATEMENT)]
    digests = stage(staging, "j", [*good, (a_row(KEYS_PER_STATEMENT), {"label": "no"})])

    with pytest.raises(IntegrityError):
        staging.promote(the_job("j"), digests)

    assert [] == raw(engine)
    assert 0 == staging.rollback("j")
    with staging._store.begin() as connection:
        staging.forget(connection, the_job("j"), 1)
    digests = stage(staging, "j", [*good, (a_row(KEYS_PER_STATEMENT), {"label": "yes"})])
    assert KEYS_PER_STATEMENT + 1 == staging.promote(the_job("j"), digests)


def test_rows_that_the_table_drops_in_silence_undo_the_promotion() -> None:
    """A trigger that ignores some rows raises no error: they are counted after the writing."""
    engine = a_table("CREATE TABLE answers (key TEXT PRIMARY KEY, label TEXT)")
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER tidy BEFORE INSERT ON answers WHEN NEW.label = 'no' "
            "BEGIN SELECT RAISE(IGNORE); END"
        )
    staging = a_staging(SystemOfRecord(engine, "answers", "key"))
    answers = [(row, {"label": label}) for row, label in zip(rows(2), ("yes", "no"), strict=True)]
    digests = stage(staging, "j", answers)

    with pytest.raises(ControlError, match="Of 2 rows written, the table 'answers' holds 1"):
        staging.promote(the_job("j"), digests)

    assert [] == raw(engine)


def test_a_second_promotion_does_nothing() -> None:
    """A crash between promotion and ledger is survived: the count is remembered."""
    record = a_record()
    staging = promoted(record, {"a": {"label": "new"}})
    with record.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE answers SET label = 'edited'")

    assert 1 == staging.promote(the_job("j"), {})
    assert [("a", "edited", None, None)] == content(record)


def test_what_was_rolled_back_stays_rolled_back() -> None:
    """A process that starts again cannot bring it back by promoting."""
    record = a_record()
    staging = promoted(record, {"a": {"label": "new"}})

    assert 1 == staging.rollback("j")
    assert 0 == staging.rollback("j")
    staging.promote(the_job("j"), {})

    assert [] == content(record)


def test_jobs_do_not_see_each_other() -> None:
    """Staging, promotion and rollback are by job."""
    record = a_record()
    staging = a_staging(record)
    digests = stage(staging, "j1", [(a_row(0, key="a"), {"label": "one"})])
    stage(staging, "j2", [(a_row(0, key="b"), {"label": "two"})])

    assert 1 == staging.promote(the_job("j1"), digests)
    assert ["a"] == [row[0] for row in content(record)]
    assert 0 == staging.rollback("j2")


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///{folder}/one.db"])
def test_store_and_record_may_be_one_database(url: str, tmp_path: Path) -> None:
    """Also in memory, where both are one connection: the promotion is complete and undoable."""
    engine = open_store(url.format(folder=tmp_path))
    record = a_record(engine)
    staging = Staging(engine, record)
    many = [(row, {"label": "new"}) for row in rows(KEYS_PER_STATEMENT + 7)]
    digests = stage(staging, "j", many)

    assert len(many) == staging.promote(the_job("j"), digests)
    assert len(many) == len(content(record))
    assert len(many) == staging.rollback("j")
    assert [] == content(record)
    engine.dispose()


def test_a_rollback_by_many_keys_is_quick() -> None:
    """20,000 keys as a list are not compared each with each."""
    record = a_record()
    staging = a_staging(record)
    digests = stage(staging, "j", [(row, {"label": "new"}) for row in rows(20_000)])
    staging.promote(the_job("j"), digests)

    assert 20_000 == staging.rollback("j", [row.key for row in rows(20_000)])


# --- staging


def in_staging(engine: Engine) -> list[tuple[int, int, list[int]]]:
    """Job, batch and ordinals of each part."""
    query = select(STAGING).order_by(STAGING.c.job, STAGING.c.batch, STAGING.c.part)
    with engine.connect() as connection:
        return [
            (part.job, part.batch, read_staged(part.lines).ordinals)
            for part in connection.execute(query)
        ]


def test_the_answers_of_a_batch_can_be_forgotten() -> None:
    """Those of other batches and other jobs stay; a part without answers leaves nothing."""
    store = open_store("sqlite://")
    staging = Staging(store, a_record())
    stage(staging, "j", [(row, {}) for row in rows(3)])
    stage(staging, "j", [(a_row(7), {})], batch=2)
    stage(staging, "k", [(a_row(1), {})])
    assert {3: list_digest([])} == stage(staging, "j", [], batch=3)

    with store.begin() as connection:
        staging.forget(connection, the_job("j"), 1)

    assert [(1, 2, [7]), (4, 1, [1])] == in_staging(store)
    assert "Staging()" == repr(staging)


def test_what_turned_out_to_be_contradictory_stays_behind() -> None:
    """By the book: in this batch, not in another one of the same job."""
    record = a_record()
    staging = a_staging(record)
    digests = stage(staging, "j", [(row, {"label": "one"}) for row in rows(3)])
    digests |= stage(staging, "j", [(a_row(3), {"label": "two"})], batch=2)
    doubted = {"job": the_job("j").number, "outcome": "conflict"}
    with staging._store.begin() as connection:
        for place in ({"batch": 1, "ordinal": 1}, {"batch": 1, "ordinal": 3}):
            connection.execute(insert(UNACCEPTED), doubted | place)

    assert 3 == staging.promote(the_job("j"), digests)
    assert [a_row(place).key for place in (0, 2, 3)] == [row[0] for row in content(record)]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE staging SET lines = CAST(replace(CAST(lines AS TEXT), 'one', 'two') AS BLOB)",
        "UPDATE staging SET part = 1",
        "DELETE FROM staging",
    ],
)
def test_staging_that_was_changed_is_not_promoted(change: str) -> None:
    """Between collecting and promoting nobody else writes an answer; nothing is written at all."""
    record = a_record()
    staging = a_staging(record)
    digests = stage(staging, "j", [(a_row(0), {"label": "one"})])
    with staging._store.begin() as connection:
        connection.exec_driver_sql(change)

    with pytest.raises(ControlError, match="batch 1 of 'j' has in staging is not what was coll"):
        staging.promote(the_job("j"), digests)

    assert [] == content(record)


@pytest.mark.parametrize(
    ("table", "key", "complaint", "hint"),
    [
        ("answer", "key", "no table 'answer'", "answers"),
        ("answers", "id", "no column 'id'", "key, label, score, visits"),
    ],
)
def test_a_table_that_is_not_there_is_refused(
    table: str, key: str, complaint: str, hint: str
) -> None:
    """At the start, with what there is."""
    engine = a_record().engine

    with pytest.raises(ControlError, match=complaint) as caught:
        SystemOfRecord(engine, table, key)

    assert hint in caught.value.fix
