"""The page over many reports: offline, inert, and readable without its charts."""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from reports import ArmName
from reports.history import HEAD, NOBODY, Past, Unread, detection, render_history
from tests.builders_reports import (
    HOSTILE,
    a_drill,
    a_failed_drill,
    a_full_report,
    a_report,
    an_arm,
    three_arms,
    with_every_text,
)


class Page(HTMLParser):
    """Elements, cells and pictures of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.pictures: list[tuple[str, str]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "img":
            found = dict(attrs)
            self.pictures.append((found["alt"] or "", found["src"] or ""))

    def handle_data(self, data: str) -> None:
        self.text += data


TWO = (Past("1", a_report(a_drill())), Past("2", a_report(a_failed_drill())))


def test_each_report_has_a_line_and_the_latest_stands_first() -> None:
    """Verdict, counts, and how many things got worse since the one before."""
    page = Page(render_history(TWO, (Unread("3", "This is not JSON."),)))

    assert len(HEAD) == page.tags.count("th") - 2
    assert re.search(r"2FAIL.*1PASS", page.text, re.DOTALL)
    assert "This is not JSON." in page.text


def test_what_nobody_noticed_is_said_in_words() -> None:
    """A chart without a point says nothing."""
    response = replace(an_arm(ArmName.GUARDED).response, detected=None)
    deaf = a_drill(arms=three_arms(guarded=an_arm(ArmName.GUARDED, response=response)))
    page = Page(render_history([Past("1", a_report(deaf)), Past("2", a_report(deaf))]))

    assert 1 == len(page.pictures)
    assert NOBODY in page.text
    assert NOBODY not in Page(render_history(TWO)).text


def test_the_charts_are_pictures_that_load_and_run_nothing() -> None:
    """Each with words for who does not see it; a single report has no trend."""
    page = Page(render_history(TWO))

    assert len(page.pictures) == 2
    for says, source in page.pictures:
        drawing = b64decode(source.removeprefix("data:image/svg+xml;base64,"))
        assert {"script", "image", "a"}.isdisjoint(
            element.tag.rpartition("}")[2] for element in ET.fromstring(drawing).iter()
        )
        assert b"@import" not in drawing
        assert "The table below has the numbers." in says
    assert not Page(render_history(TWO[:1])).pictures


def test_the_same_reports_give_the_same_page() -> None:
    """No identifier of a chart is thrown by dice."""
    assert render_history(TWO) == render_history(TWO)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_inert(name: str) -> None:
    """Names of folders and texts of reports come from anywhere."""
    text = HOSTILE[name]
    hostile = Past(text, with_every_text(a_full_report(), text))
    output = render_history((*TWO, hostile), (Unread(text, text),))
    page = Page(output)

    assert output.replace("\n", "").isprintable()
    assert set(page.tags) <= set(Page(render_history(TWO, (Unread("", ""),))).tags) | {
        "bdi",
        "span",
    }
    assert len(page.pictures) == 2


def test_the_median_counts_what_was_noticed() -> None:
    """Nothing struck, nothing noticed."""
    assert timedelta(hours=23) == detection(a_report())
    assert detection(a_report(a_drill(arms=()))) is None
