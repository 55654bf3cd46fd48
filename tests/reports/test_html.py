"""The page, as a parser reads it. What a browser makes of it is in `test_browser.py`."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser

import pytest

from reports import ArmName, Fact, Format, GameDayReport, Verdict, render
from reports.html import marked, prose
from tests.builders_reports import (
    HOSTILE,
    a_drill,
    a_full_report,
    a_report,
    a_whole_report,
    an_arm,
    an_inconclusive_drill,
    three_arms,
    with_every_text,
)

VOID = {"meta", "link", "br", "hr", "img", "input", "rect", "line"}


class Page(HTMLParser):
    """Collects elements, text and nesting errors."""

    def __init__(self, report: GameDayReport) -> None:
        super().__init__()
        self.shapes: set[tuple[str, ...]] = set()
        self.attributes: list[tuple[str, str, str]] = []
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.sources: dict[str, str] = {}
        self.mistakes: list[str] = []
        self._open: list[str] = []
        self.feed(render(report, Format.HTML))
        self.close()

    @property
    def text(self) -> str:
        """All that a reader can read, on one line."""
        return re.sub(r"\s+", " ", "".join(self.texts))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.shapes.add((tag, *(name for name, _ in attrs)))
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self._open or self._open.pop() != tag:
            self.mistakes.append(tag)

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] in {"style", "script"}:
            self.sources[self._open[-1]] = data
        else:
            self.texts.append(data)


KNOWN = Page(a_whole_report()).shapes
"""The elements of a harmless page, each with its attributes."""


def test_every_element_is_closed_where_it_was_opened() -> None:
    """The page is well nested, whatever it shows."""
    page = Page(a_whole_report())

    assert page.mistakes == []


def test_every_anchor_that_is_linked_exists_once() -> None:
    """The scorecard leads to the drills."""
    attributes = Page(a_whole_report()).attributes
    ids = [value for _, name, value in attributes if name == "id"]

    assert len(ids) == len(set(ids))
    assert {value[1:] for _, name, value in attributes if name == "href"} <= set(ids)


def test_nothing_is_loaded_from_anywhere() -> None:
    """No source, no style sheet, no link but to the page itself."""
    page = Page(a_whole_report())

    assert not {"link", "img", "iframe", "object", "base", "form"} & set(page.tags)
    assert not [name for _, name, _ in page.attributes if name in {"src", "style", "action"}]
    assert not re.search(r"url\(|@import|https?://", "".join(page.sources.values()))


def test_the_policy_allows_this_style_and_this_script_only() -> None:
    """By digest, so that no other script could run even if one got in."""
    page = Page(a_full_report())
    policy = next(v for _, name, v in page.attributes if name == "content" and "default-src" in v)

    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        digest = b64encode(sha256(page.sources[tag].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_adds_no_element_and_no_attribute(text: str) -> None:
    """The page is made of the same shapes as that of a harmless report."""
    known = KNOWN | {("span", "class"), ("bdi",), ("p",), ("code",)}
    page = Page(with_every_text(a_whole_report(), text))

    assert page.shapes <= known
    assert page.mistakes == []
    assert (page.tags.count("script"), page.tags.count("style")) == (1, 1)
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]


@pytest.mark.parametrize("name", ["script", "attribute", "entities", "template", "cdata"])
def test_hostile_text_is_shown_as_it_is(name: str) -> None:
    """A reader sees what the model wrote, letter for letter."""
    page = Page(a_report(appendix=(Fact("model says", HOSTILE[name]),)))

    assert HOSTILE[name] in "".join(page.texts)


def test_hidden_characters_stand_out() -> None:
    """An escape that we wrote cannot be taken for one that the row contained."""
    found = marked("a\u202eb\\u202e")

    assert found == r'<bdi>a<span class="hidden-character">\u202e</span>b\u202e</bdi>'


def test_only_what_may_run_from_right_to_left_needs_a_frame() -> None:
    """Text beyond ASCII cannot turn its neighbours round; ASCII does not try."""
    assert marked("a <b>") == "a &lt;b&gt;"
    assert marked("\u05d0 1") == "<bdi>\u05d0 1</bdi>"


def test_prose_has_paragraphs_and_code() -> None:
    """As in the docstring of the drill; markup in it stays text."""
    paragraphs = prose("One\n  `<b>` two.\n\nThree.").split("\n")

    assert paragraphs == [
        "<p>One <code>&lt;b&gt;</code> two.</p>",
        "<p>Three.</p>",
    ]


def test_the_page_tells_everything_there_is() -> None:
    """Each piece of evidence of a drill is somewhere on the page."""
    text = Page(a_full_report()).text
    expected = [
        "1 of 4 drills proved its control",
        "broke without the controls, held with them",
        "Rows that run out of time are sent again",
        "Requeue(max_rounds=1)",
        "12 of 3000 rows were billed twice",
        "ticket-9",
        "msgbatch_0001 after 1500 requests",
        "1500 rows expired",
        "noticed at +24:00:00",
        "+0:00:00",
        "gameday halt tickets",
        "the drill saw: the switch was on",
        "not executed in this drill",
        "gameday run expired_rows_are_resent --seed 7",
        "KeyError: <x>",
        "did not run",
        "these rows have no label",
        "2.11.0",
    ]

    assert [words for words in expected if words not in text] == []


def test_an_inconclusive_drill_does_not_look_passed() -> None:
    """Its badge and words are its own."""
    page = Page(a_report(an_inconclusive_drill()))

    badges = [v for tag, name, v in page.attributes if (tag, name) == ("article", "data-verdict")]
    assert badges == ["INCONCLUSIVE"]
    assert "held should have broken" in page.text
    assert "never" in page.text


def test_what_does_not_fit_is_announced() -> None:
    """A timeline of a thousand lines says how many it leaves out."""
    calm = an_arm()
    guarded = an_arm(ArmName.GUARDED, timeline=calm.timeline * 1_000)

    page = Page(a_report(a_drill(arms=three_arms(guarded=guarded))))

    assert "988 lines left out here; report.json has them" in page.text


def test_a_price_is_not_sold_as_a_saving() -> None:
    """Where the controls cost more than they saved, the label says so."""
    report = a_report()
    guarded = report.drills[0].arms[2]
    dear = replace(guarded, blast=replace(guarded.blast, billed_usd=guarded.blast.approved_usd))

    assert "Dollars saved" in Page(report).text
    assert (
        "Dollars that the controls cost"
        in Page(a_report(a_drill(arms=three_arms(guarded=dear)))).text
    )


def test_an_empty_game_day_is_a_page_too() -> None:
    """Without tools for filtering nothing."""
    page = Page(replace(a_report(), drills=()))

    assert "An empty game day proves nothing." in page.text
    assert "input" not in page.tags


def test_every_verdict_is_a_word_and_a_symbol() -> None:
    """Nobody needs colour to read the page."""
    text = Page(a_full_report()).text

    assert [v.name for v in Verdict if not re.search(rf"[✓?✗!] {v.name}", text)] == []
