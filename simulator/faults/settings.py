"""Faults as plain documents, as they stand in a plan file or in an admin call.

`{"name": "Stall", "after_share": 0.5, "lasting": "25h"}` and `Stall(after_share=0.5,
lasting=hours(25))` are the same; what cannot be is refused, with the nearest name that can.
"""

from __future__ import annotations

import difflib
import re
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields
from datetime import timedelta
from enum import Enum
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

from simulator.errors import SimulatorError
from simulator.faults.catalogue import CATALOGUE
from simulator.faults.clashes import check_together
from simulator.faults.fault import Fault, Window, duration
from simulator.wire import Endpoint

NONE: Final = "none"
"""How a plan file says None, for which TOML has no word."""
UNITS: Final = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
_DURATION: Final = re.compile(r"(-?[0-9]{1,9}(?:\.[0-9]{1,9})?) ?(ms|s|min|h|d)")
_UNIONS: Final = (Union, types.UnionType)


def from_dict(document: Mapping[str, Any]) -> Fault:
    """The fault that a document describes."""
    if not isinstance(document, Mapping):
        raise SimulatorError(f"{document!r} is no fault.", fix='Write {"name": "Overloaded"}.')
    name = document.get("name")
    if not isinstance(name, str) or name not in CATALOGUE:
        raise SimulatorError(
            f"There is no fault {name!r}.", fix=nearest(str(name), CATALOGUE, "a fault's name")
        )
    kind = CATALOGUE[name]
    hints = settings_of(kind)
    values: dict[str, Any] = {}
    for key, value in document.items():
        if key == "name":
            continue
        if key not in hints:
            raise SimulatorError(
                f"{name} has no setting {key!r}.", fix=nearest(key, hints, "its settings")
            )
        values[key] = _read(value, hints[key], f"{name}: {key}")
    missing = [key for key in required(kind) if key not in values]
    if missing:
        raise SimulatorError(f"{name} needs {', '.join(missing)}.", fix=f"Give {missing[0]}.")
    return kind(**values)


def from_dicts(documents: Iterable[Mapping[str, Any]]) -> tuple[Fault, ...]:
    """The faults of several documents, which can be true together."""
    faults = tuple(from_dict(document) for document in documents)
    check_together(faults)
    return faults


def to_dict(fault: Fault) -> dict[str, Any]:
    """The document of a fault: what differs from the defaults."""
    document: dict[str, Any] = {"name": fault.name}
    for field in fields(fault):
        value = getattr(fault, field.name)
        if value != field.default:
            document[field.name] = _write(value)
    return document


def settings_of(kind: type[Fault]) -> Mapping[str, Any]:
    """The settings of a fault with their types."""
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def read_setting(kind: type[Fault], key: str, value: Any) -> Any:
    """One setting of a fault, from its plain form."""
    return _read(value, settings_of(kind)[key], f"{kind.__name__}: {key}")


def required(kind: type[Fault]) -> list[str]:
    """The settings that have no default."""
    return [field.name for field in fields(kind) if field.default is MISSING]


def nearest(word: str, known: Iterable[str], what: str) -> str:
    """What was probably meant."""
    names = list(known)
    lower = {name.lower().replace("_", ""): name for name in names}
    plain = word.lower().replace("_", "").replace("-", "").replace(" ", "")
    close = difflib.get_close_matches(plain, lower, n=1, cutoff=0.5)
    if close:
        return f"Did you mean {lower[close[0]]!r}?"
    return f"Use {what}: {', '.join(names)}."


def _read(value: Any, hint: Any, where: str) -> Any:
    """A plain value as what the setting takes."""
    if get_origin(hint) in _UNIONS:
        choices = get_args(hint)
        if type(None) in choices and (value is None or value == NONE):
            return None
        (hint,) = (choice for choice in choices if choice is not type(None))
    if get_origin(hint) is tuple:
        each = get_args(hint)[0]
        parts = value if isinstance(value, list | tuple) else [value]
        return tuple(_READERS[each](part, where) for part in parts)
    return _READERS[hint](value, where)


def _refusal(value: Any, where: str, fix: str) -> SimulatorError:
    return SimulatorError(f"{where}={value!r} cannot be.", fix=fix)


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise _refusal(value, where, "Write a text.")
    return value


def _flag(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise _refusal(value, where, "Write true or false.")
    return value


def _count(value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _refusal(value, where, "Write a whole number.")
    return value


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refusal(value, where, "Write a number.")
    return value


def _duration(value: Any, where: str) -> timedelta:
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = f"{value}s"
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise _refusal(value, where, f"Write a time such as 90s or 25h ({', '.join(UNITS)}).")
    return float(found[1]) * UNITS[found[2]]


def _window(value: Any, where: str) -> Window:
    start, dots, end = value.partition("..") if isinstance(value, str) else ("", "", "")
    if not dots:
        raise _refusal(value, where, "Write a window such as 0s..1h.")
    return Window(_duration(start.strip(), where), _duration(end.strip(), where))


def _endpoint(value: Any, where: str) -> Endpoint:
    known = {endpoint.value: endpoint for endpoint in Endpoint}
    if not isinstance(value, str) or value not in known:
        raise _refusal(value, where, nearest(str(value), known, "an endpoint"))
    return known[value]


_READERS: Final[Mapping[Any, Callable[[Any, str], Any]]] = {
    str: _text,
    bool: _flag,
    int: _count,
    float: _number,
    timedelta: _duration,
    Window: _window,
    Endpoint: _endpoint,
}


def _write(value: Any) -> Any:
    match value:
        case timedelta():
            return duration(value)
        case Window():
            return f"{duration(value.start)}..{duration(value.end)}"
        case Enum():
            return value.value
        case tuple():
            return [_write(part) for part in value]
        case None:
            return NONE
        case _:
            return value
