"""The shape of a responder, and the two that only look things up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Protocol

import msgspec

from simulator.params import MessageParams


class Question(msgspec.Struct, gc=False):
    """What the model gets to see of one request."""

    custom_id: str
    """Empty for a live message."""
    model: str
    system: str
    user: str
    """The text of the last user message."""
    max_tokens: int
    params: MessageParams
    dice: Random
    """Set to this row: what it draws does not depend on any other row."""


class Said(msgspec.Struct, frozen=True, gc=False):
    """What the model says, and what a witness may note about it."""

    text: str
    subject: str | None = None
    """Which known thing the model recognised in the prompt."""
    tags: tuple[str, ...] = ()
    stop_reason: str = "end_turn"


class Responder(Protocol):
    """Turns a question into what the model would say."""

    def answer(self, question: Question) -> Said:
        """The answer; chance comes from `question.dice` only."""


@dataclass(frozen=True, slots=True)
class Table:
    """Says what is written down for each `custom_id`."""

    texts: Mapping[str, str]
    default: str = ""

    def answer(self, question: Question) -> Said:
        """The text of this `custom_id`, or the default."""
        return Said(self.texts.get(question.custom_id, self.default))


@dataclass(frozen=True, slots=True)
class FromCallable:
    """Says what a function returns: a text, or a whole `Said`."""

    function: Callable[[Question], str | Said]

    def answer(self, question: Question) -> Said:
        """What the function makes of the question."""
        said = self.function(question)
        return Said(said) if isinstance(said, str) else said
