"""`python -m benchmarks [--smoke]`: every measure as a ratio to a reference in the same run.

Absolute figures drift from machine to machine; compare the ratios.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from statistics import median

import anthropic
import httpx2
import msgspec

from controls import Approval, Register, Row
from controls.core.alerts import Alerts
from controls.core.ledger import Ledger
from controls.core.runner import BatchRunner
from controls.core.store import open_store
from controls.core.work import Job
from controls.stack import default_stack
from controls.staging import Staging
from reports import ArmName
from scenarios.harness.client import Wire, make_client
from scenarios.harness.discovery import select
from scenarios.harness.game import open_game
from scenarios.harness.tables import make_record
from scenarios.harness.world import Game, World
from simulator import Api, hours
from simulator.server import Server

FULL, SMOKE = 20_000, 1_000
RUNS = 5


@dataclass(frozen=True, slots=True)
class Measure:
    """One comparison."""

    name: str
    ours: Callable[[], None]
    reference: Callable[[], None]
    reference_is: str


def seconds(work: Callable[[], None], runs: int) -> float:
    """Median wall time."""
    taken = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return median(taken)


def some_rows(game: Game, count: int) -> tuple[Row, ...]:
    """So many rows, made from the game's by repetition."""
    rows = game.rowset.rows
    return tuple(
        Row(ordinal, f"row-{ordinal}", rows[ordinal % len(rows)].fields) for ordinal in range(count)
    )


def a_create_body(rows: tuple[Row, ...]) -> bytes:
    """The create call of these rows."""
    requests = [
        {
            "custom_id": row.key,
            "params": {
                "model": "claude-sonnet-5-5",
                "max_tokens": 64,
                "system": "Answer with one JSON object.",
                "messages": [{"role": "user", "content": row.fields["body"] * 6}],
            },
        }
        for row in rows
    ]
    return msgspec.json.encode({"requests": requests})


class _Request(msgspec.Struct):
    custom_id: str
    params: msgspec.Raw


class _Create(msgspec.Struct):
    requests: list[_Request]


def create(game: Game, count: int) -> Measure:
    """Accepting a create call, against one typed decode of the same bytes."""
    body = a_create_body(some_rows(game, count))
    decoder = msgspec.json.Decoder(_Create)
    api = Api()
    client = make_client(Wire(api))

    def ours() -> None:
        client.post("/v1/messages/batches", cast_to=object, content=body)
        api.reset()

    return Measure("accept a create call", ours, lambda: _decode(decoder, body), "msgspec decode")


def _decode(decoder: msgspec.json.Decoder[_Create], body: bytes) -> None:
    decoder.decode(body)


def retrieve() -> Measure:
    """A retrieve in process, against a transport that answers a constant."""
    api = Api()
    client = make_client(Wire(api))
    body = a_create_body((Row(0, "row-0", {"body": "hello"}),))
    made = client.post("/v1/messages/batches", cast_to=object, content=body)
    assert isinstance(made, dict)
    identifier = str(made["id"])
    constant = json.dumps(made).encode()
    mock = anthropic.Anthropic(
        api_key="gameday",
        base_url="http://constant.invalid",
        http_client=anthropic.DefaultHttpxClient(
            transport=httpx2.MockTransport(lambda _: httpx2.Response(200, content=constant))
        ),
    )

    def many(asked: anthropic.Anthropic) -> None:
        for _ in range(200):
            asked.messages.batches.retrieve(identifier)

    return Measure(
        "200 retrieves in process", lambda: many(client), lambda: many(mock), "MockTransport"
    )


def job(game: Game, count: int, url: str, world: World) -> Measure:
    """A whole guarded job over a socket, against the naive loop over the same rows."""
    rows = some_rows(game, count)
    number = 0

    def ours() -> None:
        nonlocal number
        number += 1
        store = open_store("sqlite://")
        record = make_record(game.job_type, rows, seed=0)
        ledger = Ledger(store, world.clock.now)
        Register(ledger).approve(game.job_type, by="benchmark")
        with anthropic.Anthropic(api_key="ours", base_url=url, max_retries=0) as client:
            runner = BatchRunner(
                client,
                ledger,
                world.clock,
                default_stack(game.job_type, Staging(store, record)),
                pager=Alerts(),
                secret=b"benchmark",
            )
            released = Approval("benchmark", Decimal(0))
            outcome = runner.run(Job(f"job_{number}", game.job_type, (released,)), rows)
        assert (outcome.status, outcome.promoted) == ("done", count), outcome

    def naive() -> None:
        with anthropic.Anthropic(api_key="naive", base_url=url, max_retries=0) as client:
            prompt = game.job_type.prompt
            batch = client.messages.batches.create(
                requests=[
                    {
                        "custom_id": row.key,
                        "params": {
                            "model": prompt.model,
                            "max_tokens": 64,
                            "system": prompt.system,
                            "messages": [{"role": "user", "content": row.fields["body"]}],
                        },
                    }
                    for row in rows
                ]
            )
            while client.messages.batches.retrieve(batch.id).processing_status != "ended":
                world.clock.sleep(hours(1))
            table = sqlite3.connect(":memory:")
            table.execute("CREATE TABLE answers (id TEXT PRIMARY KEY, label TEXT, score REAL)")
            for line in client.messages.batches.results(batch.id):
                result = line.result
                if result.type == "succeeded" and result.message.content[0].type == "text":
                    value = json.loads(result.message.content[0].text)
                    table.execute(
                        "INSERT INTO answers VALUES (?, ?, ?)",
                        (line.custom_id, value["label"], value["score"]),
                    )
            table.commit()

    return Measure(f"a job of {count:,} rows over a socket", ours, naive, "SDK loop, unguarded")


def main() -> int:
    """Run every measure and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="small sizes, once: does it run?")
    smoke = parser.parse_args().smoke
    count, runs = (SMOKE, 1) if smoke else (FULL, RUNS)
    game = open_game(None, None, seed=0)
    world = World(game, select(["a_good_day_is_left_alone"])[0], ArmName.CALM)
    stage = world.prepare(game.rowset.rows)
    with Server(stage.api) as server:
        measures = [
            create(game, count),
            retrieve(),
            job(game, count, server.url, world),
        ]
        print(f"{'measure':<38}{'ours':>10}{'reference':>12}{'ratio':>8}  reference is")
        for measure in measures:
            ours = seconds(measure.ours, runs)
            reference = seconds(measure.reference, runs)
            print(
                f"{measure.name:<38}{ours:>9.3f}s{reference:>11.3f}s{ours / reference:>8.2f}"
                f"  {measure.reference_is}"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
