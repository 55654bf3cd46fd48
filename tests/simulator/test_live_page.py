"""The live page of `/_gameday/` in a real browser: Debian's Chromium, a server on this machine."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import anthropic
import httpx2
import pytest

from simulator import Api, hours
from simulator.asgi import Server
from simulator.faults import Overloaded
from tests.simulator.builders import HEADERS, a_request, requests

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
ATTACK = "<img/src=x/onerror=document.title='owned'><script>document.title='owned'</script>"


class Visit:
    """The page, and everything it complained about or asked for."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(f"{url}/_gameday/")

    def shows(self, table: str, *texts: str) -> None:
        """Wait for one line of this table with all these texts."""
        line = self.page.locator(f"#{table} tr")
        for text in texts:
            line = line.filter(has_text=text)
        line.first.wait_for(timeout=10_000)


@pytest.fixture
def api() -> Api:
    """A service whose first call meets an overload."""
    return Api(faults=[Overloaded(times=1)])


@pytest.fixture
def server(api: Api) -> Iterator[Server]:
    """The service on a port."""
    with Server(api) as server:
        yield server


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Visit]:
    """The page as somebody sees it who opened it before anything happened."""
    page = browser.new_page()
    yield Visit(page, server.url)
    page.close()


def a_client(server: Server, **settings: Any) -> anthropic.Anthropic:
    """The official client, over a socket."""
    return anthropic.Anthropic(api_key="k", base_url=server.url, max_retries=0, **settings)


def test_what_happens_appears_by_itself(visit: Visit, server: Server) -> None:
    """A fault that fires, a batch, its end, the time and the last calls; nothing from elsewhere."""
    visit.shows("batches", "no batch yet")
    client = a_client(server)
    with pytest.raises(anthropic.OverloadedError):
        client.messages.batches.list()
    made = client.messages.batches.create(requests=requests(3))  # type: ignore[arg-type]

    visit.shows("faults", "Overloaded", "1")
    visit.shows("calls", "GET /v1/messages/batches", "529", "Overloaded")
    visit.shows("calls", "POST /v1/messages/batches", "200")
    visit.shows("batches", made.id, "in_progress", "3")
    before = visit.page.locator("#clock").text_content()
    moved = httpx2.post(f"{server.url}/_gameday/clock", json={"advance_seconds": 86_400})
    visit.shows("batches", made.id, "ended", "3")

    assert moved.status_code == 200
    assert before != visit.page.locator("#clock").text_content()
    assert (visit.page.locator("#clock").text_content() or "").startswith("2026-11-21")
    assert visit.complaints == []
    assert all(url.startswith((server.url, "data:")) for url in visit.requests)


def test_hostile_texts_are_inert(visit: Visit, api: Api, server: Server) -> None:
    """In a path, a method's name, a header, a custom_id and the setting of a fault."""
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(f"GET /{ATTACK} HTTP/1.1\r\nhost: x\r\nx: {ATTACK}\r\n\r\n".encode())
        connection.recv(1)
    named = {"x-stainless-retry-count": ATTACK, "anthropic-workspace-id": ATTACK}
    client = a_client(server, default_headers=named)
    for submitted in (a_request(ATTACK), a_request("fine")):
        with pytest.raises(anthropic.APIStatusError):
            client.messages.batches.create(requests=[submitted])  # type: ignore[list-item]
    httpx2.get(f"{server.url}/v1/models/{ATTACK}", headers={**HEADERS, "host": f"{host}:{port}"})
    fault = {"name": "ModelDiffers", "share": 1.0, "model": ATTACK}
    added = httpx2.post(f"{server.url}/_gameday/faults", json=fault)
    api.clock.sleep(hours(1))

    assert added.status_code == 200
    visit.shows("calls", "onerror=document.title='owned'")
    visit.shows("faults", ATTACK)
    assert visit.page.title() == "gameday: live"
    assert visit.page.locator("img").count() == 0
    assert visit.page.locator("script").count() == 1
    assert visit.complaints == []
    assert all(url.startswith((server.url, "data:")) for url in visit.requests)


def test_the_token_opens_the_page(browser: Browser) -> None:
    """Asked for once; nothing is shown before it is given."""
    with Server(Api(), token="s3cret") as server:
        page = browser.new_page()
        visit = Visit(page, server.url)
        page.locator("#gate").wait_for(state="visible")
        closed = page.locator("#sums").text_content()
        page.get_by_label("Token").fill("s3cret")
        page.get_by_role("button", name="Open").click()
        visit.shows("batches", "no batch yet")
        page.locator("#gate").wait_for(state="hidden")
        page.close()

    assert closed == ""
