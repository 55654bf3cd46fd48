"""Documents that fit a schema, whatever it asks for; and texts that match a pattern."""

from __future__ import annotations

import re
from random import Random
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.documents import conforming
from simulator.patterns import matching, pattern_problem
from simulator.structured import schema_problem

FORMATS = (
    "date",
    "date-time",
    "time",
    "duration",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "uri",
    "uuid",
)
A_TREE = {
    "$ref": "#/$defs/T",
    "$defs": {
        "T": {
            "type": "object",
            "additionalProperties": False,
            "required": ["v"],
            "properties": {
                "v": {"type": "integer"},
                "next": {"$ref": "#/$defs/T"},
                "all": {"type": "array", "items": {"$ref": "#/$defs/T"}},
            },
        }
    },
}
SCHEMAS: list[dict[str, Any]] = [
    {"type": "integer", "minimum": 50},
    {"type": "integer", "exclusiveMinimum": 5, "exclusiveMaximum": 7},
    {"type": "integer", "exclusiveMaximum": -5},
    {"type": "integer", "multipleOf": 7, "minimum": 1},
    {"type": "number", "minimum": 50, "maximum": 51},
    {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
    {"type": "number", "maximum": -5},
    {"type": "number", "multipleOf": 0.25, "minimum": 3},
    {"type": "string", "minLength": 300},
    {"type": "string", "maxLength": 1},
    {"type": "string", "minLength": 5, "maxLength": 5},
    {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{4}$"},
    {"type": "string", "pattern": r"^\d+(\.\d{1,2})?$"},
    {"type": "string", "pattern": r"^(yes|no|[^a-z\s]\S\w+.)$"},
    {"type": "string", "pattern": "abc", "minLength": 10},
    {"type": "array", "items": {"type": "integer"}, "minItems": 3, "uniqueItems": True},
    {"type": "array", "maxItems": 0},
    {"type": "array", "prefixItems": [{"const": 1}, {"type": "string"}]},
    {"allOf": [{"type": "integer", "maximum": 90}, {"minimum": 7}, {"type": "number"}]},
    {"allOf": [{"enum": ["a", "b"]}, {"enum": ["b", "c"]}]},
    {"type": ["null", "integer"]},
    {"type": "string", "anyOf": [{"type": "integer"}, {"type": "string", "minLength": 3}]},
    {"minimum": 5},
    {"items": {"type": "null"}},
    A_TREE,
    *({"type": "string", "format": form} for form in FORMATS),
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=str)
def test_a_document_fits_its_schema(schema: dict[str, Any]) -> None:
    """Bounds, lengths, patterns, formats, unions and references, with any dice."""
    validator = jsonschema_rs.validator_for(schema, validate_formats=True)

    assert [] == [
        document
        for seed in range(60)
        if not validator.is_valid(document := conforming(schema, Random(seed)))
    ]


SCALARS = st.sampled_from(
    [
        {"type": "string"},
        {"type": "string", "pattern": "^[a-f]{1,3}$"},
        {"type": "string", "format": "date"},
        {"type": ["integer", "null"]},
        {"type": "number"},
        {"enum": ["a", 1, None]},
        {"const": True},
        {},
    ]
)


def an_object(properties: dict[str, Any]) -> dict[str, Any]:
    """A closed object of which every other property is required."""
    required = sorted(properties)[::2]
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


ACCEPTED = st.recursive(
    SCALARS,
    lambda inner: (
        st.builds(an_object, st.dictionaries(st.text(max_size=4), inner, max_size=3))
        | inner.map(lambda schema: {"type": "array", "items": schema})
        | st.lists(inner, min_size=1, max_size=2).map(lambda options: {"anyOf": options})
    ),
    max_leaves=8,
)


@given(ACCEPTED, st.integers(0, 1000))
def test_whatever_the_service_accepts_can_be_answered(schema: dict[str, Any], seed: int) -> None:
    """Contract 11.4: a conforming document for every schema that is not refused."""
    if schema_problem(schema) is None:
        jsonschema_rs.validator_for(schema).validate(conforming(schema, Random(seed)))


@pytest.mark.parametrize(
    "schema",
    [5, None, {"type": "array", "minItems": "many"}, {"properties": 5}, {"type": "object"}],
    ids=str,
)
def test_what_is_no_schema_gets_some_document(schema: object) -> None:
    """A tool's schema is not checked by the service, and must not break the simulator."""
    assert conforming(schema, Random(0)) in ({}, *map(str, conforming_words()))


def conforming_words() -> set[str]:
    """All words that stand for a text of which nothing is said."""
    return {conforming({}, Random(seed)) for seed in range(200)}


@pytest.mark.parametrize(
    ("pattern", "complaint"),
    [
        ("(", "Invalid regular expression"),
        ("(?=a)b", "Unsupported regular expression: assert is not supported"),
        (r"(a)\1", "Unsupported regular expression: groupref is not supported"),
        ("[^ -~]", "Unsupported regular expression: a class without printable"),
        (5, "valid string"),
    ],
)
def test_patterns_that_nothing_can_be_made_for(pattern: object, complaint: str) -> None:
    """With the reason."""
    assert complaint in str(pattern_problem(pattern))
    schema = {"type": "string", "pattern": pattern}
    assert f"output_config.format.schema.pattern: {pattern_problem(pattern)}" == (
        schema_problem(schema)
    )


@given(st.integers(0, 10_000))
def test_a_text_matches_the_whole_of_its_pattern(seed: int) -> None:
    """Literals, classes, categories, groups, branches, lazy and greedy repeats."""
    pattern = r"^a.(b|[c-e]{2,}?|[^f\d])+\d{3}\D\s\S\W?(?:x|yz)*[\w]$"

    assert pattern_problem(pattern) is None
    assert re.fullmatch(pattern, matching(pattern, Random(seed)))


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ({"not": {}}, "For 'None' type, property 'not' is not supported"),
        ({"type": "array", "uniqueItems": True}, "property 'uniqueItems' is not supported"),
        ({"type": "strnig"}, ".type: Input should be one of object, array"),
        ({"type": []}, ".type: Input should be one of object, array"),
        ({"enum": []}, ".enum: List should have at least 1 item"),
    ],
)
def test_schemas_for_which_nothing_is_promised_are_refused(
    schema: dict[str, Any], problem: str
) -> None:
    """Rather a row with an error than an answer that does not fit."""
    assert problem in str(schema_problem(schema))
