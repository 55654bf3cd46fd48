"""`python -m benchmarks.simulator [--smoke]`: the simulator beside reference programs, in one run.

Absolute figures drift from machine to machine; compare the ratios. `--smoke` is for CI: a tenth
of the rows and no large bodies, to see that everything runs.
"""

from __future__ import annotations

import argparse
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import gettempdir
from typing import Any

HEAD = "host: 127.0.0.1\r\nauthorization: Bearer t\r\nanthropic-version: 2026-10-21\r\n"
BATCHES = "/v1/messages/batches"

OURS = """
from simulator import Api
from simulator.asgi import serve
serve(Api(), port=0, ready=lambda url: print(url, flush=True))
"""
DECODER = """
import asyncio, socket, msgspec, uvicorn
class R(msgspec.Struct, gc=False):
    custom_id: str
    params: msgspec.Raw
class C(msgspec.Struct):
    requests: list[R]
decoder, kept = msgspec.json.Decoder(C), []
async def app(scope, receive, send):
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    if body:
        kept.append(decoder.decode(body))
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"{}"})
listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
listening.bind(("127.0.0.1", 0))
print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
config = uvicorn.Config(app, log_config=None, lifespan="off", http="httptools")
uvicorn.Server(config).run([listening])
"""
SENDER = """
import sys, socket, uvicorn
async def app(scope, receive, send):
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    with open(sys.argv[1], "rb") as file:
        while piece := file.read(262144):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
listening.bind(("127.0.0.1", 0))
print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off")).run([listening])
"""
STARLETTE = """
import socket, uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
async def answer(request):
    return JSONResponse({})
app = Starlette(routes=[Route("/v1/models", answer)])
listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
listening.bind(("127.0.0.1", 0))
print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off")).run([listening])
"""
GAMEDAY = "import sys; sys.argv[1:] = ['serve', '--port', '0']; \
from scenarios.harness.cli import main; main()"
STANDARD = "import msgspec, dataclasses, datetime, enum, hashlib, random, re, json, decimal, time, \
typing, collections.abc, urllib.parse, zlib, codecs, difflib, ipaddress, hmac, base64"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure and what it has to be."""

    name: str
    measured: float
    most: float
    unit: str
    note: str = ""

    @property
    def reached(self) -> bool:
        """Whether it is good enough."""
        return self.measured <= self.most

    def __str__(self) -> str:
        sign = "ok  " if self.reached else "MISS"
        figure = f"{self.measured:8.2f} of {self.most:g} {self.unit}"
        return f"{sign} {self.name:<40} {figure}  {self.note}"


class Program:
    """A server in a process of its own."""

    def __init__(self, source: str, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", source, *arguments], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline().split()[-1]
        host, port = line.removeprefix("http://").split(":")
        self.address = (host, int(port))

    def connect(self) -> socket.socket:
        """A connection without delay, as soon as it listens."""
        for _ in range(2_000):
            try:
                made = socket.create_connection(self.address)
            except ConnectionRefusedError:
                time.sleep(0.001)
            else:
                made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return made
        raise ConnectionError(self.address)

    def peak_bytes(self) -> int:
        """The most memory it ever had."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024

    def call(self, method: str, path: str, body: bytes = b"") -> tuple[float, bytes]:
        """Seconds, and the whole of a reply."""
        with self.connect() as connection:
            head = f"{method} {path} HTTP/1.1\r\n{HEAD}content-length: {len(body)}\r\n"
            start = time.perf_counter()
            connection.sendall(f"{head}connection: close\r\n\r\n".encode())
            connection.sendall(body)
            received = bytearray()
            while piece := connection.recv(1 << 20):
                received += piece
            return time.perf_counter() - start, bytes(received)

    def drain(self, path: str) -> tuple[float, int]:
        """Seconds, and lines, of a download that nobody keeps."""
        lines = 0
        with self.connect() as connection:
            start = time.perf_counter()
            connection.sendall(f"GET {path} HTTP/1.1\r\n{HEAD}connection: close\r\n\r\n".encode())
            buffer = bytearray(1 << 20)
            while count := connection.recv_into(buffer):
                lines += buffer.count(b'{"custom_id"', 0, count)
            return time.perf_counter() - start, lines

    def stop(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()


@contextmanager
def running(source: str, *arguments: str) -> Iterator[Program]:
    """A program, while it is needed."""
    program = Program(source, *arguments)
    try:
        yield program
    finally:
        program.stop()


def a_body(count: int, size: int, text: str = "x") -> bytes:
    """A create call of so many requests of so many bytes each."""
    row = b'{"custom_id":"row-%06d","params":{"model":"claude-haiku-5-5","max_tokens":4096,'
    row += b'"messages":[{"role":"user","content":"%s"}]}}'
    filler = (text * size)[: max(size - len(row), 1)].encode()
    return b'{"requests":[' + b",".join(row % (place, filler) for place in range(count)) + b"]}"


def create(count: int, size: int) -> list[Figure]:
    """Time, memory, and the patience of somebody else."""
    body = a_body(count, size)
    megabytes = len(body) / 1e6
    with running(DECODER) as reference:
        reference.call("GET", "/")
        theirs, _ = reference.call("POST", BATCHES, body)
    with running(OURS) as ours:
        ours.call("GET", "/v1/models")
        waits: list[float] = []
        done = threading.Event()
        other = threading.Thread(target=poll, args=(ours, waits, done))
        other.start()
        taken, answer = ours.call("POST", BATCHES, body)
        done.set()
        other.join()
        assert b'"in_progress"' in answer
        peak = ours.peak_bytes()
    return [
        Figure(f"create {megabytes:.0f} MB", taken / theirs, 2, "x uvicorn + msgspec decode"),
        Figure("  peak memory of the server", peak / len(body), 2.2, "x the body"),
        Figure("  slowest other GET meanwhile", max(waits) * 1000, 50, "ms", f"of {len(waits)}"),
    ]


def poll(program: Program, waits: list[float], done: threading.Event) -> None:
    """Small calls on one connection until it is over."""
    with program.connect() as connection:
        while not done.is_set():
            start = time.perf_counter()
            connection.sendall(f"GET /v1/models?limit=1 HTTP/1.1\r\n{HEAD}\r\n".encode())
            connection.recv(65_536)
            waits.append(time.perf_counter() - start)
            time.sleep(0.002)


def stream(count: int, batches: int, folder: Path) -> list[Figure]:
    """Results over a socket, beside the same bytes from a file; and many batches in a row."""
    body = a_body(count, 600, "The ticket says that the parcel came late. ")
    advance = json.dumps({"advance_seconds": 86_400}).encode()
    with running(OURS) as ours:
        rates: list[float] = []
        peaks: list[int] = []
        for _ in range(batches):
            made = ours.call("POST", BATCHES, body)[1]
            identifier = json.loads(made[made.index(b"{") : made.rindex(b"}") + 1])["id"]
            ours.call("POST", "/_gameday/clock", advance)
            ours.call("GET", f"{BATCHES}/{identifier}")
            path = f"{BATCHES}/{identifier}/results"
            ours.drain(path)
            before = ours.peak_bytes()
            taken, lines = min(ours.drain(path) for _ in range(3))
            assert lines >= count * 0.99
            rates.append(count / taken)
            peaks.append(ours.peak_bytes() - before)
        whole = ours.call("GET", path)[1]
    file = folder / "results.jsonl"
    file.write_bytes(whole[whole.index(b"\r\n\r\n") + 4 :])
    with running(SENDER, str(file)) as reference:
        reference.call("GET", "/")
        theirs = count / min(reference.drain("/")[0] for _ in range(3))
    rate = median(rates)
    return [
        Figure("400,000 rows/s over results", 400_000 / rate, 1, "", f"{rate:,.0f} rows/s"),
        Figure("the same bytes from a file", theirs / rate, 3, "x as fast", "uvicorn, no nginx"),
        Figure("  growth of memory in a download", max(peaks) / 1e6, 5, "MB"),
        Figure(f"slowest of {batches} batches", rate / min(rates), 1.1, "x slower than the median"),
    ]


def starts(runs: int) -> Figure:
    """From the start of the process to the first answer."""

    def first_answer(source: str) -> float:
        start = time.perf_counter()
        with running(source) as program:
            program.call("GET", "/v1/models")
            return time.perf_counter() - start

    theirs = median(first_answer(STARLETTE) for _ in range(runs))
    ours = median(first_answer(GAMEDAY) for _ in range(runs))
    return Figure("start to first answer", ours / theirs, 1.5, "x Starlette", f"{ours:.3f} s")


def imports(runs: int) -> Figure:
    """What `import simulator` costs beyond msgspec and the standard library."""

    def once(source: str) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", source], check=True)
        return time.perf_counter() - start

    base = min(once(STANDARD) for _ in range(runs))
    ours = min(once("import simulator") for _ in range(runs))
    return Figure("import simulator", (ours - base) * 1000, 60, "ms more")


def retrieves(calls: int) -> list[Figure]:
    """`batches.retrieve` through the official client: constant, in process, over a socket."""
    import anthropic  # noqa: PLC0415
    import httpx2  # noqa: PLC0415

    from simulator import Api  # noqa: PLC0415
    from simulator.server import Server  # noqa: PLC0415
    from simulator.transport import SimulatorTransport  # noqa: PLC0415

    def client(transport: Any = None, url: str = "http://x.invalid") -> anthropic.Anthropic:
        http = None if transport is None else anthropic.DefaultHttpxClient(transport=transport)
        return anthropic.Anthropic(api_key="t", base_url=url, http_client=http, max_retries=0)

    api = Api()
    inside = client(SimulatorTransport(api))
    params: Any = {"model": "claude-haiku-5-5", "max_tokens": 9, "messages": [
        {"role": "user", "content": "hello"}]}  # fmt: skip
    batch = inside.messages.batches.create(requests=[{"custom_id": "a", "params": params}])
    constant = inside.messages.batches.with_raw_response.retrieve(batch.id).read()
    mock = client(httpx2.MockTransport(lambda _: httpx2.Response(200, content=constant, headers={
        "content-type": "application/json"})))  # fmt: skip

    def cost(caller: anthropic.Anthropic) -> float:
        retrieve: Callable[[str], object] = caller.messages.batches.retrieve
        taken = []
        for _ in range(calls):
            start = time.perf_counter()
            retrieve(batch.id)
            taken.append(time.perf_counter() - start)
        return median(taken)

    with Server(api) as server:
        outside = client(url=server.url)
        for caller in (mock, inside, outside):
            cost(caller)
        base, within, across = cost(mock), cost(inside), cost(outside)
    than = "x MockTransport"
    return [
        Figure("retrieve in process", within / base, 1.5, than, f"{within * 1e6:.0f} us"),
        Figure("retrieve over loopback", across / base, 2.8, than, f"{across * 1e6:.0f} us"),
    ]


def main() -> int:
    """Measure, print, and fail on a miss."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="small and quick")
    parser.add_argument("--folder", type=Path, default=Path(gettempdir()), help="for one file")
    chosen = parser.parse_args()
    smoke, folder = chosen.smoke, chosen.folder
    count = 10_000 if smoke else 100_000
    figures = [imports(3 if smoke else 9), starts(1 if smoke else 5)]
    figures += retrieves(100 if smoke else 1_000)
    figures += stream(count, 1, folder)
    if not smoke:
        figures += stream(count, 10, folder)
    for size in (920,) if smoke else (920, 2_480):
        figures += create(count, size)
    for figure in figures:
        sys.stdout.write(f"{figure}\n")
    return 0 if smoke or all(figure.reached for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
