"""Hostile text in every place of a report does nothing in any format.

One battery (`HOSTILE`), every format of the enum, each judged by a reader of that format: what it
finds in a report full of hostile text has the same bones as what it finds in a harmless one.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from typing import Any, assert_never
from xml.etree import ElementTree as ET

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from reports import Format, GameDayReport, Style, render, render_text
from reports.csv_report import HEAD, STARTS
from reports.kills import Fate
from tests.builders_reports import COVERAGE, HOSTILE, a_full_report, a_matrix, with_every_text

OURS = re.compile(r"\x1b\[[0-9;]*m(PASS|INCONCLUSIVE|FAIL|ERROR) *\x1b\[0m")
COMMAND = re.compile(r"^\s*::|##\[", re.MULTILINE)
KEPT = 20_000
"""`report.json` cuts nothing; how it bears a megabyte is tested where it is read back."""
INERT_TAGS = {"span", "bdi", "p", "code"}
"""What shows a text that has paragraphs or hidden characters, in HTML."""


@cache
def a_rich_report() -> GameDayReport:
    """One of everything that a report can hold."""
    return a_full_report(coverage=COVERAGE, kills=a_matrix(*Fate))


@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_inert_in_every_format(form: Format, name: str) -> None:
    """Whatever every field says: it is UTF-8, nothing in it is hidden, and nothing obeys it."""
    text = HOSTILE[name][:KEPT] if form is Format.JSON else HOSTILE[name]
    output = render(with_every_text(a_rich_report(), text), form)

    assert output.encode("utf-8")
    assert output.replace("\n", "").isprintable()
    judge(form, output)


def judge(form: Format, output: str) -> None:
    """What a reader of this format makes of it."""
    match form:
        case Format.TEXT:
            assert not COMMAND.search(output)
        case Format.MARKDOWN:
            assert not COMMAND.search(output)
            assert set(bones_of_markdown(output)) <= set(harmless_bones())
        case Format.CSV:
            lines = list(csv.reader(io.StringIO(output)))
            assert {len(HEAD)} == {len(line) for line in lines}
            assert not [cell for line in lines for cell in line if cell.lstrip().startswith(STARTS)]
        case Format.JUNIT:
            assert tags_of_junit(output) == tags_of_junit(render(a_rich_report(), form))
        case Format.JSON | Format.CTRF:
            assert keys_of(json.loads(output)) <= keys_of(json.loads(render(a_rich_report(), form)))
        case Format.HTML:
            harmless = Tags(render(a_rich_report(), form)).found
            assert Tags(output).found <= harmless | INERT_TAGS
        case _:
            assert_never(form)


@pytest.mark.parametrize("name", HOSTILE)
def test_no_escape_reaches_a_terminal(name: str) -> None:
    """In colour, too: every escape sequence is one of ours, around the word of a verdict."""
    hostile = with_every_text(a_rich_report(), HOSTILE[name])
    output = OURS.sub("", render_text(hostile, Style.COLOUR))

    assert output.replace("\n", "").isprintable()


@cache
def harmless_bones() -> tuple[str, ...]:
    return tuple(bones_of_markdown(render(a_rich_report(), Format.MARKDOWN)))


def bones_of_markdown(text: str) -> Iterator[str]:
    """The kinds of elements that a renderer of GitHub's Markdown makes of a text."""
    reader = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    yield from kinds(reader.parse(text))


def kinds(tokens: list[Token]) -> Iterator[str]:
    for token in tokens:
        yield f"{token.type} {token.tag}"
        yield from kinds(token.children or [])


def tags_of_junit(text: str) -> set[str]:
    """Well-formed, or this raises."""
    return {element.tag for element in ET.fromstring(text).iter()}


def keys_of(value: Any) -> set[str]:
    """All names of all objects."""
    if isinstance(value, dict):
        return set(value).union(*map(keys_of, value.values()))
    return set().union(*map(keys_of, value)) if isinstance(value, list) else set()


class Tags(HTMLParser):
    """The names of all elements of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
