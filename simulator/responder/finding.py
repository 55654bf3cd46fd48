"""Which of many known texts stands in a prompt: exact, and fast where prompts look alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

HEAD: Final = 8
"""Texts are indexed by so many first characters; shorter ones by all they have."""
FEW_HEADS: Final = 48
"""Up to so many different beginnings it is quicker to search for each of them."""


class Finder:
    """Finds the earliest known text in a prompt, and the longest of those that begin there.

    Prompts made from one template hold their text at the same place, so the place of the last
    find is tried first: between what stood before and after it, then at its beginning alone.
    A prompt with an earlier match elsewhere is then answered by its usual place.
    """

    __slots__ = ("_after", "_before", "_heads", "_known", "_lengths")

    def __init__(self, texts: Iterable[str]) -> None:
        self._known = frozenset(filter(None, texts))
        lengths: dict[str, set[int]] = {}
        for text in self._known:
            lengths.setdefault(text[:HEAD], set()).add(len(text))
        self._lengths = {
            head: tuple(sorted(found, reverse=True)) for head, found in lengths.items()
        }
        self._heads = sorted({len(head) for head in self._lengths}, reverse=True)
        self._before = 0
        self._after = 0

    def find(self, prompt: str) -> tuple[str, int] | None:
        """The text and its place, or None."""
        start = self._before
        text = prompt[start : len(prompt) - self._after]
        if text in self._known:
            return text, start
        usual = self.at(prompt, start)
        found = (usual, start) if usual is not None else self.search(prompt)
        if found is not None:
            text, self._before = found
            self._after = len(prompt) - self._before - len(text)
        return found

    def search(self, prompt: str) -> tuple[str, int] | None:
        """The same without memory of the last find."""
        for place in self._candidates(prompt):
            text = self.at(prompt, place)
            if text is not None:
                return text, place
        return None

    def at(self, prompt: str, place: int) -> str | None:
        """The longest known text that begins here."""
        best = ""
        for size in self._heads:
            for length in self._lengths.get(prompt[place : place + size], ()):
                text = prompt[place : place + length]
                if length > len(best) and text in self._known:
                    best = text
        return best or None

    def _candidates(self, prompt: str) -> Iterator[int]:
        """The places where a known text may begin, in order."""
        if len(self._lengths) <= FEW_HEADS:
            return iter(sorted(self._occurrences(prompt)))
        return self._slide(prompt)

    def _occurrences(self, prompt: str) -> Iterator[int]:
        for head in self._lengths:
            place = prompt.find(head)
            while place >= 0:
                yield place
                place = prompt.find(head, place + 1)

    def _slide(self, prompt: str) -> Iterator[int]:
        known = self._lengths
        sizes = self._heads
        if sizes == [HEAD]:
            for place in range(len(prompt) - HEAD + 1):
                if prompt[place : place + HEAD] in known:
                    yield place
            return
        for place in range(len(prompt)):
            if any(prompt[place : place + size] in known for size in sizes):
                yield place
