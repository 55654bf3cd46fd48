"""Values under another spelling."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controls.encodings import SHORTEST_VALUE, fold, form_of, views
from tests.controls.builders import ENCODERS

ANY_TEXT = st.text(st.characters(), max_size=60)
LETTERS = st.characters(codec="latin-1", categories=["L", "N", "P", "S", "Zs"])
VALUES = st.text(LETTERS, min_size=SHORTEST_VALUE, max_size=30).filter(
    lambda value: len(fold(value)) >= SHORTEST_VALUE
)


@pytest.mark.parametrize("name", ENCODERS)
@settings(max_examples=60)
@given(value=VALUES, before=ANY_TEXT)
def test_every_encoding_is_recognised(name: str, value: str, before: str) -> None:
    """Inside a longer text, whatever stands before it."""
    assert form_of(value, f"{before} | {ENCODERS[name](value)} | and so on")


@given(st.text(st.sampled_from("abcdefgh"), min_size=8), ANY_TEXT)
def test_what_is_not_there_is_not_found(text: str, more: str) -> None:
    """No letter of the value stands in the text, under any spelling."""
    assert "" == form_of("ZQ-\u00df-\u4e2d\u6587-XW", text)
    assert form_of("abc"[:2] + more[:1], text + more) in {"", "plain text", "another spelling"}


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("plain text", "to ada@example.org now"),
        ("another spelling", "to ADA@Example.ORG now"),
        ("percent-encoding", "to ada%40example.org now"),
        ("HTML entities", "to ada&#64;example.org now"),
        ("JSON", "to ada\\u0040example.org now"),
        ("base64", "to YWRhQGV4YW1wbGUub3Jn now"),
        ("hexadecimal", "to 616461406578616d706c652e6f7267 now"),
        ("base64 in percent-encoding", "to YWRhQGV4YW1%77bGUub3Jn now"),
        ("percent-encoding HTML entities", "to ada&#37;40example.org now"),
    ],
)
def test_the_form_is_named(form: str, text: str) -> None:
    """So that the owner finds the place where it was made."""
    assert form == form_of("ada@example.org", text)


@pytest.mark.parametrize("value", ["", "1", "abc"])
def test_short_values_are_not_searched_for(value: str) -> None:
    """They occur everywhere by chance."""
    assert "" == form_of(value, "1 abc")


@given(ANY_TEXT, ANY_TEXT)
def test_searching_never_raises(value: str, text: str) -> None:
    """Surrogates, broken escapes, half an entity; and the layers come to an end."""
    form_of(value, text)
    assert text == next(views(text))[1]
