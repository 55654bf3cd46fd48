"""What the simulated model says to a pipeline that nobody here has read.

It answers in the form that the request asks for (`output_config.format`), else in that of
`--schema`, else it repeats the prompt. What it says depends on the row's text alone, so an answer
on the wrong row can be told; it copies what the prompt gives it to copy; and it is gullible.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import jsonschema_rs
import msgspec

from controls import Row
from scenarios.harness.model import ECHO
from scenarios.harness.pipeline.reading import Reader
from simulator.documents import conforming
from simulator.faults.drift import DRIFTS, drifted
from simulator.responder import Question, Said
from simulator.responder.gullible import stands_fenced

OBEYS, OBEYS_FENCED = 0.9, 0.03
"""How often an injected instruction is obeyed, as in the drills of our own pipeline."""
SAMPLES = 12
"""So many answers show whether a kind of drift can be told."""


_VALUE = r"""["']?[ \t]*[:=][ \t]*["']?([^\s"',;}]*[^\s"',;}.])"""
"""What stands behind a name that is given a value; a full stop ends the sentence."""


class Stranger:
    """A model that reads prompts of unknown make."""

    def __init__(
        self,
        rows: Sequence[Row],
        text: str,
        schema: dict[str, Any] | None,
        seed: int,
        planted: Mapping[str, str],
        spoiled: Sequence[Row] = (),
    ) -> None:
        """`spoiled` are the rows as the pipeline gets them; `planted`: key to instruction."""
        self.subjects: dict[str, str] = {}
        """Row key to the name of its text; rows with the same text share one."""
        named: dict[str, str] = {}
        for row in rows:
            self.subjects[row.key] = named.setdefault(row.fields[text], row.key)
        for row in spoiled:
            if row.key in self.subjects:
                named.setdefault(row.fields[text], self.subjects[row.key])
        self.live: list[tuple[str, str]] = []
        """Subject and text of every answer that was given outside of batches."""
        self.formless = 0
        """Requests for which nothing said what an answer looks like."""
        self._schema = schema
        self._seed = seed
        self._reader = Reader(named)
        self._instructions = tuple(dict.fromkeys(planted.values()))

    def answer(self, question: Question) -> Said:
        """The answer to the row that stands in the prompt, or what the row wants to hear."""
        schema = question.params.answer_schema or self._schema
        subject = self._reader.find(question.user) or self._reader.find(question.system)
        said = self._misled(question, schema, subject)
        if said is None:
            about = subject if subject is not None else question.user
            said = Said(self._written(schema, question, f"{self._seed}/{about}"), subject)
        if not question.custom_id and subject is not None:
            self.live.append((subject, said.text))
        return said

    def _misled(
        self, question: Question, schema: dict[str, Any] | None, subject: str | None
    ) -> Said | None:
        for instruction in self._instructions:
            place, size = question.user.find(instruction), len(instruction)
            if place < 0:
                inside = msgspec.json.encode(instruction).decode()[1:-1]
                place, size = question.user.find(inside), len(inside)
            if place < 0:
                continue
            fenced = stands_fenced(question.user, place, place + size)
            if question.dice.random() >= (OBEYS_FENCED if fenced else OBEYS):
                return None
            wanted = conforming(schema, Random("obeyed")) if schema else "I obey."
            text = wanted if isinstance(wanted, str) else msgspec.json.encode(wanted).decode()
            return Said(text, subject, ("obeyed",))
        return None

    def _written(self, schema: dict[str, Any] | None, question: Question, about: str) -> str:
        if schema is None:
            self.formless += 1
            return question.user
        document = conforming(schema, Random(about))
        if isinstance(document, dict):
            document = copied(document, schema, f"{question.system}\n{question.user}")
        return msgspec.json.encode(document).decode()


def copied(document: dict[str, Any], schema: dict[str, Any], prompt: str) -> dict[str, Any]:
    """The document with what the prompt gives to copy: `reference: X`, `"reference": "X"`, or
    `Copy "X" into the field "reference"`."""
    given = {match["field"]: match["value"] for match in ECHO.finditer(prompt)}
    properties = schema.get("properties", {})
    for name in properties:
        found = re.search(rf"(?<!\w)[\"']?{re.escape(name)}{_VALUE}", prompt)
        if found and name not in given and isinstance(document.get(name), str):
            changed = {**document, name: found[1]}
            if jsonschema_rs.validator_for(schema).is_valid(changed):
                document = changed
    return {**given, **document, **{n: v for n, v in given.items() if n in properties}}


def telling_drifts(schema: dict[str, Any]) -> tuple[str, ...]:
    """The kinds of drift after which an answer of this schema never has the agreed shape."""
    accepts = jsonschema_rs.validator_for(schema).is_valid
    samples = [
        msgspec.json.encode(conforming(schema, Random(f"sample/{number}"))).decode()
        for number in range(SAMPLES)
    ]

    def tells(kind: str) -> bool:
        bent = (drifted(kind, each, Random(n)) for n, each in enumerate(samples))
        return not any(text is not None and _passes(text, accepts) for text in bent)

    return tuple(kind for kind in DRIFTS if tells(kind))


def _passes(text: str, accepts: Any) -> bool:
    try:
        return bool(accepts(msgspec.json.decode(text)))
    except (msgspec.DecodeError, RecursionError):
        return False
