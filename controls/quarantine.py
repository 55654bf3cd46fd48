"""Validate or quarantine: no answer reaches a table unless it is exactly what was agreed.

Protects from schema drift: malformed, truncated, fenced or chatty answers, wrong types, `NaN`,
`true` where a number belongs, a list where an object belongs, a key given twice. It never crashes
and never coerces: what does not fit is kept with a reason code and its bytes, to be seen, counted
and sent again.

Weakness: a well-formed answer can still be wrong. Neighbours: `Canary` grades correctness,
`RowBinding` whether the answer belongs to the row.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import jsonschema_rs
import msgspec

from controls.core.answer import Accepted, Answer, Quarantined, Verdict
from controls.core.errors import ControlError
from controls.ids import REFERENCE_FIELD

STOP_REASONS = {
    "max_tokens": "the answer was cut off at max_tokens",
    "refusal": "the model refused",
    "pause_turn": "the turn was not finished",
    "tool_use": "the model asked for a tool, and nobody runs one",
    "model_context_window_exceeded": "the context window was full",
}
"""Stop reasons under which an answer cannot be trusted to be complete."""

REASONS = (
    *STOP_REASONS,
    "empty",
    "not_json",
    "not_an_object",
    "duplicate_key",
    "schema",
    "unstorable",
    "off_task",
    "wrong_row",
    "unreadable",
    "conflict",
    "gate_error",
    "unexpected",
    "lost",
    "errored",
    "expired",
    "canceled",
)
"""All reason codes, with `errored:TYPE` for rows that the service gave up and `sensitive:NAME` for
rows that were never sent."""


class Quarantine:
    """The gate that holds answers to a JSON Schema, strictly.

    Args:
        schema: JSON Schema (draft 2020-12) of the answer without its reference.
    """

    __slots__ = ("_decode", "_schema", "_validator")

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = json.dumps(schema, sort_keys=True)
        self._validator = _validator(self._schema)
        self._decode = msgspec.json.Decoder().decode

    def __repr__(self) -> str:
        return "Quarantine()"

    @property
    def is_valid(self) -> Callable[[dict[str, Any]], bool]:
        """Whether a decoded answer without its reference fits the schema; may raise."""
        return self._validator.is_valid

    def examine(self, answer: Answer) -> Verdict:
        """Accept the decoded object, or say what is wrong with it."""
        if answer.stop_reason in STOP_REASONS:
            return Quarantined(str(answer.stop_reason), STOP_REASONS[str(answer.stop_reason)])
        text = answer.text
        if not text or text.isspace():
            return Quarantined("empty", "the answer has no text")
        try:
            value = self._decode(text)
        except (msgspec.DecodeError, UnicodeError, RecursionError, ValueError) as error:
            return Quarantined("not_json", str(error)[:200])
        if not isinstance(value, dict):
            kind = type(value).__name__
            return Quarantined("not_an_object", f"the answer is a {kind}, not an object")
        try:
            suspect = text.count('"') > _quotes(value)
            twice = _given_twice(text) if suspect else None
        except (ValueError, RecursionError) as error:
            return Quarantined("not_json", str(error)[:200])
        if twice is not None:
            return Quarantined("duplicate_key", f"{twice[:40]!r} is given twice")
        if _NUL in text and _NUL in text.replace(_BACKSLASH, ""):
            return Quarantined("unstorable", "the answer has a NUL, which databases refuse")
        value.pop(REFERENCE_FIELD, None)
        try:
            self._validator.validate(value)
        except jsonschema_rs.ValidationError as error:
            where = "/".join(str(part) for part in error.instance_path)
            message = f"{where}: {error.message}" if where else error.message
            return Quarantined("schema", message[:200])
        except (ValueError, RecursionError, OverflowError) as error:
            return Quarantined("schema", str(error)[:200])
        return Accepted(value)


_NUL, _BACKSLASH = "\\u0000", "\\\\"
"""A NUL and a backslash, as JSON writes them."""
_ENCODE = msgspec.json.Encoder().encode


@lru_cache(maxsize=32)
def _validator(schema: str) -> jsonschema_rs.Validator:
    try:
        return jsonschema_rs.validator_for(json.loads(schema))
    except (ValueError, jsonschema_rs.ValidationError) as error:
        raise ControlError(
            f"The answer schema is not a JSON Schema: {error}.", fix="Mend [answer.schema]."
        ) from None


def _quotes(value: dict[str, Any]) -> int:
    """At most as many quotation marks as it takes to write this object: those inside strings do
    not count. A text that has more may give a key twice."""
    written = _ENCODE(value)
    return written.count(b'"') - written.count(b'\\"')


def _given_twice(text: str) -> str | None:
    """A key that one object of the document gives twice, or None."""
    twice: list[str] = []

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        once = dict(pairs)
        if len(once) < len(pairs):
            counted = Counter(key for key, _ in pairs)
            twice.extend(key for key, count in counted.items() if count > 1)
        return once

    json.loads(text, object_pairs_hook=members)
    return min(twice, default=None)
