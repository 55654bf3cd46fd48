"""The books: frozen, complete, in order of arrival."""

from __future__ import annotations

import msgspec
import pytest

from simulator import Api, LabelOracle, Request, Truth, hours
from tests.simulator.builders import HEADERS, a_batch, an_ended_batch, requests


def test_requests_stand_in_order_of_arrival() -> None:
    """Over all batches; unfinished ones are `processing`, with what was received."""
    api = Api()
    first = an_ended_batch(api, 2)
    second = a_batch(api, 1)

    rows = api.books().requests

    assert [(first, "row-0"), (first, "row-1"), (second, "row-0")] == [
        (row.batch_id, row.custom_id) for row in rows
    ]
    assert [row.outcome for row in rows] == ["succeeded", "succeeded", "processing"]
    for row in rows:
        assert bytes(row.params) == msgspec.json.encode(msgspec.json.decode(row.params))


def test_the_params_are_the_received_bytes() -> None:
    """Spaces and all."""
    body = b'{"requests": [{"custom_id":"a","params": {"model" :  "x"}  } ]}'
    api = Api()
    api.handle(Request(method="POST", path="/v1/messages/batches", headers=HEADERS, body=body))

    assert bytes(api.books().requests[0].params) == b'{"model" :  "x"}'


def test_a_batch_in_the_books() -> None:
    """Times, counts and bill; `ended_at` once it has ended."""
    api = Api()
    batch_id = a_batch(api, 3)
    (running,) = api.books().batches
    api.clock.sleep(hours(24))
    (ended,) = api.books().batches

    assert (batch_id, 3, None, "in_progress") == (
        running.id,
        running.requests,
        running.ended_at,
        running.processing_status,
    )
    assert ended.ended_at is not None
    assert (ended.processing_status, ended.counts.succeeded) == ("ended", 3)


def test_books_do_not_change() -> None:
    """Closed is closed, whatever happens afterwards."""
    api = Api()
    a_batch(api, 1)
    books = api.books()

    api.clock.sleep(hours(24))
    api.books()

    assert books.requests[0].outcome == "processing"
    with pytest.raises(AttributeError):
        books.billed_usd = books.billed_usd  # type: ignore[misc]


def test_the_model_is_a_witness() -> None:
    """Which row it recognised, and how it came to its answer."""
    api = Api(responder=LabelOracle({"text 0": Truth("customer 7", "x")}, ["x"]))
    an_ended_batch(api, requests(2, system="JSON"))

    known, unknown = api.books().requests

    assert (known.subject, known.tags) == ("customer 7", ())
    assert (unknown.subject, unknown.tags) == (None, ("guessed",))
    assert known.text == known.sent_text
