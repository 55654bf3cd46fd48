"""Over a real socket: the official SDK, broken connections, and the admin side."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx2
import pytest

from simulator import (
    Api,
    Cut,
    Endpoint,
    Limits,
    PollClock,
    Request,
    Response,
    SimulatorError,
    admin,
    hours,
)
from simulator.application import app
from simulator.asgi import Server
from simulator.faults import LostReply
from simulator.faults.wire import WireCall, WireFault
from simulator.server import listen, url_of
from tests.simulator.builders import HEADERS, a_params, an_ended_batch, requests

WORD = {key: value for key, value in HEADERS.items() if key != "host"}


@pytest.fixture
def api() -> Api:
    """A calm service."""
    return Api()


@pytest.fixture
def server(api: Api) -> Iterator[Server]:
    """The service on a port."""
    with Server(api) as server:
        yield server


def a_client(server: Server) -> anthropic.Anthropic:
    """The official client, over a socket."""
    return anthropic.Anthropic(api_key="test", base_url=server.url, max_retries=0)


def get(server: Server, path: str, method: str = "GET", **settings: Any) -> httpx2.Response:
    """One plain call."""
    return httpx2.request(
        method, server.url + path, headers=settings.pop("headers", WORD), **settings
    )


def test_the_official_client_runs_a_batch_over_a_socket() -> None:
    """Create, poll, results, list, cancel, delete: 250 requests, on a clock that polls move."""
    with Server(Api(clock=PollClock())) as server, a_client(server) as client:
        batches = client.messages.batches
        batch = batches.create(requests=requests(250))  # type: ignore[arg-type]
        seen = [batches.retrieve(batch.id).processing_status for _ in range(3)]
        rows = list(batches.results(batch.id))
        other = batches.create(requests=requests(2))  # type: ignore[arg-type]

        assert seen == ["in_progress", "in_progress", "ended"]
        assert {f"row-{place}" for place in range(250)} == {row.custom_id for row in rows}
        assert batches.cancel(other.id).processing_status == "canceling"
        assert [other.id, batch.id] == [listed.id for listed in batches.list(limit=1)]
        assert batches.delete(batch.id).type == "message_batch_deleted"
        with pytest.raises(anthropic.NotFoundError):
            batches.retrieve(batch.id)


def test_the_official_async_client_over_a_socket(api: Api, server: Server) -> None:
    """The same over asyncio."""

    async def run() -> int:
        async with anthropic.AsyncAnthropic(
            api_key="test", base_url=server.url, max_retries=0
        ) as client:
            batch = await client.messages.batches.create(requests=requests(250))  # type: ignore[arg-type]
            api.clock.sleep(hours(24))
            found = [row async for row in await client.messages.batches.results(batch.id)]
            await client.messages.batches.delete(batch.id)
            return len(found)

    assert asyncio.run(run()) == 250


def test_a_lost_reply_closes_the_connection() -> None:
    """No status line at all; the batch was accepted all the same."""
    api = Api(faults=[LostReply()])
    with Server(api) as server, a_client(server) as client:
        with pytest.raises(anthropic.APIConnectionError) as lost:
            client.messages.batches.create(requests=requests(5))  # type: ignore[arg-type]

        assert isinstance(lost.value.__cause__, httpx2.RemoteProtocolError)
        (found,) = client.messages.batches.list()
        assert found.request_counts.processing == 5


class Broken(WireFault):
    """Cuts a reply."""

    late = True
    cut = Cut("reset")

    def strike(self, call: WireCall) -> Response:
        """The same reply, cut."""
        assert call.response is not None
        return Response(call.response.status, call.response.headers, call.response.body, self.cut)


class BrokenLater(Broken):
    """Cuts a reply after some bytes."""

    cut = Cut("reset", after_bytes=100)


def test_a_reset_is_a_reset() -> None:
    """The client's socket says so."""
    api = Api(faults=[Broken(on=Endpoint.LIST)])
    with Server(api) as server, pytest.raises(httpx2.ReadError):
        get(server, "/v1/messages/batches")


def test_a_body_can_break_in_the_middle() -> None:
    """The bytes before the break arrive; the chunked body never ends."""
    api = Api(faults=[BrokenLater(on=Endpoint.RESULTS)])
    batch_id = an_ended_batch(api, 50)
    received: list[bytes] = []
    with (
        Server(api) as server,
        httpx2.stream(
            "GET", f"{server.url}/v1/messages/batches/{batch_id}/results", headers=WORD
        ) as response,
        pytest.raises(httpx2.RemoteProtocolError),
    ):
        received.extend(response.iter_raw())

    assert sum(map(len, received)) == 100


def test_results_are_chunked_and_have_no_length(api: Api, server: Server) -> None:
    """Contract 3.2; `results_url` bears the host and port that the client used."""
    batch_id = an_ended_batch(api, 3)

    response = get(server, f"/v1/messages/batches/{batch_id}/results")
    batch = get(server, f"/v1/messages/batches/{batch_id}")

    assert response.headers["transfer-encoding"] == "chunked"
    assert "content-length" not in response.headers
    assert response.headers["content-type"] == "application/x-jsonl"
    assert batch.json()["results_url"].startswith(server.url + "/v1/")


def test_behind_a_proxy_the_scheme_is_the_clients(api: Api, server: Server) -> None:
    """As the proxy forwards it."""
    batch_id = an_ended_batch(api, 1)

    batch = get(
        server,
        f"/v1/messages/batches/{batch_id}",
        headers={**WORD, "x-forwarded-proto": "https"},
    )

    assert batch.json()["results_url"].startswith("https://127.0.0.1")


def test_a_body_that_is_too_large_is_refused_once_it_is_read() -> None:
    """413, and the connection is still good."""
    api = Api(limits=Limits(batch_body_bytes=100_000))
    with Server(api) as server:
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
        connection.request("POST", "/v1/messages/batches", b"x" * 1_000_000, WORD)
        refused = connection.getresponse()
        text = refused.read()
        connection.request("GET", "/v1/messages/batches", headers=WORD)
        fine = connection.getresponse()
        fine.read()
        connection.close()

    assert refused.status == 413
    assert json.loads(text)["error"]["type"] == "request_too_large"
    assert fine.status == 200
    assert api.books().calls[0].body_bytes < 400_000


def test_a_large_create_is_read_in_a_thread(api: Api, server: Server) -> None:
    """The same reply as a small one."""
    large = requests(2_000, messages=[{"role": "user", "content": "x" * 200}])

    response = get(server, "/v1/messages/batches", "POST", json={"requests": large})

    assert response.json()["request_counts"]["processing"] == 2_000
    assert len(api.books().requests) == 2_000


def test_a_client_that_leaves_in_mid_upload_does_no_harm(api: Api, server: Server) -> None:
    """Nothing is recorded, and the server goes on."""
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as raw:
        raw.sendall(b"POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\n{")

    assert get(server, "/v1/models").status_code == 200
    assert len(api.books().calls) == 1


def test_a_client_that_leaves_in_mid_download_does_no_harm(api: Api, server: Server) -> None:
    """The rest of the file is not made for nobody."""
    long = requests(3_000, messages=[{"role": "user", "content": "x" * 4_000}], max_tokens=4_000)
    batch_id = an_ended_batch(api, long)

    with httpx2.stream(
        "GET", f"{server.url}/v1/messages/batches/{batch_id}/results", headers=WORD
    ) as response:
        next(response.iter_raw())

    assert get(server, "/v1/models").status_code == 200


# The admin side.


def test_the_state(api: Api, server: Server) -> None:
    """What there is, without a secret."""
    batch_id = an_ended_batch(api, 3)

    state = get(server, "/_gameday/state", headers={}).json()

    assert (state["seed"], state["requests"]) == (0, 3)
    assert state["batches"][0]["id"] == batch_id
    assert state["batches"][0]["counts"]["succeeded"] == 3


def test_the_clock_can_be_moved(api: Api, server: Server) -> None:
    """By seconds, forward only."""
    before = api.clock.now()

    moved = get(server, "/_gameday/clock", "POST", headers={}, json={"advance_seconds": 3600})

    assert moved.json() == get(server, "/_gameday/clock", headers={}).json()
    assert api.clock.now() - before == hours(1)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"advance_seconds": -1}', b'{"advance_seconds": true}',
     b'{"advance_seconds": 1e300}', b'{"advance_seconds": "1"}', b"\xff"],
)  # fmt: skip
def test_the_clock_takes_nothing_else(api: Api, server: Server, body: bytes) -> None:
    """400, and time stays."""
    before = api.clock.now()

    assert get(server, "/_gameday/clock", "POST", headers={}, content=body).status_code == 400
    assert before == api.clock.now()


def test_history_faults_and_reset() -> None:
    """Calls and firings are shown; a reset forgets them."""
    api = Api(faults=[LostReply()])
    with Server(api) as server:
        get(server, "/v1/models")
        calls = get(server, "/_gameday/history", headers={}).json()["calls"]
        (fault,) = get(server, "/_gameday/faults", headers={}).json()["faults"]
        state = get(server, "/_gameday/reset", "POST", headers={}).json()

    assert [call["path"] for call in calls] == ["/v1/models"]
    assert (fault["fault"], fault["count"]) == ("LostReply()", 0)
    assert state["calls"] == 0


def test_admin_paths_are_closed(server: Server) -> None:
    """404 and 405, in the envelope of errors."""
    assert get(server, "/_gameday/nothing", headers={}).status_code == 404
    assert get(server, "/_gameday/reset", headers={}).status_code == 405


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.test"},
        {"host": "evil.test"},
        {"host": "evil.test:80"},
        {"x-forwarded-for": "10.0.0.1"},
        {"forwarded": "for=10.0.0.1"},
    ],
)
def test_a_web_page_or_a_proxy_does_not_reach_the_admin_side(
    server: Server, headers: dict[str, str]
) -> None:
    """Loopback alone is not enough."""
    refused = get(server, "/_gameday/reset", "POST", headers=headers)

    assert refused.status_code == 403
    assert "start the server with a token" in refused.json()["error"]["message"]


def test_a_token_opens_and_only_the_token() -> None:
    """Once it is set, being on this machine is not enough."""
    with Server(Api(), token="s3cret") as server:
        without = get(server, "/_gameday/state", headers={})
        wrong = get(server, "/_gameday/state", headers={"authorization": "Bearer s3cre"})
        right = get(
            server,
            "/_gameday/state",
            headers={"authorization": "Bearer s3cret", "x-forwarded-for": "1.2.3.4"},
        )

    assert [reply.status_code for reply in (without, wrong, right)] == [403, 403, 200]


def test_a_caller_without_an_address_is_not_local(api: Api) -> None:
    """A socket file, say: nobody knows who that is."""
    request = Request(method="GET", path="/_gameday/state", headers={"host": "localhost"})

    assert admin.handle(api, request, peer="", token=None).status == 403
    assert admin.handle(api, request, peer="::1", token=None).status == 200


# Starting and stopping.


def test_a_busy_port_is_one_clear_sentence(server: Server) -> None:
    """No traceback of the operating system."""
    port = int(server.url.rpartition(":")[2])

    with pytest.raises(SimulatorError, match=f"Port {port} on 127.0.0.1 is in use."):
        listen("127.0.0.1", port)


def test_an_address_that_is_not_ours() -> None:
    """Said with the way out."""
    with pytest.raises(SimulatorError, match="Choose an address of this machine"):
        listen("192.0.2.1", 0)


def test_a_server_that_is_not_running_has_no_url() -> None:
    """It has to be entered first; leaving one that was not entered does nothing."""
    server = Server(Api())

    with pytest.raises(SimulatorError, match="not running"):
        _ = server.url
    server.__exit__(None, None, None)


def test_a_wildcard_address_is_shown_as_one_that_works() -> None:
    """0.0.0.0 is no address to call."""
    with listen("0.0.0.0", 0) as wildcard:
        assert url_of(wildcard).startswith("http://127.0.0.1:")


def test_starting_and_stopping_is_quick() -> None:
    """Thousands of drills start a server each."""
    begun = time.perf_counter()
    for _ in range(5):
        with Server(Api()) as server:
            assert get(server, "/v1/models").status_code == 200

    assert time.perf_counter() - begun < 2


def test_serving_until_interrupted() -> None:
    """`serve` says its URL when it accepts connections, and ends well on SIGTERM."""
    program = (
        "from simulator import Api\n"
        "from simulator.asgi import serve\n"
        "serve(Api(), port=0, ready=lambda url: print(url, flush=True))\n"
        "print('done', flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        status = httpx2.get(f"{url}/v1/models", headers=WORD).status_code
        process.terminate()
        rest = process.stdout.read()

    assert (status, rest, process.returncode) == (200, "done\n", 0)


def test_the_application_answers_lifespan_events() -> None:
    """For servers that insist on them."""
    sent: list[str] = []
    events = iter(["lifespan.startup", "lifespan.shutdown"])

    async def receive() -> dict[str, Any]:
        return {"type": next(events)}

    async def send(event: Any) -> None:
        sent.append(event["type"])

    asyncio.run(app(Api())({"type": "lifespan"}, receive, send))

    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_a_server_that_cannot_break_connections_says_so() -> None:
    """Under another ASGI server a cut is an error of the application, not a quiet success."""
    application = app(Api(faults=[LostReply(on=Endpoint.MODELS)]))
    scope = {"type": "http", "method": "GET", "path": "/v1/models", "headers": [
        (name.encode(), value.encode()) for name, value in HEADERS.items()
    ]}  # fmt: skip

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(_: Any) -> None:
        raise AssertionError

    with pytest.raises(ConnectionResetError, match="does not let the simulator"):
        asyncio.run(application(scope, receive, send))


def test_live_messages_over_a_socket(server: Server) -> None:
    """The neighbours are served too."""
    with a_client(server) as client:
        assert client.messages.create(**a_params()).content[0].type == "text"
