"""What becomes of the requests of an ended batch: fate, answer, usage and bill.

Everything is computed once, in the order of submission, when somebody first looks at a batch
that has ended. Each row's dice depend on the seed, the batch and the row alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from simulator.batch import Batch, BatchRequest
from simulator.billing import Meter
from simulator.books import RequestBook
from simulator.errors import ApiError
from simulator.faults.answers import Answer
from simulator.faults.plan import Bending, Doom, FaultPlan
from simulator.models import Model
from simulator.params import CountParams, MessageParams
from simulator.prices import Usage
from simulator.randomness import RowDice, Streams, base58
from simulator.responder.base import Question, Responder, Said
from simulator.row_validation import RowValidator
from simulator.tokens import PER_CALL, PER_MESSAGE, content_tokens, cut_to, json_tokens, text_tokens

STEP: Final = 1_000
"""Rows between two pauses in which a server may answer somebody else."""


class Answered(msgspec.Struct, frozen=True, gc=False):
    """One answer with its usage, ready to be sent."""

    model: str
    said: Said
    text: str
    """What the model gave, cut at `max_tokens`."""
    sent_text: str
    stop_reason: str
    tags: tuple[str, ...]
    usage: Usage


class Worker:
    """Works the requests of batches, and live messages."""

    __slots__ = ("_meter", "_plan", "_responder", "_streams")

    def __init__(
        self, responder: Responder, plan: FaultPlan, meter: Meter, streams: Streams
    ) -> None:
        self._responder = responder
        self._plan = plan
        self._meter = meter
        self._streams = streams

    def settle(self, batch: Batch) -> Iterator[None]:
        """Fill `batch.settled`, pausing now and then."""
        requests = batch.requests
        reached = self._reached(batch)
        bendings = self._plan.bendings(len(requests), batch.created_at, batch.number)
        dice = self._streams.rows(f"answers/{batch.number}")
        ids = self._streams.rows(f"ids/{batch.number}")
        validator = RowValidator(version=batch.version, beta=batch.beta)
        unreached = "canceled" if batch.timeline.cancel_initiated_at else "expired"
        settled: list[RequestBook] = []
        for row, request in enumerate(requests):
            if row and row % STEP == 0:
                yield
            doom = batch.dooms.get(row)
            if not reached[row]:
                settled.append(_unanswered(batch, request, unreached, doom))
                continue
            read = validator.read(request.params)
            if isinstance(read, ApiError):
                settled.append(_refused(batch, request, read))
            elif doom is not None:
                settled.append(_struck(batch, request, doom, ids.at(row)))
            else:
                params, model = read
                answered = self.answer(
                    request.custom_id, params, model, dice.at(row), bendings=bendings, row=row
                )
                settled.append(_succeeded(batch, request, model, answered, ids.at(row)))
        batch.settled = tuple(settled)
        batch.requests = []
        self._meter.bill_batch(batch.id, sum(book.billed_picodollars for book in settled))

    def answer(
        self,
        custom_id: str,
        params: MessageParams,
        model: Model,
        dice: RowDice,
        *,
        bendings: Sequence[Bending] = (),
        row: int = 0,
    ) -> Answered:
        """Ask the model, and let the faults of the answers family at what it says."""
        question = Question(
            custom_id=custom_id,
            model=model.id,
            system=params.system_text,
            user=params.user_text,
            max_tokens=params.max_tokens,
            params=params,
            dice=dice,
        )
        said = self._responder.answer(question)
        text, output_tokens, cut = cut_to(said.text, params.max_tokens)
        sent, tags = text, said.tags
        stop_reason = "max_tokens" if cut else said.stop_reason
        if bendings:
            answer = Answer(text, params.max_tokens, stop_reason)
            for bending in bendings:
                answer = bending(row, custom_id, answer)
            if answer.tags:
                tags += answer.tags
                sent, output_tokens, cut = cut_to(answer.text, params.max_tokens)
                stop_reason = "max_tokens" if cut else answer.stop_reason
        usage = Usage(
            prompt_tokens(params, question.system),
            output_tokens,
            us_only=params.inference_geo == "us" and model.regional,
        )
        return Answered(model.id, said, text, sent, stop_reason, tags, usage)

    def _reached(self, batch: Batch) -> bytearray:
        """Which requests were worked before the batch ended: a seeded order at an even pace."""
        requests = len(batch.requests)
        finished = batch.timeline.finished_requests
        if finished == requests:
            reached = bytearray(b"\x01") * requests
        else:
            order = list(range(requests))
            self._streams.stream(f"order/{batch.number}").shuffle(order)
            reached = bytearray(requests)
            for row in order[:finished]:
                reached[row] = 1
        for row, doom in batch.dooms.items():
            if doom.fate.outcome == "expired":
                reached[row] = 0
        return reached


def prompt_tokens(params: CountParams, system: str) -> int:
    """The tokens of the whole prompt: the number `count_tokens` gives too."""
    total = PER_CALL + text_tokens(system) if system else PER_CALL
    for message in params.messages:
        total += PER_MESSAGE + content_tokens(message.content)
    return total + json_tokens(params.tools) if params.tools else total


def _refused(batch: Batch, request: BatchRequest, error: ApiError) -> RequestBook:
    return RequestBook(
        batch_id=batch.id,
        custom_id=request.custom_id,
        params=request.params,
        outcome="errored",
        error_type=error.type,
        error_message=error.message,
    )


def _succeeded(
    batch: Batch, request: BatchRequest, model: Model, answered: Answered, ids: RowDice
) -> RequestBook:
    usage = answered.usage
    return RequestBook(
        batch_id=batch.id,
        custom_id=request.custom_id,
        params=request.params,
        outcome="succeeded",
        text=answered.text,
        sent_text=answered.sent_text,
        subject=answered.said.subject,
        tags=answered.tags,
        model=answered.model,
        message_id="msg_01" + base58(ids, 22),
        stop_reason=answered.stop_reason,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        inference_geo="us" if usage.us_only else "not_available",
        billed_picodollars=model.price.batch_picodollars(usage),
    )


def _struck(batch: Batch, request: BatchRequest, doom: Doom, ids: RowDice) -> RequestBook:
    """The end that a fault of the rows family has prepared."""
    return RequestBook(
        batch_id=batch.id,
        custom_id=request.custom_id,
        params=request.params,
        outcome=doom.fate.outcome,
        error_type=doom.fate.error_type,
        error_message=doom.fate.message,
        error_request_id="workerreq_01" + base58(ids, 22),
        tags=(doom.strike(request.custom_id),),
    )


def _unanswered(
    batch: Batch, request: BatchRequest, outcome: str, doom: Doom | None
) -> RequestBook:
    """A request that nobody came to; with a fault's name, if the fault saw to that."""
    tags: tuple[str, ...] = ()
    if doom is not None and doom.fate.outcome == outcome:
        tags = (doom.strike(request.custom_id),)
    return RequestBook(
        batch_id=batch.id,
        custom_id=request.custom_id,
        params=request.params,
        outcome=outcome,
        tags=tags,
    )
