"""Between frozen values and plain JSON; the types of the model are the schema.

| in the model | in JSON |
| --- | --- |
| `Decimal` | a string, `"1.05"` |
| `datetime` | a string in UTC, `"2026-01-01T00:00:00Z"` (RFC 3339) |
| `timedelta` | a number of seconds, exact to the microsecond for a century |
| `Verdict` | its name, `"PASS"` |
| other enums | their value, `"calm"` |
| `tuple`, dataclass | an array, an object |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import Enum, IntEnum
from functools import cache
from math import isfinite
from typing import Any, TypeAlias, get_args, get_origin, get_type_hints

from reports.errors import ReportError
from reports.untrusted import shown

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

CAUSE = "Make it again with `gameday run`, or give the file as gameday wrote it."


def encode(value: object) -> Json:
    """`value` as plain JSON, or a ReportError if it has no form in JSON."""
    if is_dataclass(value):
        return {field.name: encode(getattr(value, field.name)) for field in fields(value)}
    for kind, write in WRITERS:
        if isinstance(value, kind):
            return write(value)
    raise ReportError(
        f"A {type(value).__name__} has no form in JSON.",
        fix="Pass text, numbers, amounts, times, or lists and mappings of them.",
    )


def decode(kind: Any, data: object, where: str) -> Any:
    """The value of type `kind` that `data` stands for, or a ReportError that says where not."""
    if is_dataclass(kind):
        return _decode_object(kind, data, where)
    if get_origin(kind) is tuple:
        items = _expect(list, data, "an array", where)
        return tuple(
            decode(get_args(kind)[0], item, f"{where}[{place}]") for place, item in enumerate(items)
        )
    if type(None) in get_args(kind):
        present = next(choice for choice in get_args(kind) if choice is not type(None))
        return None if data is None else decode(present, data, where)
    if issubclass(kind, Enum):
        return _decode_enum(kind, data, where)
    return READERS[kind](data, where)


def wrong(expected: str, data: object, where: str) -> ReportError:
    """The error for a value that is not what it should be."""
    found = JSON_NAMES.get(type(data), "something else")
    if isinstance(data, str):
        found = f'"{shown(data, 40)}"'
    return ReportError(f"Expected {expected}, found {found}.", where=where, fix=CAUSE)


def _decode_object(kind: Any, data: object, where: str) -> Any:
    """A key that we do not know is refused: what it says would be judged without being read."""
    found = _expect(dict, data, "an object", where)
    prefix = f"{where}." if where else ""
    hints = _hints(kind)
    if strange := sorted(found.keys() - hints.keys()):
        raise ReportError(
            "This gameday does not know the key.",
            where=shown(f"{prefix}{strange[0]}", 80),
            fix="Use the gameday that wrote it, or run the drills again.",
        )
    values = {}
    for field in fields(kind):
        if field.name in found:
            values[field.name] = decode(
                hints[field.name], found[field.name], f"{prefix}{field.name}"
            )
        elif _is_required(field):
            raise ReportError("A key is missing.", where=f"{prefix}{field.name}", fix=CAUSE)
    return kind(**values)


def _decode_enum(kind: type[Enum], data: object, where: str) -> Enum:
    members = {encode(member): member for member in kind if isinstance(encode(member), str)}
    if not isinstance(data, str) or data not in members:
        raise wrong(f"one of {', '.join(map(str, members))}", data, where)
    return members[data]


def _decode_int(data: object, where: str) -> int:
    if isinstance(data, bool) or not isinstance(data, int):
        raise wrong("a whole number", data, where)
    return data


def _decode_amount(data: object, where: str) -> Decimal:
    text = _expect(str, data, "an amount as text", where)
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise wrong("an amount as text", data, where) from None
    if not amount.is_finite():
        raise wrong("a finite amount", data, where)
    return amount


def _decode_instant(data: object, where: str) -> datetime:
    text = _expect(str, data, "a time as text", where)
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise wrong("a time such as 2026-01-01T00:00:00Z", data, where) from None
    if instant.tzinfo is None:
        raise wrong("a time with its zone, such as 2026-01-01T00:00:00Z", data, where)
    return instant


def _decode_duration(data: object, where: str) -> timedelta:
    if isinstance(data, bool) or not isinstance(data, (int, float)):
        raise wrong("a number of seconds", data, where)
    try:
        return timedelta(seconds=data)
    except (OverflowError, ValueError):
        raise wrong("a number of seconds that a calendar can hold", data, where) from None


def _expect(kind: type[Any], data: object, name: str, where: str) -> Any:
    if not isinstance(data, kind):
        raise wrong(name, data, where)
    return data


def _encode_instant(instant: datetime) -> str:
    if instant.tzinfo is None:
        raise ReportError(
            f"The time {instant} has no zone.", fix="Pass an aware datetime, best in UTC."
        )
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _encode_duration(duration: timedelta) -> int | float:
    if duration.microseconds:
        return duration.total_seconds()
    return duration.days * 86_400 + duration.seconds


def _encode_float(number: float) -> float:
    if not isfinite(number):
        raise ReportError(f"{number} has no form in JSON.", fix="Pass a finite number.")
    return number


def _encode_mapping(mapping: Mapping[object, object]) -> Json:
    return {str(key): encode(value) for key, value in mapping.items()}


def _unchanged(value: Any) -> Any:
    return value


def _is_required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


WRITERS: tuple[tuple[Any, Callable[[Any], Json]], ...] = (
    (IntEnum, lambda member: member.name),
    (Enum, lambda member: encode(member.value)),
    ((str, bool, int, type(None)), _unchanged),
    (float, _encode_float),
    (Decimal, str),
    (datetime, _encode_instant),
    (timedelta, _encode_duration),
    ((tuple, list), lambda items: [encode(item) for item in items]),
    (Mapping, _encode_mapping),
)
"""The first that fits writes the value."""

READERS: Mapping[Any, Callable[[object, str], Any]] = {
    str: lambda data, where: _expect(str, data, "text", where),
    bool: lambda data, where: _expect(bool, data, "true or false", where),
    int: _decode_int,
    Decimal: _decode_amount,
    datetime: _decode_instant,
    timedelta: _decode_duration,
}

JSON_NAMES = {
    type(None): "null",
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "an array",
    dict: "an object",
}
