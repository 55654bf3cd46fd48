"""Echo: the model that repeats the user, or fills in the schema it was given."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from simulator.documents import conforming
from simulator.responder.base import Question, Said


@dataclass(frozen=True, slots=True)
class Echo:
    """Repeats the last user message; where a JSON Schema is asked for, a document that fits."""

    def answer(self, question: Question) -> Said:
        """The user's own words, or a conforming document."""
        schema = question.params.answer_schema
        if schema is None:
            return Said(question.user)
        document = conforming(schema, question.dice)
        return Said(msgspec.json.encode(document).decode(), tags=("conforming",))
