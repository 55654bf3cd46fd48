"""The batch endpoints: bodies to the key, states, times."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from simulator import Api, Limits, days, hours, minutes, seconds
from simulator.faults import Stall
from tests.simulator.builders import (
    HEADERS,
    a_batch,
    a_request,
    an_ended_batch,
    by_id,
    call,
    create,
    document,
    lines,
    message,
    requests,
    results,
    retrieve,
)

KEYS = [
    "id",
    "type",
    "processing_status",
    "request_counts",
    "ended_at",
    "created_at",
    "expires_at",
    "archived_at",
    "cancel_initiated_at",
    "results_url",
]
COUNTS = ["processing", "succeeded", "errored", "canceled", "expired"]


def cancel(api: Api, batch_id: str, **settings: Any) -> Any:
    """A cancel call."""
    return call(api, "POST", f"/v1/messages/batches/{batch_id}/cancel", **settings)


def delete(api: Api, batch_id: str) -> Any:
    """A delete call."""
    return call(api, "DELETE", f"/v1/messages/batches/{batch_id}")


def test_create_gives_back_the_batch() -> None:
    """200, ten keys in the order of the wire, microseconds and +00:00, 24 hours exactly."""
    response = create(Api(), requests(2))

    body = document(response)
    assert response.status == 200
    assert list(body) == KEYS
    assert list(body["request_counts"]) == COUNTS
    assert body | {"id": ""} == {
        "id": "",
        "type": "message_batch",
        "processing_status": "in_progress",
        "request_counts": {
            "processing": 2,
            "succeeded": 0,
            "errored": 0,
            "canceled": 0,
            "expired": 0,
        },
        "ended_at": None,
        "created_at": "2026-11-20T09:00:00.000000+00:00",
        "expires_at": "2026-11-21T09:00:00.000000+00:00",
        "archived_at": None,
        "cancel_initiated_at": None,
        "results_url": None,
    }


def test_an_unfinished_batch_hints_when_to_look_again() -> None:
    """`retry-after: 10` on retrieve only, and not once it has ended."""
    api = Api()
    created = create(api, requests(1))
    batch_id = document(created)["id"]

    assert created.header("retry-after") is None
    assert retrieve(api, batch_id).header("retry-after") == "10"
    assert cancel(api, batch_id).header("retry-after") is None
    assert retrieve(api, batch_id).header("retry-after") == "10"
    api.clock.sleep(hours(24))
    assert retrieve(api, batch_id).header("retry-after") is None


def test_an_ended_batch() -> None:
    """All counts move at once; `results_url` has the host that the client used."""
    api = Api()
    batch_id = an_ended_batch(api, [*requests(2), a_request("bad", max_tokens=0)])

    body = document(retrieve(api, batch_id))

    assert list(body) == KEYS
    assert body["processing_status"] == "ended"
    assert [body["request_counts"][name] for name in COUNTS] == [0, 2, 1, 0, 0]
    assert body["created_at"] < body["ended_at"] < body["expires_at"]
    assert f"http://simulator.invalid/v1/messages/batches/{batch_id}/results" == body["results_url"]


def test_the_counts_say_nothing_before_the_end() -> None:
    """Everything stays in `processing`, whatever the clock says, and the sum never changes."""
    api = Api(faults=[Stall(after_share=0.5, lasting=hours(2))])
    batch_id = a_batch(api, 10)

    for _ in range(30):
        counts = document(retrieve(api, batch_id))["request_counts"]
        assert sum(counts.values()) == 10
        assert counts["processing"] in {0, 10}
        api.clock.sleep(minutes(10))


def test_requests_not_worked_in_24_hours_expire() -> None:
    """The batch ends on schedule, to the microsecond, with a mix of rows."""
    api = Api(faults=[Stall(after_requests=3, lasting=hours(25))])
    batch_id = a_batch(api, 10)
    api.clock.sleep(hours(24) - timedelta(microseconds=1))
    before = document(retrieve(api, batch_id))
    api.clock.sleep(timedelta(microseconds=1))
    after = document(retrieve(api, batch_id))

    assert before["processing_status"] == "in_progress"
    assert after["processing_status"] == "ended"
    assert after["expires_at"] == after["ended_at"]
    assert [after["request_counts"][name] for name in COUNTS] == [0, 3, 0, 0, 7]
    assert sum(row == {"type": "expired"} for row in by_id(api, batch_id).values()) == 7


def test_cancel_stops_and_keeps_what_is_done() -> None:
    """`canceling` at once, counts unchanged; then succeeded and canceled rows, only some billed."""
    api = Api(faults=[Stall(after_requests=6, lasting=hours(2))])
    batch_id = a_batch(api, 10)
    api.clock.sleep(hours(1))

    body = document(cancel(api, batch_id))
    assert body["processing_status"] == "canceling"
    assert body["cancel_initiated_at"] == "2026-11-20T10:00:00.000000+00:00"
    assert [body["request_counts"][name] for name in COUNTS] == [10, 0, 0, 0, 0]
    assert body["ended_at"] is body["results_url"] is None

    api.clock.sleep(seconds(30))
    ended = document(retrieve(api, batch_id))
    assert ended["processing_status"] == "ended"
    assert body["cancel_initiated_at"] == ended["cancel_initiated_at"]
    assert [ended["request_counts"][name] for name in COUNTS] == [0, 6, 0, 4, 0]
    assert sum(row == {"type": "canceled"} for row in by_id(api, batch_id).values()) == 4
    assert sum(request.billed_picodollars > 0 for request in api.books().requests) == 6


def test_a_fully_canceled_batch_has_a_results_file() -> None:
    """One `canceled` row for each request."""
    api = Api()
    batch_id = a_batch(api, 3)
    cancel(api, batch_id, body=b"{}")
    api.clock.sleep(seconds(30))

    assert document(retrieve(api, batch_id))["results_url"]
    assert list(by_id(api, batch_id).values()) == [{"type": "canceled"}] * 3


@pytest.mark.parametrize("wait", [seconds(0), hours(24), days(30)])
def test_cancel_again_changes_nothing(wait: timedelta) -> None:
    """A canceling or ended batch comes back as it is."""
    api = Api()
    batch_id = a_batch(api)
    cancel(api, batch_id)
    api.clock.sleep(wait)
    before = document(retrieve(api, batch_id))

    again = cancel(api, batch_id)

    assert again.status == 200
    assert before == document(again) == document(retrieve(api, batch_id))


def test_delete_needs_an_ended_batch() -> None:
    """400 while it runs or is canceling, then 200, then 404 for everything."""
    api = Api()
    batch_id = a_batch(api)
    refusal = "In progress batches cannot be deleted. Consider canceling the batch instead."

    assert (400, refusal) == (delete(api, batch_id).status, message(delete(api, batch_id)))
    cancel(api, batch_id)
    assert refusal == message(delete(api, batch_id))
    api.clock.sleep(hours(1))
    deleted = delete(api, batch_id)

    assert {"id": batch_id, "type": "message_batch_deleted"} == document(deleted)
    assert list(document(deleted)) == ["id", "type"]
    for gone in (
        retrieve(api, batch_id),
        results(api, batch_id),
        cancel(api, batch_id),
        delete(api, batch_id),
    ):
        assert (404, f"Message Batch {batch_id} not found.") == (gone.status, message(gone))
        assert gone.header("x-should-retry") == "false"
    assert document(call(api, "GET", "/v1/messages/batches"))["data"] == []


def test_a_deleted_batch_stays_in_the_books() -> None:
    """The witness forgets nothing."""
    api = Api()
    batch_id = an_ended_batch(api, 2)
    delete(api, batch_id)

    books = api.books()

    assert [batch.processing_status for batch in books.batches] == ["deleted"]
    assert [request.outcome for request in books.requests] == ["succeeded"] * 2


def test_results_are_archived_29_days_after_creation() -> None:
    """Counted from the creation; the batch stays, its results do not."""
    api = Api()
    batch_id = an_ended_batch(api, after=days(29) - timedelta(microseconds=1))
    assert results(api, batch_id).status == 200
    api.clock.sleep(timedelta(microseconds=1))

    body = document(retrieve(api, batch_id))
    gone = results(api, batch_id)

    assert body["processing_status"] == "ended"
    assert body["archived_at"] == "2026-12-19T09:00:00.000000+00:00"
    assert body["results_url"] is None
    assert (404, f"Message Batch {batch_id} has no available results.") == (
        gone.status,
        message(gone),
    )
    assert gone.header("x-should-retry") == "false"
    assert delete(api, batch_id).status == 200


def test_results_of_a_running_batch() -> None:
    """404, and repeating does not help."""
    api = Api()
    batch_id = a_batch(api)

    response = results(api, batch_id)

    assert f"Message Batch {batch_id} has no available results." == message(response)
    assert response.header("x-should-retry") == "false"


@pytest.mark.parametrize("batch_id", ["msgbatch_01nope", "x", "%2e%2e", "a%2Fb", "%ff%00"])
def test_an_unknown_batch(batch_id: str) -> None:
    """404 in the words of the service, malformed ids included."""
    response = retrieve(Api(), batch_id)

    assert response.status == 404
    assert message(response).endswith(" not found.")


def test_another_workspace_sees_nothing() -> None:
    """Indistinguishable from unknown, in every call."""
    api = Api()
    mine = an_ended_batch(api)
    other = {**HEADERS, "authorization": "Bearer other"}

    for path in ("", "/results"):
        response = call(api, "GET", f"/v1/messages/batches/{mine}{path}", headers=other)
        assert f"Message Batch {mine} not found." == message(response)
    assert cancel(api, mine, headers=other).status == 404
    assert document(call(api, "GET", "/v1/messages/batches", headers=other))["data"] == []
    assert (
        call(api, "GET", "/v1/messages/batches", headers=other, query=[("after_id", mine)]).status
        == 400
    )


def test_the_queue_has_a_limit_when_switched_on() -> None:
    """429 with `retry-after`, nothing stored; it empties when batches end."""
    api = Api(limits=Limits(queued_requests=5))
    a_batch(api, 4)

    refused = create(api, requests(2))

    assert (refused.status, refused.header("retry-after")) == (429, "60")
    assert "limit of 5 batch requests in the processing queue" in message(refused)
    api.clock.sleep(hours(24))
    assert create(api, requests(5)).status == 200


def test_a_line_for_each_request() -> None:
    """Exactly one, whatever became of it, each ended by a newline."""
    api = Api()
    batch_id = an_ended_batch(api, 50)

    response = results(api, batch_id)
    body = response.read()

    assert response.header("content-type") == "application/x-jsonl"
    assert f"attachment; filename*=utf-8''{batch_id}_results.jsonl" == response.header(
        "content-disposition"
    )
    assert body.endswith(b"}\n")
    assert {f"row-{place}" for place in range(50)} == {
        line["custom_id"] for line in lines(api, batch_id)
    }


def test_the_order_of_results_is_a_stable_shuffle() -> None:
    """Not the order of submission; the same bytes at each download."""
    api = Api()
    batch_id = an_ended_batch(api, 50)
    order = [line["custom_id"] for line in lines(api, batch_id)]

    assert [f"row-{place}" for place in range(50)] != order
    assert results(api, batch_id).read() == results(api, batch_id).read()


def test_ended_batches_are_settled_in_order() -> None:
    """Looking at the second batch first does not change what either says."""
    one, other = Api(seed=4), Api(seed=4)
    for api in (one, other):
        a_batch(api, 5)
        an_ended_batch(api, 5)
    first, second = (batch.id for batch in one.books().batches)

    late = results(other, second).read(), results(other, first).read()

    assert (results(one, second).read(), results(one, first).read()) == late
