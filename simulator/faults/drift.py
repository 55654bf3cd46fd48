"""The kinds of drift: each turns the text of a JSON object into something else."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final

import msgspec

Document = dict[str, Any]
Bender = Callable[[str, Document, Random], str | None]

STRANGE_LABEL: Final = "unclear/other"
PERCENT: Final = 100


def drifted(kind: str, text: str, dice: Random) -> str | None:
    """The text in this kind of drift, or None where the kind cannot be applied."""
    try:
        document = msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError):
        return None
    if not isinstance(document, dict) or not document:
        return None
    return _BENDERS[kind](text, document, dice)


def _write(document: object) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _each_number(document: Document, change: Callable[[float], Any]) -> str | None:
    if not any(map(_is_number, document.values())):
        return None
    return _write(
        {key: change(value) if _is_number(value) else value for key, value in document.items()}
    )


def _malformed(text: str, document: Document, dice: Random) -> str:
    """A comma before the end, or the quotes of a key forgotten."""
    if dice.random() < 0.5:  # noqa: PLR2004 - a fair coin
        return text.rstrip().removesuffix("}") + ",}"
    key = next(iter(document))
    return text.replace(f'"{key}"', key, 1)


def _truncated(text: str, document: Document, dice: Random) -> str:
    """The end is missing."""
    del document
    return text[: dice.randint(1, max(len(text) - 1, 1))]


def _fenced(text: str, document: Document, dice: Random) -> str:
    """In a code fence, as chat models like to write."""
    del document, dice
    return f"```json\n{text}\n```"


def _prose_around(text: str, document: Document, dice: Random) -> str:
    """Polite words before and after."""
    del document, dice
    return f"Here is the JSON you asked for:\n\n{text}\n\nLet me know if you need anything else."


def _wrong_types(text: str, document: Document, dice: Random) -> str | None:
    """Numbers as strings; without numbers, the first text as a list."""
    del text, dice
    found = _each_number(document, str)
    if found is not None:
        return found
    key = next(iter(document))
    return _write(document | {key: [document[key]]})


def _nan(text: str, document: Document, dice: Random) -> str | None:
    """NaN, which is no JSON but which many readers take."""
    del text, dice
    return _each_number(document, lambda _: float("nan"))


def _true_score(text: str, document: Document, dice: Random) -> str | None:
    """`true` in place of numbers, which many languages take for 1."""
    del text, dice
    return _each_number(document, lambda _: True)


def _out_of_range(text: str, document: Document, dice: Random) -> str | None:
    """Percent where a share was asked for."""
    del text, dice
    return _each_number(document, lambda number: round(number * PERCENT + PERCENT + 1, 3))


def _list_not_object(text: str, document: Document, dice: Random) -> str:
    """A list of one."""
    del document, dice
    return f"[{text}]"


def _missing_field(text: str, document: Document, dice: Random) -> str:
    """One field is not there."""
    del text
    gone = dice.choice(list(document))
    return _write({key: value for key, value in document.items() if key != gone})


def _extra_field(text: str, document: Document, dice: Random) -> str:
    """One field more than asked for."""
    del text, dice
    return _write({**document, "reasoning": "The wording suggests it."})


def _unknown_label(text: str, document: Document, dice: Random) -> str | None:
    """A label that nobody listed, in the field `label` or else in the last text."""
    del text, dice
    texts = [key for key, value in document.items() if isinstance(value, str)]
    if not texts:
        return None
    key = "label" if "label" in texts else texts[-1]
    return _write(document | {key: STRANGE_LABEL})


def _null_field(text: str, document: Document, dice: Random) -> str:
    """One value is null."""
    del text
    return _write(document | {dice.choice(list(document)): None})


def _empty(text: str, document: Document, dice: Random) -> str:
    """Nothing at all."""
    del text, document, dice
    return ""


_BENDERS: Final[Mapping[str, Bender]] = {
    "malformed": _malformed,
    "truncated": _truncated,
    "fenced": _fenced,
    "prose_around": _prose_around,
    "wrong_types": _wrong_types,
    "nan": _nan,
    "true_score": _true_score,
    "out_of_range": _out_of_range,
    "list_not_object": _list_not_object,
    "missing_field": _missing_field,
    "extra_field": _extra_field,
    "unknown_label": _unknown_label,
    "null_field": _null_field,
    "empty": _empty,
}

DRIFTS: Final = tuple(_BENDERS)
"""The ways in which `SchemaDrift` can bend an answer."""
