"""How many tokens a text has: a simple estimate, the same for counting, usage and billing.

One token for every four bytes of UTF-8, rounded up, and a few for the frame of the call and
of each message. The real tokenizer differs from model to model; nothing here imitates it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

BYTES_PER_TOKEN: Final = 4
PER_CALL: Final = 3
PER_MESSAGE: Final = 4
PER_IMAGE: Final = 1_600
"""An image of the largest useful size; contract 12.1 calls the count an estimate."""

THOUGHTS: Final = ("thinking", "redacted_thinking")
"""Contract 12.1: those of earlier turns are not counted."""


def text_tokens(text: str) -> int:
    """The tokens of one text."""
    size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
    return -(-size // BYTES_PER_TOKEN)


def content_tokens(content: str | Iterable[Mapping[str, Any]]) -> int:
    """The tokens of a message's content: a text, or blocks."""
    if isinstance(content, str):
        return text_tokens(content)
    return sum(map(_block_tokens, content))


def json_tokens(value: object) -> int:
    """The tokens of something that the model reads as JSON, such as a tool."""
    return -(-len(msgspec.json.encode(value)) // BYTES_PER_TOKEN)


def cut_to(text: str, max_tokens: int) -> tuple[str, int, bool]:
    """The text, its tokens (one at least), and whether it was cut at `max_tokens`."""
    tokens = max(text_tokens(text), 1)
    if tokens <= max_tokens:
        return text, tokens, False
    head = text.encode("utf-8", "surrogatepass")[: max_tokens * BYTES_PER_TOKEN]
    return head.decode("utf-8", "ignore"), max_tokens, True


def _block_tokens(block: Mapping[str, Any]) -> int:
    text = block.get("text")
    if isinstance(text, str):
        return text_tokens(text)
    if block.get("type") in THOUGHTS:
        return 0
    if block.get("type") == "image":
        return PER_IMAGE
    return json_tokens(block)
