"""Which row stands in a prompt, however the pipeline dressed it: quoted, escaped, re-wrapped."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_ESCAPED: Final = re.compile(r"\\u([0-9a-fA-F]{4})")
_SPACED: Final = re.compile(r"\\[nrt]")
_WORDS: Final = re.compile(r"\w+")
FIRST: Final = 2
"""Texts are indexed by so many first words."""


def words(text: str) -> list[str]:
    """The words of a text, without case, punctuation and JSON escapes."""
    plain = _ESCAPED.sub(lambda code: chr(int(code[1], 16)), text)
    return _WORDS.findall(_SPACED.sub(" ", plain).casefold())


class Reader:
    """Finds the longest known text in a prompt."""

    __slots__ = ("_index",)

    def __init__(self, texts: Mapping[str, str]) -> None:
        """`texts`: text to the name of its subject."""
        self._index: dict[tuple[str, ...], list[tuple[list[str], str]]] = {}
        for text, subject in texts.items():
            if known := words(text):
                self._index.setdefault(tuple(known[:FIRST]), []).append((known, subject))
        for entries in self._index.values():
            entries.sort(key=lambda entry: -len(entry[0]))

    def find(self, prompt: str) -> str | None:
        """The subject of the longest known text in a prompt, or None."""
        read, best, subject = words(prompt), 0, None
        for place in range(len(read)):
            for size in range(FIRST, 0, -1):
                for known, name in self._index.get(tuple(read[place : place + size]), ()):
                    if len(known) > best and read[place : place + len(known)] == known:
                        best, subject = len(known), name
        return subject
