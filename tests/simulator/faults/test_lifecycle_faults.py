"""Batches that end in odd ways, step by step."""

from __future__ import annotations

from datetime import timedelta

import pytest

from simulator import Api, PollClock, hours, minutes, seconds
from simulator.faults import (
    CanceledByAnotherOperator,
    DeletedByAnotherOperator,
    EndsAtOnce,
    NeverEnds,
    RateLimited,
)
from tests.simulator.builders import a_batch, call, document, results, retrieve


def status(api: Api, batch_id: str) -> str:
    """Its status, or that of the reply."""
    response = retrieve(api, batch_id)
    return str(document(response).get("processing_status", response.status))


def cancel(api: Api, batch_id: str) -> str:
    """The status that a cancel gives."""
    found = document(call(api, "POST", f"/v1/messages/batches/{batch_id}/cancel"))
    return str(found["processing_status"])


def test_a_batch_that_never_ends_can_be_canceled() -> None:
    """Days later, and then it ends as any other."""
    api = Api(faults=[NeverEnds()])
    batch_id = a_batch(api, 3)
    api.clock.sleep(hours(100))
    before = status(api, batch_id)

    asked = cancel(api, batch_id)
    api.clock.sleep(minutes(1))

    assert ("in_progress", "canceling", "ended") == (before, asked, status(api, batch_id))
    assert api.books().batches[0].counts.succeeded == 3


def test_a_batch_that_ends_at_once_was_worked() -> None:
    """It took no time, and every request has its answer."""
    api = Api(faults=[EndsAtOnce()])
    batch_id = a_batch(api, 3)

    assert "ended" == status(api, batch_id)
    assert api.books().batches[0].counts.succeeded == 3


def test_polls_do_not_bring_a_batch_to_an_end_that_has_none() -> None:
    """Time goes on to the end of its day, and no further."""
    clock = PollClock(polls=2)
    api = Api(clock=clock, faults=[NeverEnds()])
    start = clock.now()
    batch_id = a_batch(api, 1)

    assert {"in_progress"} == {status(api, batch_id) for _ in range(5)}
    assert clock.now() == start + hours(24)


@pytest.mark.parametrize("after_end", [timedelta(0), hours(1)])
def test_somebody_deletes_a_batch_after_its_end(after_end: timedelta) -> None:
    """At that time; it stays in the books."""
    api = Api(faults=[DeletedByAnotherOperator(after_end)])
    batch_id = a_batch(api, 1)
    while status(api, batch_id) == "in_progress":
        api.clock.sleep(minutes(10))
    seen = [status(api, batch_id)]
    api.clock.sleep(hours(2))
    seen.append(status(api, batch_id))

    assert ["ended" if after_end else "404", "404"] == seen
    assert results(api, batch_id).status == 404
    assert "deleted" == api.books().batches[0].processing_status
    assert api.plan.silent() == ()


def test_a_batch_that_was_canceled_already_is_not_canceled_again() -> None:
    """Then the fault has not struck."""
    api = Api(faults=[CanceledByAnotherOperator(seconds(5))])
    batch_id = a_batch(api, 3)
    cancel(api, batch_id)
    api.clock.sleep(hours(1))

    assert "ended" == status(api, batch_id)
    assert len(api.plan.silent()) == 1


def test_a_cancel_by_somebody_else_comes_before_the_end() -> None:
    """However quick the batch is."""
    api = Api(faults=[CanceledByAnotherOperator(hours(23))])
    batch_id = a_batch(api, 3)
    api.clock.sleep(hours(24))

    assert document(retrieve(api, batch_id))["cancel_initiated_at"] is not None


def test_a_date_beyond_all_dates() -> None:
    """A hundred years have to do."""
    api = Api(faults=[RateLimited(retry_after=1e15, as_date=True)])

    header = call(api, "GET", "/v1/models").header("retry-after")

    assert header is not None
    assert header.endswith("2126 09:00:00 GMT")
