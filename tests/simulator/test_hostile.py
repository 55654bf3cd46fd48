"""Hostile input over real sockets: the documented error or a closed connection, and no 500 of ours.

After each of them the next client is served.
"""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from simulator import Api, Limits, application, protocol
from simulator.asgi import Server
from simulator.bodies import Bodies
from tests.simulator.builders import HEADERS, a_params, requests

WORD = {key: value for key, value in HEADERS.items() if key != "host"}
HEAD = "".join(f"{key}: {value}\r\n" for key, value in HEADERS.items())
BATCHES = "/v1/messages/batches"
CREATE = f"POST {BATCHES} HTTP/1.1\r\n{HEAD}"
MEGABYTE = 2**20


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One service for all of them: what the one does must not harm the next."""
    with Server(Api(limits=Limits(batch_body_bytes=4 * MEGABYTE))) as server:
        yield server


@pytest.fixture(autouse=True)
def next_client_is_served(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever happened before."""
    yield
    url = request.getfixturevalue("server").url
    assert httpx2.get(f"{url}/v1/models", headers=WORD).status_code == 200


def connect(server: Server) -> socket.socket:
    """A bare connection."""
    host, port = server.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=5)


def raw(server: Server, *pieces: bytes) -> bytes:
    """All that comes back until the connection is closed, or for a second."""
    received = bytearray()
    with connect(server) as connection:
        connection.settimeout(1)
        try:
            for piece in pieces:
                connection.sendall(piece)
            while piece := connection.recv(65_536):
                received += piece
                if b"\r\n0\r\n\r\n" in received or received.endswith(b"}}"):
                    break
        except OSError:
            pass
    return bytes(received)


def post(server: Server, body: bytes, path: str = BATCHES, **headers: str) -> httpx2.Response:
    """One POST."""
    return httpx2.post(server.url + path, content=body, headers=WORD | headers, timeout=20)


NOT_JSON: list[tuple[str, bytes]] = [
    ("empty", b""),
    ("a word", b"requests"),
    ("half", b'{"requests":[{"custom_id":"a","params":{'),
    ("nul", b"\0" * 100),
    ("not UTF-8", b'{"requests":[{"custom_id":"a","params":{"x":"\xff\xfe"}}]}'),
    ("a lone continuation", b'{"requests":"\x80"}'),
    ("UTF-16", json.dumps({"requests": []}).encode("utf-16")),
    ("deep lists", b"[" * 100_000),
    ("deep objects", b'{"requests":' * 50_000),
    ("deep params", b'{"requests":[{"custom_id":"a","params":' + b'{"x":' * 99_999),
    ("deep and whole", b"[" * 90_000 + b"]" * 90_000),
    ("NaN", b'{"requests":NaN}'),
    ("a huge number", b'{"requests":' + b"9" * 100_000 + b"}"),
    ("many empty objects", b'{"requests":[' + b"{}," * 300_000 + b"{}]}"),
    ("many numbers", b"[" + b"0," * 1_000_000 + b"0]"),
    ("many keys", b"{" + b",".join(b'"%d":0' % place for place in range(100_000)) + b"}"),
]


@pytest.mark.parametrize("path", [BATCHES, "/v1/messages", "/v1/messages/count_tokens"])
@pytest.mark.parametrize("body", [body for _, body in NOT_JSON], ids=[name for name, _ in NOT_JSON])
def test_bodies_that_are_none(server: Server, path: str, body: bytes) -> None:
    """400 in the envelope of errors."""
    refused = post(server, body, path)

    assert refused.status_code == 400
    assert refused.json()["error"]["type"] == "invalid_request_error"


def test_one_byte_too_many(server: Server) -> None:
    """413, as documented; exactly at the limit it is read."""
    row = b'{"requests":[{"custom_id":"a","params":{"x":"%s"}}]}'
    fits = row % (b"y" * (4 * MEGABYTE - len(row) + 2))

    assert len(fits) == 4 * MEGABYTE
    assert post(server, fits).status_code == 200
    assert post(server, fits + b" ").status_code == 413


def test_a_body_without_an_end(server: Server) -> None:
    """After a while nobody reads on; the reply or a closed connection is all there is."""
    piece = b"%x\r\n%s\r\n" % (MEGABYTE, b"x" * MEGABYTE)
    answer = raw(server, f"{CREATE}transfer-encoding: chunked\r\n\r\n".encode(), *[piece] * 60)

    assert answer[:12] in {b"", b"HTTP/1.1 413"}


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_compressed_bodies(server: Server, encoding: str) -> None:
    """They are read as what they are."""
    body = json.dumps({"requests": requests(100)}).encode()
    packed = gzip.compress(body, mtime=0) if encoding == "gzip" else zlib.compress(body)

    created = post(server, packed, **{"content-encoding": encoding})
    message = post(
        server,
        gzip.compress(json.dumps(a_params()).encode(), mtime=0),
        "/v1/messages",
        **{"content-encoding": "gzip"},
    )

    assert created.json()["request_counts"]["processing"] == 100
    assert message.json()["type"] == "message"


@pytest.mark.parametrize("path", [BATCHES, "/v1/messages"])
@pytest.mark.parametrize(
    ("body", "encoding", "status", "code"),
    [
        (b"{}", "br", 400, "request_body_encoding_unsupported"),
        (b"{}", "gzip, gzip", 400, "request_body_encoding_unsupported"),
        (b"{}", "gzip", 400, "request_body_encoding_invalid"),
        (gzip.compress(b"{}" * 9_000, mtime=0)[:-6], "gzip", 400, "request_body_encoding_invalid"),
        (gzip.compress(b"{}", mtime=0) + b"more", "gzip", 400, "request_body_encoding_invalid"),
        (
            gzip.compress(b" " * 64 * MEGABYTE, mtime=0),
            "gzip",
            413,
            "request_body_too_large_after_decoding",
        ),
    ],
)
def test_compressed_bodies_that_are_not(
    server: Server, path: str, body: bytes, encoding: str, status: int, code: str
) -> None:
    """The documented error codes; a bomb is noticed before it is large."""
    refused = post(server, body, path, **{"content-encoding": encoding})

    assert refused.status_code == status
    assert refused.json()["error"]["details"]["error_code"] == code


RAW: list[tuple[str, bytes]] = [
    ("no HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20),
    ("no method", b" / HTTP/1.1\r\n\r\n"),
    ("two lengths", f"{CREATE}content-length: 2\r\ncontent-length: 3\r\n\r\n{{}}".encode()),
    ("a negative length", f"{CREATE}content-length: -1\r\n\r\n".encode()),
    ("a length of letters", f"{CREATE}content-length: all\r\n\r\n".encode()),
    (
        "length and chunks",
        f"{CREATE}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{{}}".encode(),
    ),
    ("a chunk of letters", f"{CREATE}transfer-encoding: chunked\r\n\r\nzz\r\n".encode()),
    ("a chunk too long", f"{CREATE}transfer-encoding: chunked\r\n\r\n{'f' * 40}\r\n".encode()),
    ("a NUL in a header", f"{CREATE}x: a\0b\r\n\r\n".encode()),
    ("a header without a name", f"{CREATE}: x\r\n\r\n".encode()),
    ("one header of 10 MB", CREATE.encode() + b"x: " + b"y" * (10 * MEGABYTE)),
    ("100,000 headers", CREATE.encode() + b"".join(b"x-%d: y\r\n" % n for n in range(100_000))),
    ("a path of 1 MB", b"GET /" + b"a" * MEGABYTE),
]


@pytest.mark.parametrize("sent", [sent for _, sent in RAW], ids=[name for name, _ in RAW])
def test_what_is_hardly_http(server: Server, sent: bytes) -> None:
    """400, or a closed connection."""
    assert raw(server, sent)[:12] in {b"", b"HTTP/1.1 400"}


@pytest.mark.parametrize(
    "name",
    [
        "..", "%2e%2e", "..%2f..%2fetc%2fpasswd", "%00", "a%0d%0aset-cookie:x", "%ff%fe",
        "msgbatch_01%2Fcancel", "'%20or%201=1--", "a" * 5_000, "%", "%zz", "*", "{id}",
    ],
)  # fmt: skip
def test_ids_with_tricks(server: Server, name: str) -> None:
    """404, and nothing of it becomes a header."""
    answer = raw(server, f"GET {BATCHES}/{name}/results HTTP/1.1\r\n{HEAD}\r\n".encode())

    assert answer[:12] in {b"HTTP/1.1 404", b"HTTP/1.1 400"}
    assert b"set-cookie" not in answer.lower().partition(b"\r\n\r\n")[0]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"anthropic-version": "9" * 5_000}, 400),
        ({"x-stainless-retry-count": "9" * 5_000}, 200),
        ({"x-stainless-retry-count": "-1"}, 200),
        ({"authorization": "Bearer"}, 401),
        ({"authorization": "Basic dDp0"}, 401),
        ({"authorization": "Bearer \xe9\xe9"}, 200),
        ({"anthropic-workspace-id": "wrkspc_01other"}, 403),
        ({"host": "a b"}, 200),
        ({"x-forwarded-proto": "javascript"}, 200),
    ],
)
def test_absurd_headers(server: Server, headers: dict[str, str], status: int) -> None:
    """Refused where they matter, ignored where not."""
    sent = [(key.encode(), value.encode("latin-1")) for key, value in (WORD | headers).items()]

    assert httpx2.get(server.url + BATCHES, headers=sent).status_code == status


@pytest.mark.parametrize("query", ["limit=%ff", "limit=1e9", "limit=" + "9" * 5_000, "a&&==&%"])
def test_absurd_queries(server: Server, query: str) -> None:
    """400 or an answer, never an error of ours."""
    assert httpx2.get(f"{server.url}{BATCHES}?{query}", headers=WORD).status_code in {200, 400}


def test_slow_clients_are_let_go(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    """One in its headers, one in its body; meanwhile others are served."""
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.2)
    monkeypatch.setattr(application, "Bodies", lambda limits: Bodies(limits, idle_seconds=0.2))
    with Server(Api()) as impatient:
        slow = [connect(impatient) for _ in range(3)]
        slow[1].sendall(f"GET {BATCHES} HTTP/1.1\r\nx: ".encode())
        slow[2].sendall(f"{CREATE}content-length: 9999\r\n\r\n{{".encode())
        served = httpx2.get(f"{impatient.url}/v1/models", headers=WORD).status_code
        ended = []
        for connection in slow:
            try:
                ended.append(connection.recv(100))
            except ConnectionResetError:
                ended.append(b"")
            connection.close()

    assert (served, ended) == (200, [b""] * 3)


def test_a_client_that_does_not_read(server: Server) -> None:
    """Its download waits; nothing piles up, and it can be left at any time."""
    rows = [dict(row) for row in requests(900, messages=[{"role": "user", "content": "x" * 4_000}])]
    for row in rows:
        row["params"]["max_tokens"] = 4_000
    api: Any = server._api
    created = post(server, json.dumps({"requests": rows}).encode()).json()
    api.clock.sleep(api.limits.processing_time)
    with connect(server) as connection:
        path = f"{BATCHES}/{created['id']}/results"
        connection.sendall(f"GET {path} HTTP/1.1\r\n{HEAD}\r\n".encode())
        time.sleep(0.1)
        assert httpx2.get(f"{server.url}/v1/models", headers=WORD).status_code == 200


def test_a_thousand_connections_at_a_time(server: Server) -> None:
    """All of them are answered."""
    connections = [connect(server) for _ in range(1_000)]
    call = f"GET {BATCHES}?limit=1 HTTP/1.1\r\n{HEAD}\r\n".encode()
    for connection in connections:
        connection.sendall(call)
    statuses = {connection.recv(65_536)[:12] for connection in connections}
    for connection in connections:
        connection.close()

    assert statuses == {b"HTTP/1.1 200"}


def test_many_uploads_at_a_time(server: Server) -> None:
    """They take turns; the memory of their bodies does not add up."""
    body = json.dumps(
        {"requests": requests(300, messages=[{"role": "user", "content": "x" * 3_000}])}
    ).encode()
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.append(post(server, body).status_code))
        for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses == [200] * 16
