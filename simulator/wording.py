"""Exact words for a body that does not fit its schema: the slow path, taken after a failure."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import msgspec
from msgspec import UNSET

from simulator.params import CountParams

_ORDER: Final = ("model", "messages", "max_tokens")
_TYPES: Final[dict[str, tuple[type | tuple[type, ...], str]]] = {
    "model": (str, "Input should be a valid string"),
    "messages": (list, "Input should be a valid list"),
    "max_tokens": (int, "Input should be a valid integer"),
    "system": ((str, list), "Input should be a valid string or list"),
    "tools": (list, "Input should be a valid list"),
    "tool_choice": (dict, "Input should be a valid dictionary"),
    "thinking": (dict, "Input should be a valid dictionary"),
    "output_config": (dict, "Input should be a valid dictionary"),
    "stop_sequences": (list, "Input should be a valid list"),
    "temperature": ((int, float), "Input should be a valid number"),
    "top_p": ((int, float), "Input should be a valid number"),
    "top_k": (int, "Input should be a valid integer"),
    "metadata": (dict, "Input should be a valid dictionary"),
    "service_tier": (str, "Input should be a valid string"),
    "inference_geo": (str, "Input should be a valid string"),
    "user_profile_id": (str, "Input should be a valid string"),
    "stream": (bool, "Input should be a valid boolean"),
}
_NULLABLE: Final = frozenset(
    {
        "stop_sequences",
        "temperature",
        "top_p",
        "top_k",
        "metadata",
        "service_tier",
        "inference_geo",
        "user_profile_id",
        "stream",
    }
)


def explain(
    body: bytes | bytearray | msgspec.Raw, schema: type[CountParams], broken: Exception
) -> str:
    """The first thing that is wrong with a Messages body, in the words of the service."""
    try:
        document = msgspec.json.decode(body)
    except RecursionError:
        return "The request body is not valid JSON: it is nested too deeply"
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return f"The request body is not valid JSON: {broken}"
    if not isinstance(document, dict):
        return "Input should be a valid dictionary"
    return (
        _missing(document, schema)
        or _mistyped(document)
        or _message_problem(document.get("messages"))
        or _extra(document, schema)
        or str(broken)
    )


@cache
def _names(schema: type[CountParams]) -> tuple[frozenset[str], tuple[str, ...]]:
    fields = msgspec.structs.fields(schema)
    required = {field.name for field in fields if field.required}
    known = frozenset(field.name for field in fields)
    return known, tuple(name for name in _ORDER if name in required)


def _missing(document: dict[str, Any], schema: type[CountParams]) -> str | None:
    _, required = _names(schema)
    return next((f"{name}: Field required" for name in required if name not in document), None)


def _mistyped(document: dict[str, Any]) -> str | None:
    for name, (expected, text) in _TYPES.items():
        value = document.get(name, UNSET)
        if value is UNSET or (value is None and name in _NULLABLE):
            continue
        if not isinstance(value, expected) or (value is True or value is False) != (
            name == "stream"
        ):
            return f"{name}: {text}"
    return None


def _extra(document: dict[str, Any], schema: type[CountParams]) -> str | None:
    known, _ = _names(schema)
    extra = next((name for name in document if name not in known), None)
    return None if extra is None else f"{extra}: Extra inputs are not permitted"


def _message_problem(messages: Any) -> str | None:
    for place, message in enumerate(messages):
        where = f"messages.{place}"
        if not isinstance(message, dict):
            return f"{where}: Input should be a valid dictionary"
        for name in ("role", "content"):
            if name not in message:
                return f"{where}.{name}: Field required"
        if not isinstance(message["role"], str):
            return f"{where}.role: Input should be 'user' or 'assistant'"
        content = message["content"]
        if not isinstance(content, str | list):
            return f"{where}.content: Input should be a valid string"
        if isinstance(content, list) and not all(isinstance(block, dict) for block in content):
            return f"{where}.content.0: Input should be a valid dictionary"
        extra = next((name for name in message if name not in {"role", "content"}), None)
        if extra is not None:
            return f"{where}.{extra}: Extra inputs are not permitted"
    return None
