"""The handle: what its assertions say, and what they let pass."""

from __future__ import annotations

from typing import Any

import anthropic
import pytest

from simulator import Api, Endpoint, SimulatorError, VirtualClock, routes
from simulator.asgi import Server
from simulator.faults import LostReply, RowsErrored
from simulator.testing import BatchesApi, make_clock, make_faults, opened
from simulator.unmatched import NOBODY, ROUTES, explain
from tests.simulator.builders import requests


def send(handle: BatchesApi, rows: int) -> str:
    """A batch of so many requests."""
    made = handle.client().messages.batches.create(requests=requests(rows))  # type: ignore[arg-type]
    return made.id


def test_a_batch_left_running_is_named() -> None:
    """With its status and its size; ended, it passes."""
    with opened(clock="virtual") as handle:
        made = send(handle, 3)
        with pytest.raises(
            AssertionError, match=rf"1 of 1 batches .*\n  {made} \(in_progress, 3\)"
        ):
            handle.assert_every_batch_ended()
        handle.advance(hours=24)
        handle.assert_every_batch_ended()


def test_unread_results_are_named() -> None:
    """A download that broke is not a read one."""
    with opened(clock="virtual", faults=[LostReply(on=Endpoint.RESULTS)]) as handle:
        made = send(handle, 1)
        handle.advance(hours=24)
        batches = handle.client().messages.batches
        with pytest.raises(anthropic.APITimeoutError):
            batches.results(made)
        with pytest.raises(AssertionError, match="The results of 1 of 1 batches"):
            handle.assert_every_result_read()
        assert 1 == len(list(batches.results(made)))
        handle.assert_every_result_read()


def test_the_bill_is_shown_by_batch() -> None:
    """In dollars without an exponent."""
    with opened(clock="virtual") as handle:
        made = send(handle, 4)
        handle.advance(hours=24)
        handle.assert_billed_at_most(1)
        handle.assert_billed_at_most("0.1")
        with pytest.raises(
            AssertionError, match=rf"USD were billed, not 0 USD at most.\n  {made}: 0"
        ):
            handle.assert_billed_at_most(0)


def test_many_offenders_are_a_number() -> None:
    """Five are named."""
    with opened() as handle:
        for _ in range(2):
            send(handle, 30)
        with pytest.raises(AssertionError, match="30 rows were sent more than once") as failed:
            handle.assert_no_row_sent_twice()
        handle.assert_no_row_sent_twice(row_of=lambda request: request.batch_id + request.custom_id)

    assert 7 == len(str(failed.value).splitlines())
    assert str(failed.value).endswith("and 25 more")


def test_the_summary_shows_calls_batches_and_faults() -> None:
    """The last calls only, if there are many."""
    with opened(faults=[RowsErrored(0.5)]) as handle:
        made = send(handle, 10)
        for _ in range(4):
            handle.client().messages.batches.retrieve(made)
        shown = handle.summary(calls=2)

    assert "5 calls" in shown
    assert "the last 2:" in shown
    assert f"{made} ended: 10 requests" in shown
    assert "RowsErrored(share=0.5): fired" in shown


def test_every_way_to_write_a_fault() -> None:
    """A value, a name, a table; a wrong name is refused with the nearest."""
    faults = make_faults([LostReply(), "LostReply", {"name": "RowsErrored", "share": 0.5}])

    assert (LostReply(), LostReply(), RowsErrored(0.5)) == faults
    with pytest.raises(SimulatorError, match="LostReply"):
        make_faults(["LostReplay"])


def test_a_preset_is_a_plan() -> None:
    """The name in the marker is the name of `gameday serve`."""
    with opened(preset="realistic") as handle:
        assert handle.faults.faults


def test_a_clock_of_ones_own() -> None:
    """Stays as it is."""
    clock = VirtualClock()

    assert clock is make_clock(clock)


@pytest.mark.parametrize(("method", "route"), ROUTES)
def test_the_known_routes_are_served(method: str, route: str) -> None:
    """What is offered as the nearest route exists."""
    endpoint, _ = routes.match(method, route.replace("{", "").replace("}", ""))

    assert endpoint not in NOBODY


BATCHES = "/v1/messages/batches"
UNMATCHED: list[tuple[str, str, str]] = [
    ("GET", "/v1/message/batches", "part 2 of the path is 'message' and not 'messages'"),
    ("PUT", BATCHES, "This path takes POST and GET"),
    ("POST", f"/v1{BATCHES}", "the path has '/v1' before it"),
    ("GET", f"{BATCHES}/x/result", "part 5 of the path is 'result' and not 'results'"),
    ("GET", f"{BATCHES}/x/results/y", "the path goes on with 'y'"),
    ("GET", "/v1", "the path ends before 'models'"),
]


@pytest.mark.parametrize(("method", "path", "reason"), UNMATCHED)
def test_an_unmatched_call_says_why(method: str, path: str, reason: Any) -> None:
    """The nearest route and the first difference."""
    assert reason in explain(method, path)


def test_the_sdk_shows_why_a_call_met_no_route() -> None:
    """In the text of its exception, over a socket too; the text has a bound."""
    api = Api()
    with Server(api) as server, opened(api=api) as handle:
        over_a_socket = anthropic.Anthropic(api_key="k", base_url=f"{server.url}/v1", max_retries=0)
        for client in (over_a_socket, handle.client(base_url="http://simulator.invalid/v1")):
            with pytest.raises(anthropic.NotFoundError, match="the path has '/v1' before it"):
                client.messages.batches.list()

        assert ("GET /v1/v1/messages/batches",) * 2 == handle.unmatched
    assert len(explain("GET", "/v1/" + "x" * 9_999)) < 1_000
