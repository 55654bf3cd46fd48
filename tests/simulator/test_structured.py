"""Schemas that are accepted, and documents that fit them."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from simulator.documents import conforming
from simulator.structured import TOO_COMPLEX, schema_problem


def an_object(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A closed object."""
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        **more,
    }


WHERE = "output_config.format.schema"
STRING = {"type": "string"}
REFUSED: list[tuple[dict[str, Any], str]] = [
    (
        {"type": "object", "properties": {}},
        f"{WHERE}: For 'object' type, 'additionalProperties' must be explicitly set to false",
    ),
    (
        an_object({"a": {"type": "object"}}),
        (
            f"{WHERE}.properties.a: For 'object' type, 'additionalProperties' must be explicitly "
            "set to false"
        ),
    ),
    (
        an_object({"a": {"type": "number", "minimum": 0}}),
        f"{WHERE}.properties.a: For 'number' type, property 'minimum' is not supported",
    ),
    (
        {"type": "array", "items": {"type": "string", "maxLength": 3}},
        f"{WHERE}.items: For 'string' type, property 'maxLength' is not supported",
    ),
    (
        {"anyOf": [STRING, 5]},
        f"{WHERE}.anyOf.1: Input should be a valid dictionary",
    ),
    (
        {"$ref": "#/$defs/a", "$defs": {"a": an_object({"b": {"$ref": "#/$defs/a"}})}},
        f"{WHERE}.properties.b: Recursive schemas are not supported",
    ),
    ({"$ref": "#/$defs/x"}, f"{WHERE}: #/$defs/x cannot be resolved"),
    (an_object([]), f"{WHERE}.properties: Input should be a valid dictionary"),  # type: ignore[arg-type]
    ({"enum": 5}, f"{WHERE}.enum: Input should be a valid list"),
    (
        an_object({}, required=[{}]),
        f"{WHERE}.required: Input should be a valid list of strings",
    ),
    (an_object({f"p{n}": STRING for n in range(25)}), TOO_COMPLEX),
    (
        an_object(
            {f"p{n}": {"anyOf": [STRING]} for n in range(17)},
            required=[f"p{n}" for n in range(17)],
        ),
        TOO_COMPLEX,
    ),
]


@pytest.mark.parametrize(("schema", "expected"), REFUSED)
def test_schemas_that_are_refused(schema: dict[str, Any], expected: str) -> None:
    """Open objects, bounds, recursion, and what is too complex."""
    assert expected == schema_problem(schema)


def test_a_schema_may_not_be_endlessly_deep() -> None:
    """Neither may it crash the reader."""
    schema: dict[str, Any] = STRING
    for _ in range(200):
        schema = {"type": "array", "items": schema}

    assert schema_problem(schema) == TOO_COMPLEX


DOCUMENTS: list[tuple[dict[str, Any], type | tuple[type, ...]]] = [
    (STRING, str),
    ({"type": "integer"}, int),
    ({"type": "number"}, float),
    ({"type": "boolean"}, bool),
    ({"type": "null"}, type(None)),
    ({"type": ["string", "null"]}, str),
    ({"type": "array", "items": STRING}, list),
    ({"properties": {}, "additionalProperties": False}, dict),
    ({"anyOf": [{"type": "integer"}, STRING]}, int),
    ({"allOf": [{"type": "integer"}]}, int),
    ({"oneOf": [STRING]}, str),
    ({"const": 7}, int),
    ({"enum": ["a", "b"]}, str),
    ({"$ref": "#/$defs/a", "$defs": {"a": {"type": "integer"}}}, int),
    ({}, str),
]


@pytest.mark.parametrize(("schema", "kind"), DOCUMENTS)
def test_a_document_that_fits(schema: dict[str, Any], kind: type) -> None:
    """Of each type; the same with the same dice."""
    assert schema_problem(schema) is None
    assert isinstance(conforming(schema, Random(1)), kind)
    assert conforming(schema, Random(1)) == conforming(schema, Random(1))


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("date", "2026-11-"),
        ("date-time", "2026-11-"),
        ("time", "09:00"),
        ("uri", "https://"),
        ("uuid", "0000"),
    ],
)
def test_strings_have_their_format(form: str, expected: str) -> None:
    """Dates look like dates."""
    assert conforming({"type": "string", "format": form}, Random(1)).startswith(expected)


def test_an_address_is_at_example_com() -> None:
    """Nobody gets mail."""
    assert conforming({"type": "string", "format": "email"}, Random(1)).endswith("@example.com")


def test_required_properties_come_first() -> None:
    """As the service orders them; an enum's value is one of its values."""
    schema = an_object(
        {"a": STRING, "b": {"enum": [1, 2]}, "c": {"type": "array", "items": STRING}},
        required=["c", "b", "ghost"],
    )

    document = conforming(schema, Random(1))

    assert list(document) == ["c", "b", "a"]
    assert document["b"] in {1, 2}
    assert len(document["c"]) == 1
