"""The pipeline of the field: what stands where nobody uses the runner, with its usual habits.

`FieldPipeline` is the quickstart made into a job: create through the official client with its
default retries, poll until `ended`, iterate over the results, write. On a good day it does well.
Each subclass has one habit more, taken from a report; the bare arm of a drill that names
`BatchRunner` runs one of them. None of it is meant for production.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import anthropic
from anthropic.types.messages import MessageBatch
from sqlalchemy import delete, insert

from controls import JobOutcome, JobType, Row, SystemOfRecord
from controls.core.clock import Clock
from controls.core.dressing import Dresser
from controls.ids import Namespace
from scenarios.harness.client import API_KEY, BASE_URL
from scenarios.harness.naive import NoFence, NoReference, StandIn

T = TypeVar("T")
Answered = tuple[str, str]
"""A `custom_id` and the text of its answer."""

POLL = timedelta(minutes=15)
READ_AGAIN = timedelta(hours=1)
RETRIED = frozenset({408, 409, 429})
RETRIES = 2
"""What the official client repeats by default, and how often; 500 and above as well."""
BUFFER = 2**16
"""Bytes; the default limit of a line in asyncio's StreamReader."""
PAGES = 50


class Hung(Exception):  # noqa: N818 - it names what happened
    """It would have gone on for ever."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What a pipeline of the field works with."""

    client: anthropic.Anthropic
    http: Any
    """The HTTP library under the client, for those who do without the client."""
    clock: Clock
    job_type: JobType
    record: SystemOfRecord
    gives_up_at: datetime
    """When the harness stops watching a pipeline that waits."""

    def asked(self, call: Callable[[], T]) -> T:
        """A call with the official client's own retries, but on the clock of the drill."""
        for retry in range(RETRIES):
            try:
                return call()
            except anthropic.APIStatusError as error:
                if not _is_retried(error):
                    raise
            except anthropic.APIConnectionError:
                pass
            self.clock.sleep(timedelta(seconds=0.5 * 2**retry))
        return call()

    def sleep(self, pause: timedelta, waiting_for: str) -> None:
        """Wait.

        Raises:
            Hung: for two days.
        """
        if self.clock.now() >= self.gives_up_at:
            raise Hung(f"after two days it still waits for {waiting_for}")
        self.clock.sleep(pause)

    def fetched(self, url: str) -> Any:
        """A GET without the client: the reply, if its status is good."""
        if "://" not in url:  # what every HTTP library says; ours asks its transport first
            raise ValueError("the URL has no http:// or https://")
        headers = {"x-api-key": API_KEY, "anthropic-version": "2023-06-01"}
        reply = self.http.get(url, headers=headers)
        reply.raise_for_status()
        return reply


def _is_retried(error: anthropic.APIStatusError) -> bool:
    said = error.response.headers.get("x-should-retry")
    if said in {"true", "false"}:
        return bool(said == "true")
    return error.status_code in RETRIED or error.status_code >= 500  # noqa: PLR2004


class FieldPipeline(StandIn):
    """The quickstart: create, poll until `ended`, iterate over the results, write."""

    def run(self, tools: Tools, rows: Sequence[Row]) -> None:
        """Two batches, one after the other."""
        half = (len(rows) + 1) // 2
        namespace = self.namespace(tools.job_type.team)
        dresser = Dresser(tools.job_type, namespace, b"", NoFence(), NoReference())
        for chunk in filter(None, (rows[:half], rows[half:])):
            requests = [dresser.dress(row) for row in chunk]
            by_id = {request.custom_id: request.row.key for request in requests}
            body = b'{"requests":[' + b",".join(request.body for request in requests) + b"]}"
            self.chunk(tools, body, by_id)

    def namespace(self, team: str) -> Namespace:
        """What its `custom_id`s are made of."""
        return Namespace(team, "job")

    def chunk(self, tools: Tools, body: bytes, keys: Mapping[str, str]) -> None:
        """One batch from its creation to the record."""
        batch = self.waited(tools, self.create(tools, body))
        answers = list(self.read(tools, batch))
        self.write(tools, [(self.key_of(custom_id, keys), text) for custom_id, text in answers])

    def create(self, tools: Tools, body: bytes) -> MessageBatch:
        """With the client's default retries."""
        return tools.asked(
            lambda: tools.client.post(
                "/v1/messages/batches",
                cast_to=MessageBatch,
                content=body,
                options={"max_retries": 0},
            )
        )

    def waited(self, tools: Tools, batch: MessageBatch) -> MessageBatch:
        """Poll until it has ended, however long that takes."""
        while batch.processing_status != "ended":
            tools.sleep(POLL, "the end of the batch")
            batch = self.polled(tools, batch.id)
        return batch

    def polled(self, tools: Tools, batch_id: str) -> MessageBatch:
        """One look."""
        return tools.asked(lambda: tools.client.messages.batches.retrieve(batch_id))

    def read(self, tools: Tools, batch: MessageBatch) -> Iterator[Answered]:
        """What succeeded, by the client's own iterator."""
        for line in tools.asked(lambda: tools.client.messages.batches.results(batch.id)):
            if line.result.type == "succeeded":
                self.account(line.result.message)
                yield line.custom_id, line.result.message.content[0].text  # type: ignore[union-attr]

    def account(self, message: Any) -> None:
        """Nobody counts what it cost."""

    def key_of(self, custom_id: str, keys: Mapping[str, str]) -> str:
        """Which row it is about."""
        return keys[custom_id]

    def write(self, tools: Tools, answers: Sequence[Answered]) -> None:
        """Straight into the record."""
        with tools.record.engine.begin() as connection:
            tools.record.write(connection, [(key, json.loads(text)) for key, text in answers])


@dataclass(frozen=True, slots=True)
class FieldWorker:
    """Runs a pipeline of the field where the runner would run the job."""

    pipeline: FieldPipeline
    tools: Tools

    def run(self, _job: object, rows: Sequence[Row]) -> JobOutcome:
        """It believes to be done when nothing was raised."""
        self.pipeline.run(self.tools, rows)
        return JobOutcome("done", "", len(rows), 0, ())

    def rollback(self, _job: object, keys: Collection[str] | None = None) -> int:  # noqa: ARG002
        """Nobody kept what stood there before."""
        return 0


# How they read.


def answered_in(line: str) -> Iterator[Answered]:
    """The answer in a line of the results, for those who do without the client."""
    row = json.loads(line)
    if row["result"]["type"] == "succeeded":
        yield row["custom_id"], row["result"]["message"]["content"][0]["text"]


class ReadsWithoutTheClient(FieldPipeline):
    """The base of those who fetch the results themselves: `lines` says what they take for one."""

    def read(self, tools: Tools, batch: MessageBatch) -> Iterator[Answered]:
        """What succeeded, line by line."""
        path = f"{BASE_URL}/v1/messages/batches/{batch.id}/results"
        for line in self.lines(tools.asked(lambda: tools.fetched(path))):
            yield from answered_in(line)

    def lines(self, reply: Any) -> Iterator[str]:
        """`str.splitlines`, which also splits where Unicode has a line end (contract 7.3)."""
        return iter(reply.text.splitlines())


class DropsTheLastPiece(ReadsWithoutTheClient):
    r"""Splits at `\n` and leaves out the empty piece behind the last one, whatever it holds."""

    def lines(self, reply: Any) -> Iterator[str]:
        """All pieces but the last."""
        return iter(reply.text.split("\n")[:-1])


class ReadsRawBytes(ReadsWithoutTheClient):
    """Reads what comes out of the socket, as `urllib.request` does: nothing is unpacked."""

    def read(self, tools: Tools, batch: MessageBatch) -> Iterator[Answered]:
        """Without the HTTP library's decoding."""
        path = f"{BASE_URL}/v1/messages/batches/{batch.id}/results"
        headers = {"x-api-key": API_KEY, "anthropic-version": "2023-06-01"}
        with tools.http.stream("GET", path, headers=headers) as reply:
            raw = b"".join(reply.iter_raw())
        for line in raw.decode().split("\n"):
            yield from answered_in(line) if line else ()


class ReadsIntoABuffer(ReadsWithoutTheClient):
    """Reads lines with a limit, as asyncio's StreamReader does."""

    def lines(self, reply: Any) -> Iterator[str]:
        """Each of them, if it fits."""
        for line in reply.text.split("\n"):
            if len(line) > BUFFER:
                raise ValueError("Separator is found, but chunk is longer than limit")
            yield from [line] if line else []


class ChecksTheContentType(ReadsWithoutTheClient):
    """Takes nothing that does not call itself JSON Lines (anthropic-sdk-php#30)."""

    def lines(self, reply: Any) -> Iterator[str]:
        """After a look at the header."""
        if "jsonl" not in reply.headers["content-type"]:
            raise ValueError("not JSON Lines")
        return ReadsWithoutTheClient.lines(self, reply)


class FollowsTheUrl(ReadsWithoutTheClient):
    """Fetches `results_url` as it stands there, with the key (stdapi-ai/stdapi.ai#161)."""

    def read(self, tools: Tools, batch: MessageBatch) -> Iterator[Answered]:
        """From wherever it points to."""
        for line in self.lines(tools.asked(lambda: tools.fetched(str(batch.results_url)))):
            yield from answered_in(line)


class ResumesAtTheLine(ReadsWithoutTheClient):
    """Goes on with a download that broke off at the line where it stood (contract 7.1)."""

    def read(self, tools: Tools, batch: MessageBatch) -> Iterator[Answered]:
        """So many lines are skipped as were read before."""
        read = 0
        while True:
            try:
                for line in list(self.some_lines(tools, batch.id))[read:]:
                    yield from answered_in(line)
                    read += 1
            except ValueError:
                tools.sleep(POLL, "a whole download")
                continue
            return

    def some_lines(self, tools: Tools, batch_id: str) -> Iterator[str]:
        """What came, whether or not it is all; a half line at its end is told by its JSON."""
        path = f"{BASE_URL}/v1/messages/batches/{batch_id}/results"
        return self.lines(tools.fetched(path))


class ExpectsEveryKey(ReadsWithoutTheClient):
    """Reads into closed types: a key that is missing or new is an error, as is another time format
    (tidyverse/ellmer#835)."""

    BATCH = frozenset({"archived_at", "cancel_initiated_at", "created_at", "ended_at"}) | frozenset(
        {"expires_at", "id", "processing_status", "request_counts", "results_url", "type"}
    )
    MESSAGE = frozenset({"container", "content", "diagnostics", "id", "model", "role"}) | frozenset(
        {"stop_details", "stop_reason", "stop_sequence", "type", "usage"}
    )

    def polled(self, tools: Tools, batch_id: str) -> MessageBatch:
        """Every key, and no other; times as they were seen once."""
        reply = tools.asked(lambda: tools.fetched(f"{BASE_URL}/v1/messages/batches/{batch_id}"))
        document = reply.json()
        _refuse_other_keys(document, self.BATCH)
        datetime.strptime(document["created_at"], "%Y-%m-%dT%H:%M:%S.%f+00:00")  # noqa: DTZ007
        return MessageBatch.construct(**document)

    def lines(self, reply: Any) -> Iterator[str]:
        """Every key of every message."""
        for line in ReadsWithoutTheClient.lines(self, reply):
            result = json.loads(line)["result"]
            if result["type"] == "succeeded":
                _refuse_other_keys(result["message"], self.MESSAGE)
            yield line


def _refuse_other_keys(document: Mapping[str, Any], known: frozenset[str]) -> None:
    if odd := sorted(document.keys() ^ known):
        raise KeyError(f"keys missing or not known: {', '.join(odd)}")


class TakesIdsForKeys(FieldPipeline):
    """Files an answer under the row that its `custom_id` names, or else under that name."""

    def key_of(self, custom_id: str, keys: Mapping[str, str]) -> str:
        """Whatever it is called."""
        return keys.get(custom_id, custom_id)


class DeletesAndInserts(FieldPipeline):
    """Loads as databases are loaded: delete the keys of the chunk, insert what came."""

    def write(self, tools: Tools, answers: Sequence[Answered]) -> None:
        """All in one transaction."""
        key = tools.record.key
        with tools.record.engine.begin() as connection:
            connection.execute(delete(tools.record.table).where(key.in_({k for k, _ in answers})))
            for name, text in answers:
                row = {key.name: name, **json.loads(text)}
                connection.execute(insert(tools.record.table).values(row))


class AddsUpTheCost(FieldPipeline):
    """Prices each answer by its own model and usage (BerriAI/litellm#27944)."""

    PRICES: Mapping[str, float] = {}

    def run(self, tools: Tools, rows: Sequence[Row]) -> None:
        """It knows the price of the model it asks for."""
        self.PRICES = {tools.job_type.prompt.model: 1e-6}
        super().run(tools, rows)

    def account(self, message: Any) -> None:
        """Read, written to the cache, and read from it."""
        usage = message.usage
        tokens = usage.input_tokens + usage.output_tokens
        tokens += usage.cache_creation_input_tokens + usage.cache_read_input_tokens
        self.spent = tokens * self.PRICES[message.model]


# How they wait, create, and fail.


class WaitsWhileInProgress(FieldPipeline):
    """Polls while the status is `in_progress`, and takes any other one for the end."""

    def waited(self, tools: Tools, batch: MessageBatch) -> MessageBatch:
        """Until it is anything else."""
        while batch.processing_status == "in_progress":
            tools.sleep(POLL, "the end of the batch")
            batch = self.polled(tools, batch.id)
        return batch


class WaitsToSeeItRun(FieldPipeline):
    """Waits for the worker to have picked the batch up, and then for its end."""

    def waited(self, tools: Tools, batch: MessageBatch) -> MessageBatch:
        """First `in_progress`, then `ended`."""
        batch = self.polled(tools, batch.id)
        while batch.processing_status != "in_progress":
            tools.sleep(POLL, "the batch to be in progress")
            batch = self.polled(tools, batch.id)
        return super().waited(tools, batch)


class GoesByTheServicesClock(FieldPipeline):
    """Gives a batch up when its own clock is past the service's `expires_at`."""

    def waited(self, tools: Tools, batch: MessageBatch) -> MessageBatch:
        """Until it ended or expired."""
        while batch.processing_status != "ended":
            if tools.clock.now() > batch.expires_at:
                raise TimeoutError(f"{batch.id} has expired")
            tools.sleep(POLL, "the end of the batch")
            batch = self.polled(tools, batch.id)
        return batch


class GoesByTheCounts(FieldPipeline):
    """Takes the counts for what they say: how many rows are done, and how many lines there are."""

    def waited(self, tools: Tools, batch: MessageBatch) -> MessageBatch:
        """Until some rows have succeeded: why wait for the stragglers?"""
        while not batch.request_counts.succeeded:
            tools.sleep(POLL / 15, "the first rows")
            batch = self.polled(tools, batch.id)
        return batch

    def read(self, tools: Tools, batch: MessageBatch) -> Iterator[Answered]:
        """As many lines as were counted: fewer are read again, every hour."""
        counts = batch.request_counts
        while True:
            answers = list(super().read(tools, batch))
            if len(answers) >= counts.succeeded:
                return iter(answers)
            tools.sleep(READ_AGAIN, "as many lines as were counted")


class SkipsWhatFails(FieldPipeline):
    """Logs what fails, and goes on with the next chunk (experientiallabs/experiential#783)."""

    def chunk(self, tools: Tools, body: bytes, keys: Mapping[str, str]) -> None:
        """A failed chunk is a line in a log that nobody reads."""
        try:
            super().chunk(tools, body, keys)
        except anthropic.AnthropicError:
            return


class WalksTheList(FieldPipeline):
    """After a create without a reply looks through the whole list of batches first."""

    def create(self, tools: Tools, body: bytes) -> MessageBatch:
        """Find it, or make it again."""
        try:
            return tools.client.post(
                "/v1/messages/batches",
                cast_to=MessageBatch,
                content=body,
                options={"max_retries": 0},
            )
        except anthropic.APIConnectionError:
            page = tools.client.messages.batches.list(limit=20)
            found = list(page.data)
            for number in range(PAGES):
                if not page.has_next_page():
                    break
                page = page.get_next_page()
                found += page.data
                if number == PAGES - 1:
                    raise Hung(f"after {PAGES} pages the list of batches has no end") from None
        return max(found, key=lambda batch: batch.created_at)


# How they name their rows.


class Recipe(Namespace):
    """Names pasted together as they are."""

    def __post_init__(self) -> None:
        """With the dash that the API admits, where the usual recipe has a colon."""
        object.__setattr__(self, "prefix", f"{self.team}-{self.job}-")


class PastesNamesIntoIds(FieldPipeline):
    """Begins its ids with the name of the team, whatever characters that has."""

    def namespace(self, team: str) -> Namespace:
        """As it is called."""
        return Recipe(team, "job")


class NumbersItsRows(WalksTheList):
    """Counts from `record-no-0`, as everybody does who is alone on an account."""

    def namespace(self, team: str) -> Namespace:  # noqa: ARG002 - which team, it never says
        """The same for every team."""
        return Recipe("record", "no")
