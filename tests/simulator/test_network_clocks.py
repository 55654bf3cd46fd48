"""The four clocks over a socket: 24 hours and 29 days are within reach of each."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest

from simulator import Api, Clock, PollClock, RealClock, VirtualClock, days, hours
from simulator.asgi import Server
from simulator.clock import START
from tests.simulator.builders import HEADERS, requests

WORD = {key: value for key, value in HEADERS.items() if key != "host"}
BATCHES = "/v1/messages/batches"
CLOCKS = ["virtual", "poll", "real", "speed"]


def a_clock(name: str) -> Clock:
    """One of the four."""
    match name:
        case "virtual":
            return VirtualClock()
        case "poll":
            return PollClock()
        case "real":
            return RealClock(START)
        case _:
            return RealClock(START, speed=3_600)


class Caller:
    """A client with the few calls that are needed here."""

    def __init__(self, server: Server) -> None:
        self._client = httpx2.Client(base_url=server.url, headers=WORD)

    def __call__(self, method: str, path: str, **settings: Any) -> httpx2.Response:
        return self._client.request(method, path, **settings)

    def create(self) -> str:
        """The id of a new batch."""
        made = self("POST", BATCHES, json={"requests": requests(3)})
        return str(made.json()["id"])

    def advance(self, span: timedelta) -> datetime:
        """The time after the admin call."""
        body = {"advance_seconds": span.total_seconds()}
        moved = self("POST", "/_gameday/clock", json=body)
        return datetime.fromisoformat(moved.json()["now"])

    def close(self) -> None:
        """No more calls."""
        self._client.close()


@pytest.mark.parametrize("name", CLOCKS)
def test_a_day_and_a_month_by_admin_call(name: str) -> None:
    """Created, ended after 24 hours, archived after 29 days."""
    with Server(Api(clock=a_clock(name))) as server:
        caller = Caller(server)
        batch_id = caller.create()
        made = caller("GET", f"{BATCHES}/{batch_id}").json()
        created = datetime.fromisoformat(made["created_at"])
        after_a_day = caller.advance(hours(24))
        ended = caller("GET", f"{BATCHES}/{batch_id}").json()
        rows = caller("GET", f"{BATCHES}/{batch_id}/results").text.count("\n")
        caller.advance(days(28))
        archived = caller("GET", f"{BATCHES}/{batch_id}").json()
        gone = caller("GET", f"{BATCHES}/{batch_id}/results").status_code
        caller.close()

    assert after_a_day - created >= hours(24)
    assert (ended["processing_status"], ended["archived_at"], rows) == ("ended", None, 3)
    assert archived["archived_at"] is not None
    assert gone == 404


def test_virtual_time_stands_still() -> None:
    """Nothing but the admin call moves it."""
    with Server(Api()) as server:
        caller = Caller(server)
        batch_id = caller.create()
        statuses = {
            caller("GET", f"{BATCHES}/{batch_id}").json()["processing_status"] for _ in range(20)
        }
        caller.close()

    assert statuses == {"in_progress"}


def test_polling_moves_poll_time() -> None:
    """The third look finds it ended, however soon it comes."""
    with Server(Api(clock=PollClock(polls=3))) as server:
        caller = Caller(server)
        batch_id = caller.create()
        statuses = [
            caller("GET", f"{BATCHES}/{batch_id}").json()["processing_status"] for _ in range(3)
        ]
        caller.close()

    assert statuses == ["in_progress", "in_progress", "ended"]


def test_real_time_is_the_time_on_the_wall() -> None:
    """A new batch is not done at once."""
    with Server(Api(clock=RealClock())) as server:
        caller = Caller(server)
        batch_id = caller.create()
        status = caller("GET", f"{BATCHES}/{batch_id}").json()["processing_status"]
        now = datetime.fromisoformat(caller("GET", "/_gameday/clock").json()["now"])
        caller.close()

    assert status == "in_progress"
    assert abs(now - RealClock().now()) < timedelta(seconds=30)


def test_fast_time_ends_a_batch_by_itself() -> None:
    """A day in a tenth of a second: nobody has to push."""
    with Server(Api(clock=RealClock(speed=864_000))) as server:
        caller = Caller(server)
        batch_id = caller.create()
        for _ in range(1_000):
            batch = caller("GET", f"{BATCHES}/{batch_id}").json()
            if batch["processing_status"] == "ended":
                break
        caller.close()

    assert batch["processing_status"] == "ended"
