"""Values of the system of record, compared as values whatever column they stand in."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from controls import JobType, Row, Staging, open_store
from scenarios.harness.game import DEFAULT_JOB, open_game
from scenarios.harness.shapes import Shape
from scenarios.harness.tables import make_record, read_record
from tests.controls.builders import a_job_record, staged_digests

PROPERTIES: dict[str, Any] = {
    "label": {"type": "boolean"},
    "text": {"type": "string"},
    "tags": {"type": "array", "items": {"type": "string"}},
    "meta": {"type": "object"},
    "note": {"type": ["string", "null"]},
    "count": {"type": "integer"},
    "score": {"type": "number"},
    "either": {"anyOf": [{"type": "array"}, {"type": "string", "maxLength": 3}]},
    "truth": {"type": ["boolean", "integer"]},
    "any": True,
    "row_key": {"$ref": "#/$defs/K"},
    "promotion": {"enum": ["a", 1]},
}
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["label", "note"],
    "properties": PROPERTIES,
    "$defs": {"K": {"type": "string"}},
}
SHAPE = Shape.of(SCHEMA)


def a_job() -> JobType:
    """The default job with this schema."""
    job = open_game(None, None, 0).job_type
    return msgspec.structs.replace(job, answer=msgspec.structs.replace(job.answer, schema=SCHEMA))


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)
VALUES = st.fixed_dictionaries(
    {"label": st.booleans(), "note": st.none() | TEXTS},
    optional={
        "text": TEXTS | st.just("[]"),
        "tags": st.lists(TEXTS, max_size=2),
        "meta": st.dictionaries(TEXTS, st.integers(0, 9) | st.booleans(), max_size=2),
        "count": st.integers(-(2**53), 2**53),
        "score": st.floats(allow_nan=False, allow_infinity=False) | st.integers(0, 9),
        "either": st.lists(st.integers(0, 9), max_size=2) | st.sampled_from(["a", "[]"]),
        "truth": st.booleans() | st.integers(0, 2),
        "any": TEXTS | st.integers(0, 9) | st.booleans() | st.lists(TEXTS, max_size=2),
        "row_key": TEXTS,
        "promotion": st.sampled_from(["a", 1]),
    },
)


@settings(max_examples=50)
@example([{"label": False, "score": -0.0}])
@given(st.lists(VALUES, min_size=1, max_size=4))
def test_what_was_promoted_reads_back_as_what_was_said(values: list[dict[str, Any]]) -> None:
    """Through staging, promotion and the table: the same value, and of the agreed shape."""
    rows = tuple(Row(place, f"k{place}", {}) for place in range(len(values)))
    record = make_record(a_job(), rows, 0)
    store, job = open_store("sqlite://"), a_job_record()
    staging = Staging(store, record)
    said = [(row.ordinal, row.key, value) for row, value in zip(rows, values, strict=True)]
    staging.promote(job, staged_digests(staging, store, job, said))
    stored = read_record(record, SHAPE)

    assert [SHAPE.canonical(value) for value in values] == [
        SHAPE.canonical(stored[row.key]) for row in rows
    ]
    assert all(SHAPE.fits(stored[row.key]) for row in rows)


@pytest.mark.parametrize(
    ("said", "stored"),
    [
        ({"tags": ["a"]}, {"tags": '["b"]'}),
        ({"tags": []}, {"tags": "{}"}),
        ({"text": "[]"}, {"text": "[ ]"}),
        ({"label": True}, {"label": 0}),
        ({"label": True}, {"label": "true"}),
        ({"count": 1}, {"count": "1"}),
        ({"count": 1}, {"count": None}),
        ({"meta": {"a": 1}}, {"meta": '{"a":"1"}'}),
        ({"any": 1}, {"any": "1"}),
    ],
)
def test_another_value_stays_another(said: dict[str, Any], stored: dict[str, Any]) -> None:
    """To the type, as far as a table can tell."""
    assert SHAPE.canonical(said) != SHAPE.canonical(SHAPE.read(stored))


@pytest.mark.parametrize(
    ("said", "stored"),
    [
        ({"tags": ["a"]}, {"tags": '[ "a" ]'}),
        ({"meta": {"z": 1, "a": None}}, {"meta": '{"a":null,"z":1.0}'}),
        ({"label": True}, {"label": 1}),
        ({"score": 1}, {"score": 1.0}),
        ({"note": None}, {"note": None, "count": None}),
        ({"either": [1]}, {"either": "[1]"}),
    ],
)
def test_the_same_value_is_the_same(said: dict[str, Any], stored: dict[str, Any]) -> None:
    """However the table spells it."""
    assert SHAPE.canonical(said) == SHAPE.canonical(SHAPE.read(stored))


@pytest.mark.parametrize(
    ("stored", "fits"),
    [
        ({"label": 1, "note": None, "tags": "[]"}, True),
        ({"label": 1, "note": "n", "either": "[1, 2, 3]"}, True),
        ({"label": 1, "note": "n", "either": "too long"}, False),
        ({"label": 1, "note": "n", "tags": "no list"}, False),
        ({"label": "yes", "note": None}, False),
        ({"label": None, "note": None}, False),
    ],
)
def test_a_stored_value_has_the_agreed_shape_or_not(stored: dict[str, Any], fits: object) -> None:
    """A required property that may be null may be an empty column."""
    assert fits is SHAPE.fits(SHAPE.read(stored))


def test_a_shape_says_what_is_wrong() -> None:
    """In one line, with the place."""
    assert not SHAPE.problem({"label": True, "note": None})
    assert SHAPE.problem({"label": 3, "note": None}).startswith("label: 3 is not")
    assert SHAPE.problem([]).startswith("[] is not of type")


def test_the_shape_of_the_default_job_is_plain() -> None:
    """A text and a number."""
    schema = json.loads(json.dumps(open_game(None, DEFAULT_JOB, 0).job_type.answer.schema))

    assert {"label": {"string"}, "score": {"number"}} == dict(Shape.of(schema).kinds)
