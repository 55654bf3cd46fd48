"""The published JSON Schema of `report.json`, drawn from the types of the model.

`reports/schemas/report-2.0.json` is what `build()` says; a test compares the two, and
`python -m reports.schema` writes the file again after the model has changed. Descriptions are the
docstrings of the model.
"""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from reports.codec import encode
from reports.model import SCHEMA_VERSION, GameDayReport, Verdict
from reports.scorecard import Scorecard

FILE = Path(__file__).parent / "schemas" / f"report-{SCHEMA_VERSION}.json"
"""Where it is published; it ships with the package."""
NAME = f"urn:gameday:report:{SCHEMA_VERSION}"

LEAVES: Mapping[Any, dict[str, Any]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    Decimal: {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$"},
    datetime: {"type": "string", "format": "date-time"},
    timedelta: {"type": "number", "description": "Seconds of virtual time."},
}


def build() -> dict[str, Any]:
    """The schema as a value. What `load` takes fits it; verdicts and counts are judged by `load`
    alone."""
    definitions: dict[str, Any] = {}
    report = _object(GameDayReport, definitions)
    counts = {verdict.name: {"type": "integer", "minimum": 0} for verdict in Verdict}
    head = {
        "schema_version": {"const": SCHEMA_VERSION},
        "verdict": {"enum": [verdict.name for verdict in Verdict]},
        "counts": {
            "type": "object",
            "properties": counts,
            "required": list(counts),
            "additionalProperties": False,
        },
        "scorecard": _of(Scorecard, definitions),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": NAME,
        "title": "gameday report",
        **report,
        "properties": head | report["properties"],
        "required": [*head, *report["required"]],
        "$defs": dict(sorted(definitions.items())),
    }


def as_text() -> str:
    """The schema as its file holds it."""
    return json.dumps(build(), indent=1, ensure_ascii=False) + "\n"


def _of(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of a type; dataclasses are defined once and referred to."""
    if is_dataclass(kind):
        assert isinstance(kind, type)
        if kind.__name__ not in definitions:
            definitions[kind.__name__] = {}
            definitions[kind.__name__] = _object(kind, definitions)
        return {"$ref": f"#/$defs/{kind.__name__}"}
    if get_origin(kind) is tuple:
        return {"type": "array", "items": _of(get_args(kind)[0], definitions)}
    if type(None) in get_args(kind):
        present = next(each for each in get_args(kind) if each is not type(None))
        return {"anyOf": [_of(present, definitions), {"type": "null"}]}
    if issubclass(kind, Enum):
        return {"enum": [encode(member) for member in kind]}
    return dict(LEAVES[kind])


def _object(kind: type, definitions: dict[str, Any]) -> dict[str, Any]:
    hints, told = get_type_hints(kind), _told(kind)
    properties = {}
    for each in fields(kind):
        properties[each.name] = _of(hints[each.name], definitions)
        if each.name in told:
            properties[each.name]["description"] = told[each.name]
    return {
        "description": _one_line(kind.__doc__ or ""),
        "type": "object",
        "properties": properties,
        "required": [each.name for each in fields(kind) if _is_required(each)],
        "additionalProperties": False,
    }


@cache
def _told(kind: type) -> Mapping[str, str]:
    """The docstring below each field of a class."""
    (tree,) = ast.parse(inspect.getsource(kind)).body
    assert isinstance(tree, ast.ClassDef)
    found = {}
    for each, below in zip(tree.body, tree.body[1:], strict=False):
        is_field = isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
        if is_field and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            assert isinstance(each, ast.AnnAssign)
            found[ast.unparse(each.target)] = _one_line(str(below.value.value))
    return found


def _is_required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _one_line(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    FILE.write_text(as_text(), "utf-8")
