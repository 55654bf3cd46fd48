"""256 MiB, for real: over a socket, against a server in a process of its own."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator import Limits
from tests.simulator.builders import HEADERS

LIMIT = Limits().batch_body_bytes
MEGABYTE = 2**20
ROWS = LIMIT // MEGABYTE
STATUS = Path("/proc/self/status")
pytestmark = pytest.mark.skipif(not STATUS.exists(), reason="memory is read from /proc")
HEAD = "POST /v1/messages/batches HTTP/1.1\r\n" + "".join(
    f"{name}: {value}\r\n" for name, value in HEADERS.items()
)
SERVE = """
from simulator import Api
from simulator.asgi import serve
serve(Api(), port=0, ready=lambda url: print(url, flush=True))
"""


class Served:
    """A server of its own, and the most memory that it ever had."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self._status = Path(f"/proc/{process.pid}/status")
        host, _, port = url.removeprefix("http://").partition(":")
        self._address = host, int(port)

    def connect(self) -> socket.socket:
        """A bare connection."""
        return socket.create_connection(self._address, timeout=10)

    def peak_bytes(self) -> int:
        """The high-water mark of its resident memory."""
        found = re.search(r"VmHWM:\s+(\d+) kB", self._status.read_text("ascii"))
        assert found is not None
        return int(found[1]) * 1024


@pytest.fixture
def served() -> Iterator[Served]:
    """Running until the end of the test."""
    command = [sys.executable, "-c", SERVE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield Served(process, process.stdout.readline().strip())
        process.terminate()


def pieces() -> Iterator[bytearray]:
    """A whole create body of exactly the limit: a row for each mebibyte, in one buffer."""
    opening, closing = b'{"requests":[', b"]}"
    row = b'{"custom_id":"row-%06d","params":{"x":"%b"}}'
    frame = len(row % (0, b""))
    for number in range(ROWS):
        before = opening if number == 0 else b","
        after = closing if number == ROWS - 1 else b""
        filling = b"y" * (MEGABYTE - frame - len(before) - len(after))
        yield bytearray(before + row % (number, filling) + after)


def reply(connection: socket.socket) -> bytes:
    """What has come back, up to the end of a body."""
    received = b""
    while not received.endswith((b"}", b"0\r\n\r\n")):
        piece = connection.recv(65_536)
        if not piece:
            break
        received += piece
    return received


def sent_with_length(connection: socket.socket, extra: bytes) -> bytes:
    """The reply to the whole body and so many bytes more, sent without a look at the reply."""
    length = LIMIT + len(extra)
    connection.sendall(f"{HEAD}content-length: {length}\r\n\r\n".encode())
    for piece in pieces():
        connection.sendall(piece)
    connection.sendall(extra)
    return reply(connection)


def test_one_byte_over_the_limit_with_a_length(served: Served) -> None:
    """Refused before a byte of the body is sent; who sends it all the same hears it too."""
    before = served.peak_bytes()
    with served.connect() as connection:
        connection.sendall(f"{HEAD}content-length: {LIMIT + 1}\r\n\r\n".encode())
        unsent = reply(connection)
    with served.connect() as connection:
        sent = sent_with_length(connection, b" ")

    for refused in (unsent, sent):
        assert refused.startswith(b"HTTP/1.1 413 ")
        assert b"connection: close" in refused
        assert b'"type":"request_too_large"' in refused
    assert served.peak_bytes() - before < LIMIT // 8


def test_one_byte_over_the_limit_in_chunks(served: Served) -> None:
    """Refused as the limit is crossed, and not before."""
    with served.connect() as connection:
        connection.sendall(f"{HEAD}transfer-encoding: chunked\r\n\r\n".encode())
        for piece in pieces():
            connection.sendall(b"%x\r\n" % len(piece))
            connection.sendall(piece)
            connection.sendall(b"\r\n")
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        connection.settimeout(10)
        connection.sendall(b"1\r\n \r\n")
        refused = reply(connection)

    assert refused.startswith(b"HTTP/1.1 413 ")
    assert b'"type":"request_too_large"' in refused
    assert served.peak_bytes() < 2.2 * LIMIT


def test_exactly_the_limit(served: Served) -> None:
    """Accepted, and little more than the body is held."""
    with served.connect() as connection:
        accepted = sent_with_length(connection, b"")

    assert accepted.startswith(b"HTTP/1.1 200 ")
    assert b'"processing":%d' % ROWS in accepted
    assert served.peak_bytes() < 2.2 * LIMIT
