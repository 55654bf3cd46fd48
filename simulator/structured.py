"""Structured outputs: which schemas are accepted (contract 11.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from simulator.patterns import pattern_problem

Schema = Mapping[str, Any]

BOUNDS: Final = frozenset(
    {
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "minProperties",
        "maxProperties",
    }
)
"""No numeric or length bounds."""

UNSUPPORTED: Final = frozenset(
    {
        "not",
        "if",
        "then",
        "else",
        "contains",
        "uniqueItems",
        "prefixItems",
        "propertyNames",
        "patternProperties",
        "dependentRequired",
        "dependentSchemas",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)
"""Ours: the contract names none of them, and no document can be promised that fits them."""

TYPES: Final = ("object", "array", "string", "integer", "number", "boolean", "null")
OPTIONAL_PARAMETERS: Final = 24
UNIONS: Final = 16
DEPTH: Final = 32
"""Ours: deeper than any schema that a person writes."""

TOO_COMPLEX: Final = "Schema is too complex for compilation."
_PREFIX: Final = "output_config.format.schema"


def schema_problem(schema: Schema) -> str | None:
    """Why the service would refuse this schema, or None."""
    tally = {"optional": 0, "unions": 0}
    problem = _problem(schema, schema, _PREFIX, (), tally)
    if problem is None and (tally["optional"] > OPTIONAL_PARAMETERS or tally["unions"] > UNIONS):
        return TOO_COMPLEX
    return problem


def _problem(
    schema: Any, root: Schema, where: str, path: tuple[str, ...], tally: dict[str, int]
) -> str | None:
    if not isinstance(schema, Mapping):
        return f"{where}: Input should be a valid dictionary"
    if len(path) > DEPTH:
        return TOO_COMPLEX
    problem = _keyword_problem(schema, where)
    if problem is not None:
        return problem
    if "$ref" in schema:
        return _reference_problem(str(schema["$ref"]), root, where, path, tally)
    options = _options(schema)
    tally["unions"] += options is not None or isinstance(schema.get("type"), list)
    for place, option in enumerate((options or []) + _all_of(schema)):
        problem = _problem(option, root, f"{where}.anyOf.{place}", (*path, ""), tally)
        if problem is not None:
            return problem
    if "items" in schema:
        return _problem(schema["items"], root, f"{where}.items", (*path, ""), tally)
    return _object_problem(schema, root, where, path, tally)


def _keyword_problem(schema: Schema, where: str) -> str | None:
    """What is wrong with the keywords of this one schema, whatever is inside of it."""
    kind = schema.get("type")
    refused = next((name for name in schema if name in BOUNDS or name in UNSUPPORTED), None)
    if refused is not None:
        return f"{where}: For '{kind}' type, property '{refused}' is not supported"
    kinds = kind if isinstance(kind, list) else [kind]
    if "type" in schema and (not kinds or not all(one in TYPES for one in kinds)):
        return f"{where}.type: Input should be one of {', '.join(TYPES)}"
    if not isinstance(schema.get("enum", []), list):
        return f"{where}.enum: Input should be a valid list"
    if schema.get("enum", [None]) == []:
        return f"{where}.enum: List should have at least 1 item after validation, not 0"
    required = schema.get("required", [])
    if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
        return f"{where}.required: Input should be a valid list of strings"
    pattern = schema.get("pattern")
    why = None if pattern is None else pattern_problem(pattern)
    return None if why is None else f"{where}.pattern: {why}"


def _reference_problem(
    reference: str, root: Schema, where: str, path: tuple[str, ...], tally: dict[str, int]
) -> str | None:
    if reference in path:
        return f"{where}: Recursive schemas are not supported"
    target = resolve(reference, root)
    if target is None:
        return f"{where}: {reference} cannot be resolved"
    return _problem(target, root, where, (*path, reference), tally)


def _object_problem(
    schema: Schema, root: Schema, where: str, path: tuple[str, ...], tally: dict[str, int]
) -> str | None:
    if "properties" not in schema and schema.get("type") != "object":
        return None
    if schema.get("additionalProperties") is not False:
        return f"{where}: For 'object' type, 'additionalProperties' must be explicitly set to false"
    properties = schema.get("properties", {})
    if not isinstance(properties, Mapping):
        return f"{where}.properties: Input should be a valid dictionary"
    tally["optional"] += len(properties.keys() - set(schema.get("required", [])))
    for name, inner in properties.items():
        problem = _problem(inner, root, f"{where}.properties.{name}", (*path, ""), tally)
        if problem is not None:
            return problem
    return None


def _options(schema: Schema) -> list[Any] | None:
    options = schema.get("anyOf", schema.get("oneOf"))
    return options if isinstance(options, list) else None


def _all_of(schema: Schema) -> list[Any]:
    parts = schema.get("allOf")
    return parts if isinstance(parts, list) else []


def resolve(reference: str, root: Schema) -> Any:
    """What `#/$defs/name` points at, or None."""
    target: Any = root
    for part in reference.removeprefix("#").removeprefix("/").split("/"):
        name = part.replace("~1", "/").replace("~0", "~")
        if name and not (isinstance(target, Mapping) and name in target):
            return None
        target = target[name] if name else target
    return target
