"""Apprise: a real notification to a real receiver, on this machine."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from controls import Alert, AppriseAlerts, BatchRunner, ControlError
from tests.controls.builders import NOW, SECRET, Bench, a_client, rows

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
"""Apprise imports it where Python still has it."""


class Receiver(HTTPServer):
    """Keeps every JSON document that is posted to it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[dict[str, Any]] = []
        self.status = 200

    @property
    def url(self) -> str:
        """In the form of Apprise."""
        return f"json://127.0.0.1:{self.server_port}/"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        size = int(self.headers["content-length"])
        self.server.got.append(json.loads(self.rfile.read(size)))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A server for one test."""
    with Receiver() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def alert(what: str) -> Alert:
    """An alert to the owner of a job."""
    return Alert(NOW, "support-oncall", "job_1", what)


def test_an_alert_arrives_with_job_owner_and_time(receiver: Receiver) -> None:
    """As one message of the kind `failure`."""
    AppriseAlerts([receiver.url]).page(alert("halted: 3 rows are missing"))

    (message,) = receiver.got
    assert "job_1: batch job needs support-oncall" == message["title"]
    assert "halted: 3 rows are missing\n2026-11-20 09:00 UTC" == message["message"]
    assert "failure" == message["type"]


def test_text_from_a_row_wakes_no_channel_and_stays_on_its_line(receiver: Receiver) -> None:
    """It is untrusted: control characters are taken out, mentions broken up, length bounded."""
    AppriseAlerts([receiver.url]).page(alert("row says @everyone <!here>\r\n\x1b[2J" + "x" * 5_000))

    body = receiver.got[0]["message"]
    assert body.startswith("row says @\u200beveryone <\u200b!here>   [2Jxxx")
    assert ["2026-11-20 09:00 UTC"] == body.split("\n")[1:]
    assert 2_100 > len(body)


def test_a_receiver_that_takes_nothing_is_told(receiver: Receiver) -> None:
    """Not even one of several may fail silently."""
    receiver.status = 500

    with pytest.raises(ControlError, match="did not reach every receiver"):
        AppriseAlerts([receiver.url]).page(alert("halted"))


def test_a_job_whose_pager_fails_still_halts_and_says_so(receiver: Receiver) -> None:
    """The ledger holds that nobody was reached."""
    receiver.status = 500
    bench = Bench(says=lambda _: "no JSON")
    runner = BatchRunner(
        a_client(bench.api),
        bench.ledger,
        bench.clock,
        bench.stack,
        pager=AppriseAlerts([receiver.url]),
        secret=SECRET,
    )

    assert "halted" == runner.run(bench.a_job(), rows(60)).status
    assert [{"error": "ControlError"}] == bench.entries("page failed")


@pytest.mark.parametrize(
    ("urls", "told"),
    [
        (["nothing://secret-token/x"], "receiver 1 is not a URL of Apprise: 'nothing'"),
        (["json://localhost", "secret"], "receiver 2 is not a URL of Apprise: it has no ://"),
        ([], "There is no alert receiver"),
    ],
)
def test_a_url_that_is_none_is_refused_without_its_secrets(urls: list[str], told: str) -> None:
    """When the pager is made, not when it is needed."""
    with pytest.raises(ControlError, match=told) as caught:
        AppriseAlerts(urls)

    assert "secret" not in str(caught.value)


def test_without_apprise_there_is_a_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is named."""
    monkeypatch.setitem(sys.modules, "apprise", None)

    with pytest.raises(ControlError, match="not installed") as caught:
        AppriseAlerts(["json://localhost"])

    assert "batch-gameday[alerts]" in caught.value.fix
