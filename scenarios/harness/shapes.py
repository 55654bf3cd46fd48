"""The shape of a job's answers: which types each property admits, and how a table keeps them.

A table cannot keep every JSON value as what it is: a list becomes text, `true` becomes 1. Here
stands what that means, so that values are compared as values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jsonschema_rs
import msgspec

from simulator.documents import flat

Value = Mapping[str, Any]
KINDS = frozenset({"string", "number", "integer", "boolean", "array", "object", "null"})
NESTED = frozenset({"array", "object"})


@dataclass(frozen=True, slots=True)
class Shape:
    """The answer schema of a job, as far as a table has to know it."""

    schema: Mapping[str, Any]
    kinds: Mapping[str, frozenset[str]]
    """Property to the JSON types that it admits."""
    required: frozenset[str]
    validator: jsonschema_rs.Validator

    @classmethod
    def of(cls, schema: Mapping[str, Any]) -> Shape:
        """The shape of this schema; made once."""
        return _shape(msgspec.json.encode(schema))

    def read(self, stored: Value) -> dict[str, Any]:
        """What a row of the table says, as JSON values, where the type leaves no doubt."""
        return {name: _read(value, self.kinds.get(name, KINDS)) for name, value in stored.items()}

    def fits(self, value: Value) -> bool:
        """Whether a value that was read has the agreed shape, in one of its possible readings.

        An empty column of a property that may be null or absent is either.
        """
        plain = {
            str(name): member
            for name, member in value.items()
            if member is not None or name in self.required
        }
        if self.validator.is_valid(plain):
            return True
        eager = {name: _eagerly(v, self.kinds.get(name, KINDS)) for name, v in plain.items()}
        return bool(eager != plain and self.validator.is_valid(eager))

    def problem(self, value: Any) -> str:
        """Why a value has not the agreed shape, in one line; empty if it has."""
        error = next(iter(self.validator.iter_errors(value)), None)
        if error is None:
            return ""
        where = "/".join(map(str, error.instance_path))
        return f"{where}: {error.message}"[:200] if where else error.message[:200]

    def canonical(self, value: Value) -> str:
        """A value as comparable text: sorted names, without those that are empty, numbers as
        floats where that is exact; what a table cannot tell apart is the same."""
        return msgspec.json.encode(
            {
                str(name): _comparable(member, self.kinds.get(name, KINDS))
                for name, member in value.items()
                if member is not None
            },
            order="sorted",
        ).decode()


@lru_cache(maxsize=32)
def _shape(schema: bytes) -> Shape:
    decoded: dict[str, Any] = msgspec.json.decode(schema)
    properties = decoded["properties"]
    return Shape(
        decoded,
        {name: kinds_of(closed(part, decoded)) for name, part in properties.items()},
        frozenset(decoded.get("required", ())),
        jsonschema_rs.validator_for(decoded),
    )


def closed(schema: Any, root: Mapping[str, Any]) -> dict[str, Any]:
    """A part of a schema that stands for itself: with the definitions it may refer to."""
    if not isinstance(schema, Mapping):
        return {} if schema else {"not": {}}
    shared = {name: root[name] for name in ("$defs", "definitions") if name in root}
    return {**shared, **schema}


def kinds_of(schema: Mapping[str, Any]) -> frozenset[str]:
    """The JSON types that a schema admits; `number` stands for integers too."""
    given = flat(schema, schema)
    kinds = frozenset(_listed(given["type"])) if "type" in given else KINDS
    options = given.get("anyOf", given.get("oneOf"))
    if isinstance(options, list):
        ways = [kinds_of(closed(option, schema)) for option in options]
        kinds &= frozenset().union(*ways)
    values = [given["const"]] if "const" in given else given.get("enum")
    if values is not None:
        kinds = frozenset(map(_kind, values))
    return kinds or KINDS


def _listed(kind: Any) -> list[str]:
    return kind if isinstance(kind, list) else [kind]


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def _read(stored: Any, kinds: frozenset[str]) -> Any:
    if isinstance(stored, str) and "string" not in kinds:
        return _nested(stored, kinds)
    if type(stored) is int and stored in {0, 1} and _is_truth(kinds):
        return bool(stored)
    return stored


def _is_truth(kinds: frozenset[str]) -> bool:
    return "boolean" in kinds and not kinds & {"number", "integer"}


def _eagerly(value: Any, kinds: frozenset[str]) -> Any:
    """The other reading of what a table keeps alike: a list as text, `true` as 1."""
    if isinstance(value, str):
        return _nested(value, kinds)
    if type(value) is int and value in {0, 1} and "boolean" in kinds:
        return bool(value)
    return value


def _nested(text: str, kinds: frozenset[str]) -> Any:
    """The list or object that stands in a text, or the text."""
    if not kinds & NESTED:
        return text
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text
    return value if isinstance(value, list | dict) and _kind(value) in kinds else text


def _comparable(member: Any, kinds: frozenset[str]) -> Any:
    if isinstance(member, bool):
        return member if _is_truth(kinds) else float(member)
    if isinstance(member, int | float):
        return float(member) + 0.0 if abs(member) <= 2**53 else member  # -0.0 is 0.0
    member = _nested(member, kinds) if isinstance(member, str) else member
    return _numbers(member) if isinstance(member, list | dict) else member


def _numbers(value: Any) -> Any:
    """The same with numbers as floats, however deep they stand."""
    match value:
        case dict():
            return {name: _numbers(member) for name, member in value.items()}
        case list():
            return [_numbers(member) for member in value]
        case int() if not isinstance(value, bool) and abs(value) <= 2**53:
            return float(value)
        case _:
            return value
