"""Text from rows, models and services, made safe to look at.

Every format shows such text only through this file. A character that hides, reorders or
commands (escape sequences, bidi overrides, zero-width characters, lone surrogates) is written
as its escape, such as `\\u202e`, so that a reader sees it and a terminal, browser or XML parser
does not obey it. Escaping the markup of a format is the business of that format.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from unicodedata import category

DISPLAY_LIMIT = 2_000
"""Characters of one text that a report shows; `report.json` keeps all of them."""

LONGEST_COMMAND = 16_000
"""Characters of a command: one that is cut cannot be typed, such as one with a hundred names."""

BLANK_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Printable by the standard, invisible on a screen."""


def is_hidden(character: str) -> bool:
    """Whether a reader would not see this character as itself."""
    if character.isprintable():
        return character in BLANK_LETTERS
    return category(character) != "Zs"


def is_plain(text: str) -> bool:
    """Whether no character of `text` is hidden: most texts, and much sooner known as a whole."""
    return text.isprintable() and BLANK_LETTERS.isdisjoint(text)


def escape(text: str) -> str:
    """Every character as Python would write it in a string: `\\x1b`, `\\u202e`, `\\U000e0041`."""
    return text.encode("unicode_escape").decode("ascii")


def spans(text: str) -> Iterator[tuple[bool, str]]:
    """`text` in pieces: (False, as it stands) and (True, the escapes of what is hidden)."""
    if is_plain(text):
        if text:
            yield False, text
        return
    for hidden, characters in groupby(text, is_hidden):
        piece = "".join(characters)
        yield hidden, "".join(map(_escape_one, piece)) if hidden else piece


def visible(text: str) -> str:
    """`text` on one line, with every hidden character written as an escape."""
    if is_plain(text):
        return text
    return "".join(piece for _, piece in spans(text))


def visible_lines(text: str) -> str:
    """Like `visible`, but line feeds stay: for text that we wrote over several lines."""
    return "\n".join(visible(line) for line in text.split("\n"))


def cut(text: str, limit: int = DISPLAY_LIMIT) -> tuple[str, str]:
    """The start of `text`, and a note of the real length if something was cut off."""
    if len(text) <= limit:
        return text, ""
    return text[:limit], f" … [{len(text):,} characters in all]"


def shown(text: str, limit: int = DISPLAY_LIMIT) -> str:
    """`text` as a report shows it: on one line, visible, and not endless."""
    start, note = cut(text, limit)
    return visible(start) + note


def shown_command(text: str) -> str:
    """A command, whole, so that it can be copied."""
    return shown(text, LONGEST_COMMAND)


def told(line: str) -> str:
    """A line for a terminal that a CI system reads, too: it begins no command there.

    GitHub's runner obeys `::name::` at the start of a line, after spaces, and `##[name]` anywhere;
    one character of each is written as its escape.
    """
    start = len(line) - len(line.lstrip())
    if line.startswith("::", start):
        line = f"{line[:start]}\\x3a{line[start + 1 :]}"
    return line.replace("##[", "#\\x23[")


def shown_lines(text: str, limit: int = DISPLAY_LIMIT) -> str:
    """Like `shown`, but line feeds stay."""
    start, note = cut(text, limit)
    return visible_lines(start) + note


def shown_end(text: str, limit: int = 2 * DISPLAY_LIMIT) -> str:
    """The last lines of a traceback, which say what went wrong."""
    if len(text) <= limit:
        return visible_lines(text)
    return f"[the last {limit:,} of {len(text):,} characters] …\n{visible_lines(text[-limit:])}"


def _escape_one(character: str) -> str:
    return escape(character) if not character.isprintable() else f"\\u{ord(character):04x}"
