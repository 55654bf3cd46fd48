"""Hidden characters become visible, long texts become short."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.untrusted import is_hidden, shown, shown_end, shown_lines, visible

any_text = st.text(st.characters(exclude_categories=()))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain, äöü, 漢字, 🎉", "plain, äöü, 漢字, 🎉"),
        ("\x1b[31m", r"\x1b[31m"),
        ("\x9b", r"\x9b"),
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("\u202e", r"\u202e"),
        ("\u200b\ufeff", r"\u200b\ufeff"),
        ("\u3164", r"\u3164"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
        ("1\u00a0000", "1\u00a0000"),
    ],
)
def test_hidden_characters_are_written_as_escapes(text: str, expected: str) -> None:
    """What a reader would not see, or a terminal would obey, is spelled out."""
    assert expected == visible(text)


@given(any_text)
def test_nothing_hidden_is_left(text: str) -> None:
    """For any text at all, and twice is the same as once."""
    assert not any(map(is_hidden, visible(text)))
    assert visible(text) == visible(visible(text))


@given(any_text)
def test_lines_stay_lines(text: str) -> None:
    """`shown_lines` keeps line feeds and nothing else."""
    assert text.count("\n") == shown_lines(text, limit=10_000).count("\n")
    assert not any(map(is_hidden, shown_lines(text).replace("\n", "")))


def test_a_long_text_is_cut_with_its_length() -> None:
    """The start is shown, the real length is told."""
    assert shown("a" * 1_000, limit=5) == "aaaaa … [1,000 characters in all]"


def test_a_text_of_the_limit_is_not_cut() -> None:
    """The note appears only where something is missing."""
    assert shown("a" * 5, limit=5) == "aaaaa"


def test_of_a_traceback_the_end_is_kept() -> None:
    """The last lines say what went wrong."""
    assert shown_end("x" * 100 + "\nKeyError: 3", limit=12).endswith("\nKeyError: 3")
    assert shown_end("KeyError: 3") == "KeyError: 3"
