"""A live game day for tests: a wall clock that stands still, and calls without a socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from reports import Journal
from scenarios.harness.console.application import CONSOLE, Console
from scenarios.harness.console.day import GameDay
from scenarios.harness.console.doors import Doors
from scenarios.harness.console.offers import Offers
from scenarios.harness.discovery import select
from simulator import Api, VirtualClock
from simulator.application import app

FACILITATOR, OBSERVER = "f" * 24, "o" * 24
DRILLS = ("lost_reply_is_not_paid_twice", "wrong_column_stops_at_the_canary")
LOCAL = {"host": "127.0.0.1:8080"}
JSON = {"content-type": "application/json"}
OPEN: list[tuple[asyncio.Runner, Journal]] = []
"""What a fixture closes."""


class StillWall:
    """Stands at noon until a test moves it."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 20, 12, tzinfo=UTC)

    def now(self) -> datetime:
        """The present."""
        return self.time

    def wait(self, duration: timedelta) -> None:
        """Let it go on."""
        self.time += duration


@dataclass
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        """The JSON of the body."""
        return json.loads(self.body)


@dataclass
class Theatre:
    """A game day with its doors, reached as a client would."""

    folder: Path
    api: Api
    wall: StillWall
    day: GameDay
    doors: Doors
    peer: str = "127.0.0.1"
    runner: asyncio.Runner = field(default_factory=asyncio.Runner)

    def __post_init__(self) -> None:
        self.console = Console(self.day, self.doors)
        self.application = self.console.around(app(self.api, token=self.doors.facilitator))

    def call(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Reply:
        """One call over ASGI."""
        return self.runner.run(self._call(method, path, LOCAL | dict(headers or {}), body))

    async def _call(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        parts: list[Any] = []
        incoming = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Any:
            return incoming.pop() if incoming else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            parts.append(message)

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(k.encode("latin-1"), v.encode("latin-1")) for k, v in headers.items()],
            "client": (self.peer, 50_000),
            "server": ("127.0.0.1", 8080),
            "state": {},
        }
        await self.application(scope, receive, send)
        start = next(part for part in parts if part["type"] == "http.response.start")
        told = {k.decode().lower(): v.decode("latin-1") for k, v in start["headers"]}
        content = b"".join(part.get("body", b"") for part in parts if part is not start)
        return Reply(start["status"], told, content)

    def act(self, name: str, token: str = FACILITATOR, **body: Any) -> Reply:
        """An act of somebody at the console."""
        headers = {"authorization": f"Bearer {token}"} | JSON
        return self.call(
            "POST", f"{CONSOLE}acts/{name}", headers, json.dumps({"by": "Ada"} | body).encode()
        )

    def inject(self, name: str, **settings: str) -> int:
        """One fault; the number of its incident."""
        what = {"fault": name, "settings": settings}
        number: int = self.act("inject", what=what).document["incident"]
        return number

    def client(
        self, method: str, path: str, body: Any = None, key: str = "key-of-a-client"
    ) -> Reply:
        """A call to the API."""
        headers = {"x-api-key": key, "anthropic-version": "2023-06-01", "user-agent": "test/1"}
        content = b"" if body is None else json.dumps(body).encode()
        return self.call(method, f"/v1/messages/batches{path}", headers | JSON, content)

    def create(self, count: int = 3, custom_id: str = "row-{}") -> Any:
        """A batch of a client."""
        rows = [a_request(custom_id.format(number), f"Hello {number}") for number in range(count)]
        return self.client("POST", "", {"requests": rows}).document

    def stream(self, seconds: float = 0.05, last_id: str = "") -> list[dict[str, Any]]:
        """What a page hears within a moment, event by event."""
        self.day.watch.look()
        return self.runner.run(self._stream(seconds, last_id))

    async def _stream(self, seconds: float, last_id: str) -> list[dict[str, Any]]:
        heard = b""
        pieces = self.day.feed.follow("observer", last_id)
        try:
            async with asyncio.timeout(seconds):
                async for piece in pieces:
                    heard += piece
        except TimeoutError:
            await pieces.aclose()
        return events_in(heard)

    def items(self) -> list[str]:
        """The texts of the feed."""
        return [event["data"]["what"] for event in self.stream() if event["event"] == "item"]

    def section(self, name: str) -> Any:
        """What a page knows of one section."""
        return next(e["data"] for e in reversed(self.stream()) if e["event"] == name)


def events_in(text: bytes) -> list[dict[str, Any]]:
    """The events of a piece of a stream that say something."""
    found = []
    for block in text.decode().split("\n\n"):
        lines = [line.partition(": ") for line in block.splitlines() if not line.startswith(":")]
        event: dict[str, Any] = {"event": "item"} | {key: value for key, _, value in lines}
        if "data" in event:
            found.append(event | {"data": json.loads(event["data"])})
    return found


def a_request(custom_id: str, text: str) -> dict[str, Any]:
    """One request for the echo model."""
    message = {"role": "user", "content": text}
    params = {"model": "claude-haiku-5-5", "max_tokens": 64, "messages": [message]}
    return {"custom_id": custom_id, "params": params}


def a_theatre(
    folder: Path, api: Api | None = None, doors: Doors | None = None, **changes: Any
) -> Theatre:
    """A game day that has just been opened."""
    api = Api(clock=VirtualClock()) if api is None else api
    wall = StillWall()
    journal = Journal(folder / "journal.jsonl", seed=api.seed)
    day = GameDay(
        api,
        wall=wall,
        journal=journal,
        folder=folder,
        offers=Offers(lambda: list(select(DRILLS))),
        epoch="epoch",
        salt=b"salt",
        command="gameday serve --console",
    )
    doors = Doors(FACILITATOR, OBSERVER, from_elsewhere=False) if doors is None else doors
    theatre = Theatre(folder, api, wall, day, doors, **changes)
    OPEN.append((theatre.runner, journal))
    return theatre
