"""Structured outputs: which schemas are accepted, and a document that fits one (contract 11.4)."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any, Final

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

OPTIONAL_PARAMETERS: Final = 24
UNIONS: Final = 16
DEPTH: Final = 32
"""Ours: deeper than any schema that a person writes."""

TOO_COMPLEX: Final = "Schema is too complex for compilation."
_PREFIX: Final = "output_config.format.schema"
_WORDS: Final = ("amber", "birch", "cobalt", "delta", "ember", "fjord", "garnet", "harbor")


def schema_problem(schema: Schema) -> str | None:
    """Why the service would refuse this schema, or None."""
    tally = {"optional": 0, "unions": 0}
    problem = _problem(schema, schema, _PREFIX, (), tally)
    if problem is None and (tally["optional"] > OPTIONAL_PARAMETERS or tally["unions"] > UNIONS):
        return TOO_COMPLEX
    return problem


def conforming(schema: Schema, dice: Random) -> Any:
    """A document that fits an accepted schema; required properties come first."""
    return _document(schema, schema, dice)


def _problem(
    schema: Any, root: Schema, where: str, path: tuple[str, ...], tally: dict[str, int]
) -> str | None:
    if not isinstance(schema, Mapping):
        return f"{where}: Input should be a valid dictionary"
    if len(path) > DEPTH:
        return TOO_COMPLEX
    bound = next((name for name in schema if name in BOUNDS), None)
    if bound is not None:
        return f"{where}: For '{schema.get('type')}' type, property '{bound}' is not supported"
    if not isinstance(schema.get("enum", []), list):
        return f"{where}.enum: Input should be a valid list"
    required = schema.get("required", [])
    if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
        return f"{where}.required: Input should be a valid list of strings"
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


def _reference_problem(
    reference: str, root: Schema, where: str, path: tuple[str, ...], tally: dict[str, int]
) -> str | None:
    if reference in path:
        return f"{where}: Recursive schemas are not supported"
    target = _resolve(reference, root)
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
    tally["optional"] += len(properties.keys() - set(_required(schema)))
    for name, inner in properties.items():
        problem = _problem(inner, root, f"{where}.properties.{name}", (*path, ""), tally)
        if problem is not None:
            return problem
    return None


def _document(schema: Any, root: Schema, dice: Random) -> Any:
    if "$ref" in schema:
        return _document(_resolve(str(schema["$ref"]), root), root, dice)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return dice.choice(list(schema["enum"]))
    options = _options(schema)
    if options:
        return _document(options[0], root, dice)
    if _all_of(schema):
        return _merged([_document(part, root, dice) for part in _all_of(schema)])
    kind = schema.get("type", "object" if "properties" in schema else "string")
    return _value(kind[0] if isinstance(kind, list) and kind else kind, schema, root, dice)


def _merged(parts: list[Any]) -> Any:
    """A document that fits all of several schemas: objects are put together."""
    if not all(isinstance(part, dict) for part in parts):
        return parts[0]
    return {name: value for part in parts for name, value in part.items()}


def _value(kind: object, schema: Schema, root: Schema, dice: Random) -> Any:
    match kind:
        case "object":
            properties = schema.get("properties", {})
            required = [name for name in _required(schema) if name in properties]
            names = required + [name for name in properties if name not in required]
            return {name: _document(properties[name], root, dice) for name in names}
        case "array":
            return [_document(schema.get("items", {}), root, dice)]
        case "integer":
            return dice.randint(0, 100)
        case "number":
            return dice.randint(0, 1000) / 1000
        case "boolean":
            return dice.random() < 0.5  # noqa: PLR2004 - a fair coin
        case "null":
            return None
        case _:
            return _string(schema.get("format"), dice)


def _string(form: object, dice: Random) -> str:
    match form:
        case "date":
            return f"2026-11-{dice.randint(1, 28):02d}"
        case "date-time":
            return f"2026-11-{dice.randint(1, 28):02d}T09:00:00Z"
        case "time":
            return "09:00:00Z"
        case "email":
            return f"{dice.choice(_WORDS)}@example.com"
        case "uri":
            return f"https://example.com/{dice.choice(_WORDS)}"
        case "uuid":
            return f"00000000-0000-4000-8000-{dice.getrandbits(48):012x}"
        case _:
            return dice.choice(_WORDS)


def _options(schema: Schema) -> list[Any] | None:
    options = schema.get("anyOf", schema.get("oneOf"))
    return options if isinstance(options, list) else None


def _all_of(schema: Schema) -> list[Any]:
    parts = schema.get("allOf")
    return parts if isinstance(parts, list) else []


def _required(schema: Schema) -> list[str]:
    required = schema.get("required", [])
    return required if isinstance(required, list) else []


def _resolve(reference: str, root: Schema) -> Any:
    target: Any = root
    for part in reference.removeprefix("#/").split("/"):
        if not isinstance(target, Mapping) or part not in target:
            return None
        target = target[part]
    return target
