"""The admin side over a socket: state, history, faults, descriptions, and the live page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from simulator import Api, Limits
from simulator.admin_page import PAGE
from simulator.asgi import Server
from simulator.openapi import ADMIN
from tests.simulator.builders import HEADERS, an_ended_batch, call, requests, retrieve

WORD = {key: value for key, value in HEADERS.items() if key != "host"}
BATCHES = "/v1/messages/batches"


@pytest.fixture
def api() -> Api:
    """A service that remembers ten calls."""
    return Api(limits=Limits(kept_calls=10))


@pytest.fixture
def server(api: Api) -> Iterator[Server]:
    """The service on a port."""
    with Server(api) as server:
        yield server


def admin(server: Server, path: str, method: str = "GET", **settings: Any) -> httpx2.Response:
    """One admin call."""
    return httpx2.request(method, f"{server.url}/_gameday/{path}", **settings)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["list", "create", "retrieve", "retrieve"]),
        ("?endpoint=retrieve", ["retrieve", "retrieve"]),
        ("?status=404", ["retrieve"]),
        ("?limit=1", ["retrieve"]),
        ("?limit=0", []),
        ("?batch={batch}", ["create", "retrieve"]),
        ("?batch={batch}&endpoint=create", ["create"]),
    ],
)
def test_the_history_can_be_filtered(
    api: Api, server: Server, query: str, expected: list[str]
) -> None:
    """By endpoint, status, batch and number: the last ones, oldest first."""
    call(api, "GET", BATCHES)
    batch_id = an_ended_batch(api, 1)
    retrieve(api, batch_id)
    retrieve(api, "msgbatch_01nobody")

    shown = admin(server, f"history{query.format(batch=batch_id)}").json()

    assert expected == [one["endpoint"] for one in shown["calls"]]
    assert (shown["total"], shown["dropped"]) == (4, 0)


@pytest.mark.parametrize("query", ["?endpoint=none", "?status=x", "?limit=-1", "?limit=1e9"])
def test_filters_that_cannot_be(server: Server, query: str) -> None:
    """400 with what is possible."""
    assert admin(server, f"history{query}").status_code == 400


def test_the_history_is_bounded_and_its_counts_are_exact(api: Api, server: Server) -> None:
    """The books of requests are whole; of calls only the last are kept, but all are counted."""
    an_ended_batch(api, 20)
    for _ in range(30):
        call(api, "GET", BATCHES)

    shown = admin(server, "history").json()
    books = api.books()

    assert (shown["total"], shown["dropped"], len(shown["calls"])) == (31, 21, 10)
    assert api.history.counts() == {("create", 200): 1, ("list", 200): 30}
    assert (len(books.calls), books.calls_dropped, len(books.requests)) == (10, 21, 20)
    assert admin(server, "state").json()["calls"] == 31


def test_no_credential_is_shown_anywhere(server: Server) -> None:
    """Neither key nor token."""
    secret = "sk-ant-very-secret"
    for headers in ({"authorization": f"Bearer {secret}"}, {"x-api-key": secret}):
        httpx2.get(server.url + BATCHES, headers={**headers, "anthropic-version": "2026-10-21"})

    for path in ("state", "history", "faults", "clock", "", "openapi.json"):
        assert secret not in admin(server, path).text


def test_faults_come_and_go_while_it_runs(server: Server) -> None:
    """Added by name, counted, and taken away again."""
    added = admin(server, "faults", "POST", json={"name": "Overloaded", "times": 2})
    statuses = [httpx2.get(server.url + BATCHES, headers=WORD).status_code for _ in range(3)]
    (fault,) = admin(server, "faults").json()["faults"]
    removed = admin(server, "faults", "DELETE", params={"key": added.json()["added"][0]})
    admin(server, "faults", "POST", json={"faults": [{"name": "LostReply"}]})
    none = admin(server, "faults", "DELETE").json()

    assert added.status_code == 200
    assert statuses == [529, 529, 200]
    assert fault["count"] == 2
    assert (removed.json()["armed"], none["armed"]) == ([], [])


@pytest.mark.parametrize(
    "body",
    [b"", b"7", b"[1]", b'{"faults":3}', b'{"name":"Overload"}', b'{"name":"Overloaded","x":1}',
     b'{"name":"Overloaded","share":2}', b'{"name":["a"]}'],
)  # fmt: skip
def test_faults_that_do_not_exist(server: Server, body: bytes) -> None:
    """400, and a near name where there is one."""
    refused = admin(server, "faults", "POST", content=body)

    assert refused.status_code == 400
    if body == b'{"name":"Overload"}':
        assert "Overloaded" in refused.json()["error"]["message"]


def test_a_fault_that_is_not_there_cannot_be_removed(server: Server) -> None:
    """400, naming those that are."""
    assert admin(server, "faults", "DELETE", params={"key": "Nothing"}).status_code == 400


def test_every_admin_path_is_described(server: Server) -> None:
    """`openapi.json` describes what answers, and nothing else."""
    described = admin(server, "openapi.json").json()

    assert described == ADMIN
    for path, methods in described["paths"].items():
        for method in methods:
            reply = httpx2.request(method.upper(), server.url + path, content=b"{}")
            assert reply.status_code in {200, 400}, path
    assert admin(server, "api.json").json()["paths"].keys() >= {BATCHES}


def test_the_page_is_one_file_with_a_closed_policy(server: Server) -> None:
    """Nothing is loaded from elsewhere, nothing runs but its one script."""
    page = admin(server, "")
    policy = page.headers["content-security-policy"]

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", page.text)


def test_texts_reach_the_page_as_text_only() -> None:
    """No way for markup, whatever a fault or a path is called."""
    script = PAGE.read_text("utf-8")

    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(", script)
    assert "textContent" in script


def test_the_page_asks_for_the_token() -> None:
    """It holds no data itself; what it fetches is closed without the token."""
    with Server(Api(), token="s3cret") as server:
        page = admin(server, "")
        closed = admin(server, "state")

    assert (page.status_code, closed.status_code) == (200, 403)
    assert "seed" not in re.sub(r"<script>.*</script>", "", page.text, flags=re.DOTALL)


def test_the_page_is_for_this_machine(server: Server) -> None:
    """Without a token a foreign host does not get it."""
    assert admin(server, "", headers={"host": "evil.test"}).status_code == 403


def test_the_state_stays_small(api: Api, server: Server) -> None:
    """Requests are counted, not listed."""
    an_ended_batch(api, requests(2_000))

    state = admin(server, "state")

    assert state.json()["requests"] == 2_000
    assert len(state.content) < 2_000
