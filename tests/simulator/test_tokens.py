"""The token estimate."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.tokens import PER_IMAGE, content_tokens, cut_to, json_tokens, text_tokens


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", 0), ("a", 1), ("abcd", 1), ("abcde", 2), ("é" * 4, 2), ("\ud800", 1)],
)
def test_four_bytes_are_a_token(text: str, expected: int) -> None:
    """Of UTF-8, rounded up; stray surrogates do no harm."""
    assert expected == text_tokens(text)


def test_blocks_count_by_kind() -> None:
    """Text as text, an image as an image, anything else as its JSON."""
    blocks: list[dict[str, Any]] = [
        {"type": "text", "text": "abcd"},
        {"type": "image"},
        {"type": "document", "x": 1},
    ]

    assert 1 + PER_IMAGE + json_tokens(blocks[2]) == content_tokens(blocks)
    assert content_tokens("abcd") == 1


def test_a_text_is_cut_at_max_tokens() -> None:
    """Never inside a letter; an empty answer is one token."""
    assert cut_to("abcd", 1) == ("abcd", 1, False)
    assert cut_to("abcdefgh", 1) == ("abcd", 1, True)
    assert cut_to("ab\u20acdef", 1) == ("ab", 1, True)
    assert cut_to("", 5) == ("", 1, False)
