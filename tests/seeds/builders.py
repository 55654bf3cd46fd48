"""The usual pipeline, as examples on the web have it: the official client, and a day of waiting."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import anthropic
from anthropic.types.messages import MessageBatchIndividualResponse

from controls import Row
from simulator import Api, FromCallable, Question, Said, VirtualClock, hours
from simulator.faults import Fault
from tests.controls.builders import MODEL, a_client, an_answer

NUMBER = re.compile(r"text (\d+)")
Says = Callable[[Question], str | Said]


def number_of(question: Question) -> int:
    """Which row of `rows(...)` a prompt is about."""
    found = NUMBER.search(question.user)
    assert found is not None
    return int(found[1])


def odd(special: Callable[[Question], str | Said], row: int = 3) -> Says:
    """A good model that says something else about one row."""
    return lambda question: special(question) if number_of(question) == row else an_answer(question)


class Usual:
    """A service and the official client, without any control between."""

    def __init__(
        self, says: Says = an_answer, faults: Sequence[Fault] = (), *, retries: int = 0
    ) -> None:
        self.clock = VirtualClock()
        self.api = Api(clock=self.clock, responder=FromCallable(says), faults=faults)
        self.client: anthropic.Anthropic = a_client(self.api).with_options(max_retries=retries)

    def submit(self, given: Sequence[Row], **params: Any) -> str:
        """One batch of these rows, without waiting for it."""
        batch = self.client.messages.batches.create(requests=requests(given, **params))
        return batch.id

    def run(self, given: Sequence[Row], **params: Any) -> str:
        """One batch of these rows, a day and an hour ago."""
        batch = self.submit(given, **params)
        self.clock.sleep(hours(25))
        return batch

    def results(self, batch: str) -> Iterator[MessageBatchIndividualResponse]:
        """What the client's own iterator delivers."""
        yield from self.client.messages.batches.results(batch)

    @property
    def batches(self) -> int:
        """How many batches the service has accepted."""
        return len(self.api.books().batches)


def requests(given: Sequence[Row], **params: Any) -> list[Any]:
    """A request per row: its text, as it is, as the whole prompt."""
    fixed: Mapping[str, Any] = {"model": MODEL, "max_tokens": 64} | params
    return [
        {
            "custom_id": f"row-{row.ordinal}",
            "params": {"messages": [{"role": "user", "content": row.fields["text"]}], **fixed},
        }
        for row in given
    ]
