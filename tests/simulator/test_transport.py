"""The official SDK in process, sync and async."""

from __future__ import annotations

import asyncio
from typing import Any

import anthropic
import httpx2
import pytest

from simulator import Api, Cut, Endpoint, Response, hours
from simulator.delivery import delivered
from simulator.faults import LostReply, Overloaded, RowsErrored
from simulator.faults.wire import WireCall, WireFault
from simulator.transport import AsyncSimulatorTransport, SimulatorTransport
from tests.simulator.builders import MODEL, a_params, an_ended_batch, requests

BASE = "http://simulator.invalid"


def a_client(api: Api, **settings: Any) -> anthropic.Anthropic:
    """The official client, wired to the simulator."""
    return anthropic.Anthropic(
        api_key="test",
        base_url=BASE,
        http_client=anthropic.DefaultHttpxClient(transport=SimulatorTransport(api)),
        **{"max_retries": 0, **settings},
    )


def an_async_client(api: Api) -> anthropic.AsyncAnthropic:
    """The same for asyncio."""
    transport = AsyncSimulatorTransport(api)
    return anthropic.AsyncAnthropic(
        api_key="test",
        base_url=BASE,
        http_client=anthropic.DefaultAsyncHttpxClient(transport=transport),
        max_retries=0,
    )


def test_the_official_client_runs_a_batch() -> None:
    """Create, poll, results, list, cancel, delete: 250 requests."""
    api = Api(faults=[RowsErrored(0.1)])
    client = a_client(api)
    batches = client.messages.batches

    batch = batches.create(requests=requests(250))  # type: ignore[arg-type]
    assert batches.retrieve(batch.id).processing_status == "in_progress"
    api.clock.sleep(hours(24))
    ended = batches.retrieve(batch.id)
    rows = list(batches.results(batch.id))

    assert ended.processing_status == "ended"
    assert ended.request_counts.errored > 0
    assert {f"row-{place}" for place in range(250)} == {row.custom_id for row in rows}
    errored = next(row.result for row in rows if row.result.type == "errored")
    assert errored.type == "errored"
    assert errored.error.error.type == "overloaded_error"
    succeeded = next(row.result for row in rows if row.result.type == "succeeded")
    assert succeeded.type == "succeeded"
    assert succeeded.message.usage.service_tier == "batch"

    other = batches.create(requests=requests(2))  # type: ignore[arg-type]
    assert batches.cancel(other.id).processing_status == "canceling"
    assert [other.id, batch.id] == [listed.id for listed in batches.list(limit=1)]
    assert batches.delete(batch.id).type == "message_batch_deleted"
    with pytest.raises(anthropic.NotFoundError, match="not found"):
        batches.retrieve(batch.id)


def test_the_official_async_client_runs_a_batch() -> None:
    """The same over `AsyncAnthropic`."""
    api = Api()

    async def run() -> tuple[int, list[str]]:
        async with an_async_client(api) as client:
            batches = client.messages.batches
            batch = await batches.create(requests=requests(250))  # type: ignore[arg-type]
            api.clock.sleep(hours(24))
            rows = [row.custom_id async for row in await batches.results(batch.id)]
            listed = [found.id async for found in batches.list()]
            await batches.delete(batch.id)
            return len(set(rows)), listed

    count, listed = asyncio.run(run())

    assert count == 250
    assert listed == [api.books().batches[0].id]


def test_the_official_client_sees_the_neighbours() -> None:
    """Live messages, counts and models."""
    client = a_client(Api())

    message = client.messages.create(**a_params())
    count = client.messages.count_tokens(**a_params(max_tokens=...))

    assert message.usage.input_tokens == count.input_tokens
    assert message._request_id
    assert client.models.retrieve(MODEL).id == MODEL
    assert MODEL in {model.id for model in client.models.list()}


def test_a_lost_reply_is_a_timeout_and_the_batch_exists() -> None:
    """What a client must expect after an ambiguous create."""
    api = Api(faults=[LostReply()])
    client = a_client(api)

    with pytest.raises(anthropic.APITimeoutError):
        client.messages.batches.create(requests=requests(5))  # type: ignore[arg-type]

    (found,) = client.messages.batches.list()
    assert found.request_counts.processing == 5


def test_a_lost_reply_in_the_async_client() -> None:
    """The same exception."""
    api = Api(faults=[LostReply()])

    async def run() -> None:
        async with an_async_client(api) as client:
            await client.messages.batches.create(requests=requests(5))  # type: ignore[arg-type]

    with pytest.raises(anthropic.APITimeoutError):
        asyncio.run(run())
    assert len(api.books().batches) == 1


def test_overload_is_its_own_exception() -> None:
    """529 reaches the caller as such."""
    api = Api(faults=[Overloaded(on=Endpoint.CREATE)])

    with pytest.raises(anthropic.OverloadedError) as overloaded:
        a_client(api).messages.batches.create(requests=requests(1))  # type: ignore[arg-type]

    assert overloaded.value.request_id == api.books().calls[0].request_id


class Broken(WireFault):
    """Breaks the results in mid-body, or any call at once."""

    late = True
    cut = Cut("reset", after_bytes=10)

    def strike(self, call: WireCall) -> Response:
        """The same reply, cut."""
        assert call.response is not None
        return Response(call.response.status, call.response.headers, call.response.body, self.cut)


def test_a_reset_is_a_connection_error() -> None:
    """Before the first byte the SDK knows it; in mid-body it is the HTTP library's own error."""

    class Reset(Broken):
        cut = Cut("reset")

    api = Api(faults=[Reset(on=Endpoint.LIST), Broken(on=Endpoint.RESULTS)])
    client = a_client(api)

    with pytest.raises(anthropic.APIConnectionError):
        client.messages.batches.list()
    with pytest.raises(httpx2.RemoteProtocolError):
        list(client.messages.batches.results(an_ended_batch_of(api)))


def an_ended_batch_of(api: Api) -> str:
    """An ended batch that belongs to the client's key."""
    return an_ended_batch(api, 3)


def test_a_body_is_delivered_up_to_the_break() -> None:
    """To the byte, over any pieces; then what the client would see."""
    lost = Response(200, body=iter([b"abc", b"def", b"ghi"]), cut=Cut("lost", after_bytes=5))
    whole = Response(200, body=b"abc")
    longer = Response(200, body=b"abc", cut=Cut("reset", after_bytes=9))

    pieces = delivered(lost, httpx2)

    assert [next(pieces), next(pieces)] == [b"abc", b"de"]
    with pytest.raises(httpx2.ReadTimeout):
        next(pieces)
    assert list(delivered(whole, httpx2)) == [b"abc"]
    with pytest.raises(httpx2.RemoteProtocolError):
        list(delivered(longer, httpx2))


def test_paths_and_queries_arrive_as_sent() -> None:
    """Percent-encoded ids, repeated parameters, and the scheme of the client."""
    api = Api()
    http = httpx2.Client(transport=SimulatorTransport(api))
    headers = {"X-Api-Key": "k", "anthropic-version": "2023-06-01"}

    batch = http.get("https://api.test:444/v1/messages/batches/a%2Fb", headers=headers)
    models = http.get(f"{BASE}/v1/models?lifecycle[]=retired&lifecycle[]=active", headers=headers)
    created = http.post(
        "https://api.test:444/v1/messages/batches", headers=headers, json={"requests": requests(1)}
    )
    api.clock.sleep(hours(24))
    ended = http.get(
        f"https://api.test:444/v1/messages/batches/{created.json()['id']}", headers=headers
    )

    assert batch.json()["error"]["message"] == "Message Batch a/b not found."
    assert models.json()["data"]
    assert ended.json()["results_url"].startswith("https://api.test:444/v1/")
