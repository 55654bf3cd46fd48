"""How the requests of a batch end, as entries of the books."""

from __future__ import annotations

import msgspec

from simulator import results
from simulator.batch import Batch, BatchRequest
from simulator.books import RequestBook
from simulator.errors import ApiError
from simulator.faults.armed import Doom
from simulator.faults.seams import Reshape
from simulator.models import Model
from simulator.prices import Usage
from simulator.randomness import RowDice, base58
from simulator.responder.base import Said
from simulator.special import PLAIN, Special


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
    reshape: tuple[Reshape, ...] = ()
    """What faults change in the message around the text."""
    special: Special = PLAIN


def is_free(answered: Answered) -> bool:
    """Contract 10.1: a refusal before any output is not billed, one after it began is."""
    return answered.stop_reason == "refusal" and not answered.sent_text


def refused(batch: Batch, request: BatchRequest, error: ApiError) -> RequestBook:
    return RequestBook(
        batch_id=batch.id,
        custom_id=request.custom_id,
        params=request.params,
        outcome="errored",
        error_type=error.type,
        error_message=error.message,
    )


def overloaded(batch: Batch, request: BatchRequest, ids: RowDice) -> RequestBook:
    """The worker tried again, to no avail (contract 17)."""
    return RequestBook(
        batch_id=batch.id,
        custom_id=request.custom_id,
        params=request.params,
        outcome="errored",
        error_type="overloaded_error",
        error_message="Overloaded",
        error_request_id="workerreq_01" + base58(ids, 22),
    )


def succeeded(
    batch: Batch, request: BatchRequest, model: Model, answered: Answered, ids: RowDice
) -> RequestBook:
    usage = answered.usage
    book = RequestBook(
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
        cache_write_tokens=usage.cache_5m_tokens + usage.cache_1h_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        billed_picodollars=0 if is_free(answered) else model.price.batch_picodollars(usage),
    )
    if answered.special is not PLAIN or answered.stop_reason == "refusal":
        result = results.special_result(book, answered.special)
        book = msgspec.structs.replace(book, result=result)
    if not answered.reshape:
        return book
    return msgspec.structs.replace(book, result=results.reshaped(book, answered.reshape))


def struck(batch: Batch, request: BatchRequest, doom: Doom, ids: RowDice) -> RequestBook:
    """The end that a fault of the rows family has prepared."""
    book = RequestBook(
        batch_id=batch.id,
        custom_id=request.custom_id,
        params=request.params,
        outcome=doom.fate.outcome,
        error_type=doom.fate.error_type,
        error_message=doom.fate.message,
        error_request_id="workerreq_01" + base58(ids, 22),
        tags=(doom.strike(request.custom_id),),
    )
    if doom.fate.reshape is None:
        return book
    return msgspec.structs.replace(book, result=results.reshaped(book, (doom.fate.reshape,)))


def unanswered(batch: Batch, request: BatchRequest, outcome: str, doom: Doom | None) -> RequestBook:
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
