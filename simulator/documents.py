"""Documents that fit a JSON Schema: what a model says that keeps to what was agreed."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from random import Random
from typing import Any, Final

from simulator.patterns import matching
from simulator.structured import DEPTH, Schema, resolve

_WORDS: Final = ("amber", "birch", "cobalt", "delta", "ember", "fjord", "garnet", "harbor")
_LOWER: Final = frozenset({"maximum", "exclusiveMaximum", "maxLength", "maxItems"})
"""Of two bounds of this name the smaller counts; of all others the larger."""
_HIGHER: Final = frozenset({"minimum", "exclusiveMinimum", "minLength", "minItems"})
SHALLOW: Final = 8
"""Deeper than this only what must be there is written, so that recursive schemas end."""
_ATTEMPTS: Final = 24
"""How often a text or a list is drawn again until it has the right length or is new."""


def conforming(schema: object, dice: Random) -> Any:
    """A document that fits a schema; required properties come first.

    It fits every schema that `schema_problem` accepts and that anything can fit, and keeps to
    bounds too. `not`, `if`, `contains` and the like are not looked at. What is no schema at all
    gets an empty object.
    """
    root = schema if isinstance(schema, Mapping) else {}
    try:
        return _document(schema, root, dice, 0)
    except (TypeError, AttributeError, ValueError, ArithmeticError, RecursionError):
        return {}  # a tool's schema is not checked by the service; this one is none


def _document(schema: Any, root: Schema, dice: Random, depth: int) -> Any:
    given = flat(schema, root)
    if "const" in given:
        return given["const"]
    if given.get("enum"):
        return dice.choice(list(given["enum"]))
    options = given.get("anyOf", given.get("oneOf"))
    if isinstance(options, list) and options:
        rest = {name: part for name, part in given.items() if name not in {"anyOf", "oneOf"}}
        possible = [flat({"allOf": [rest, option]}, root) for option in options]
        open_ways = [way for way in possible if way.get("type") != [] and way.get("enum") != []]
        return _document((open_ways or possible)[0], root, dice, depth)
    kind = given.get("type", _implied(given))
    if isinstance(kind, list):
        kind = kind[0] if kind else "null"
    return _value(kind, given, root, dice, depth)


def flat(schema: Any, root: Schema) -> dict[str, Any]:
    """A schema with its references followed and its `allOf` put together."""
    merged: dict[str, Any] = {}
    waiting, followed = [schema], 0
    while waiting and followed < 2 * DEPTH:
        part = waiting.pop(0)
        followed += 1
        if not isinstance(part, Mapping):
            continue
        inner = part.get("allOf")
        waiting += inner if isinstance(inner, list) else []
        waiting += [resolve(str(part["$ref"]), root)] if "$ref" in part else []
        for name, value in part.items():
            if name not in {"allOf", "$ref"}:
                merged[name] = _both(name, merged[name], value) if name in merged else value
    return merged


def _both(name: str, first: Any, second: Any) -> Any:
    """What two schemas ask for together under one keyword."""
    if name == "required":
        return list(dict.fromkeys([*first, *second]))
    if name == "properties":
        alike = first.keys() & second.keys()
        joint = {same: {"allOf": [first[same], second[same]]} for same in alike}
        return {**first, **second, **joint}
    if name == "enum":
        return [value for value in first if value in second]
    if name == "type":
        kinds = [kind for kind in _listed(first) if _admits(_listed(second), kind)]
        return kinds or [kind for kind in _listed(second) if _admits(_listed(first), kind)]
    if name in _LOWER:
        return min(first, second)
    return max(first, second) if name in _HIGHER else second


def _listed(kind: Any) -> list[Any]:
    return kind if isinstance(kind, list) else [kind]


def _admits(kinds: list[Any], kind: Any) -> bool:
    return kind in kinds or (kind == "integer" and "number" in kinds)


def _implied(schema: Schema) -> str:
    """The type that a schema without one speaks of."""
    if schema.keys() & {"properties", "required", "additionalProperties"}:
        return "object"
    if schema.keys() & {"items", "minItems", "maxItems", "prefixItems"}:
        return "array"
    bounds = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
    return "integer" if schema.keys() & bounds else "string"


def _value(kind: object, schema: Schema, root: Schema, dice: Random, depth: int) -> Any:
    match kind:
        case "object":
            return _object(schema, root, dice, depth)
        case "array":
            return _array(schema, root, dice, depth)
        case "integer":
            return _integer(schema, dice)
        case "number":
            return _number(schema, dice)
        case "boolean":
            return dice.random() < 0.5  # noqa: PLR2004 - a fair coin
        case "null":
            return None
        case _:
            return _string(schema, dice)


def _object(schema: Schema, root: Schema, dice: Random, depth: int) -> dict[str, Any]:
    """All properties of an object; deep inside only those that it must have."""
    properties = schema.get("properties", {})
    required = [name for name in schema.get("required", []) if name in properties]
    others = [name for name in properties if name not in required]
    names = required + others if depth < SHALLOW else required
    return {name: _document(properties[name], root, dice, depth + 1) for name in names}


def _array(schema: Schema, root: Schema, dice: Random, depth: int) -> list[Any]:
    """One item, or as many as it takes."""
    first, items = schema.get("prefixItems", []), schema.get("items", {})
    count = max(schema.get("minItems", int(depth < SHALLOW)), len(first))
    count = min(count, schema.get("maxItems", count))
    made: list[Any] = []
    for place in range(count):
        part = first[place] if place < len(first) else items
        for _ in range(_ATTEMPTS):
            item = _document(part, root, dice, depth + 1)
            if not schema.get("uniqueItems") or item not in made:
                break
        made.append(item)
    return made


def _integer(schema: Schema, dice: Random) -> int:
    low, high = _bounds(schema, 100)
    step = schema.get("multipleOf", 1)
    least, most = math.ceil(low), math.floor(high)
    least += "exclusiveMinimum" in schema and least <= schema["exclusiveMinimum"]
    most -= "exclusiveMaximum" in schema and most >= schema["exclusiveMaximum"]
    if step != 1:
        step = max(math.ceil(step), 1)
        least, most = -(-least // step), most // step
    return dice.randint(least, max(least, most)) * int(step)


def _number(schema: Schema, dice: Random) -> int | float:
    low, high = _bounds(schema, 1)
    if step := schema.get("multipleOf"):
        most = max(math.ceil(low / step), math.floor(high / step))
        times = dice.randint(math.ceil(low / step), most)
        return times * int(step) if step == int(step) else round(times * step, 9)
    inside = schema.keys() & {"exclusiveMinimum", "exclusiveMaximum"}
    share = dice.randint(1, 999) if inside else dice.randint(0, 1000)
    return share / 1000 if (low, high) == (0, 1) else low + (high - low) * share / 1000


def _bounds(schema: Schema, room: int) -> tuple[float, float]:
    """From and to; `room` lies between them where only one is given."""
    lows = [schema[name] for name in ("minimum", "exclusiveMinimum") if name in schema]
    highs = [schema[name] for name in ("maximum", "exclusiveMaximum") if name in schema]
    room = max(room, math.ceil(2 * schema.get("multipleOf", 0)))
    low = max(lows) if lows else min(0, min(highs) - room) if highs else 0
    return low, min(highs) if highs else low + room if low > 0 or lows else room


def _string(schema: Schema, dice: Random) -> str:
    least = schema.get("minLength", 0)
    most = schema.get("maxLength", math.inf)
    pattern = schema.get("pattern")
    if isinstance(pattern, str):
        return _patterned(pattern, least, most, dice)
    text = _formatted(schema.get("format"), dice)
    if len(text) < least:
        text = (text + f" {' '.join(_WORDS)}" * (least // len(_WORDS) + 1))[:least]
    return text[: int(most)] if most < len(text) else text


def _patterned(pattern: str, least: int, most: float, dice: Random) -> str:
    """A text that matches; of several draws the first of the right length."""
    try:
        drawn = [matching(pattern, dice) for _ in range(_ATTEMPTS)]
    except (ValueError, RecursionError, re.error):
        return dice.choice(_WORDS)
    text = next((text for text in drawn if least <= len(text) <= most), drawn[0])
    missing = least - len(text)
    open_ended = missing > 0 and not pattern.endswith("$")
    return text + "x" * missing if open_ended else text


def _formatted(form: object, dice: Random) -> str:
    """A word, or a text in one of the formats of JSON Schema."""
    word, day = dice.choice(_WORDS), dice.randint(1, 28)
    made = {
        "date": f"2026-11-{day:02d}",
        "date-time": f"2026-11-{day:02d}T09:00:00Z",
        "time": "09:00:00Z",
        "duration": f"P{day}D",
        "email": f"{word}@example.com",
        "idn-email": f"{word}@example.com",
        "hostname": f"{word}.example.com",
        "idn-hostname": f"{word}.example.com",
        "ipv4": f"192.0.2.{day}",
        "ipv6": f"2001:db8::{day}",
        "uri": f"https://example.com/{word}",
        "iri": f"https://example.com/{word}",
        "uri-reference": f"https://example.com/{word}",
        "uuid": f"00000000-0000-4000-8000-{dice.getrandbits(48):012x}" if form == "uuid" else "",
    }
    return made.get(str(form), word)
