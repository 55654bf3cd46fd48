"""Texts that match a regular expression: literals, classes, groups, branches and repeats."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import import_module
from random import Random
from typing import Any, Final

parser, ops = import_module("re._parser"), import_module("re._constants")
"""How the standard library reads a pattern; not public, so type checkers may or may not know it."""
LONGEST_REPEAT: Final = 3
"""How many more than it must an open repeat brings."""
PRINTABLE: Final = tuple(range(0x20, 0x7F))
_CLASSES: Final = {
    ops.CATEGORY_DIGIT: frozenset(map(ord, "0123456789")),
    ops.CATEGORY_WORD: frozenset(c for c in PRINTABLE if chr(c).isalnum() or chr(c) == "_"),
    ops.CATEGORY_SPACE: frozenset({0x20}),
}
_OPPOSITES: Final = {
    ops.CATEGORY_NOT_DIGIT: ops.CATEGORY_DIGIT,
    ops.CATEGORY_NOT_WORD: ops.CATEGORY_WORD,
    ops.CATEGORY_NOT_SPACE: ops.CATEGORY_SPACE,
}
_PLAIN: Final = frozenset({ops.LITERAL, ops.NOT_LITERAL, ops.ANY, ops.IN, ops.AT, ops.BRANCH})


def pattern_problem(pattern: object) -> str | None:
    """Why no text can be made for this pattern, or None. Lookaround and backreferences are not
    supported."""
    if not isinstance(pattern, str):
        return "Input should be a valid string"
    try:
        matching(pattern, Random(0))
    except re.error as error:
        return f"Invalid regular expression: {error}"
    except (ValueError, RecursionError, OverflowError) as error:
        return f"Unsupported regular expression: {error}"
    return None


def matching(pattern: str, dice: Random) -> str:
    """A text that matches the whole of a pattern.

    Raises:
        ValueError: the pattern uses what is not supported. `re.error` where it is none.
    """
    return "".join(map(chr, _made(parser.parse(pattern), dice)))


def _made(parsed: Iterable[tuple[Any, Any]], dice: Random) -> list[int]:
    made: list[int] = []
    for what, given in parsed:
        if what is ops.SUBPATTERN:
            made += _made(given[-1], dice)
        elif what in {ops.MAX_REPEAT, ops.MIN_REPEAT}:
            least, most, inner = given
            for _ in range(dice.randint(least, min(most, least + LONGEST_REPEAT))):
                made += _made(inner, dice)
        elif what is ops.BRANCH:
            made += _made(dice.choice(given[1]), dice)
        elif what in _PLAIN:
            made += [] if what is ops.AT else [_character(what, given, dice)]
        else:
            raise ValueError(f"{str(what).lower()} is not supported")
    return made


def _character(what: Any, given: Any, dice: Random) -> int:
    if what is ops.LITERAL:
        return int(given)
    allowed = _members([(what, given)] if what is not ops.IN else given)
    if not allowed:
        raise ValueError("a class without printable characters is not supported")
    return dice.choice(allowed)


def _members(parts: Iterable[tuple[Any, Any]]) -> list[int]:
    """The characters of a class, in order; printable ASCII where it names none."""
    found: set[int] = set()
    negated = False
    for what, given in parts:
        if what is ops.NEGATE:
            negated = True
        elif what is ops.LITERAL:
            found.add(given)
        elif what is ops.NOT_LITERAL:
            found |= set(PRINTABLE) - {given}
        elif what is ops.ANY:
            found |= set(PRINTABLE)
        elif what is ops.RANGE:
            found |= set(range(given[0], min(given[1], given[0] + 0x7F) + 1))
        elif given in _CLASSES:
            found |= _CLASSES[given]
        else:
            found |= set(PRINTABLE) - _CLASSES[_OPPOSITES[given]]
    return sorted(set(PRINTABLE) - found if negated else found)
