"""`python -m benchmarks.controls [--smoke]`: the controls beside other programs, in one run.

All programs read the same results from the same socket; the slowest is what examples on the web
do, the leanest is the least that keeps the same promises (every line decoded, validated, staged
and reconciled, with an fsync per chunk). Each runs in a process of its own; imports do not count.
Absolute figures drift from machine to machine; compare the ratios.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from random import Random
from statistics import median
from typing import Any, overload

import anthropic
import jsonschema_rs
import msgspec
from sqlalchemy import Column, Float, MetaData, Table, Text, create_engine

from controls import Alerts, JobType, Ledger, Row, Staging, SystemClock, SystemOfRecord, open_store
from controls.core.book import CREATED, Book
from controls.core.collector import Collector
from controls.core.dressing import Dresser
from controls.core.locks import Locks
from controls.core.work import Desk, Job, Work
from controls.ids import Namespace
from controls.policy import AnswerPolicy, Prompt, RowsPolicy, SpendPolicy
from controls.prices import default_prices
from controls.stack import default_stack
from tests import postgres

FULL, MANY, SMOKE = 100_000, 1_000_000, 2_000
PER_BATCH = 20_000
PER_COPY = 10_000
LINES = "CREATE TABLE copied (id text PRIMARY KEY, line text)"
COLUMNS = """
CREATE TABLE copied (
    id text PRIMARY KEY, row_key text, value text, outcome text, input_tokens integer,
    output_tokens integer, cache_written integer, cache_read integer, digest bytea
)
"""
SECRET = b"benchmark"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["label", "score"],
    "properties": {
        "label": {"type": "string", "enum": ["positive", "neutral", "negative"]},
        "score": {"type": "number", "minimum": 0, "maximum": 1},
    },
}
JOB_TYPE = JobType(
    name="benchmark",
    team="bench",
    owner="nobody",
    policy_version="1",
    approved_by="nobody",
    rows=RowsPolicy(allowed_fields=("body",)),
    prompt=Prompt(model="claude-haiku-5-5", template="Grade this: {body}", max_tokens=64),
    answer=AnswerPolicy(schema=SCHEMA),
    spend=SpendPolicy(ceiling_usd=Decimal(1_000), max_tokens_cap=64),
)
SENDER = """
import socket, sys, uvicorn
folder = sys.argv[1]
async def app(scope, receive, send):
    await receive()
    await send({"type": "http.response.start", "status": 200,
                "headers": [(b"content-type", b"application/json")]})
    parts = scope["path"].split("/")
    name = parts[4] + (".jsonl" if parts[-1] == "results" else ".json")
    with open(f"{folder}/{name}", "rb") as file:
        while piece := file.read(262144):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
listening.bind(("127.0.0.1", 0))
print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off")).run([listening])
"""


class Rows(Sequence[Row]):
    """So many rows, made when they are asked for: a million of them take no memory."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, place: int) -> Row: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Row]: ...

    def __getitem__(self, place: int | slice) -> Row | Sequence[Row]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(self._count))]
        if place >= self._count:
            raise IndexError(place)
        return Row(place, f"row-{place}", {"body": f"The parcel {place} came late. " * 12})


def a_dresser() -> Dresser:
    """As the runner makes it."""
    stack = default_stack(JOB_TYPE, Nowhere())
    namespace = Namespace(JOB_TYPE.team, "job")
    return Dresser(JOB_TYPE, namespace, SECRET, stack.fence, stack.identity)


class Nowhere(Staging):
    """No sink at all."""

    def __init__(self) -> None:
        """Nothing to hold."""


def shuffled(number: int, count: int) -> list[int]:
    """The rows of a batch, by its number from 1, in the order in which their results come."""
    ordinals = list(range((number - 1) * PER_BATCH, min(number * PER_BATCH, count)))
    Random(number).shuffle(ordinals)
    return ordinals


def write_results(folder: Path, count: int) -> int:
    """Results of `count` rows, one file per batch, shuffled; the bytes written."""
    dresser, rows, namespace = a_dresser(), Rows(count), Namespace(JOB_TYPE.team, "job")
    total = 0
    for number in range(1, -(-count // PER_BATCH) + 1):
        ordinals = shuffled(number, count)
        with (folder / f"msgbatch_{number}.jsonl").open("wb") as file:
            for ordinal in ordinals:
                text = json.dumps(
                    {
                        "ref": dresser.reference(rows[ordinal]),
                        "label": "neutral",
                        "score": 0.5,
                    }
                )
                total += file.write(a_line(namespace.custom_id(ordinal), text))
        counts = {"processing": 0, "errored": 0, "canceled": 0, "expired": 0}
        batch = {
            "id": f"msgbatch_{number}",
            "type": "message_batch",
            "processing_status": "ended",
            "request_counts": counts | {"succeeded": len(ordinals)},
            "created_at": "2026-11-20T09:00:00Z",
            "expires_at": "2026-11-21T09:00:00Z",
            "ended_at": "2026-11-20T10:00:00Z",
            "archived_at": None,
            "cancel_initiated_at": None,
            "results_url": None,
        }
        (folder / f"msgbatch_{number}.json").write_text(json.dumps(batch))
    return total


def a_line(custom_id: str, text: str) -> bytes:
    """One result of about 750 bytes."""
    message = {
        "id": f"msg_{custom_id}",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-5-5",
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 180,
            "output_tokens": 24,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
            "service_tier": "batch",
            "server_tool_use": None,
            "inference_geo": "not_available",
        },
        "container": None,
        "context_management": None,
    }
    line = {"custom_id": custom_id, "result": {"type": "succeeded", "message": message}}
    return json.dumps(line).encode() + b"\n"


@contextmanager
def sender(folder: Path) -> Iterator[str]:
    """The results behind a socket."""
    process = subprocess.Popen(
        [sys.executable, "-c", SENDER, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    url = process.stdout.readline().split()[-1]
    host, port = url.removeprefix("http://").split(":")
    for _ in range(2_000):
        try:
            socket.create_connection((host, int(port))).close()
            break
        except ConnectionRefusedError:
            time.sleep(0.001)
    try:
        yield url
    finally:
        process.kill()
        process.wait()


def ours(url: str, count: int, store_url: str) -> None:
    """Collector, gates, staging, reconciliation and ledger, as in production."""
    collected(url, tuple(Rows(count)), store_url)


def lazy(url: str, count: int, store_url: str) -> None:
    """The same over rows that are made when they are asked for: the memory is all ours."""
    collected(url, Rows(count), store_url)


def collected(url: str, rows: Sequence[Row], store_url: str) -> None:
    """Collect the results of all these rows."""
    count = len(rows)
    engine = open_store(store_url)
    record_engine = create_engine("sqlite://")
    table = Table(
        "answers",
        MetaData(),
        Column("row_key", Text, primary_key=True),
        Column("label", Text),
        Column("score", Float),
    )
    table.create(record_engine)
    record = SystemOfRecord(record_engine, "answers", "row_key")
    stack = default_stack(JOB_TYPE, Staging(engine, record))
    clock = SystemClock()
    ledger = Ledger(engine, clock.now)
    book = Book(ledger)
    namespace = Namespace(JOB_TYPE.team, "job")
    book.open(
        "job",
        JOB_TYPE,
        rows=count,
        rows_digest="",
        prefix=namespace.prefix,
        seed=0,
        approvals=[],
        price={},
    )
    job = book.job("job")
    assert job is not None
    spans = [range(at, min(at + PER_BATCH, count)) for at in range(0, count, PER_BATCH)]
    book.plan(job, spans, stage=1, round_=0)
    dresser = Dresser(JOB_TYPE, namespace, SECRET, stack.fence, stack.identity)
    for batch in book.batches(job):
        book.intend(job, batch.number, [dresser.dress(rows[place]) for place in batch.ordinals])
        book.created(job, batch.number, f"msgbatch_{batch.number}", "created")
        dresser.forget()
    with anthropic.Anthropic(api_key="ours", base_url=url, max_retries=0) as client:
        desk = Desk(client, ledger, clock, stack, default_prices(), Alerts(), book, Locks(engine))
        price = default_prices().price(JOB_TYPE.prompt.model)
        work = Work(Job("job", JOB_TYPE), job, rows, dresser, namespace, price)
        collector = Collector(desk)
        client.messages.batches.retrieve("msgbatch_1")  # connected, and all of it imported
        with timed():
            for batch in book.batches(job):
                assert batch.state == CREATED
                collector.collect(work, batch)
    accepted = sum(batch.tally.accepted for batch in book.batches(job))
    assert accepted == count, f"{accepted} of {count} accepted"


class _Text(msgspec.Struct):
    text: str = ""


class _Message(msgspec.Struct):
    content: list[_Text]


class _Result(msgspec.Struct):
    type: str
    message: _Message | None = None


class _Line(msgspec.Struct):
    custom_id: str
    result: _Result


def leanest(url: str, count: int, store_url: str) -> None:
    """The least that is honest: decode, validate, stage with an fsync per chunk, reconcile."""
    import httpx2  # noqa: PLC0415

    database = sqlite3.connect(store_url.removeprefix("sqlite:///"))
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute(
        "CREATE TABLE staging (job INTEGER, ordinal INTEGER, row_key TEXT, value TEXT, "
        "PRIMARY KEY (job, ordinal)) WITHOUT ROWID"
    )
    line_of = msgspec.json.Decoder(_Line).decode
    value_of = msgspec.json.Decoder().decode
    valid = jsonschema_rs.validator_for(SCHEMA | {"properties": SCHEMA["properties"] | {"ref": {}}})
    insert = "INSERT INTO staging VALUES (1, ?, ?, ?)"
    seen = bytearray(count)
    with httpx2.Client() as client:
        client.get(f"{url}/v1/messages/batches/msgbatch_1")
        with timed():
            for number in range(1, -(-count // PER_BATCH) + 1):
                held = b""
                staged: list[tuple[int, str, str]] = []
                results = f"{url}/v1/messages/batches/msgbatch_{number}/results"
                with client.stream("GET", results) as response:
                    for piece in response.iter_raw():
                        lines = (held + piece).split(b"\n")
                        held = lines.pop()
                        for raw in lines:
                            line = line_of(raw)
                            message = line.result.message
                            if message is None:
                                continue
                            text = message.content[0].text
                            if not valid.is_valid(value_of(text)):
                                continue
                            ordinal = int(line.custom_id.rpartition("-")[2])
                            seen[ordinal] += 1
                            staged.append((ordinal, f"row-{ordinal}", text))
                        if len(staged) >= 5_000:
                            with database:
                                database.executemany(insert, staged)
                            staged.clear()
                with database:
                    database.executemany(insert, staged)
            assert seen.count(1) == count


def copy_of_lines(_url: str, count: int, store_url: str) -> None:
    """What a program does that has only to store: the results as they are, ready-made, in the
    order in which they arrive, by COPY into a table with their id as key, a commit per call."""
    text = '{"ref": "0123456789", "label": "neutral", "score": 0.5}'
    copied(LINES, store_url, [(name, a_line(name, text).decode()) for name, _ in arriving(count)])


def copy_of_columns(_url: str, count: int, store_url: str) -> None:
    """The same for what is taken out of the results, as if nobody had to take it out: value,
    outcome, tokens and digest, a fifth of the bytes."""
    rest = ('{"label":"neutral","score":0.5}', "accepted", 180, 24, 0, 0)
    rows = [
        (name, f"row-{ordinal}", *rest, sha256(b"%d" % ordinal).digest()[:16])
        for name, ordinal in arriving(count)
    ]
    copied(COLUMNS, store_url, rows)


def arriving(count: int) -> Iterator[tuple[str, int]]:
    """Ids and ordinals in the order in which the results of all batches come."""
    prefix = Namespace(JOB_TYPE.team, "job").prefix
    for number in range(1, -(-count // PER_BATCH) + 1):
        for ordinal in shuffled(number, count):
            yield f"{prefix}{ordinal}", ordinal


def copied(table: str, store_url: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Put rows into a new table."""
    import psycopg  # noqa: PLC0415 - only where there is a server

    with psycopg.connect(store_url.replace("+psycopg", "")) as connection:
        connection.execute(table)
        connection.commit()
        with timed():
            for start in range(0, len(rows), PER_COPY):
                with connection.cursor() as cursor, cursor.copy("COPY copied FROM STDIN") as stream:
                    for row in rows[start : start + PER_COPY]:
                        stream.write_row(row)
                connection.commit()


def naive(url: str, count: int, store_url: str) -> None:
    """The loop of every tutorial: typed objects, one INSERT per row, one commit."""
    database = sqlite3.connect(store_url.removeprefix("sqlite:///"))
    database.execute("CREATE TABLE answers (id TEXT PRIMARY KEY, label TEXT, score REAL)")
    with anthropic.Anthropic(api_key="naive", base_url=url, max_retries=0) as client:
        client.messages.batches.retrieve("msgbatch_1")
        with timed():
            for number in range(1, -(-count // PER_BATCH) + 1):
                stream = client.get(
                    f"/v1/messages/batches/msgbatch_{number}/results",
                    cast_to=_jsonl(),
                    options={"headers": {"Accept": "application/binary"}},
                    stream=False,
                )
                for line in stream:
                    result = line.result
                    if result.type == "succeeded" and result.message.content[0].type == "text":
                        value = json.loads(result.message.content[0].text)
                        database.execute(
                            "INSERT INTO answers VALUES (?, ?, ?)",
                            (line.custom_id, value["label"], value["score"]),
                        )
            database.commit()
            [(found,)] = database.execute("SELECT count(*) FROM answers")
            assert found == count


def _jsonl() -> Any:
    """What the client's own `results` casts to; it follows `results_url`, which is not ours."""
    from anthropic._decoders.jsonl import JSONLDecoder  # noqa: PLC0415
    from anthropic.types.messages import MessageBatchIndividualResponse  # noqa: PLC0415

    return JSONLDecoder[MessageBatchIndividualResponse]


@contextmanager
def timed() -> Iterator[None]:
    """Print seconds and the peak of this process in MiB, for the one that started it.

    What imports and setting up have left to the garbage collector is not counted.
    """
    gc.collect()
    start, cpu = time.perf_counter(), time.process_time()
    yield
    said = {"seconds": time.perf_counter() - start, "cpu": time.process_time() - cpu}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(said | {"peak": peak}), flush=True)


COMMAND = (sys.executable, "-m", "benchmarks.controls")
PROGRAMS = {
    "ours": ours,
    "lazy": lazy,
    "leanest": leanest,
    "naive": naive,
    "lines": copy_of_lines,
    "columns": copy_of_columns,
}
TIMES_ON_POSTGRES = 3


def measure(program: str, url: str, count: int, store: str = "") -> tuple[float, float]:
    """Run a program in a process of its own: seconds and peak MiB."""
    with tempfile.TemporaryDirectory() as folder:
        store = store or f"sqlite:///{folder}/store.db"
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "benchmarks.controls",
                "--program",
                program,
                url,
                str(count),
                store,
            ],
            stdout=subprocess.PIPE,
            check=True,
            env=os.environ,
        )
    said = json.loads(done.stdout)
    return said["seconds"], said["peak"]


def on_postgres(url: str, count: int) -> None:
    """Collecting into a durable PostgreSQL, and bare COPY into the same server: medians."""
    rates: dict[str, list[float]] = {"ours": [], "lines": [], "columns": []}
    try:
        with postgres.server(durable=True) as server:
            for _ in range(TIMES_ON_POSTGRES):
                for name, found in rates.items():
                    with postgres.database(server) as store:
                        found.append(count / measure(name, url, count, store)[0])
    except postgres.NoServerError as error:
        print(f"SKIPPED, PostgreSQL: {error}")
        return
    ours_rate, lines_rate, columns_rate = (median(found) for found in rates.values())
    print(
        f"{count:>9,} rows  into PostgreSQL: ours {ours_rate:,.0f} rows/s; bare COPY of the "
        f"results {lines_rate:,.0f}, of what is taken out of them {columns_rate:,.0f}"
    )
    tell("PostgreSQL / COPY of results", ours_rate / lines_rate, ">= 0.40")
    tell("PostgreSQL / COPY of columns", ours_rate / columns_rate, "none; for the record")


def compare(count: int, names: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Run these programs over the same results: rows per second and peak MiB of each."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        write_results(Path(folder), count)
        with sender(Path(folder)) as url:
            for name in names:
                seconds, peak = measure(name, url, count)
                rate = count / seconds
                found[name] = (rate, peak)
                print(f"{count:>9,} rows  {name:<8} {rate:>10,.0f} rows/s  {peak:>6.0f} MiB")
            if count < MANY:
                on_postgres(url, count)
    return found


def tell(name: str, figure: float, target: str) -> None:
    """Print a figure beside its target."""
    print(f"{name:<30} {figure:>8.2f}  (target {target})")


def main() -> int:
    """Run every measure and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.controls", description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="small sizes, once: does it run?")
    parser.add_argument("--many", action="store_true", help="a million rows too")
    parser.add_argument("--program", nargs=4, metavar=("NAME", "URL", "ROWS", "STORE"))
    options = parser.parse_args()
    if options.program:
        name, url, count, store = options.program
        PROGRAMS[name](url, int(count), store)
        return 0
    count = SMOKE if options.smoke else FULL
    one = compare(count, ["ours", "leanest", "naive", *(["lazy"] if options.many else [])])
    tell("ours / leanest", one["ours"][0] / one["leanest"][0], ">= 0.60")
    tell("ours / naive", one["ours"][0] / one["naive"][0], ">= 6.00")
    if options.many:
        many = compare(MANY, ["lazy", "leanest"])
        tell("rate of a million", many["lazy"][0] / one["lazy"][0], "0.85 to 1.15")
        tell("MiB more for a million", many["lazy"][1] - one["lazy"][1], "<= 40")
    return 0


if __name__ == "__main__":
    sys.exit(main())
