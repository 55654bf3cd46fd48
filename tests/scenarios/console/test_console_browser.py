"""The console in a real browser, with a real client over a real socket."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anthropic
import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

from reports import load
from scenarios.harness.console.application import CONSOLE
from simulator import Api, VirtualClock
from simulator.server import Server
from tests.builders_console import FACILITATOR, OBSERVER, Theatre, a_request, a_theatre

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"
MARKS = ("noticed", "stopped", "reversed")
EXPECTED_COMPLAINT = "Failed to load resource: the server responded with a status of 4"
"""Chromium itself says so of each refusal, however well the page takes it."""


@dataclass
class Visit:
    """A page of the console, and everything it complained about or asked for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        page = self.page
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        page.on("request", lambda asked: self.hosts.add("/".join(asked.url.split("/")[:3])))

    def enter(self, url: str, token: str, name: str = "Ada") -> None:
        """By the URL that the server has printed."""
        self.page.goto(f"{url}{CONSOLE}#{token}")
        self.page.get_by_text("live", exact=True).wait_for()
        self.page.get_by_label("Your name").fill(name)

    def inject(self, fault: str, **settings: str) -> None:
        """One fault, by clicks."""
        self.page.get_by_label("One fault").check()
        self.page.get_by_label("Fault", exact=True).select_option(fault)
        if not self.page.locator("#others").get_attribute("open"):
            self.page.locator("#others").evaluate("it => { it.open = true; }")
        for name, value in settings.items():
            place = self.page.locator(f"#setting-{name}")
            if place.evaluate("it => it.tagName") == "SELECT":
                place.select_option(value)
            else:
                place.fill(value)
        self.page.get_by_role("button", name="Inject").click()

    def hears(self, text: str) -> None:
        """Wait until the feed says so."""
        self.page.locator("#feed li").filter(has_text=text).first.wait_for()


@dataclass
class House:
    """A served game day."""

    theatre: Theatre
    url: str

    def client(self, **changes: Any) -> anthropic.Anthropic:
        """The official client."""
        return anthropic.Anthropic(
            api_key="a-key-of-a-client", base_url=self.url, max_retries=0, **changes
        )


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A console on a port of this machine."""
    theatre = a_theatre(tmp_path, Api(clock=VirtualClock()))
    with Server(theatre.api, token=FACILITATOR, wrap=theatre.console.around) as server:
        yield House(theatre, server.url)


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """A fresh page of a desktop's size."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    yield Visit(context.new_page())
    context.close()


def serious(page: Page) -> list[str]:
    """What axe finds that keeps somebody out."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{one['id']}: {[node['html'][:120] for node in one['nodes'][:3]]}"
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]


def test_a_whole_game_day(house: House, visit: Visit, browser: Browser) -> None:
    """Injected by click, met by a client, noticed by an observer, closed into a report."""
    visit.enter(house.url, FACILITATOR)
    other = browser.new_context(viewport={"width": 1200, "height": 900})
    watching = Visit(other.new_page())
    watching.enter(house.url, OBSERVER, "Grace")
    page = visit.page
    with house.client(default_headers={"user-agent": HOSTILE}) as client:
        batches = client.messages.batches
        made = batches.create(requests=[a_request(f"row-{n}", HOSTILE) for n in range(20)])  # type: ignore[misc]
        visit.hears("with 20 requests was accepted")
        visit.hears(HOSTILE)
        visit.inject("Overloaded", on="list", times="1")
        page.locator(".incident").filter(has_text="1. Overloaded").wait_for()
        with pytest.raises(anthropic.APIStatusError) as refused:
            batches.list()
        watching.hears("has struck once")
        watching.page.get_by_role("button", name="Incident 1: noticed now").click()
        page.locator(".moment", has_text="noticed").filter(has_text="Grace").wait_for()
        page.get_by_role("button", name="To the end of the next batch").click()
        page.locator("#batches", has_text="20 succeeded").wait_for()
        assert 20 == len(list(batches.results(made.id)))
        batches.create(requests=[a_request("row", "x")])  # type: ignore[list-item]
        newest = page.locator("#batches td").first
        newest.filter(has_not_text=made.id).wait_for()
        batches.cancel(newest.inner_text())
    page.locator(".moment", has_text="stopped").filter(has_text="by the books").wait_for()
    watching.page.get_by_label("A note").fill("restored from staging")
    watching.page.get_by_role("button", name="Incident 1: reversed now").click()
    page.locator(".incident[data-state=done]").wait_for()
    page.get_by_role("button", name="Close and write report").click()
    page.locator("#sure-yes").click()
    page.locator("#verdict", has_text="PASS").wait_for()
    watching.page.locator("#verdict", has_text="PASS").wait_for()
    with watching.page.expect_download() as download:
        watching.page.get_by_role("button", name="Download report.json").click()
    report = load(download.value.path().read_text("utf-8"))
    other.close()

    assert 529 == refused.value.status_code
    (drill,) = report.drills
    assert drill.people is not None
    assert ["Grace", "Grace"] == [w.by for w in drill.people.words if not w.from_books]
    assert ("restored from staging", MARKS) == (
        drill.people.words[2].note,
        tuple(word.moment.value for word in drill.people.words),
    )
    assert [] == visit.complaints + watching.complaints
    assert {house.url} == visit.hosts


def test_an_observer_has_no_switches(house: House, visit: Visit) -> None:
    """Neither in the page nor, with its token, behind it; and the token is out of the address."""
    visit.enter(house.url, OBSERVER)
    page = visit.page

    names = ("Inject", "+1 hour", "Reset the service", "Close and write report", "Take out")
    assert not [n for n in names if page.get_by_role("button", name=n, exact=True).is_visible()]
    assert f"{house.url}{CONSOLE}" == page.url
    ask = """async ([token, act]) => (await fetch(`acts/${act}`, {method: "POST",
        headers: {authorization: `Bearer ${token}`, "content-type": "application/json"},
        body: JSON.stringify({by: "Eve", what: {preset: "bad day"}, seconds: 60})})).status"""
    assert [403] * 4 == [
        page.evaluate(ask, [OBSERVER, act]) for act in ("inject", "advance", "reset", "close")
    ]
    assert 401 == page.evaluate(ask, ["guessed", "note"])
    page.reload()
    page.get_by_text("live", exact=True).wait_for()
    assert "observer" == page.locator("#role").inner_text()


def test_without_a_token_there_is_a_gate(house: House, visit: Visit) -> None:
    """It takes the token, or the whole URL that was printed."""
    page = visit.page
    page.goto(f"{house.url}{CONSOLE}")
    assert page.locator("#room").is_hidden()
    page.get_by_label("Token").fill("wrong")
    page.get_by_role("button", name="Open").click()
    page.get_by_text("The console needs a token").wait_for()
    page.get_by_label("Token").fill(f"{house.url}{CONSOLE}#{OBSERVER}")
    page.get_by_role("button", name="Open").click()
    page.get_by_text("live", exact=True).wait_for()

    assert [] == [c for c in visit.complaints if not c.startswith(EXPECTED_COMPLAINT)]


def test_a_wrong_setting_is_told_beside_its_field(house: House, visit: Visit) -> None:
    """And nothing is injected; without a name nothing is done at all."""
    visit.enter(house.url, FACILITATOR, "")
    page = visit.page
    visit.inject("RowsErrored", share="7")
    page.get_by_text("Write your name first").wait_for()
    page.get_by_label("Your name").fill("Ada")
    page.get_by_role("button", name="Inject").click()
    page.locator(".setting", has_text="Use 0 to 1.").wait_for()

    assert "true" == page.locator("#setting-share").get_attribute("aria-invalid")
    assert "setting-share" == page.evaluate("document.activeElement.id")
    assert [] == house.theatre.day.scorecard.incidents


def test_a_drill_and_a_preset_are_one_click(house: House, visit: Visit) -> None:
    """Found by a word of the claim, or chosen from a list."""
    visit.enter(house.url, FACILITATOR)
    page = visit.page
    page.get_by_label("Find a drill").fill("paid twice")
    page.get_by_role("button", name="Inject").click()
    page.locator(".incident", has_text="lost_reply_is_not_paid_twice").wait_for()
    page.get_by_label("A preset").check()
    page.get_by_label("Preset", exact=True).select_option("realistic")
    page.get_by_role("button", name="Inject").click()
    page.locator(".incident", has_text="8 faults that all have not struck yet").wait_for()
    page.get_by_role("button", name="Take out incident 1").click()
    page.locator(".incident", has_text="out since +0:00:00 by Ada").wait_for()

    assert [] == visit.complaints


def test_nothing_is_injected_before_there_is_a_choice(house: House, visit: Visit) -> None:
    """On a slow line: the button waits for the drills, however fast somebody clicks."""
    held: list[Route] = []
    visit.page.route("**/offers", lambda route: held.append(route))  # noqa: PLW0108 - it marks it
    visit.enter(house.url, FACILITATOR)
    button = visit.page.get_by_role("button", name="Inject")
    assert button.is_disabled()

    held[0].continue_()
    button.click()
    visit.page.locator(".incident").wait_for()

    assert [] == visit.complaints


def test_a_lost_connection_is_found_again_without_doubles(house: House, visit: Visit) -> None:
    """What happened meanwhile is there once."""
    visit.enter(house.url, FACILITATOR)
    page = visit.page
    page.get_by_role("button", name="+1 minute").click()
    visit.hears("moved the clock on by 0:01:00")
    page.context.set_offline(True)
    with house.client() as client:
        client.messages.batches.create(requests=[a_request("row", "x")])  # type: ignore[list-item]
    page.context.set_offline(False)
    visit.hears("with 1 requests was accepted")
    page.get_by_text("live", exact=True).wait_for()

    texts = page.locator("#feed .what").all_inner_texts()
    assert len(texts) == len(set(texts))


@pytest.mark.parametrize(("scheme", "width"), [("light", 1400), ("dark", 400)])
def test_nobody_is_kept_out(house: House, visit: Visit, scheme: Any, width: int) -> None:
    """Axe finds nothing serious, light and dark; nothing scrolls sideways on a telephone."""
    visit.page.emulate_media(color_scheme=scheme)
    visit.enter(house.url, FACILITATOR)
    visit.inject("Overloaded", on="list")
    with house.client() as client:
        client.messages.batches.create(requests=[a_request("row", "x")])  # type: ignore[list-item]
        with pytest.raises(anthropic.APIStatusError):
            client.messages.batches.list()
    visit.hears("has struck once")
    visit.page.get_by_role("button", name="Incident 1: noticed now").click()
    visit.page.locator(".moment[data-come=yes]").wait_for()
    visit.page.set_viewport_size({"width": width, "height": 900})

    assert [] == serious(visit.page)
    assert width == visit.page.evaluate("document.documentElement.scrollWidth")
    visit.page.get_by_role("button", name="Close and write report").click()
    assert [] == serious(visit.page)


def test_batches_fit_a_laptop_and_money_is_told_to_its_size(house: House, visit: Visit) -> None:
    """At 1280 by 800 no column of the table is out of sight, whatever became of the rows; and no
    sum that is not nothing reads as nothing."""
    page = visit.page
    page.set_viewport_size({"width": 1280, "height": 800})
    visit.enter(house.url, FACILITATOR)
    assert page.locator("#sums").inner_text().endswith("· $0.00")
    with house.client() as client:
        made = [a_request(f"row-{n}", "x" * 40) for n in range(2_000)]
        client.messages.batches.create(requests=made[:1])  # type: ignore[arg-type]
        page.get_by_role("button", name="To the end of the next batch").click()
        page.locator("#batches", has_text="1 succeeded").wait_for()
        cheap = page.locator("#sums").inner_text()
        visit.inject("RowsErrored", share="0.3")
        visit.inject("RowsExpired", share="0.3")
        client.messages.batches.create(requests=made)  # type: ignore[arg-type]
        page.get_by_role("button", name="To the end of the next batch").click()
        page.locator("#batches", has_text="errored").wait_for()
        client.messages.batches.create(requests=made)  # type: ignore[arg-type]
        page.locator("#batches", has_text="24:00:00 left").wait_for()
        dear = page.locator("#sums").inner_text()
    box = page.locator(".batches .scroll")

    assert box.evaluate("it => it.scrollWidth <= it.clientWidth")
    assert cheap.endswith("· <$0.0001")
    assert "$0.0000" not in dear
