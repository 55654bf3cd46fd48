"""The page in a real browser: Debian's Chromium, without a network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

from reports import Format, render
from tests.builders_reports import (
    HOSTILE,
    a_drill,
    a_failed_drill,
    a_full_report,
    a_report,
    a_whole_report,
    with_every_text,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ATTACKS = [HOSTILE[name] for name in ("script", "attribute", "svg", "end of style")]

pytestmark = pytest.mark.browser


class Visit:
    """A page opened from a file, and everything it complained about or asked for."""

    def __init__(self, page: Page, path: Path, html: str) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        page.on("request", lambda request: self.requests.append(request.url))
        path.write_text(html, encoding="utf-8")
        page.goto(path.as_uri())

    def visible_drills(self) -> list[str | None]:
        """The anchors of the drills that are shown."""
        return [
            article.get_attribute("id")
            for article in self.page.locator("article").all()
            if article.is_visible()
        ]


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh page of a desktop's size."""
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    yield page
    page.close()


@pytest.fixture
def visit(page: Page, tmp_path: Path) -> Visit:
    """A game day with everything that there can be."""
    return Visit(page, tmp_path / "report.html", render(a_whole_report(), Format.HTML))


def test_the_page_needs_nothing_and_complains_about_nothing(visit: Visit) -> None:
    """One request, that of the file itself, and a silent console."""
    assert [visit.page.url] == visit.requests
    assert visit.complaints == []


@pytest.mark.parametrize("text", ATTACKS)
def test_hostile_text_stays_text(page: Page, tmp_path: Path, text: str) -> None:
    """No script of the data runs, and the reader sees it letter for letter."""
    html = render(with_every_text(a_full_report(), text), Format.HTML)

    visit = Visit(page, tmp_path / "hostile.html", html)

    assert visit.complaints == []
    assert [page.url] == visit.requests
    assert text == page.locator("article .claim").first.text_content()
    assert page.locator("script").count() == 1


def test_the_policy_stops_a_script_that_got_in(page: Page, tmp_path: Path) -> None:
    """A second lock behind the escaping: a planted script does not run."""
    html = render(a_report(), Format.HTML)
    planted = html.replace("</main>", "<script>document.title='owned'</script></main>")

    visit = Visit(page, tmp_path / "planted.html", planted)

    assert page.title() != "owned"
    assert any("Content Security Policy" in complaint for complaint in visit.complaints)


def test_a_verdict_filters_the_drills(visit: Visit) -> None:
    """Once shows only these, twice shows all again; by key, and the list beside it agrees."""
    button = visit.page.locator("[data-filter=FAIL]")

    button.press("Enter")
    assert visit.visible_drills() == ["drill-lost_create_is_not_repeated"]
    assert visit.page.locator("#showing").text_content() == "Showing 1 of 6 drills"
    assert button.get_attribute("aria-pressed") == "true"
    assert visit.page.get_by_label("Verdict").input_value() == "FAIL"

    button.press("Space")
    assert len(visit.visible_drills()) == 6


def test_a_failure_mode_filters_the_drills(visit: Visit) -> None:
    """In the table and below."""
    visit.page.get_by_label("Failure mode").select_option(label="odd results files")

    expected = ["drill-late_rows_are_read-one", "drill-late_rows_are_read-two"]
    assert expected == visit.visible_drills()


def test_words_find_a_drill(visit: Visit) -> None:
    """By a part of its name, claim or reason, in the table and below."""
    visit.page.get_by_role("searchbox").fill("STALL_OUT")

    assert visit.visible_drills() == ["drill-stall_out_of_reach"]
    assert visit.page.locator(".matrix tbody tr:visible").count() == 1


def test_variants_are_folded_into_their_family(visit: Visit) -> None:
    """One line for a family that passed; a key opens it, and all of them are below."""
    variants = visit.page.locator("tr.variant:visible")
    family = visit.page.get_by_role("button", name="late_rows_are_read")
    assert (0, "false") == (variants.count(), family.get_attribute("aria-expanded"))

    family.press("Enter")

    assert (2, "true") == (variants.count(), family.get_attribute("aria-expanded"))


def test_the_table_is_sorted_by_key(visit: Visit) -> None:
    """The worst first, then the other way round; the column says which."""
    names = visit.page.locator(".matrix tbody tr:visible th")
    button = visit.page.get_by_role("button", name="Drill", exact=True)
    head = visit.page.locator("th", has=button)

    button.press("Enter")
    upwards = names.all_text_contents()
    assert ("ascending", sorted(upwards)) == (head.get_attribute("aria-sort"), upwards)

    button.press("Enter")
    assert ("descending", upwards[::-1]) == (
        head.get_attribute("aria-sort"),
        names.all_text_contents(),
    )

    visit.page.get_by_role("button", name="Verdict", exact=True).press("Enter")
    badges = visit.page.locator(".matrix tbody tr:visible .badge").all_text_contents()
    assert [badge.split()[-1] for badge in badges[:3]] == ["FAIL", "ERROR", "INCONCLUSIVE"]
    assert head.get_attribute("aria-sort") == "none"


def test_everything_can_be_opened_and_closed(visit: Visit) -> None:
    """With one key press each: the buttons take the keyboard."""
    everything = visit.page.locator("details").count()

    visit.page.get_by_role("button", name="Open everything").press("Enter")
    assert everything == visit.page.locator("details[open]").count()

    visit.page.get_by_role("button", name="Close everything").press("Enter")
    assert visit.page.locator("details[open]").count() == 0


def test_what_did_not_pass_is_open_from_the_start(visit: Visit) -> None:
    """The evidence that a reader comes for needs no click."""
    assert visit.page.locator("article[data-verdict=PASS] details[open]").count() == 0
    assert visit.page.locator("article[data-verdict=FAIL] > details[open]").count()


def test_a_link_opens_the_drill_it_leads_to(visit: Visit) -> None:
    """The table leads to evidence, not to a closed lid."""
    visit.page.get_by_role("link", name="expired_rows_are_resent").first.press("Enter")

    drill = visit.page.locator("#drill-expired_rows_are_resent")
    drill.locator("> details[open]").wait_for()
    assert drill.locator(".course").is_visible()


def test_the_first_screen_says_what_broke_which_rows_and_what_next(visit: Visit) -> None:
    """A newcomer at 1280 by 800 need not scroll."""
    visit.page.set_viewport_size({"width": 1280, "height": 800})
    first = visit.page.locator(".trouble tbody tr").first
    box = first.bounding_box()

    assert box
    assert box["y"] + box["height"] < 800
    text = first.inner_text()
    for words in ("12 of 3000 rows were billed twice", "ticket-4", "and 10 more", "Make this true"):
        assert words in text
    first.locator("summary").press("Enter")
    assert "gameday run" in first.inner_text()


def test_paper_shows_what_did_not_pass_in_full_and_the_claim_of_what_did(visit: Visit) -> None:
    """Evidence is unfolded for print; two hundred drills that passed are not."""
    visit.page.get_by_role("button", name="Close everything").press("Enter")
    visit.page.emulate_media(media="print")

    failed = visit.page.locator("#drill-lost_create_is_not_repeated")
    passed = visit.page.locator("#drill-expired_rows_are_resent")
    assert failed.locator(".findings").is_visible()
    assert passed.locator(".claim").is_visible()
    assert not passed.locator(".findings").is_visible()
    assert not visit.page.locator(".tools").is_visible()
    assert visit.page.locator("tr.variant:visible").count() == 2
    assert visit.page.pdf().startswith(b"%PDF")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_axe_finds_nothing_serious(visit: Visit, scheme: str, width: int) -> None:
    """Names, roles, contrast and order of everything, open and closed."""
    visit.page.emulate_media(color_scheme=cast("Literal['light', 'dark']", scheme))
    visit.page.set_viewport_size({"width": width, "height": 800})
    visit.page.get_by_role("button", name="Open everything").press("Enter")

    found = Axe().run(visit.page).response["violations"]

    serious = [each for each in found if each["impact"] in {"serious", "critical"}]
    assert [(each["id"], each["nodes"][0]["html"]) for each in serious] == []


@pytest.mark.parametrize("name", ["megabyte", "bidi override", "many escapes", "terminal colour"])
def test_a_page_of_hostile_text_stays_readable(page: Page, tmp_path: Path, name: str) -> None:
    """However long or twisted every text is, the page keeps its width and its order."""
    html = render(with_every_text(a_whole_report(), HOSTILE[name]), Format.HTML)

    visit = Visit(page, tmp_path / "hostile.html", html)

    assert visit.complaints == []
    assert 1_200 == page.evaluate("document.documentElement.scrollWidth")
    assert page.get_by_role("heading", name="Scorecard").is_visible()


def test_dark_mode_is_dark_and_paper_is_light(visit: Visit) -> None:
    """The page follows the reader's setting; print does not."""

    def paper() -> object:
        return visit.page.evaluate("getComputedStyle(document.documentElement).backgroundColor")

    visit.page.emulate_media(color_scheme="light")
    assert paper() == "rgb(252, 251, 249)"
    visit.page.emulate_media(color_scheme="dark")
    assert paper() == "rgb(20, 23, 26)"
    visit.page.emulate_media(color_scheme="dark", media="print")
    assert paper() == "rgb(255, 255, 255)"


@pytest.mark.parametrize("width", [320, 390, 768, 1200])
def test_the_page_never_scrolls_sideways(page: Page, tmp_path: Path, width: int) -> None:
    """Wide tables scroll in their own frame, and long words break."""
    page.set_viewport_size({"width": width, "height": 800})
    long = a_failed_drill(name="n" * 150, claim="c" * 150, because="b" * 150, failure_mode="f" * 99)

    Visit(page, tmp_path / "wide.html", render(a_report(a_drill(), long), Format.HTML))

    assert width == page.evaluate("document.documentElement.scrollWidth")


@pytest.mark.parametrize("width", [320, 390])
def test_the_scorecard_fits_a_telephone(page: Page, tmp_path: Path, width: int) -> None:
    """Every arm of every drill is seen without scrolling in a frame, with its name."""
    page.set_viewport_size({"width": width, "height": 800})
    long = a_failed_drill(name="injected_instructions_stay_data_for_a_whole_day")

    Visit(page, tmp_path / "card.html", render(a_report(a_drill(), long), Format.HTML))

    cells = page.locator(".matrix tbody th, .matrix tbody td, .tally .tone")
    boxes = [box for cell in cells.all() if (box := cell.bounding_box())]
    assert 6 * 2 + 4 == len(boxes)
    assert width >= max(box["x"] + box["width"] for box in boxes)
    frame = "document.querySelector('[aria-label=\"Drills by arm\"]')"
    assert 0 == page.evaluate(f"{frame}.scrollWidth - {frame}.clientWidth")
    label = "getComputedStyle(document.querySelector('[data-arm=bare]'), '::before').content"
    assert "bare" in str(page.evaluate(label))


def test_without_javascript_the_page_is_complete(browser: Browser, tmp_path: Path) -> None:
    """No dead tools, every drill there, and folding works by itself."""
    page = browser.new_page(java_script_enabled=False)
    visit = Visit(page, tmp_path / "plain.html", render(a_full_report(), Format.HTML))

    assert len(visit.visible_drills()) == 4
    assert not page.locator(".tools").is_visible()
    drill = page.locator("article[data-verdict=PASS]")
    drill.locator("summary").first.click()
    assert drill.locator(".course").is_visible()
    page.close()
