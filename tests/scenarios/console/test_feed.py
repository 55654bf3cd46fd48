"""The feed: nothing twice, nothing lost without a word, bounded, and nobody waits."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any

import pytest

from scenarios.harness.console.feed import AT_FIRST, Feed
from scenarios.harness.console.stream import EventStream
from simulator import Api
from simulator.server import Server
from tests.builders_console import events_in


def heard(feed: Feed, last_id: str = "", seconds: float = 0.03) -> list[dict[str, Any]]:
    """What a reader hears within a moment."""

    async def listen() -> bytes:
        told = b""
        pieces = feed.follow("observer", last_id)
        try:
            async with asyncio.timeout(seconds):
                async for piece in pieces:
                    told += piece
        except TimeoutError:
            await pieces.aclose()
        return told

    return events_in(asyncio.run(listen()))


def numbers(events: list[dict[str, Any]]) -> list[int]:
    """The items among the events."""
    return [event["data"]["n"] for event in events if event["event"] == "item"]


def fed(count: int, kept: int = 10) -> Feed:
    """A feed with so many items."""
    feed = Feed("now", kept=kept)
    for number in range(1, count + 1):
        feed.add({"n": number})
    return feed


def test_a_reader_that_comes_back_hears_the_rest_once() -> None:
    """`Last-Event-ID` is where it goes on: no item twice, none left out."""
    feed = fed(5)
    first = heard(feed)
    for number in (6, 7):
        feed.add({"n": number})

    second = heard(feed, first[-1]["id"])

    assert [1, 2, 3, 4, 5] == numbers(first)
    assert [6, 7] == numbers(second)
    assert [] == numbers(heard(feed, feed.last_id))


def test_what_is_not_kept_any_more_is_counted() -> None:
    """A reader that was away too long is told how much it has missed."""
    events = heard(fed(25, kept=10), "now-3")

    (gap,) = [event for event in events if event["event"] == "gap"]
    assert {"missed": 12} == gap["data"]
    assert list(range(16, 26)) == numbers(events)


def test_an_id_of_another_run_is_none() -> None:
    """After a restart a reader begins anew, whatever its last number was."""
    for last_id in ("before-900", "now-x", "now-" + "9" * 500, "\x00", "-"):
        expected = [] if last_id.startswith("now-9") else [1, 2, 3]

        assert expected == numbers(heard(fed(3), last_id)), last_id


def test_a_new_reader_gets_a_bounded_past() -> None:
    """A long game day does not come down on it at once, and nothing is called missed."""
    events = heard(fed(AT_FIRST + 50, kept=AT_FIRST + 100))

    assert AT_FIRST == len(numbers(events))
    assert "gap" not in {event["event"] for event in events}


def test_of_a_section_the_newest_counts() -> None:
    """It is sent when it has changed, and only as it is now."""
    feed = Feed("now")
    feed.show("clock", {"now": 1})
    feed.show("clock", {"now": 2})
    feed.show("clock", {"now": 2})

    assert [{"now": 2}] == [e["data"] for e in heard(feed) if e["event"] == "clock"]


def test_a_reader_that_does_not_read_is_dropped_and_holds_nobody_up() -> None:
    """Its connection is torn down after a while; items go on being added meanwhile."""
    feed = fed(3)
    torn: list[bool] = []

    class Transport:
        def abort(self) -> None:
            torn.append(True)

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    async def play() -> None:
        stream = EventStream(feed.follow("observer"), patience_seconds=0.02)
        reading = asyncio.create_task(
            stream({"type": "http", "state": {"transport": Transport()}}, receive, send)
        )
        for number in range(1_000):
            feed.add({"n": number})
        await reading

    asyncio.run(play())

    assert [True] == torn
    assert 10 == len(feed._items)


def test_a_server_that_stops_leaves_no_complaint_about_open_pages(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A page listens without end; stopping takes it away in silence, within the grace."""
    feed = fed(3)
    listening = threading.Event()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        async def announced(message: Any) -> None:
            await send(message)
            if message["type"] == "http.response.body":
                listening.set()

        await EventStream(feed.follow("observer"))(scope, receive, announced)

    with (
        Server(Api(), wrap=lambda _: application) as server,
        socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))) as page,
    ):
        page.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        assert listening.wait(5)

    assert [] == caplog.records
