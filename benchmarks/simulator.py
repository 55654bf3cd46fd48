"""`python -m benchmarks.simulator [--smoke]`: the simulator beside reference programs, in one run.

Absolute figures drift from machine to machine; compare the ratios. Each row tells what was
measured, ours, the reference, their ratio, the target, and whether it is reached; the exit code
does not depend on it. `--smoke` is for CI: a tenth of the rows and no large bodies, to see that
everything runs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks.fixtures import overheads
from benchmarks.programs import (
    DECODER,
    HEAD,
    OURS,
    STARLETTE,
    Program,
    environment,
    gameday,
    nginx,
    python,
    running,
)

BATCHES: Final = "/v1/messages/batches"
RATE: Final = 400_000
"""Rows a second of a download that is good enough."""
TEXT: Final = "The ticket says that the parcel came late. "
STANDARD: Final = "import msgspec, dataclasses, datetime, enum, hashlib, random, re, json, \
decimal, time, typing, collections.abc, urllib.parse, zlib, codecs, difflib, ipaddress, hmac, \
base64, tempfile, weakref, threading, bisect"


@dataclass(frozen=True, slots=True)
class Row:
    """One figure beside another one, and what their ratio has to be."""

    what: str
    ours: str
    reference: str
    ratio: float
    target: float
    at_least: bool = False

    @property
    def reached(self) -> bool:
        """Whether it is good enough."""
        return self.ratio >= self.target if self.at_least else self.ratio <= self.target

    def line(self, *, judge: bool) -> str:
        """As it is printed."""
        sign = "    " if not judge else "ok  " if self.reached else "MISS"
        target = f"{'>=' if self.at_least else '<='} {self.target:g}"
        return (
            f"{sign}  {self.what:<44} {self.ours:>14} {self.reference:>31} "
            f"{self.ratio:>7.2f}  {target}"
        )


HEADING: Final = f"      {'what':<44} {'ours':>14} {'reference':>31} {'ratio':>7}  target"


@dataclass(frozen=True, slots=True)
class Missing:
    """A row that could not be measured."""

    what: str
    why: str

    def line(self, *, judge: bool) -> str:
        """As it is printed, loud."""
        del judge
        return f"NOT MEASURED  {self.what}: {self.why}"


Rows = list[Row | Missing]


def ms(seconds: float) -> str:
    """Thousandths of a second."""
    return f"{seconds * 1000:,.1f} ms"


def mb(size: float) -> str:
    """Millions of bytes."""
    return f"{size / 1e6:,.0f} MB"


def per_second(rate: float) -> str:
    """Rows a second."""
    return f"{rate:,.0f} rows/s"


def a_body(count: int, size: int, text: str = "x") -> bytes:
    """A create call of so many requests of so many bytes each."""
    row = b'{"custom_id":"row-%06d","params":{"model":"claude-haiku-5-5","max_tokens":4096,'
    row += b'"messages":[{"role":"user","content":"%s"}]}}'
    filler = (text * size)[: max(size - len(row), 1)].encode()
    return b'{"requests":[' + b",".join(row % (place, filler) for place in range(count)) + b"]}"


def imports(runs: int) -> Rows:
    """What `import simulator` costs beyond msgspec and the standard library, at the best."""

    def once(source: str) -> float:
        start = time.perf_counter()
        subprocess.run(python(source), check=True, env=environment())
        return time.perf_counter() - start

    pairs = [(once("import simulator"), once(STANDARD)) for _ in range(runs + 1)][1:]
    ours, base = (min(each) for each in zip(*pairs, strict=True))
    more = ours - base
    return [Row("import simulator, beyond the reference", ms(more), f"stdlib + msgspec {ms(base)}; "
                "60 ms", more / 0.060, 1)]  # fmt: skip


def starts(runs: int) -> Rows:
    """From the start of the process to the first answer."""

    def first_answer(command: Sequence[str]) -> float:
        start = time.perf_counter()
        with running(command) as program:
            program.call("GET", "/v1/models")
            return time.perf_counter() - start

    commands = (gameday(), python(STARLETTE))
    pairs = [tuple(map(first_answer, commands)) for _ in range(runs + 1)][1:]
    ours, theirs = (median(each) for each in zip(*pairs, strict=True))
    return [
        Row("gameday serve, start to first answer", ms(ours), f"Starlette {ms(theirs)}",
            ours / theirs, 1.5),
    ]  # fmt: skip


def retrieves(calls: int, rounds: int) -> Rows:
    """`batches.retrieve` through the official client: constant, in process, over a socket.

    Medians of many calls, and of the rounds the quietest: two threads that take turns feel
    every stranger on the machine.
    """
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
        callers = (mock, inside, client(url=server.url))
        all_costs = [tuple(map(cost, callers)) for _ in range(rounds + 1)][1:]
    base, within, across = (min(each) for each in zip(*all_costs, strict=True))
    than = f"MockTransport {ms(base)}"
    return [
        Row("retrieve in process", ms(within), than, within / base, 1.5),
        Row("retrieve over loopback", ms(across), than, across / base, 2.8),
    ]


def fixtures(count: int) -> Rows:
    """Set-up and tear-down of `batches_api` together, once everything is imported."""
    with TemporaryDirectory() as folder:
        within, across = overheads(count, Path(folder))
    return [
        Row("fixture batches_api in process", ms(within), "5 ms", within / 0.005, 1),
        Row("fixture batches_api with its .url", ms(across), "20 ms", across / 0.020, 1),
    ]


@dataclass(frozen=True, slots=True)
class Served:
    """What a server showed that worked batches one after the other."""

    rates: list[float]
    """Rows a second, of each batch: the median of its downloads."""
    peak_bytes: int
    beside: list[float]
    """Rows a second of nginx, sending the same bytes in between."""


def serve_batches(count: int, batches: int, runs: int, folder: Path) -> Served:
    """Create, end and download so many batches on one server, which keeps them all."""
    body = a_body(count, 600, TEXT)
    advance = json.dumps({"advance_seconds": 86_400}).encode()
    rates: list[float] = []
    beside: list[float] = []
    with running(python(OURS)) as ours, nginx(folder) as static:
        for _ in range(batches):
            made = ours.call("POST", BATCHES, body)[1]
            identifier = json.loads(made[made.index(b"{") : made.rindex(b"}") + 1])["id"]
            ours.call("POST", "/_gameday/clock", advance)
            ours.call("GET", f"{BATCHES}/{identifier}")
            path = f"{BATCHES}/{identifier}/results"
            whole = ours.call("GET", path)[1]
            assert whole.count(b'{"custom_id"') == count
            taken = []
            if not beside and static is not None:
                ours.call("GET", "/v1/models")
                (folder / "results.jsonl").write_bytes(unchunked(ours, path))
            for _ in range(runs):
                taken.append(ours.drain(path)[0])
                if static is not None and len(rates) == 0:
                    beside.append(count / static.drain("/results.jsonl")[0])
            rates.append(count / median(taken))
        return Served(rates, ours.peak_bytes(), beside)


def unchunked(program: Program, path: str) -> bytes:
    """The body of a download, as HTTP/1.0 sends it: without chunks."""
    with program.connect() as connection:
        head = HEAD + "connection: close\r\n"
        connection.sendall(f"GET {path} HTTP/1.0\r\n{head}\r\n".encode())
        received = bytearray()
        while piece := connection.recv(1 << 20):
            received += piece
    return bytes(received[received.index(b"\r\n\r\n") + 4 :])


def streams(count: int, batches: int, runs: int) -> Rows:
    """One batch on one server, many on another; the same bytes from nginx."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        one = serve_batches(count, 1, runs, folder)
        many = serve_batches(count, batches, runs, folder)
    rate, (slowest, middle) = one.rates[0], (min(many.rates), median(many.rates))
    floor = per_second(RATE)
    rows: Rows = [
        Row(f"download of {count:,} results", per_second(rate), floor, rate / RATE, 1,
            at_least=True),
        Row(f"the slowest of {batches} such batches", per_second(slowest), floor, slowest / RATE,
            1, at_least=True),
        Row(f"the median of {batches} such batches", per_second(middle), f"one batch "
            f"{per_second(rate)}", middle / rate, 0.9, at_least=True),
        Row(f"peak memory, {batches} batches kept", mb(many.peak_bytes), f"one batch "
            f"{mb(one.peak_bytes)}", many.peak_bytes / one.peak_bytes, 1.1),
    ]  # fmt: skip
    if one.beside:
        static = median(one.beside)
        what = "the same bytes from a file"
        rows.insert(1, Row(what, per_second(rate), f"nginx {per_second(static)}", rate / static,
                           1 / 3, at_least=True))  # fmt: skip
    else:
        why = "nginx is not installed (Debian: apt-get install nginx-light)"
        rows.insert(1, Missing("the same bytes from a file", why))
    return rows


def creates(count: int, size: int, rounds: int) -> Rows:
    """Time, memory, and the patience of somebody else."""
    body = a_body(count, size)
    ours, theirs, peaks, slowest = [], [], [], []
    for _ in range(rounds):
        with running(python(DECODER)) as reference:
            reference.call("GET", "/")
            theirs.append(reference.call("POST", BATCHES, body)[0])
        taken, peak, waits = create(body)
        ours.append(taken)
        peaks.append(peak)
        slowest.append(max(waits))
    name, mine, other, wait = mb(len(body)), median(ours), median(theirs), median(slowest)
    peak = max(peaks)
    return [
        Row(f"create of {name}", ms(mine), f"uvicorn + msgspec {ms(other)}", mine / other, 2),
        Row("  peak memory of the server", mb(peak), f"body {name}", peak / len(body), 2.2),
        Row("  slowest small GET meanwhile", ms(wait), "50 ms", wait / 0.050, 1),
    ]


def create(body: bytes) -> tuple[float, int, list[float]]:
    """Seconds, peak memory, and how long each call of somebody else took meanwhile."""
    waits: list[float] = []
    done = threading.Event()
    with running(python(OURS)) as program:
        program.call("GET", "/v1/models")
        other = threading.Thread(target=poll, args=(program, waits, done))
        other.start()
        taken, answer = program.call("POST", BATCHES, body)
        done.set()
        other.join()
        assert b'"in_progress"' in answer
        return taken, program.peak_bytes(), waits


def poll(program: Program, waits: list[float], done: threading.Event) -> None:
    """Small calls on one connection until it is over."""
    with program.connect() as connection:
        while not done.is_set():
            start = time.perf_counter()
            connection.sendall(f"GET /v1/models?limit=1 HTTP/1.1\r\n{HEAD}\r\n".encode())
            connection.recv(65_536)
            waits.append(time.perf_counter() - start)
            time.sleep(0.002)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="small and quick")
    smoke = parser.parse_args().smoke
    sections: tuple[Callable[[], Rows], ...] = (
        lambda: imports(3 if smoke else 11),
        lambda: starts(1 if smoke else 9),
        lambda: retrieves(50 if smoke else 300, 1 if smoke else 5),
        lambda: fixtures(3 if smoke else 20),
        lambda: streams(10_000 if smoke else 100_000, 2 if smoke else 10, 3 if smoke else 7),
        lambda: creates(10_000 if smoke else 100_000, 920, 1 if smoke else 3),
        lambda: [] if smoke else creates(100_000, 2_480, 3),
    )
    if smoke:
        print("smoke: the inputs are too small for the targets, so nothing is judged")
    print(HEADING)
    for section in sections:
        for row in section():
            print(row.line(judge=not smoke), flush=True)


if __name__ == "__main__":
    main()
