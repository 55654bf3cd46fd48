"""The record of an arm, filled from outside: the service's books, the sink, the quarantine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec

from scenarios.harness.pipeline.places import Contents
from scenarios.harness.pipeline.process import FLOOD, Ending
from scenarios.harness.record import Record
from scenarios.harness.shapes import Shape, Value
from simulator.books import RequestBook


@dataclass(frozen=True)
class OutsideRecord(Record):
    """What happened in one arm of a pipeline that can be seen from outside only."""

    live: tuple[tuple[str, str], ...] = ()
    """Subject and text of answers that were given outside of batches."""
    formless: int = 0
    """Requests for which nothing said what an answer looks like."""
    endings: tuple[Ending, ...] = ()
    """Of each run of the pipeline."""
    sink: Contents = field(default_factory=Contents)
    """The sink at the end, as it was read ..."""
    aside: Contents = field(default_factory=Contents)
    """... and the quarantine."""
    met: tuple[str, ...] = ()
    """The faults that struck this arm ..."""
    missed: tuple[str, ...] = ()
    """... and those that never met it."""
    calls: int = 0
    """Calls that the service heard."""

    @cached_property
    def answers(self) -> Mapping[str, frozenset[str]]:
        """Per subject, what the model said of its own accord, in batches and outside of them."""
        said: dict[str, set[str]] = {}
        for request in self.books.requests:
            if request.subject is not None and "obeyed" not in request.tags and request.text:
                said.setdefault(request.subject, set()).add(request.text)
        for subject, text in self.live:
            said.setdefault(subject, set()).add(text)
        return {subject: frozenset(texts) for subject, texts in said.items()}

    def _is_honest(self, key: str) -> bool:
        texts = self.answers.get(self.subjects.get(key, ""), frozenset())
        return any(self._says(self.after[key], text) for text in texts)

    def _says(self, stored: Value, text: str) -> bool:
        """Whether a value of the sink is what an answer says."""
        answer = self.answered(text)
        if answer is None:
            return any(
                isinstance(value, str) and value.strip() == text.strip()
                for value in stored.values()
            )
        shared = answer.keys() & stored.keys()
        if shared:
            expected = {
                name: answer.get(name)
                for name in (self.shape.kinds.keys() & stored.keys()) or shared
            }
            return self.shape.canonical(expected) == self.shape.canonical(
                {name: stored[name] for name in expected}
            )
        plain = [msgspec.json.encode(value) for value in stored.values()]
        return all(msgspec.json.encode(value) in plain for value in answer.values())

    @property
    def is_repeated(self) -> bool:
        """Whether more requests were billed than there are rows. Who sends unbilled ones again
        repairs, and nobody outside sees whether somebody was told."""
        return sum(self.paid.values()) > len(self.rows)

    @cached_property
    def paid(self) -> Counter[str]:
        """Per row's text, or `custom_id` where none was found, how many requests were billed."""
        return Counter(
            self.billed_as(request)
            for request in self.books.requests
            if request.billed_picodollars > 0
        )

    def billed_as(self, request: RequestBook) -> str:
        """The name of its row's text, or the `custom_id` where none was found."""
        return request.subject or request.custom_id

    @cached_property
    def bills(self) -> Counter[str]:
        """Per row, how often a request about it was billed; rows of one text may share a name."""
        sharing = Counter(self.subjects.values())
        return Counter(
            {name: max(count - max(sharing[name] - 1, 0), 1) for name, count in self.paid.items()}
        )


def values_of(contents: Contents, shape: Shape) -> dict[str, Value]:
    """What the rows of a place say, in the columns that the schema names; all columns without one.

    Where a table keeps the whole answer as JSON in one column, that is what it says.
    """
    return {key: shape.read(_named(row, shape)) for key, row in contents.rows.items()}


def _named(row: Mapping[str, Any], shape: Shape) -> Mapping[str, Any]:
    if not shape.kinds:
        return row
    named = {name: value for name, value in row.items() if name in shape.kinds}
    if named:
        return named
    for value in row.values():
        inside = value
        if isinstance(value, str):
            try:
                inside = msgspec.json.decode(value)
            except (msgspec.DecodeError, RecursionError):
                continue
        if isinstance(inside, dict):
            return {name: each for name, each in inside.items() if name in shape.kinds} or inside
    return row


def told(ending: Ending, timeout: float) -> tuple[str, str]:
    """The status of a run and what it means, in the words of a record."""
    if ending.refused:
        return "crashed", f"it could not be started: {ending.refused}"
    if ending.stopped == "hung":
        return "hung", f"it did not end within {timeout:g} s and was killed"
    if ending.stopped == "flooded":
        megabytes = FLOOD // 2**20
        return "flooded", f"it wrote more than {megabytes} MB of output and was killed"
    said = f": {ending.said}" if ending.said else ""
    if ending.signal:
        return "crashed", f"it was ended by {ending.signal}{said}"
    if ending.code:
        return "halted", f"exit code {ending.code}{said}"
    return "done", ""
