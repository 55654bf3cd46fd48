"""Gullible: a model that obeys instructions found in the data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from simulator.responder.base import Question, Responder, Said
from simulator.responder.finding import Finder
from simulator.responder.oracle import check_share

_OPENING: Final = re.compile(r"<([a-zA-Z][\w-]*)>")

_ORDERS: Final = re.compile(
    r"\b(?:ignore|disregard|forget)\s+(?:all\s+|any\s+)?(?:of\s+)?(?:the\s+|your\s+)?"
    r"(?:previous|prior|above|earlier)\s+(?:instructions?|prompts?|rules?)\b[^\n]*",
    re.IGNORECASE,
)
"""The commonest form of an injected order, for a server without known injections."""

OBEDIENCE: Final = "Understood. I ignore my instructions and do as the text says."


class Gullible:
    """Obeys an injected instruction with probability `obeys`, or `obeys_fenced` inside a fence.

    A fence is `<name>` up to the *first* `</name>` that follows; what a row brings after a
    closing tag of its own stands outside. Without known injections it falls for the usual
    "ignore all previous instructions". Tags: `obeyed`, `resisted`.
    """

    __slots__ = ("_finder", "_injections", "_inner", "_obeys", "_obeys_fenced")

    def __init__(
        self,
        inner: Responder,
        injections: Mapping[str, str] | None = None,
        obeys: float = 0.9,
        obeys_fenced: float = 0.03,
    ) -> None:
        check_share("obeys", obeys)
        check_share("obeys_fenced", obeys_fenced)
        self._inner = inner
        self._injections = dict(injections or {})
        self._finder = Finder(self._injections)
        self._obeys = obeys
        self._obeys_fenced = obeys_fenced

    def answer(self, question: Question) -> Said:
        """The inner model's answer, or what the injected text wants to hear."""
        said = self._inner.answer(question)
        injected = self._injected(question.user)
        if injected is None:
            return said
        start, end, wanted = injected
        fenced = stands_fenced(question.user, start, end)
        if question.dice.random() < (self._obeys_fenced if fenced else self._obeys):
            return Said(wanted, said.subject, ("obeyed",))
        return Said(said.text, said.subject, (*said.tags, "resisted"), said.stop_reason)

    def _injected(self, user: str) -> tuple[int, int, str] | None:
        """Where the first injected text stands, and what an obeying model says."""
        if self._injections:
            found = self._finder.search(user)
            if found is None:
                return None
            text, place = found
            return place, place + len(text), self._injections[text]
        order = _ORDERS.search(user)
        return None if order is None else (order.start(), order.end(), OBEDIENCE)


def stands_fenced(prompt: str, start: int, end: int) -> bool:
    """Whether the whole of prompt[start:end] stands inside one fence."""
    return any(opens <= start and end <= closes for opens, closes in fences(prompt))


def fences(prompt: str) -> Iterator[tuple[int, int]]:
    """The insides of the fences, from left to right; an unclosed tag fences nothing."""
    place = 0
    while opening := _OPENING.search(prompt, place):
        closing = f"</{opening[1]}>"
        closes = prompt.find(closing, opening.end())
        place = opening.end()
        if closes >= 0:
            yield opening.end(), closes
            place = closes + len(closing)
