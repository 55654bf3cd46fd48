"""Interception: for one host, for every client, nested, and without a trace afterwards."""

from __future__ import annotations

import asyncio
import os
import socket
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anthropic
import httpx
import httpx2
import pytest

from simulator import Api, Cut, Endpoint, Response, SimulatorError, hours
from simulator.delivery import delivered
from simulator.faults import LostReply
from simulator.intercept import HOST, blocked, intercepted
from simulator.testing import opened
from simulator.transport import SimulatorTransport
from simulator.transport_httpx import AsyncHttpxTransport, HttpxTransport
from tests.simulator.builders import requests

URL = f"https://{HOST}/v1/messages/batches"
HEADERS = {"x-api-key": "k", "anthropic-version": "2023-06-01"}


def originals() -> tuple[Any, ...]:
    """All that interception replaces."""
    return (
        httpx.HTTPTransport.handle_request,
        httpx.AsyncHTTPTransport.handle_async_request,
        httpx2.HTTPTransport.handle_request,
        httpx2.AsyncHTTPTransport.handle_async_request,
        socket.getaddrinfo,
    )


def test_both_libraries_sync_and_async_and_everything_is_put_back() -> None:
    """Four clients, two of them made before; then the original functions."""
    before = originals()
    early, early2 = httpx.Client(headers=HEADERS), httpx2.Client(headers=HEADERS)

    async def asynchronous() -> list[int]:
        async with httpx.AsyncClient(headers=HEADERS) as one, httpx2.AsyncClient() as two:
            return [
                (await one.get(URL)).status_code,
                (await two.get(URL, headers=HEADERS)).status_code,
            ]

    with intercepted() as batches_api:
        assert [200, 200] == [early.get(URL).status_code, early2.get(URL).status_code]
        assert [200, 200] == asyncio.run(asynchronous())
        assert len(batches_api.history) == 4

    assert before == originals()


def test_nested_and_overlapping() -> None:
    """The innermost answers, whoever ends first; an exception puts everything back."""
    before = originals()
    variables = dict(os.environ)
    outer, inner = intercepted(), intercepted()

    first, second = outer.__enter__(), inner.__enter__()
    httpx2.get(URL, headers=HEADERS)
    outer.__exit__(None, None, None)
    httpx2.get(URL, headers=HEADERS)
    inner.__exit__(None, None, None)
    with pytest.raises(ZeroDivisionError), intercepted():
        _ = 1 // 0

    assert (0, 2) == (len(first.history), len(second.history))
    assert before == originals()
    assert variables == dict(os.environ)


def test_somebody_elses_patch_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who patches over ours meanwhile keeps theirs, and ours lets everything through."""
    with intercepted():
        ours = httpx2.HTTPTransport.handle_request

        def theirs(self: Any, request: Any) -> Any:
            return ours(self, request)

        monkeypatch.setattr(httpx2.HTTPTransport, "handle_request", theirs)

    assert theirs is httpx2.HTTPTransport.handle_request


def test_other_hosts_are_left_alone_or_refused() -> None:
    """A loopback server is reached in both cases."""
    with opened() as other, intercepted(other_hosts="refuse") as batches_api:
        assert httpx2.get(f"{other.url}/v1/models", headers=HEADERS).status_code == 200
        with pytest.raises(SimulatorError, match=r"other\.invalid was called"):
            httpx2.get("https://other.invalid/")
        with intercepted(), pytest.raises(SimulatorError, match=r"other\.invalid was called"):
            httpx.get("https://other.invalid/")

    assert len(batches_api.history) == 0
    assert len(other.history) == 1


def test_what_is_not_intercepted_does_not_get_out() -> None:
    """urllib, and whoever else looks up the name."""
    with intercepted(), pytest.raises(SimulatorError, match="Something other than httpx"):
        urllib.request.urlopen(URL)
    with blocked(), pytest.raises(SimulatorError, match="without interception"):
        httpx2.get(URL)


@pytest.mark.parametrize("api", [None, Api()], ids=["shared", "plain"])
def test_many_threads(api: Api | None) -> None:
    """One service, ten threads, every batch counted once."""
    with intercepted(api) as batches_api:
        client = anthropic.Anthropic()

        def send(number: int) -> str:
            made = client.messages.batches.create(requests=requests(20))  # type: ignore[arg-type]
            for _ in range(10):
                if client.messages.batches.retrieve(made.id).processing_status == "ended":
                    break
                batches_api.clock.sleep(hours(24))
            return str(len(list(client.messages.batches.results(made.id))))

        with ThreadPoolExecutor(10) as pool:
            assert {"20"} == set(pool.map(send, range(30)))
        batches_api.assert_sent(600)
        batches_api.assert_every_result_read()


def test_the_environment_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a test key meanwhile; the developer's own afterwards."""
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "mine")

    with intercepted(api_key="test") as batches_api:
        seen = {name: value for name, value in os.environ.items() if "ANTHROPIC" in name}

    assert {"ANTHROPIC_API_KEY": "test"} == seen
    assert batches_api.api_key == "test"
    assert os.environ["ANTHROPIC_AUTH_TOKEN"] == "mine"
    assert "ANTHROPIC_API_KEY" not in os.environ


def test_settings_and_an_api_exclude_each_other() -> None:
    """The settings would be ignored."""
    with pytest.raises(SimulatorError, match="has its settings already"):
        intercepted(Api(), seed=3)


class Answering(Api):
    """An api that gives one reply to everything."""

    reply = Response(200)

    def steps(self, request: Any) -> Any:
        """That reply."""
        yield
        return self.reply


CUTS = [
    (Cut("lost"), "ReadTimeout"),
    (Cut("reset"), "ReadError"),
    (Cut("refused"), "ConnectError"),
    (Cut("tls"), "ConnectError"),
    (Cut("stall", seconds=6), "ReadTimeout"),
    (Cut("lost", 4), "ReadTimeout"),
    (Cut("reset", 4), "RemoteProtocolError"),
    (Cut("torn", 4), "ReadError"),
    (Cut("stall", 4, seconds=6), "ReadTimeout"),
]


@pytest.mark.parametrize(("cut", "expected"), CUTS, ids=str)
@pytest.mark.parametrize("library", [httpx, httpx2], ids=["httpx", "httpx2"])
def test_cuts_are_the_librarys_own_exceptions(library: Any, cut: Cut, expected: str) -> None:
    """Sync and async, before the reply and in the middle of it; no second is waited."""
    api = Answering()
    api.reply = Response(200, body=iter([b"abc", b"def"]), cut=cut)

    with intercepted(api):
        with pytest.raises(getattr(library, expected)):
            library.get(URL)
        api.reply = Response(200, body=iter([b"abc", b"def"]), cut=cut)

        async def asynchronous() -> None:
            async with library.AsyncClient() as client:
                await client.get(URL)

        with pytest.raises(getattr(library, expected)):
            asyncio.run(asynchronous())


def test_what_only_looks_whole() -> None:
    """A closed connection without a length, and silence shorter than the client's patience."""
    closed = Response(200, body=b"abcdef", cut=Cut("closed", 4))
    slow = Response(200, body=b"abcdef", cut=Cut("stall", 4, seconds=2))

    assert b"abcd" == b"".join(delivered(closed, httpx2, 5))
    assert b"abcdef" == b"".join(delivered(slow, httpx2, 5))


def test_results_stream_in_pieces_and_may_be_left_early() -> None:
    """Nothing is read ahead; who stops reading closes the source."""
    taken: list[int] = []

    def pieces() -> Any:
        for number in range(100):
            taken.append(number)
            yield b"x" * 10

    api = Answering()
    api.reply = Response(200, body=pieces())
    for library, transport in ((httpx2, SimulatorTransport), (httpx, HttpxTransport)):
        taken.clear()
        api.reply = Response(200, body=pieces())
        client: Any = library.Client(transport=transport(api))
        with client.stream("GET", URL) as reply:
            next(reply.iter_raw())

        assert taken == [0]


def test_other_tasks_run_while_one_polls() -> None:
    """An async client that polls without sleeping does not stop the loop."""
    api = Answering()
    turns = 0

    async def drive() -> None:
        async def count() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(count())
        async with httpx.AsyncClient(transport=AsyncHttpxTransport(api)) as client:
            for _ in range(50):
                await client.get(URL)
        task.cancel()

    asyncio.run(drive())

    assert turns >= 50


def test_a_lost_create_is_the_sdks_timeout() -> None:
    """And the batch exists."""
    with intercepted(faults=[LostReply(on=Endpoint.CREATE)]) as batches_api:
        client = anthropic.Anthropic(max_retries=0)
        with pytest.raises(anthropic.APITimeoutError):
            client.messages.batches.create(requests=requests(2))  # type: ignore[arg-type]
        batches_api.assert_sent(2)
        batches_api.assert_every_fault_fired()
