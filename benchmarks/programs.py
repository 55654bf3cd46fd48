"""The programs that are measured: ours, and the plain ones beside them, each in its own process."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

HEAD: Final = "host: 127.0.0.1\r\nauthorization: Bearer t\r\nanthropic-version: 2026-10-21\r\n"

_LISTEN: Final = """
listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
listening.bind(("127.0.0.1", 0))
print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
config = uvicorn.Config(app, log_config=None, lifespan="off", http="httptools")
uvicorn.Server(config).run([listening])
"""
OURS: Final = """
from simulator import Api
from simulator.asgi import serve
serve(Api(), port=0, ready=lambda url: print(url, flush=True))
"""
DECODER: Final = (
    """
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
"""
    + _LISTEN
)
STARLETTE: Final = (
    """
import socket, uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
async def answer(request):
    return JSONResponse({})
app = Starlette(routes=[Route("/v1/models", answer)])
"""
    + _LISTEN
)
NGINX: Final = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/a;
    proxy_temp_path {folder}/b;
    fastcgi_temp_path {folder}/c;
    uwsgi_temp_path {folder}/d;
    scgi_temp_path {folder}/e;
    sendfile on;
    server {{ listen 127.0.0.1:{port}; root {folder}; }}
}}
"""


def python(source: str) -> list[str]:
    """The command that runs a piece of Python."""
    return [sys.executable, "-c", source]


def gameday() -> list[str]:
    """`gameday serve` as a user starts it: the console script beside this interpreter."""
    script = Path(sys.executable).with_name("gameday")
    if script.exists():
        return [str(script), "serve", "--port", "0"]
    return [sys.executable, "-m", "scenarios.harness.cli", "serve", "--port", "0"]


def environment() -> dict[str, str]:
    """Ours, but compiled modules are kept, as they are for a user: nothing compiles each time."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


class Program:
    """A server in a process of its own."""

    def __init__(self, command: Sequence[str], address: tuple[str, int] | None = None) -> None:
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE if address is None else subprocess.DEVNULL,
            stderr=None if address is None else subprocess.DEVNULL,
            text=True,
            env=environment(),
        )
        self.address = self._told() if address is None else address

    def _told(self) -> tuple[str, int]:
        """The address that it prints."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline().split()[-1]
        host, port = line.removeprefix("http://").split(":")
        return host, int(port)

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
        """Seconds, and bytes, of a download that nobody looks at."""
        size = 0
        with self.connect() as connection:
            start = time.perf_counter()
            connection.sendall(f"GET {path} HTTP/1.1\r\n{HEAD}connection: close\r\n\r\n".encode())
            buffer = bytearray(1 << 20)
            while count := connection.recv_into(buffer):
                size += count
            return time.perf_counter() - start, size

    def stop(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


@contextmanager
def running(command: Sequence[str], address: tuple[str, int] | None = None) -> Iterator[Program]:
    """A program, while it is needed."""
    program = Program(command, address)
    try:
        yield program
    finally:
        program.stop()


@contextmanager
def nginx(folder: Path) -> Iterator[Program | None]:
    """nginx, sending the files of a folder; None where it is not installed."""
    found = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        yield None
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = folder / "nginx.conf"
    settings.write_text(NGINX.format(folder=folder, port=port), "utf-8")
    command = [found, "-p", str(folder), "-c", str(settings)]
    with running(command, ("127.0.0.1", port)) as program:
        yield program
